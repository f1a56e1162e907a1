// How each query's rows look to a person, by its name.
import type { Query } from '../../queries/query.ts';
import { ALERTS } from './alerts.ts';
import { ANSWERS } from './answers.ts';
import { asTable, type Renderer, text } from './cells.ts';
import { CHARTS } from './charts.ts';
import { DIFFERENCES } from './differences.ts';
import { EXPLANATIONS } from './explain.ts';
import { COMPARISONS } from './gate.ts';
import { JOBS } from './jobs.ts';
import { LISTS } from './lists.ts';
import { UPKEEP } from './maintenance.ts';
import { SPAN } from './span.ts';

/** `diagnose` has a verb of its own. */
export const RENDERERS: Record<string, Renderer> = {
  ...LISTS,
  ...CHARTS,
  ...SPAN,
  ...JOBS,
  ...ANSWERS,
  ...UPKEEP,
  ...EXPLANATIONS,
  ...DIFFERENCES,
  ...COMPARISONS,
  ...ALERTS,
};

/** A table of all columns, for a query that has no table of its own. */
export function plainRenderer(query: Query): Renderer {
  const columns = Object.keys(query.row.shape).map((name) => text(name, name.replaceAll('_', ' ')));
  return { lines: asTable(columns, 'Nothing was found.') };
}
