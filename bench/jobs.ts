// What jobs and their failures are asked for, over HTTP's operations, with 1,000,000 spans. Run: npm run bench:jobs [-- --traces N]
import { parseArgs } from 'node:util';
import { findings, jobMatrix, jobs } from '@project-beacon/server/queries/jobs.ts';
import type { Query } from '@project-beacon/server/queries/query.ts';
import { runQuery } from '@project-beacon/server/queries/run.ts';
import { sql } from '@project-beacon/server/sql-console/query.ts';
import { createPool } from '@project-beacon/server/store/connect.ts';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, readSets, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { throwawayServer } from '@project-beacon/testkit';
import pg from 'pg';

const ROUNDS = 20;
const { values } = parseArgs({ options: { traces: { type: 'string', default: '100000' } } });
const traces = Number(values.traces);

interface Asked {
  what: string;
  operation: Query;
  params: Record<string, unknown>;
  limitMs: number;
}

const ASKED: Asked[] = [
  { what: 'matrix of 1,000 executions', operation: jobMatrix, params: { job_id: '3' }, limitMs: 100 },
  { what: 'jobs of 7 days, 50 of 1,000 executions', operation: jobs, params: {}, limitMs: 500 },
  { what: 'findings of 10,000 failed executions', operation: findings, params: { from: '7d' }, limitMs: 1000 },
  { what: 'findings of an hour', operation: findings, params: { from: '1h' }, limitMs: 300 },
  {
    what: 'SQL: a trace by id, through the console',
    operation: sql,
    params: { statement: `select * from trace_spans where trace_id = md5('t5')::uuid` },
    limitMs: 50,
  },
];

const server = await throwawayServer({ shared_buffers: '256MB' });
const pool = createPool(server.url, { applicationName: 'bench', max: 2 });
try {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await migrateUp(client, [readSet('beacon', SQL_DIR), ...readSets(['services/runner/sql']).slice(1)]);
  console.log(`Writing ${(traces * 10).toLocaleString('en')} spans of ${traces.toLocaleString('en')} executions ...`);
  await fill(client, traces);
  const { rows } = await client.query('select count(*) as n from beacon.traces where error_count > 0');
  console.log(
    `${Number(rows[0].n).toLocaleString('en')} executions failed. Milliseconds over ${ROUNDS} rounds, warm.\n`,
  );
  console.log(`${'median'.padStart(8)} ${'p95'.padStart(8)} ${'limit'.padStart(7)} ${'of limit'.padStart(9)}  asked`);
  for (const { what, operation, params, limitMs } of ASKED) {
    const times: number[] = [];
    let answered = 0;
    for (let round = 0; round <= ROUNDS; round++) {
      const started = performance.now();
      answered = (await runQuery(pool, operation, params)).rows.length;
      if (round > 0) times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    const [median, p95] = [times[ROUNDS / 2] as number, times[Math.ceil(0.95 * ROUNDS) - 1] as number];
    console.log(
      `${median.toFixed(1).padStart(8)} ${p95.toFixed(1).padStart(8)} ${String(limitMs).padStart(7)} ${(p95 / limitMs).toFixed(2).padStart(9)}  ${what} (${answered} rows)`,
    );
  }
  await client.end();
} finally {
  await pool.end();
  await server.discard();
}

/** Executions 1 to `count` of jobs of 1,000, five seconds apart, ten spans each; one in ten fails, in one of fifteen ways. */
async function fill(client: pg.Client, count: number): Promise<void> {
  await client.query('select beacon.ensure_partitions(days_back => 8)');
  await client.query(
    `insert into runner.jobs (models, regions, questions, request_hash)
     select '{a}', '{b}', '{c}', 'h' from generate_series(1, $1::int / 1000)`,
    [count],
  );
  await client.query(
    `insert into runner.executions (job_id, model_id, region, question, status, max_attempts, output_data, error_type, duration_ms, completed_at, created_at)
     select 1 + (n - 1) / 1000, 'model-' || n % 5, 'region-' || n % 4, 'question ' || n % 50, case when n % 10 = 0 then 'failed' else 'completed' end, 1,
       case when n % 10 <> 0 then '{"answer": "so"}'::jsonb end, case when n % 10 = 0 then 'rate_limit_exceeded' end, 200 + n % 100, at + interval '220 ms', at
     from (select n, now() - interval '10 minutes' - ($1 - n) * interval '5 seconds' as at from generate_series(1, $1::int) n) t`,
    [count],
  );
  await client.query(
    `insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at, completed_at,
       duration_ms, execution_id, job_id, model_id, region, error_type, metadata)
     select md5('t' || n)::uuid, decode(left(md5(n || 's' || k), 16), 'hex'), case when k > 0 then decode(left(md5(n || 's' || k - 1), 16), 'hex') end,
       (array['runner', 'runner', 'router', 'router', 'router', 'inference', 'inference', 'inference', 'inference', 'inference'])[k + 1],
       'operation ' || k, case when k in (1, 4) then 'client' when k in (2, 5) then 'server' else 'internal' end,
       case when n % 10 = 0 and k <= 4 + n / 10 % 3 then 'failed' else 'completed' end, at + k * interval '1 ms', at + (220 - k) * interval '1 ms', 220 - 2 * k,
       n, (1 + (n - 1) / 1000)::text, 'model-' || n % 5, 'region-' || n % 4,
       case when n % 10 = 0 and k <= 4 then (array['rate_limit_exceeded', 'internal_error', 'out_of_memory', 'ECONNREFUSED', 'timeout'])[1 + n / 30 % 5] end,
       jsonb_build_object('http.request.method', 'POST', 'server.address', '10.0.0.' || n % 200, 'server.port', 8094, 'thread.name', 'worker-' || n % 16)
         || case when k = 9 then jsonb_build_object('gen_ai.usage.input_tokens', n % 30, 'gen_ai.usage.output_tokens', n % 300) else '{}' end
     from (select n, now() - interval '10 minutes' - ($1 - n) * interval '5 seconds' as at from generate_series(1, $1::int) n) t, generate_series(0, 9) k`,
    [count],
  );
  await client.query('select beacon.recount_traces(array(select distinct trace_id from beacon.trace_spans))');
  await client.query(`update beacon.traces set updated_at = updated_at - interval '1 hour'`);
  while ((await client.query('select beacon.settle_baselines(20000) as n')).rows[0].n > 0);
  await client.query('vacuum analyze');
}
