// The lines a person types into psql, timed with 1,000,000 spans in the table. Run: npm run bench:lines [-- --json FILE]
import * as fs from 'node:fs';
import { parseArgs } from 'node:util';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer } from '@project-beacon/testkit';
import pg from 'pg';

const LIMIT_MS = 100;
const ROUNDS = 9;
const LINES = [
  'SELECT * FROM trace_spans ORDER BY created_at DESC LIMIT 5',
  'SELECT * FROM trace_waterfall WHERE execution_id = 1',
  'SELECT * FROM diagnose_execution_trace(1)',
  'SELECT * FROM identify_root_cause(1)',
  'SELECT * FROM find_similar_traces(1, 5)',
  'SELECT * FROM trace_spans_health',
  'SELECT * FROM trace_coverage',
];

const { values } = parseArgs({ options: { json: { type: 'string' }, traces: { type: 'string', default: '100000' } } });
const traces = Number(values.traces);

const server = await throwawayServer({ shared_buffers: '256MB' });
try {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await migrateUp(client, [readSet('beacon', SQL_DIR)]);
  await client.query('set search_path = "$user", public, beacon');
  console.log(
    `Writing ${(traces * 10).toLocaleString('en')} spans in ${traces.toLocaleString('en')} traces of five days ...`,
  );
  await fill(client, traces);
  const spans = Number((await client.query('select count(*) as n from trace_spans')).rows[0].n);

  console.log(
    `\n${spans.toLocaleString('en')} spans; milliseconds over ${ROUNDS} rounds, warm; limit ${LIMIT_MS} ms\n`,
  );
  console.log(`${'median'.padStart(8)} ${'max'.padStart(8)} ${'of limit'.padStart(9)}  line`);
  const figures = [];
  for (const line of LINES) {
    const times: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const started = performance.now();
      await client.query(line);
      if (round > 0) times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    const median = times[Math.floor(times.length / 2)] as number;
    const max = times.at(-1) as number;
    figures.push({ line, medianMs: median, maxMs: max, ofLimit: median / LIMIT_MS });
    console.log(
      `${median.toFixed(1).padStart(8)} ${max.toFixed(1).padStart(8)} ${(median / LIMIT_MS).toFixed(2).padStart(9)}  ${line}`,
    );
  }
  await client.end();
  if (values.json) fs.writeFileSync(values.json, `${JSON.stringify({ spans, limitMs: LIMIT_MS, figures }, null, 2)}\n`);
} finally {
  await server.discard();
}

/** Executions 1 to `count`, ten spans each in the shape runner, router and inference leave; one in ten fails. */
async function fill(client: pg.Client, count: number): Promise<void> {
  await client.query('select ensure_partitions(days_back => 6)');
  await client.query(
    `insert into trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at, completed_at,
       duration_ms, execution_id, job_id, model_id, region, error_type, metadata)
     select md5('t' || n)::uuid, decode(left(md5(n || 's' || k), 16), 'hex'), case when k > 0 then decode(left(md5(n || 's' || k - 1), 16), 'hex') end,
       (array['runner', 'runner', 'router', 'router', 'router', 'inference', 'inference', 'inference', 'inference', 'inference'])[k + 1],
       'operation ' || k, case when k in (1, 4) then 'client' when k in (2, 5) then 'server' else 'internal' end,
       case when n % 10 = 1 then 'failed' else 'completed' end, at + k * interval '1 ms', at + (220 - k) * interval '1 ms', 220 - 2 * k,
       n, (n / 12)::text, 'model-' || n % 5, 'region-' || n % 3, case when n % 10 = 1 then 'rate_limit_exceeded' end,
       jsonb_build_object('http.request.method', 'POST', 'server.address', '10.0.0.' || n % 200, 'server.port', 8094, 'attempt', 1, 'tokens', n % 300)
     from (select n, now() - n * interval '4 seconds' as at from generate_series(1, $1::int) n) t, generate_series(0, 9) k`,
    [count],
  );
  await client.query('select recount_traces(array(select distinct trace_id from trace_spans))');
  await client.query(`update traces set updated_at = updated_at - interval '1 hour'`);
  while ((await client.query('select settle_baselines(20000) as n')).rows[0].n > 0);
  await client.query('create schema runner');
  await client.query('create table runner.executions (id bigint primary key, job_id text, created_at timestamptz)');
  await client.query(
    `insert into runner.executions select n, (n / 1000)::text, now() - n * interval '4 seconds' from generate_series(1, $1::int) n`,
    [count],
  );
  await client.query(
    `insert into trace_records (name, relation, id_column, job_column, created_column) values ('executions', 'runner.executions', 'id', 'job_id', 'created_at')`,
  );
  await client.query('vacuum analyze');
}
