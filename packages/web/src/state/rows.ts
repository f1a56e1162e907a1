// What a row of each operation holds. Times are ISO 8601 in UTC, ids text, durations milliseconds.
type Text = string | null;
type Num = number | null;

export interface SearchRow {
  trace_id: string;
  root_service: Text;
  root_operation: Text;
  services: string[];
  status: string;
  span_count: number;
  error_count: number;
  open_count: number;
  started_at: string;
  completed_at: Text;
  duration_ms: Num;
  execution_id: Text;
  job_id: Text;
  model_id: Text;
  region: Text;
  matched_spans: Num;
}

export interface SpansRow {
  trace_id: string;
  span_id: string;
  parent_span_id: Text;
  service: string;
  operation: string;
  kind: string;
  status: string;
  started_at: string;
  completed_at: Text;
  duration_ms: Num;
  execution_id: Text;
  job_id: Text;
  model_id: Text;
  region: Text;
  error_type: Text;
  error_message: Text;
}

export interface ServicesRow {
  service: string;
  color: number;
  spans: number;
  traces: number;
  errors: number;
  error_pct: Num;
  p50_ms: Num;
  p95_ms: Num;
  last_seen_at: string;
}

export interface OperationsRow {
  service: string;
  operation: string;
  kind: string;
  calls: number;
  errors: number;
  error_pct: Num;
  p50_ms: Num;
  p95_ms: Num;
  total_ms: Num;
}

export interface DependenciesRow {
  caller: string;
  callee: string;
  calls: number;
  errors: number;
  error_pct: Num;
  p50_ms: Num;
  p95_ms: Num;
}

export interface HeatmapRow {
  at: string;
  bucket_ms_from: number;
  bucket_ms_to: number;
  count: number;
  errors: number;
}

export interface DifferencesRow {
  key: string;
  value: string;
  selected: number;
  selected_total: number;
  rest: number;
  rest_total: number;
  selected_pct: number;
  rest_pct: number;
  difference: number;
}

export interface SeriesRow {
  at: string;
  service: Text;
  operation: Text;
  calls: number;
  errors: number;
  p50_ms: Num;
  p95_ms: Num;
  p99_ms: Num;
}

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

/** Row type by operation. */
export interface Rows {
  search: SearchRow;
  spans: SpansRow;
  services: ServicesRow;
  operations: OperationsRow;
  dependencies: DependenciesRow;
  heatmap: HeatmapRow;
  differences: DifferencesRow;
  series: SeriesRow;
  'attribute-keys': { key: string; count: number };
  'attribute-values': { value: string; count: number };
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
