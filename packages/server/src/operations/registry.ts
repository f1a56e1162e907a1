// Every operation there is, in the order help and documentation list them.
import { doctor, runDoctor, submitJob } from './actions.ts';
import { diagnose, rootCause, similar } from './diagnosis.ts';
import { blastRadius, findings, jobMatrix, jobs } from './jobs.ts';
import type { Operation } from './operation.ts';
import { schema } from './schema.ts';
import { search, spans } from './search.ts';
import { sql } from './sql.ts';
import { coverage, health, tracers } from './state.ts';
import { compare, criticalPath, waterfall } from './trace.ts';
import { ingest, preflightReport, storage } from './upkeep.ts';

export const OPERATIONS: readonly Operation[] = [
  search,
  spans,
  waterfall,
  diagnose,
  rootCause,
  similar,
  blastRadius,
  findings,
  compare,
  criticalPath,
  jobs,
  jobMatrix,
  submitJob,
  coverage,
  health,
  tracers,
  ingest,
  storage,
  preflightReport,
  doctor,
  runDoctor,
  schema,
  sql,
];
