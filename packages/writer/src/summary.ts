// What a batch changes in `traces` and `trace_executions`.
import { timestamp } from './encode.ts';
import type { SpanRow, Time } from './row.ts';

/** What happened to a span's row: new, completed after `started`, or completed after it was given up as `lost`. */
export type Change = 'new' | 'was started' | 'was lost';

interface Delta {
  start: Time;
  startedAt: string;
  end: Time | null;
  executions: { id: string; startedAt: string }[];
  jobId: string | null;
  rootService: string | null;
  rootOperation: string | null;
  services: string[];
  spans: number;
  errors: number;
  open: number;
}

export class Summaries {
  readonly #traces = new Map<string, Delta>();

  /** @param fields Texts of the row as `encodeRow` made them: the summary must say what the span's row says. */
  add(row: SpanRow, fields: readonly (string | null)[], change: Change): void {
    let delta = this.#traces.get(row.traceId);
    if (delta === undefined) {
      delta = empty(row, fields[7]!);
      this.#traces.set(row.traceId, delta);
    }
    if (change === 'new') delta.spans++;
    if (row.status === 'failed' || row.status === 'timeout' || row.status === 'lost') delta.errors++;
    if (row.status === 'started') delta.open++;
    if (change === 'was started') delta.open--;
    if (change === 'was lost') delta.errors--;
    if (isBefore(row.start, delta.start)) {
      delta.start = row.start;
      delta.startedAt = fields[7]!;
    }
    if (row.end !== null && (delta.end === null || isBefore(delta.end, row.end))) delta.end = row.end;
    const service = fields[3]!;
    if (!delta.services.includes(service)) delta.services.push(service);
    if (row.parentSpanId === null) {
      delta.rootService = service;
      delta.rootOperation = fields[4]!;
    }
    delta.jobId ??= fields[11]!;
    const id = row.executionId;
    if (id !== null && !delta.executions.some((known) => known.id === id)) {
      delta.executions.push({ id, startedAt: fields[7]! });
    }
  }

  get size(): number {
    return this.#traces.size;
  }

  /** Parameters of `UPSERT_TRACES`, or undefined when there is nothing to say. */
  traces(): string[] | undefined {
    if (this.#traces.size === 0) return undefined;
    const columns = Array.from({ length: 11 }, () => [] as (string | number | null)[]);
    for (const [traceId, delta] of this.#traces) {
      const values = [
        traceId,
        delta.startedAt,
        delta.end === null ? null : timestamp(delta.end),
        delta.executions[0]?.id ?? null,
        delta.jobId,
        delta.rootService,
        delta.rootOperation,
        array(delta.services),
        delta.spans,
        delta.errors,
        delta.open,
      ];
      for (let i = 0; i < values.length; i++) columns[i]!.push(values[i]!);
    }
    return columns.map(array);
  }

  /** Parameters of `INSERT_EXECUTIONS`, or undefined when no span had an execution. */
  executions(): string[] | undefined {
    const columns: [string[], string[], string[]] = [[], [], []];
    for (const [traceId, delta] of this.#traces) {
      for (const { id, startedAt } of delta.executions) {
        columns[0].push(id);
        columns[1].push(traceId);
        columns[2].push(startedAt);
      }
    }
    return columns[0].length === 0 ? undefined : columns.map(array);
  }
}

// In the order of their keys: two writers that share traces would otherwise wait for each other in a circle.
export const UPSERT_TRACES = `
insert into beacon.traces as t (trace_id, started_at, completed_at, execution_id, job_id, root_service, root_operation,
  services, span_count, error_count, open_count, updated_at)
select trace_id, started_at, completed_at, execution_id, job_id, root_service, root_operation,
  services::text[], span_count, error_count, open_count, now()
from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[], $7::text[],
  $8::text[], $9::integer[], $10::integer[], $11::integer[])
  as d (trace_id, started_at, completed_at, execution_id, job_id, root_service, root_operation,
    services, span_count, error_count, open_count)
order by trace_id
on conflict (trace_id) do update set
  started_at = least(t.started_at, excluded.started_at),
  completed_at = greatest(t.completed_at, excluded.completed_at),
  execution_id = coalesce(t.execution_id, excluded.execution_id),
  job_id = coalesce(t.job_id, excluded.job_id),
  root_service = coalesce(excluded.root_service, t.root_service),
  root_operation = coalesce(excluded.root_operation, t.root_operation),
  services = case when t.services @> excluded.services then t.services else t.services || excluded.services end,
  span_count = t.span_count + excluded.span_count,
  error_count = t.error_count + excluded.error_count,
  open_count = t.open_count + excluded.open_count,
  updated_at = excluded.updated_at`;

export const INSERT_EXECUTIONS = `
insert into beacon.trace_executions (execution_id, trace_id, started_at)
select execution_id, trace_id, started_at
from unnest($1::bigint[], $2::uuid[], $3::timestamptz[]) as e (execution_id, trace_id, started_at)
order by execution_id, trace_id
on conflict do nothing`;

function empty(row: SpanRow, startedAt: string): Delta {
  return {
    start: row.start,
    startedAt,
    end: null,
    executions: [],
    jobId: null,
    rootService: null,
    rootOperation: null,
    services: [],
    spans: 0,
    errors: 0,
    open: 0,
  };
}

function isBefore(a: Time, b: Time): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

/** Text of a PostgreSQL array. */
function array(values: readonly (string | number | null)[]): string {
  return `{${values.map((value) => (value === null ? 'null' : typeof value === 'number' ? value : quoted(value))).join()}}`;
}

function quoted(text: string): string {
  return `"${text.includes('"') || text.includes('\\') ? text.replace(/["\\]/g, '\\$&') : text}"`;
}
