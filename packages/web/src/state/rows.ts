// What a row of each operation holds. Times are ISO 8601 in UTC, ids text, durations milliseconds.
import type { OperationName, RowOf } from '@project-beacon/server/operations/types.ts';

type Text = string | null;
type Num = number | null;

export interface JobsRow {
  job_id: string;
  status: string;
  executions: number;
  finished: number;
  failed: number;
  running: number;
  traced: number;
  coverage_pct: Num;
  models: string[];
  regions: string[];
  questions: number;
  created_at: Text;
  finished_at: Text;
  p50_ms: Num;
  p95_ms: Num;
}

export interface JobMatrixRow {
  model_id: Text;
  region: Text;
  question: Text;
  execution_id: string;
  status: string;
  traced: boolean;
  trace_id: Text;
  latency_ms: Num;
  tokens_in: Num;
  tokens_out: Num;
  error_type: Text;
  verdict: Text;
  output_empty: boolean | null;
}

export interface FindingsRow {
  type: string;
  service: Text;
  operation: Text;
  summary: string;
  recommendation: Text;
  confidence: Num;
  executions: number;
  first_at: string;
  last_at: string;
  example_execution_id: Text;
  example_trace_id: Text;
  span_ids: string[];
  models: string[];
  regions: string[];
}

interface AnyRow {
  [column: string]: unknown;
}

type Known = { [Name in OperationName]: RowOf<Name> };

/** Row type by operation: as the server has it, else as it was agreed. */
export type Rows = Known & Omit<Agreed, keyof Known>;

interface Agreed {
  jobs: JobsRow;
  'job-matrix': JobMatrixRow;
  findings: FindingsRow;
  trace: AnyRow;
  span: AnyRow;
  waterfall: AnyRow;
  diagnose: AnyRow;
  'root-cause': AnyRow;
  similar: AnyRow;
  compare: AnyRow;
  'critical-path': AnyRow;
  'blast-radius': AnyRow;
  coverage: AnyRow;
  health: AnyRow;
  tracers: AnyRow;
  storage: AnyRow;
  ingest: AnyRow;
  'preflight-report': AnyRow;
  doctor: AnyRow;
  'run-doctor': AnyRow;
  'submit-job': AnyRow;
  sql: AnyRow;
  schema: AnyRow;
}

export type SearchRow = Rows['search'];
export type SpansRow = Rows['spans'];
export type ServicesRow = Rows['services'];
export type OperationsRow = Rows['operations'];
export type DependenciesRow = Rows['dependencies'];
export type HeatmapRow = Rows['heatmap'];
export type DifferencesRow = Rows['differences'];
export type SeriesRow = Rows['series'];
