// Traces of any size in a database, for tests and benchmarks of the page that shows them.
import type pg from 'pg';

const SERVICES = 12;

/**
 * A trace of `count` spans as of a system of twelve services: requests below one root, each with calls, loops of queries and
 * some depth; one span in a thousand failed. The same every time. Returns its trace id.
 */
export async function storeTrace(client: pg.ClientBase, count: number, executionId: number): Promise<string> {
  const { rows } = await client.query(
    `with made as (
       select n, case when n = 1 then null
           when n % 40 = 2 then 1                    -- a request
           when n % 40 between 12 and 31 then n - n % 40 + 11  -- a loop of queries below its eleventh
           when n % 40 in (0, 1) then greatest(2, n - 38 - n % 40)
           else n - 1 - n % 3 end as parent
       from generate_series(1, $1::int) n
     ), placed as (
       select n, case when parent >= n then 1 else parent end as parent from made
     )
     insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at,
       completed_at, duration_ms, execution_id, error_type, error_message, metadata)
     select md5('trace ' || $2::bigint)::uuid, decode(lpad(to_hex(n), 16, '0'), 'hex'), decode(lpad(to_hex(parent), 16, '0'), 'hex'),
       case when n % 40 between 12 and 31 then 'database' else 'service-' || (n / 3) % ${SERVICES} end,
       case when n = $1 then 'the last span' when n % 40 between 12 and 31 then 'SELECT items'
         else (array['handle', 'POST /items', 'render', 'cache.get', 'authorise', 'publish'])[1 + n % 6] end,
       case when n % 40 between 12 and 31 then 'client' else 'internal' end,
       case when n % 1000 = 500 then 'failed' else 'completed' end,
       t.at + n * interval '200 microseconds', t.at + n * interval '200 microseconds' + l.ms * interval '1 millisecond', l.ms,
       case when n = 1 then $2::bigint end, case when n % 1000 = 500 then 'timeout' end,
       case when n % 1000 = 500 then 'no answer in time' end, '{}'
     from placed
     cross join lateral (select case when n = 1 then 0.2 * $1::int + 50 when n % 40 = 2 then 9 when n % 40 < 12 then 3 + n % 7 else 0.15 end as ms) l
     cross join (select date_trunc('milliseconds', now()) - interval '10 minutes' as at) t
     returning trace_id`,
    [count, executionId],
  );
  const traceId = rows[0].trace_id as string;
  await client.query('select beacon.recount_traces(array[$1]::uuid[])', [traceId]);
  await client.query('analyze beacon.trace_spans');
  return traceId.replaceAll('-', '');
}
