import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import pg from 'pg';

const DAY = 86_400_000;

async function one<T>(
  client: { query(sql: string, values?: unknown[]): Promise<{ rows: T[] }> },
  sql: string,
  values?: unknown[],
) {
  return (await client.query(sql, values)).rows[0] as T;
}

test('a span of a day without a partition is kept, counted, and moved when its day gets one', async () => {
  const { client } = await testDatabase();
  const at = new Date(Date.now() - 20 * DAY);
  const { traceId } = await draw(client, 'app work |==|', { at });
  const home = () =>
    one<{ home: string }>(client, 'select tableoid::regclass::text as home from trace_spans where trace_id = $1', [
      traceId,
    ]);
  assert.equal((await home()).home, 'trace_spans_default');
  const health = await one<{ state: string; value: number }>(
    client,
    `select state, value from trace_spans_health where item = 'spans_outside_partitions'`,
  );
  assert.deepEqual(health, { state: 'warn', value: 1 });

  await client.query('select ensure_partition($1::timestamptz::date)', [at]);
  assert.match((await home()).home, /^trace_spans_\d{8}$/);
  assert.equal((await one<{ n: number }>(client, 'select count(*)::int as n from trace_spans_default')).n, 0);
});

test('what is older than the retention goes, partitions whole, and what is younger stays', async () => {
  const { client, url } = await testDatabase();
  const old = await draw(client, 'app work |==|', { at: new Date(Date.now() - 40 * DAY) });
  const stray = await draw(client, 'app work |==|', { at: new Date(Date.now() - 45 * DAY) });
  const young = await draw(client, 'app work |==|', { at: new Date(Date.now() - 20 * DAY) });
  await client.query('select ensure_partition($1::timestamptz::date)', [new Date(Date.now() - 40 * DAY)]);
  // Waiting for a reader of an old partition would make every writer wait.
  const reader = new pg.Client(url);
  await reader.connect();
  await reader.query('begin; select count(*) from beacon.trace_spans');
  await assert.rejects(client.query('select drop_expired()'), { code: '55P03' });
  await reader.end();
  const { done } = await one<{ done: { partitions_dropped: string[]; stray_spans_deleted: number } }>(
    client,
    'select drop_expired() as done',
  );
  assert.deepEqual(
    done.partitions_dropped.map((name) => name.replace(/_\d{8}$/, '')),
    ['trace_logs', 'trace_spans'],
  );
  assert.equal(done.stray_spans_deleted, 1);
  for (const table of ['trace_spans', 'traces', 'trace_executions']) {
    const { rows } = await client.query(`select distinct trace_id from ${table}`);
    assert.deepEqual(
      rows.map((row) => row.trace_id.replaceAll('-', '')),
      [young.traceId],
      table,
    );
  }
  assert.notEqual(old.traceId, stray.traceId);
});

test('retention is a setting', async () => {
  const { client } = await testDatabase();
  await client.query(`insert into settings values ('retention_days', '3')`);
  await draw(client, 'app work |==|', { at: new Date(Date.now() - 5 * DAY) });
  await client.query('select drop_expired()');
  assert.equal((await one<{ n: number }>(client, 'select count(*)::int as n from trace_spans')).n, 0);
});

test('maintenance makes the partitions of the days to come, once an hour, by the clock it is given', async () => {
  const { client } = await testDatabase();
  const last = () =>
    one<{ last: string }>(client, `select max(relname) as last from pg_class where relname ~ '^trace_spans_\\d{8}$'`);
  const before = (await last()).last;
  await client.query(`set beacon.clock = '${new Date(Date.now() + 3 * DAY).toISOString()}'`);
  await client.query('select maintain()');
  assert.notEqual((await last()).last, before);
  const { done } = await one<{ done: Record<string, unknown> }>(client, 'select maintain() as done');
  assert.ok(!('partitions_made' in done));
});

test('of two maintainers at once one works and the other says so', async () => {
  const db = await testDatabase();
  const other = new pg.Client({ connectionString: db.url });
  await other.connect();
  await db.client.query('begin');
  await db.client.query('select maintain()');
  const { done } = await one<{ done: Record<string, unknown> }>(other, 'select beacon.maintain() as done');
  await other.end();
  await db.client.query('commit');
  assert.deepEqual(done, { skipped: 'another session is at it' });
});

test('maintenance does not queue for a partition behind a long query, and says that it postponed', async () => {
  const db = await testDatabase();
  const reader = new pg.Client({ connectionString: db.url });
  await reader.connect();
  await reader.query('begin');
  await reader.query('select count(*) from trace_spans');
  await db.client.query(`insert into settings values ('retention_days', '0')`);
  const { done } = await one<{ done: Record<string, unknown> }>(db.client, 'select maintain() as done');
  assert.match(String(done.partitions_postponed), /lock timeout/);
  await reader.query('rollback');
  await reader.end();
  const { again } = await one<{ again: Record<string, unknown> }>(db.client, 'select maintain() as again');
  assert.ok(!('partitions_postponed' in again) && 'partitions_dropped' in again);
});

test('coverage counts executions with and without spans per job and names those without', async () => {
  const { client } = await testDatabase();
  await client.query('create table public.work (id bigint, job text, made timestamptz default now())');
  await client.query(
    `insert into trace_records (name, relation, id_column, job_column, created_column) values ('work', 'public.work', 'id', 'job', 'made')`,
  );
  await client.query(`insert into public.work (id, job) values (1, 'a'), (2, 'a'), (3, 'b')`);
  await draw(client, 'app work |==|', { execution: 1 });
  await draw(client, 'app work |==|', { execution: 1 });
  await draw(client, 'app work |==|', { execution: 3 });
  const { rows } = await client.query(
    'select job_id, executions::int, traced::int, coverage_pct, untraced_execution_ids from trace_coverage order by 1',
  );
  assert.deepEqual(rows, [
    { job_id: 'a', executions: 2, traced: 1, coverage_pct: 50, untraced_execution_ids: ['2'] },
    { job_id: 'b', executions: 1, traced: 1, coverage_pct: 100, untraced_execution_ids: null },
  ]);
});

test('a trace that holds a whole job shows each execution its own branch', async () => {
  const { client } = await testDatabase();
  const { traceId } = await draw(
    client,
    `
    job run        |==========|
      worker one   | ==       | execution=1
        hub call   |  =       |
      worker two   |    ===x  | execution=2 error=429
    `,
    { execution: null },
  );
  const { rows } = await client.query('select operation from trace_waterfall where execution_id = 1');
  assert.deepEqual(
    rows.map((row) => row.operation),
    ['run', 'one', 'call'],
  );
  assert.equal((await client.query('select * from identify_root_cause(1)')).rows.length, 0);
  const whole = await client.query('select distinct operation from trace_waterfall where trace_id = $1', [traceId]);
  assert.equal(whole.rows.length, 4);
});
