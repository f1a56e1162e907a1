// How each operation's rows look to a person, by its name.
import type { Operation } from '../../operations/operation.ts';
import { asTable, type Renderer, text } from './cells.ts';
import { CHARTS } from './charts.ts';
import { EXPLANATIONS } from './explain.ts';
import { JOBS } from './jobs.ts';
import { LISTS } from './lists.ts';
import { SPAN } from './span.ts';
import { UPKEEP } from './upkeep.ts';

/** `diagnose` has a verb of its own. */
export const RENDERERS: Record<string, Renderer> = {
  ...LISTS,
  ...CHARTS,
  ...SPAN,
  ...JOBS,
  ...UPKEEP,
  ...EXPLANATIONS,
};

/** A table of all columns, for an operation nothing better was made for. */
export function plainRenderer(operation: Operation): Renderer {
  const columns = Object.keys(operation.row.shape).map((name) => text(name, name.replaceAll('_', ' ')));
  return { lines: asTable(columns, 'Nothing was found.') };
}
