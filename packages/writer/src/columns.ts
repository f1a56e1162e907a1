// The columns of `trace_spans` that a writer fills.
import { MAX_MESSAGE } from './repair.ts';

/** Columns of `trace_spans` in the order of a line; `created_at` is left to the database's clock. */
export const COLUMNS = [
  'trace_id',
  'span_id',
  'parent_span_id',
  'service',
  'operation',
  'kind',
  'status',
  'started_at',
  'completed_at',
  'duration_ms',
  'execution_id',
  'job_id',
  'model_id',
  'region',
  'error_type',
  'error_message',
  'metadata',
  'events',
  'links',
  'trace_state',
  'otel',
  'tracer_id',
  'resource_id',
  'flags',
  'started_ns',
  'execution_key',
] as const;

/** The same columns' types, for the statement that takes rows as JSON. */
export const TYPES = [
  'uuid',
  'bytea',
  'bytea',
  'text',
  'text',
  'text',
  'text',
  'timestamptz',
  'timestamptz',
  'double precision',
  'bigint',
  'text',
  'text',
  'text',
  'text',
  'text',
  'jsonb',
  'jsonb',
  'jsonb',
  'text',
  'jsonb',
  'uuid',
  'bigint',
  'integer',
  'smallint',
  'text',
] as const;

/**
 * Bytes of UTF-8 that a column of text keeps. A b-tree row holds 2,704; operation_baselines has service, operation, model
 * and region in one key. People read a message in a terminal.
 */
export const COLUMN_BYTES = {
  service: 512,
  operation: 1_024,
  modelId: 400,
  region: 200,
  jobId: 2_000,
  executionKey: 2_000,
  errorType: 1_024,
  errorMessage: MAX_MESSAGE,
  traceState: 65_536,
} as const;
