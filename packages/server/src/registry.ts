// Every query, named once, in the order help and documentation list them; its types derive from the same list.
import type { z } from 'zod';
import { doctor, runDoctor, submitJob } from './queries/actions.ts';
import {
  alertRules,
  alerts,
  alertTargets,
  makeAlert,
  provideQueries,
  removeAlert,
  silenceAlert,
  testAlert,
} from './queries/alerts.ts';
import { answers, executionAnswers, jobValidity } from './queries/answers.ts';
import { attributeKeys, attributeValues } from './queries/attributes.ts';
import { differences, heatmap, series } from './queries/charts.ts';
import { compareJobs, jobComparison } from './queries/compare-jobs.ts';
import { jobCosts, outageCost } from './queries/costs.ts';
import { diagnose, rootCause, similar } from './queries/diagnosis.ts';
import { addScore, jobDifferences, jobScores } from './queries/differences.ts';
import {
  compareWithSuccessful,
  compareWithUsual,
  diagnosisTypes,
  timeoutRootCause,
  unusualSpans,
} from './queries/explain.ts';
import { extent } from './queries/extent.ts';
import { gate } from './queries/gate.ts';
import { jobCells } from './queries/job-cells.ts';
import { blastRadius, findings, jobMatrix, jobs } from './queries/jobs.ts';
import { judge } from './queries/judge.ts';
import { ingest, preflightReport, storage } from './queries/maintenance.ts';
import { outline } from './queries/outline.ts';
import type { Query } from './queries/query.ts';
import type { Answer } from './queries/run.ts';
import { receipts, rerun } from './queries/runner.ts';
import { schema } from './queries/schema.ts';
import { dependencies, operations, services } from './queries/services.ts';
import { span } from './queries/span.ts';
import { coverage, health, tracers } from './queries/state.ts';
import { compare, criticalPath, trace, waterfall } from './queries/trace.ts';
import { search, spans } from './search/queries.ts';
import { sql } from './sql-console/query.ts';

const ALL = [
  search,
  spans,
  trace,
  span,
  waterfall,
  outline,
  diagnose,
  unusualSpans,
  rootCause,
  timeoutRootCause,
  compareWithSuccessful,
  compareWithUsual,
  similar,
  blastRadius,
  findings,
  compare,
  criticalPath,
  jobs,
  jobMatrix,
  jobCells,
  jobDifferences,
  compareJobs,
  jobComparison,
  gate,
  jobCosts,
  outageCost,
  jobScores,
  alerts,
  alertRules,
  alertTargets,
  makeAlert,
  silenceAlert,
  removeAlert,
  testAlert,
  addScore,
  answers,
  jobValidity,
  executionAnswers,
  receipts,
  submitJob,
  rerun,
  judge,
  services,
  operations,
  dependencies,
  extent,
  series,
  heatmap,
  differences,
  attributeKeys,
  attributeValues,
  coverage,
  health,
  tracers,
  diagnosisTypes,
  ingest,
  storage,
  preflightReport,
  doctor,
  runDoctor,
  schema,
  sql,
] as const;

/** Not one of those that every API shows. */
export { traceIds } from './search/queries.ts';

export const QUERIES: readonly Query[] = ALL;

provideQueries(QUERIES);

type Any = (typeof ALL)[number];
type Named<Name extends QueryName> = Extract<Any, { name: Name }>;

export type QueryName = Any['name'];

/** A row of the answer: `type SearchRow = RowOf<'search'>`. */
export type RowOf<Name extends QueryName> = z.output<Named<Name>['row']>;

export type { Answer };
