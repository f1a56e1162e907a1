// How long a verdict takes with a million spans in the table, and that only the days it needs are read. Run:
//   npm run bench:diagnosis-speed [-- --traces 10000] [--json FILE]
import * as fs from 'node:fs';
import * as os from 'node:os';
import { parseArgs } from 'node:util';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer, withDatabase } from '@project-beacon/testkit';
import pg from 'pg';
import { plansOf } from './diagnosis/plans.ts';

const SPANS_A_TRACE = 100;
const LARGE = [
  { shape: 'tree', parent: '(k - 1) / 10' },
  { shape: 'flat', parent: '0' },
  { shape: 'chain', parent: 'k - 1' },
];

const { values } = parseArgs({ options: { traces: { type: 'string', default: '10000' }, json: { type: 'string' } } });
const traces = Number(values.traces);
const server = await throwawayServer({ shared_buffers: '512MB' });
const figures: Record<string, unknown>[] = [];
try {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await migrateUp(client, [readSet('beacon', SQL_DIR)]);
  await client.query('set search_path = "$user", public, beacon');
  await fill(client);
  const { rows } = await client.query('select count(*) as n from trace_spans');
  console.log(
    `${Number(rows[0].n).toLocaleString('en')} spans in ${traces.toLocaleString('en')} traces of five days\n`,
  );
  console.log(
    `${os.availableParallelism()} cores, load ${(os.loadavg()[0] ?? 0).toFixed(1)} at the start; above one a core the figures tell of the others too\n`,
  );
  console.log(`${'cpu'.padStart(8)} ${'median'.padStart(8)} ${'p95'.padStart(8)} ${'limit'.padStart(7)}  what`);

  const some = Array.from({ length: 200 }, (_, n) => 1 + Math.floor((n * traces) / 201));
  for (const call of ['diagnose_execution_trace', 'identify_root_cause', 'find_similar_traces', 'blast_radius']) {
    const limit = /diagnose|identify/.test(call) ? 50 : undefined;
    await time(
      client,
      `${call}: ${SPANS_A_TRACE} spans`,
      limit,
      limit ? some : some.slice(0, 10),
      (id) => `select * from ${call}(${id})`,
    );
  }
  for (const [index, { shape }] of LARGE.entries()) {
    for (const call of ['diagnose_execution_trace', 'identify_root_cause']) {
      const again = Array.from({ length: 5 }, () => 1_000_000_001 + index);
      await time(client, `${call}: 50,000 spans, ${shape}`, 1000, again, (id) => `select * from ${call}(${id})`);
    }
  }
  // 250 traces a side make 50,000 spans.
  const minutes = (5 * 24 * 60) / traces;
  const at = (n: number) => `now() - interval '${(n * minutes).toFixed(3)} minutes'`;
  await time(
    client,
    'rank_root_causes: 50,000 spans',
    2000,
    [1, 1, 1, 1, 1],
    () => `select * from rank_root_causes(${at(270)}, ${at(20)}, ${at(520)}, ${at(270)})`,
  );

  console.log(
    '\nPartitions of trace_spans read by each function (of all there are), from the plans of its statements:',
  );
  for (const line of await plansOf(withDatabase(server.adminUrl, new URL(server.url).pathname.slice(1)), {
    diagnose_execution_trace: 'diagnose_execution_trace(77)',
    identify_root_cause: 'identify_root_cause(71)',
    blast_radius: 'blast_radius(71)',
    find_similar_traces: 'find_similar_traces(71, 5)',
    critical_path: `critical_path(md5('t77')::uuid)`,
    compare_traces: `compare_traces(md5('t77')::uuid, md5('t78')::uuid)`,
    'trace_waterfall, by execution': 'trace_waterfall where execution_id = 77',
    'trace_waterfall, by trace': `trace_waterfall where trace_id = md5('t77')::uuid`,
    rank_root_causes: `rank_root_causes(${at(270)}, ${at(20)}, ${at(520)}, ${at(270)})`,
  })) {
    console.log(line);
  }
  await client.end();
  if (values.json) fs.writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
} finally {
  await server.discard();
}

async function time(
  client: pg.Client,
  what: string,
  limit: number | undefined,
  ids: number[],
  sql: (id: number) => string,
) {
  await client.query(sql(ids[0] as number));
  const times: number[] = [];
  const { rows } = await client.query('select pg_backend_pid() as pid');
  const before = cpuMs(rows[0].pid);
  for (const id of ids) {
    const started = performance.now();
    await client.query(sql(id));
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)] as number;
  const p95 = times[Math.min(times.length - 1, Math.ceil(times.length * 0.95) - 1)] as number;
  // A share of a busy machine makes every wait longer, and no work: the processor's time is the figure to compare.
  const cpu = (cpuMs(rows[0].pid) - before) / ids.length;
  figures.push({ what, cpuMs: cpu, medianMs: median, p95Ms: p95, limitMs: limit });
  console.log(
    `${cpu.toFixed(1).padStart(8)} ${median.toFixed(1).padStart(8)} ${p95.toFixed(1).padStart(8)} ${String(limit ?? '').padStart(7)}  ${what}${limit && p95 > limit ? '  OVER' : ''}`,
  );
}

/** Executions of 100 spans, one in ten of which failed, and three large ones of 50,000. */
async function fill(client: pg.Client): Promise<void> {
  await client.query('select ensure_partitions(days_back => 6)');
  const insert = `insert into trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at, completed_at,
    duration_ms, execution_id, job_id, model_id, region, error_type, metadata)`;
  await client.query(
    `${insert}
     select md5('t' || n)::uuid, decode(left(md5(n || 's' || k), 16), 'hex'), case when k > 0 then decode(left(md5(n || 's' || (k - 1) / 3), 16), 'hex') end,
       'service-' || k % 9, 'operation ' || k % 30, case k % 3 when 0 then 'internal' when 1 then 'client' else 'server' end,
       case when n % 10 = 1 and k in (0, 1, 4, 13, 40) then 'failed' else 'completed' end, at + k * interval '1 ms', at + (320 - k) * interval '1 ms', 320 - 2 * k,
       n, (n / 12)::text, 'model-' || n % 5, 'region-' || n % 3, case when n % 10 = 1 and k in (0, 1, 4, 13, 40) then 'internal_error' end,
       jsonb_build_object('http.request.method', 'POST', 'server.address', '10.0.0.' || k, 'server.port', 8094)
     from (select n, now() - n * (interval '5 days' / $1) as at from generate_series(1, $1::int) n) t, generate_series(0, ${SPANS_A_TRACE - 1}) k`,
    [traces],
  );
  for (const [index, { parent }] of LARGE.entries()) {
    await client.query(
      `${insert}
       select md5('large' || $1::int)::uuid, decode(lpad(to_hex(k + 1), 16, '0'), 'hex'), case when k > 0 then decode(lpad(to_hex(${parent} + 1), 16, '0'), 'hex') end,
         'service-' || k % 9, 'operation ' || k % 30, case k % 3 when 0 then 'internal' when 1 then 'client' else 'server' end,
         case when k % 100 = 7 then 'failed' else 'completed' end, at + k * interval '100 us', at + (10000 - k / 10) * interval '1 ms', 10000 - k / 5.0,
         1000000001 + $1::int, null, 'model-1', 'region-1', case when k % 100 = 7 then 'internal_error' end, jsonb_build_object('server.address', '10.0.0.1')
       from (select now() - interval '10 minutes' as at) t, generate_series(0, 49999) k`,
      [index],
    );
  }
  await client.query('select recount_traces(array(select distinct trace_id from trace_spans))');
  await client.query(`update traces set updated_at = updated_at - interval '1 hour'`);
  while ((await client.query('select settle_baselines(20000) as n')).rows[0].n > 0);
  await client.query('vacuum analyze');
}

/** Milliseconds of processor time a backend has used, in steps of ten; NaN where there is no /proc. */
function cpuMs(pid: number): number {
  try {
    const fields = fs
      .readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return Number.NaN;
  }
}
