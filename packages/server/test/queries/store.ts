// Spans for tests of operations: told as objects, stored as a writer would.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';

export interface TestSpan {
  trace: string;
  span?: string;
  parent?: string | null;
  service?: string;
  operation?: string;
  kind?: string;
  status?: string;
  /** Milliseconds since the epoch. */
  at: number;
  ms?: number | null;
  execution?: string | null;
  job?: string | null;
  model?: string | null;
  region?: string | null;
  error?: string | null;
  message?: string | null;
  attributes?: Record<string, unknown>;
  events?: unknown[] | null;
  links?: unknown[] | null;
  /** Log records written in it. */
  logs?: { name?: string; attributes: Record<string, unknown> }[];
  resource?: string | null;
}

export const traceId = (): string => randomBytes(16).toString('hex');
const spanId = (): string => randomBytes(8).toString('hex');

/** Inserts the spans and counts their traces' summaries anew, in one transaction. */
export async function store(client: pg.ClientBase, spans: TestSpan[]): Promise<void> {
  const rows = spans.map((s) => ({
    ...{ kind: 'internal', status: 'completed', service: 'app', operation: 'work', parent: null, attributes: {} },
    ...s,
    span: s.span ?? spanId(),
    at: new Date(s.at).toISOString(),
    end: s.ms === null ? null : new Date(s.at + (s.ms ?? 10)).toISOString(),
    ms: s.ms === undefined ? 10 : s.ms,
  }));
  await client.query(
    `with stored as (
       insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at, completed_at,
         duration_ms, execution_id, execution_key, job_id, model_id, region, error_type, error_message, metadata, events, links, resource_id)
       select trace, decode(span, 'hex'), decode(parent, 'hex'), service, operation, kind, status, at, "end", ms,
         beacon.execution_number(execution), beacon.execution_key(execution), job, model, region, error, message, attributes, events, links, resource
       from jsonb_to_recordset($1) as r (trace uuid, span text, parent text, service text, operation text, kind text, status text,
         at timestamptz, "end" timestamptz, ms double precision, execution text, job text, model text, region text, error text, message text,
         attributes jsonb, events jsonb, links jsonb, resource bigint)
       returning trace_id)
     select count(*) from stored`,
    [JSON.stringify(rows)],
  );
  const logs = rows.flatMap(({ trace, span, at, logs = [] }) =>
    logs.map(({ name, attributes }) => ({ trace, span, at, name, attributes })),
  );
  await client.query(
    `insert into beacon.trace_logs (trace_id, span_id, recorded_at, event_name, attributes, content_hash)
     select trace, decode(span, 'hex'), at, name, attributes, hashtext(span || attributes::text)
     from jsonb_to_recordset($1) as r (trace uuid, span text, at timestamptz, name text, attributes jsonb)`,
    [JSON.stringify(logs)],
  );
  await client.query('select beacon.recount_traces($1)', [[...new Set(spans.map(({ trace }) => trace))]]);
}

/** What maintenance does with what has been stored: counts are folded, and chunks put together, of so many spans. */
export async function settle(client: pg.ClientBase, chunkSpans = 5): Promise<void> {
  await client.query(`select set_config('beacon.clock', (now() + interval '3 minutes')::text, false)`);
  await client.query(`select beacon.fold_deltas(10000), beacon.merge_chunks(10000, ${chunkSpans}, 2)`);
  await client.query(`select set_config('beacon.clock', '', false)`);
}
