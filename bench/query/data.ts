// A day of a shop's traces: ten services, 28 operations, ten attributes a span, of which three are (nearly) unique.
import { createHash } from 'node:crypto';
import type pg from 'pg';

export const SPANS_A_TRACE = 10;
/** A job of 1,000 executions; others have 100. */
export const BIG_JOB = 'job-big';
/** A trace of 100,000 spans. */
export const LARGE_TRACE = traceIdOf(-1);

export function traceIdOf(n: number): string {
  return createHash('md5').update(`trace ${n}`).digest('hex');
}

const SERVICES = `array['gateway','cart','checkout','payment','inventory','pricing','shipping','mailer','search','ledger']`;

/** Stores so many traces, spread evenly over the hours up to three minutes ago, in the order of time, and sums them up. */
export async function fill(client: pg.Client, traces: number, hours: number): Promise<void> {
  const end = Date.now() - 180_000;
  const start = end - hours * 3_600_000;
  const days = new Set([start, end].map((at) => new Date(at).toISOString().slice(0, 10)));
  for (let at = start; at < end; at += 3_600_000) days.add(new Date(at).toISOString().slice(0, 10));
  for (const day of days) await client.query('select beacon.ensure_partition($1)', [day]);
  await client.query(
    `insert into beacon.trace_resources (resource_id, attributes, scope_name, scope_version)
     select 100 * k + p, jsonb_build_object('service.name', (${SERVICES})[k + 1], 'k8s.pod.name', (${SERVICES})[k + 1] || '-' || p, 'host.name', 'node-' || p), 'http', '1.2.3'
     from generate_series(0, 9) k, generate_series(0, 5) p`,
  );
  const step = 10_000;
  for (let from = 0; from < traces; from += step) {
    await client.query(INSERT, [
      from,
      Math.min(traces, from + step) - 1,
      traces,
      new Date(start),
      (end - start) / 1000,
    ]);
  }
  await client.query(INSERT_LARGE, [new Date(start)]);
  await client.query(`
    insert into beacon.traces (trace_id, started_at, completed_at, execution_id, job_id, root_service, root_operation, services, span_count, error_count, open_count, updated_at)
    select trace_id, min(started_at), max(completed_at), min(execution_id), min(job_id), min(service) filter (where parent_span_id is null),
      min(operation) filter (where parent_span_id is null), array_agg(distinct service), count(*), count(*) filter (where status <> 'completed'), 0, max(created_at)
    from beacon.trace_spans group by trace_id order by min(started_at)`);
  await client.query(`
    insert into beacon.trace_executions (execution_id, trace_id, started_at)
    select execution_id, trace_id, started_at from beacon.traces where execution_id is not null`);
  await client.query('analyze');
  // What maintenance does every few seconds.
  await repeat(client, 'select beacon.settle_baselines(5000) as done');
  await client.query('select beacon.name_services(), beacon.cut_chunks(1000000)');
  await repeat(client, `select beacon.settle_chunks(1000, '10 seconds') as done`);
  await client.query('vacuum analyze');
}

async function repeat(client: pg.Client, call: string): Promise<void> {
  while ((await client.query(call)).rows[0].done > 0);
}

const INSERT = `
insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at, completed_at, duration_ms,
  execution_id, job_id, error_type, error_message, metadata, resource_id, created_at)
select md5('trace ' || n)::uuid, decode(substr(md5(n || ' ' || k), 1, 16), 'hex'),
  case when k > 0 then decode(substr(md5(n || ' ' || (k - 1) / 3), 1, 16), 'hex') end,
  (${SERVICES})[service + 1], operation, kind, case when failed then 'failed' else 'completed' end,
  started_at, started_at + make_interval(secs => ms / 1000), ms,
  case when n % 10 = 0 then n / 10 end, case when n % 10 = 0 then case when n between 20000 and 29999 then 'job-big' else 'job-' || n / 1000 end end,
  case when failed then '503' end, case when failed then 'upstream unavailable' end,
  jsonb_build_object('http.request.method', (array['GET','GET','GET','POST','PUT'])[1 + (h % 5)::integer], 'http.route', '/api/v1/' || operation || '/:id',
    'url.full', 'https://' || (${SERVICES})[service + 1] || '.shop.example/api/v1/' || operation || '/' || h,
    'http.response.status_code', case when failed then 503 else 200 end, 'server.address', (${SERVICES})[service + 1] || '.svc', 'server.port', 8080,
    'network.peer.port', 1024 + (h % 60000)::integer, 'user.id', 'u-' || (h / 7 % 20000)::integer, 'thread.name', 'worker-' || (h % 16)::integer,
    'customer.tier', (array['free','free','pro','team'])[1 + (h % 4)::integer])
    || case when k = 3 then jsonb_build_object('order.id', 'order-' || n) else '{}' end
    || case when k = 5 and n % 10007 = 1 then jsonb_build_object('feature.flag', 'beta-7') else '{}' end,
  100 * service + h % 6, date_trunc('second', started_at) + interval '2 seconds'
from (
  select n, k, h, service, (array['list','get','create'])[1 + (h % 3)::integer] || '-' || (${SERVICES})[service + 1] as operation,
    case when k = 0 or k % 2 = 1 then 'server' else 'client' end as kind, n % 50 = 0 and k in (0, 1, 4) as failed,
    $4::timestamptz + make_interval(secs => $5::double precision * n / $3::integer + k * 0.004) as started_at,
    (200 / (1 + k)) * exp((('x' || substr(md5('d' || n || k), 1, 4))::bit(16)::integer / 65536.0 - 0.5) * 3) as ms
  from (
    select n, k, ('x' || substr(md5(n || 'h' || k), 1, 12))::bit(48)::bigint as h, case when k = 0 then 0 else ((k + 1) / 2 * 7 + n) % 9 + 1 end as service
    from generate_series($1::integer, $2::integer) n, generate_series(0, ${SPANS_A_TRACE - 1}) k
  ) raw
) s
order by started_at`;

/** Ten children a span, each inside its parent; 300 different names in 20 services. */
const INSERT_LARGE = `
insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at, completed_at, duration_ms, metadata, created_at)
select md5('trace -1')::uuid, decode(lpad(to_hex(k + 1), 16, '0'), 'hex'), case when k > 0 then decode(lpad(to_hex((k - 1) / 10 + 1), 16, '0'), 'hex') end,
  'service-' || k % 20, 'operation number ' || k % 300, case when k % 3 = 0 then 'server' else 'internal' end,
  case when k % 1000 = 7 then 'failed' else 'completed' end, $1::timestamptz + make_interval(secs => at), $1::timestamptz + make_interval(secs => at + ms / 1000), ms,
  '{"http.request.method": "GET"}', $1::timestamptz + interval '10 seconds'
from (select k, 0.0001 * k + 0.3 * floor(log(10, k + 1)) as at, 9000.0 / power(4, floor(log(10, 9 * k + 1))) as ms from generate_series(0, 99999) k) s`;
