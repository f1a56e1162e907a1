// Parameters and rows of every operation by its name, as types: what the user interface imports.
import type { z } from 'zod';
import type { doctor, runDoctor, submitJob } from './actions.ts';
import type { attributeKeys, attributeValues } from './attributes.ts';
import type { differences, heatmap, series } from './charts.ts';
import type { diagnose, rootCause, similar } from './diagnosis.ts';
import type {
  compareWithSuccessful,
  compareWithUsual,
  diagnosisTypes,
  timeoutRootCause,
  unusualSpans,
} from './explain.ts';
import type { extent } from './extent.ts';
import type { jobCells } from './job-cells.ts';
import type { blastRadius, findings, jobMatrix, jobs } from './jobs.ts';
import type { outline } from './outline.ts';
import type { schema } from './schema.ts';
import type { search, spans } from './search.ts';
import type { dependencies, operations, services } from './services.ts';
import type { span } from './span.ts';
import type { sql } from './sql.ts';
import type { coverage, health, tracers } from './state.ts';
import type { compare, criticalPath, trace, waterfall } from './trace.ts';
import type { ingest, preflightReport, storage } from './upkeep.ts';

interface ByName {
  search: typeof search;
  spans: typeof spans;
  trace: typeof trace;
  span: typeof span;
  waterfall: typeof waterfall;
  outline: typeof outline;
  diagnose: typeof diagnose;
  'unusual-spans': typeof unusualSpans;
  'root-cause': typeof rootCause;
  'timeout-root-cause': typeof timeoutRootCause;
  'compare-with-successful': typeof compareWithSuccessful;
  'compare-with-usual': typeof compareWithUsual;
  similar: typeof similar;
  compare: typeof compare;
  'critical-path': typeof criticalPath;
  'blast-radius': typeof blastRadius;
  findings: typeof findings;
  jobs: typeof jobs;
  'job-matrix': typeof jobMatrix;
  'job-cells': typeof jobCells;
  'submit-job': typeof submitJob;
  services: typeof services;
  operations: typeof operations;
  dependencies: typeof dependencies;
  extent: typeof extent;
  series: typeof series;
  heatmap: typeof heatmap;
  differences: typeof differences;
  'attribute-keys': typeof attributeKeys;
  'attribute-values': typeof attributeValues;
  coverage: typeof coverage;
  health: typeof health;
  tracers: typeof tracers;
  'diagnosis-types': typeof diagnosisTypes;
  ingest: typeof ingest;
  storage: typeof storage;
  'preflight-report': typeof preflightReport;
  doctor: typeof doctor;
  'run-doctor': typeof runDoctor;
  schema: typeof schema;
  sql: typeof sql;
}

export type OperationName = keyof ByName;

/** What may be asked: `from`, `to`, `after` and `limit` where the operation knows them. */
export type ParamsOf<Name extends OperationName> = z.input<ByName[Name]['params']> & {
  from?: string;
  to?: string;
  after?: string;
  limit?: number;
};

/** A row of the answer: `type SearchRow = RowOf<'search'>`. */
export type RowOf<Name extends OperationName> = z.output<ByName[Name]['row']>;

export type { Answer } from './run.ts';
