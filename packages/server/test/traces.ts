// Traces too large to draw, from a few numbers.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';

export interface Shape {
  spans: number;
  /** Different operations; the fewer, the more siblings repeat each other. */
  operations: number;
  /** Share of the spans that fail. */
  failing: number;
  /** Share of the spans whose parent was never received. */
  orphans: number;
  seed: number;
  execution?: number;
}

/** Writes a trace with random parents and durations; the same shape is the same trace but for its id. Returns its id. */
export async function bigTrace(client: pg.ClientBase, { seed, execution, ...shape }: Shape): Promise<string> {
  const traceId = randomBytes(16).toString('hex');
  await client.query('select setseed($1)', [seed / 1_000_000]);
  await client.query(
    `insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at,
       completed_at, duration_ms, execution_id, error_type)
     select $1::uuid, decode(lpad(to_hex(i), 16, '0'), 'hex'), case when i > 1 then decode(lpad(to_hex(parent), 16, '0'), 'hex') end,
       'service ' || i % 3, 'operation ' || floor(random() * $3), 'internal', case when failed then 'failed' else 'completed' end,
       at, at + ms * interval '1 ms', ms, $6, case when failed then 'broken' end
     from (
       select i, case when i > 1 and random() < $5 then 1000000 + i else 1 + floor(random() * least(i - 1, 200))::integer end as parent,
         now() - interval '10 min' + i * interval '1 ms' as at, round((random() * 1000)::numeric, 1)::double precision as ms,
         random() < $4 as failed
       from generate_series(1, $2::integer) i
     ) s`,
    [traceId, shape.spans, shape.operations, shape.failing, shape.orphans, execution ?? null],
  );
  await client.query('select beacon.recount_traces(array[$1]::uuid[])', [traceId]);
  return traceId;
}
