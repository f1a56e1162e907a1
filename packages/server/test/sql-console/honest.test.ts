// What the SQL console is for: every question here has to be answered.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { draw } from '@project-beacon/testkit';
import { runnerDatabase } from '../../../../services/runner/test/database.ts';
import { askSql, type SqlAnswer } from '../../src/sql-console/console.ts';
import { createPool } from '../../src/store/connect.ts';

const { client, url } = await runnerDatabase();
const pool = createPool(url, { applicationName: 'test', max: 2 });
after(() => pool.end());
const ask = (sql: string): Promise<SqlAnswer> =>
  askSql(pool, sql, { rows: 1000, bytes: 1_048_576, timeoutMs: 10_000 }, new AbortController().signal);

await client.query(`
  insert into runner.jobs (models, regions, questions, request_hash) values ('{m}', '{eu}', '{why}', 'h');
  insert into runner.executions (job_id, model_id, region, question, status, max_attempts, output_data, completed_at)
  values (1, 'm', 'eu', 'why', 'completed', 1, '{"answer": "because"}', now()), (1, 'm', 'us', 'why', 'failed', 1, null, now());
  create type runner.mood as enum ('good', 'bad');
  create domain runner.short as text check (length(value) < 20);
  -- A column of a type with a check of the team's own may be read, and compared.
  create function runner.is_tag(text) returns boolean language plpgsql immutable as $$ begin return $1 <> ''; end $$;
  create domain runner.tag as text check (runner.is_tag(value));
  create table runner.notes (tag runner.tag default 'x', execution_id bigint, mood runner.mood, note runner.short, made_at timestamptz default now());
  insert into runner.notes (execution_id, mood, note) values (1, 'good', 'fine');
  insert into beacon.trace_records (name, relation, id_column, created_column) values ('notes', 'runner.notes', 'execution_id', 'made_at')`);
const drawn = await draw(
  client,
  `
  runner execution.run     |==========x| kind=consumer error=ECONNREFUSED region=us
    runner POST            | ========x | kind=client error=ECONNREFUSED server.address=10.0.0.1
      router POST /inference |  =====x  | kind=server http.response.status_code=503 beacon.circuit=closed
  `,
  { execution: 2, job: '1' },
);
await draw(client, 'runner execution.run |=====| kind=consumer gen_ai.usage.output_tokens=12 region=eu', {
  execution: 1,
  job: '1',
});

const QUESTIONS: string[] = [
  "select to_tsvector('english', operation) @@ to_tsquery('english', 'run') from trace_spans",
  "select n.tag, count(*) from runner.notes n where n.tag = 'x' and n.mood = 'good' group by 1",
  'select * from trace_spans order by created_at desc limit 5',
  'SELECT * FROM trace_waterfall WHERE execution_id = 2;',
  'SELECT * FROM diagnose_execution_trace(2)',
  'SELECT * FROM identify_root_cause(2)',
  'SELECT * FROM find_similar_traces(2, 5)',
  'SELECT * FROM trace_spans_health',
  'SELECT * FROM trace_coverage',
  'table beacon.traces',
  `values (1, 'a'), (2, 'b')`,
  '-- by region\n/* and status */ (select region, status, count(*) from trace_spans group by 1, 2) -- that is it',
  "select e.region, count(*) filter (where s.status = 'failed') as failed, count(*) from runner.executions e left join trace_spans s on s.execution_id = e.id group by 1 order by 1",
  `select service, operation, percentile_cont(0.95) within group (order by duration_ms) as p95, avg(duration_ms)::numeric(10, 2), stddev(duration_ms)
   from trace_spans where started_at > now() - interval '1 day' group by 1, 2`,
  `select date_trunc('minute', started_at) as minute, count(*), sum(count(*)) over (order by date_trunc('minute', started_at)) as running from trace_spans group by 1`,
  `select service, duration_ms, rank() over w, lag(duration_ms) over w, duration_ms / nullif(max(duration_ms) over (partition by service), 0)
   from trace_spans window w as (partition by service order by duration_ms desc)`,
  `select count(*) over (order by started_at range between '1 minute' preceding and current row) from traces`,
  `with failing as materialized (select trace_id from traces where error_count > 0), spans as (select s.* from trace_spans s join failing using (trace_id))
   select service, count(*) from spans group by rollup (service)`,
  `with recursive tree as (
     select span_id, parent_span_id, operation, 0 as depth from trace_spans where trace_id = '${drawn.traceId}' and parent_span_id is null
     union all select s.span_id, s.parent_span_id, s.operation, t.depth + 1 from trace_spans s join tree t on s.parent_span_id = t.span_id and s.trace_id = '${drawn.traceId}')
   select repeat('  ', depth) || operation as tree, encode(span_id, 'hex') from tree`,
  `select metadata ->> 'server.address' as address, metadata #>> '{http.response.status_code}', metadata -> 'beacon.circuit' from trace_spans where metadata ? 'server.address' or metadata @> '{"beacon.circuit": "closed"}'`,
  `select key, value, count(*) from trace_spans, jsonb_each_text(metadata) group by 1, 2 order by 3 desc`,
  `select jsonb_path_query_array(metadata, '$.*') , jsonb_pretty(metadata), metadata - 'a' from trace_spans`,
  `select g as bucket, count(s.*) from generate_series(now() - interval '1 hour', now(), interval '5 minutes') g left join trace_spans s on s.started_at >= g and s.started_at < g + interval '5 minutes' group by 1 order by 1`,
  `select width_bucket(duration_ms, 0, 1000, 10), count(*), repeat('█', count(*)::int) from trace_spans where duration_ms is not null group by 1`,
  `select t.trace_id, c.* from traces t cross join lateral (select service, self_ms from critical_path(t.trace_id) order by ms desc limit 1) k, lateral (select 1) c where t.error_count > 0`.replace(
    'service, self_ms',
    'service, operation, ms',
  ),
  `select j.* from jobs(now() - interval '1 day', now()) j`,
  `select * from job_matrix('1')`,
  `select * from trace_findings(now() - interval '1 day', now())`,
  `select e.id, e.output_data ->> 'answer', age(now(), e.created_at), extract(epoch from e.completed_at - e.created_at), to_char(e.created_at, 'YYYY-MM-DD HH24:MI') from runner.executions e`,
  `select string_agg(distinct service, ', ' order by service), array_agg(distinct region), jsonb_agg(distinct status), bool_or(status = 'failed'), mode() within group (order by service) from trace_spans`,
  `select coalesce(error_type, 'none'), case when count(*) > 1 then 'many' else 'one' end, round(100.0 * count(*) / sum(count(*)) over (), 1) as pct from trace_spans group by 1 having count(*) > 0`,
  `select * from trace_spans where operation ~* 'post' and service like 'r%' and error_message is null and started_at between now() - interval '7 days' and now() and status = any (array['failed', 'completed'])`,
  `select pg_typeof(duration_ms), to_tsvector('english', operation) @@ plainto_tsquery('english', 'posts') from trace_spans`,
  `select distinct on (service) service, operation, duration_ms from trace_spans order by service, duration_ms desc nulls last`,
  `select execution_id from runner.executions e join trace_executions x on x.execution_id = e.id except select execution_id from trace_spans where status = 'lost' intersect select 1`,
  `select regexp_replace(operation, '\\d+', '#'), split_part(operation, ' ', 1), left(md5(operation), 8), string_to_array(operation, ' ') from trace_spans`,
  `select row_to_json(t), to_jsonb(t), jsonb_build_object('a', t.trace_id) from traces t`,
  `select corr(duration_ms, length(operation)), regr_slope(duration_ms, 1) from trace_spans tablesample bernoulli (100)`,
  `select mood, count(*), max(note), note || '!' from runner.notes where mood = 'good' and mood::text like 'g%' group by 1, 4`,
  `select unnest(services), grouping(root_service) from traces group by grouping sets ((1, root_service), (1))`,
  `select * from traces t join trace_executions x using (trace_id) where t.started_at at time zone 'Europe/Berlin' > '2020-01-01' fetch first 5 rows only`,
];

test('at least thirty honest questions are answered', async () => {
  assert.ok(QUESTIONS.length >= 30);
  for (const sql of QUESTIONS) {
    const { columns, rows, truncated } = await ask(sql).catch((error) => assert.fail(`${sql}: ${error.message}`));
    assert.ok(columns.length > 0, sql);
    assert.equal(truncated, null);
    for (const row of rows)
      assert.deepEqual(
        Object.keys(row),
        columns.map(({ name }) => name),
      );
  }
});

test('the verdict is the one that root-cause gives', async () => {
  const { rows } = await ask('select type, service from identify_root_cause(2) where rank = 1');
  const direct = await client.query('select type, service from beacon.identify_root_cause(2) where rank = 1');
  assert.deepEqual(rows, direct.rows);
});

test('values keep their digits, columns their types, and equal names are told apart', async () => {
  const { columns, rows } =
    await ask(`select 9007199254740993 as big, 5::bigint as n, 7::bigint as execution_id, 1.50::numeric as price,
    123456789012345678901234567890.5 as huge, timestamptz '2026-01-02 03:04:05.123456+00' as at, '\\xff'::bytea as bytes, interval '90 s' as took,
    '{"a": 1}'::jsonb as a, array[1, 2] as list, null as nothing, true as yes, 'NaN'::float8 as x, 1 as x, date '2026-01-02' as day, 1.5::numeric(10,2) as y`);
  assert.deepEqual(rows, [
    {
      big: '9007199254740993',
      n: 5,
      execution_id: '7',
      price: 1.5,
      huge: '123456789012345678901234567890.5',
      at: '2026-01-02T03:04:05.123456Z',
      bytes: 'ff',
      took: '00:01:30',
      a: { a: 1 },
      list: [1, 2],
      nothing: null,
      yes: true,
      x: Number.NaN,
      x_2: 1,
      day: '2026-01-02',
      y: 1.5,
    },
  ]);
  const types = Object.fromEntries(columns.map(({ name, type }) => [name, type]));
  assert.equal(types.at, 'timestamp with time zone');
  assert.equal(types.y, 'numeric(10,2)');
  assert.equal(types.list, 'integer[]');
});
