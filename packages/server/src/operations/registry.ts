// Every operation there is, in the order help and documentation list them.
import { doctor, runDoctor, submitJob } from './actions.ts';
import { attributeKeys, attributeValues } from './attributes.ts';
import { differences, heatmap, series } from './charts.ts';
import { diagnose, rootCause, similar } from './diagnosis.ts';
import { compareWithSuccessful, compareWithUsual, diagnosisTypes, timeoutRootCause, unusualSpans } from './explain.ts';
import { extent } from './extent.ts';
import { jobCells } from './job-cells.ts';
import { blastRadius, findings, jobMatrix, jobs } from './jobs.ts';
import type { Operation } from './operation.ts';
import { outline } from './outline.ts';
import { schema } from './schema.ts';
import { search, spans } from './search.ts';
import { dependencies, operations, services } from './services.ts';
import { span } from './span.ts';
import { sql } from './sql.ts';
import { coverage, health, tracers } from './state.ts';
import { compare, criticalPath, trace, waterfall } from './trace.ts';
import { ingest, preflightReport, storage } from './upkeep.ts';

export const OPERATIONS: readonly Operation[] = [
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
  submitJob,
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
];
