// What the server says of a whole trace at once: columns, with names interned, so that 100,000 spans are a few megabytes.

/** Answer of `GET /api/v1/trace-columns`. Rows come in drawing order: a parent stands before its children. */
export interface TraceColumns {
  /** 32 hex digits. */
  trace_id: string;
  /** ISO 8601 with microseconds. */
  started_at: string;
  duration_ms: number;
  /** Every trace of the same execution, oldest first; one per attempt. */
  traces_of_execution: string[];
  /** Operations; `columns.name` points into it. */
  names: string[];
  /** `color` is the number the database gave the service, the same for every viewer. */
  services: Array<{ name: string; color: number }>;
  errors: string[];
  notes: string[];
  columns: {
    /** 16 hex digits each; may repeat. */
    id: string[];
    /** Row of the parent; -1 for a root. */
    parent: number[];
    depth: number[];
    service: number[];
    name: number[];
    /** Microseconds from the start of the trace, clocks corrected. */
    start_us: number[];
    /** Microseconds; -1 while unfinished. */
    duration_us: number[];
    self_us: number[];
    /** Index into {@link STATUSES}. */
    status: number[];
    /** Index into {@link KINDS}. */
    kind: number[];
    /** Index into `errors`; -1 without one. */
    error: number[];
    /** 1 on the critical path. */
    critical: number[];
    /** Index into `notes`; -1 without one. */
    note: number[];
  };
  header: {
    execution_id: string | null;
    job_id: string | null;
    model_id: string | null;
    region: string | null;
    span_count: number;
    error_count: number;
    orphan_count: number;
    /** Milliseconds added to the times of a service; empty when no clock was wrong. */
    corrected_clock_ms: Record<string, number>;
  };
}

export const STATUSES = ['completed', 'failed', 'timeout', 'lost', 'started'] as const;
export const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;

/** Of {@link STATUSES}: still running. */
export const STARTED = 4;
