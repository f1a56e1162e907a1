import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../cli/run.ts';
import { workDatabase } from '../doctor/app.ts';

const database = await workDatabase();
const { client, url } = database;
const env = { DATABASE_URL: url };
await client.query('alter table app.work add duration_ms float8, add status text');

/** Executions of about so many milliseconds, and their traces. */
async function executions(count: number, ms: number, traced: boolean): Promise<void> {
  await client.query(
    `with made as (insert into app.work (duration_ms) select $2 + n % 11 from generate_series(1, $1::int) n returning id)
     insert into beacon.trace_executions (execution_id, trace_id, started_at)
     select id, gen_random_uuid(), now() from made where $3`,
    [count, ms, traced],
  );
}

async function baseline(): Promise<void> {
  await client.query(`insert into beacon.preflights (preflight_id, taken_by, decision, baseline)
    select gen_random_uuid(), 'ada', 'GO', to_jsonb(b) from beacon.preflight_baseline(now() - interval '7 days', now() + interval '1 second') b`);
  await client.query(`update app.work set created_at = created_at - interval '1 hour'`);
}

test('compare says what tracing costs, and how sure that is', async () => {
  assert.equal((await run(['preflight', '--compare'], env)).code, 4);
  await executions(200, 100, false);
  await baseline();
  assert.equal((await run(['preflight', '--compare'], env)).code, 2, 'nothing traced yet');
  await executions(200, 101, true);
  const cheap = await run(['preflight', '--compare'], env);
  assert.equal(cheap.code, 0, cheap.out);
  assert.match(cheap.out, /traced +200 executions/);
  assert.match(cheap.out, /overhead 1\.\d %, with 95 % confidence between 0\.\d and 1\.\d %: below/);
  await executions(400, 60, true);
  const faster = await run(['preflight', '--compare'], env);
  assert.deepEqual([faster.code, /became faster/.test(faster.out)], [2, true]);
  await executions(1200, 180, true);
  assert.equal((await run(['preflight', '--compare'], env)).code, 1);
});

test('backfill makes one synthetic span of each execution that has none, once', async () => {
  await client.query(
    `insert into app.work (status, created_at) values ('failed', now() - interval '3 days'), ('pending', now())`,
  );
  await client.query(`update beacon.trace_records set status_column = 'status' where name = 'work'`);
  await client.query(`update app.work set status = 'completed' where status is null`);
  const made = await run(['backfill', '--json'], env);
  assert.deepEqual(JSON.parse(made.out), { made: 201 });
  assert.deepEqual(JSON.parse((await run(['backfill', '--json'], env)).out), { made: 0 });
  const { rows } =
    await client.query(`select status, count(*)::int as n, bool_and(metadata @> '{"synthetic": true}') as synthetic
    from beacon.trace_spans group by status order by status`);
  assert.deepEqual(rows, [
    { status: 'completed', n: 200, synthetic: true },
    { status: 'failed', n: 1, synthetic: true },
  ]);
  const { rows: outside } = await client.query('select from beacon.trace_spans_default');
  assert.equal(outside.length, 0);
});

test('report storage says when a plan is full and what retention would change', async () => {
  const roomy = await run(['report', 'storage'], env);
  assert.equal(roomy.code, 0, roomy.err);
  assert.match(roomy.out, /a year/);
  const tight = await run(['report', 'storage', '--plan', '0.01'], env);
  assert.equal(tight.code, 1);
  assert.match(tight.out, /What helps: retention_days \d+/);
});
