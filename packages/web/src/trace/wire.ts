// What the server says of a whole trace at once: columns, with names interned, so that 100,000 spans are a few megabytes.

import { STATUSES } from '@project-beacon/server/filter/parse.ts';

/** Answer of `GET /api/v1/trace-columns`. */
export interface PackedTrace extends Omit<TraceColumns, 'columns'> {
  columns: {
    /** 16 hex digits a row, without anything between them. */
    id: string;
    /** Rows up to the parent; 0 for a root. */
    parent: number[];
    service: number[];
    name: number[];
    start_us: number[];
    duration_us: number[];
    /** Row and value by turns, of those rows whose value is not their duration. */
    self_us: number[];
    /** A digit a row. */
    status: string;
    kind: string;
    /** Row and value by turns; a value holds until the next pair, and before the first it is -1, none. */
    error: number[];
    note: number[];
    /** Rows on the critical path. */
    critical: number[];
  };
}

/** A trace with a value a row in every column. Rows come in drawing order: a parent stands before its children. */
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
  errors: Array<{ type: string | null; message: string | null }>;
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
    /** Index into STATUSES of the filter language. */
    status: number[];
    /** Index into its KINDS. */
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

/** The answer with a value a row in every column. */
export function unpack(packed: PackedTrace): TraceColumns {
  const { id, parent: up, self_us: self, status, kind, error, note, critical, ...same } = packed.columns;
  const count = up.length;
  const parent = up.map((rows, row) => (rows === 0 ? -1 : row - rows));
  const depth = new Array<number>(count);
  for (let row = 0; row < count; row++) depth[row] = parent[row]! < 0 ? 0 : depth[parent[row]!]! + 1;
  const selfUs = [...same.duration_us];
  for (let n = 0; n < self.length; n += 2) selfUs[self[n]!] = self[n + 1]!;
  const onPath = new Array<number>(count).fill(0);
  for (const row of critical) onPath[row] = 1;
  return {
    ...packed,
    columns: {
      ...same,
      id: Array.from({ length: count }, (_, row) => id.slice(row * 16, row * 16 + 16)),
      parent,
      depth,
      self_us: selfUs,
      status: Array.from(status, Number),
      kind: Array.from(kind, Number),
      error: spread(error, count),
      note: spread(note, count),
      critical: onPath,
    },
  };
}

/** Pairs of row and value, each value holding until the next, as a column. */
function spread(pairs: number[], count: number): number[] {
  const column = new Array<number>(count).fill(-1);
  for (let n = 0; n < pairs.length; n += 2) column.fill(pairs[n + 1]!, pairs[n]!, pairs[n + 2] ?? count);
  return column;
}

/** Status of a span that is still running. */
export const STARTED = STATUSES.indexOf('started');
