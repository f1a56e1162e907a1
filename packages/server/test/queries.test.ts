import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { z } from 'zod';
import { doctorRows } from '../src/doctor/rows.ts';
import { provideDoctor } from '../src/queries/actions.ts';
import type { Query } from '../src/queries/query.ts';
import { runQuery } from '../src/queries/run.ts';
import { QUERIES } from '../src/registry.ts';
import { createPool } from '../src/store/connect.ts';

const database = await testDatabase();
const pool = createPool(database.url, { applicationName: 'test', max: 2 });
after(() => pool.end());

function named(name: string): Query {
  const found = QUERIES.find((query) => query.name === name);
  assert.ok(found, `no query ${name}`);
  return found;
}
const run = (name: string, params: Record<string, unknown>) => runQuery(pool, named(name), params);

const healthy = await draw(
  database.client,
  `
  runner execution.run     |==========| kind=consumer region=us-east
    router POST /inference | ======== | kind=server
  `,
  { execution: 1, job: 'job-1' },
);
const failed = await draw(
  database.client,
  `
  runner execution.run |x| kind=consumer error=configuration_error message="HYBRID_ROUTER_URL is not set" beacon.missing_setting=HYBRID_ROUTER_URL
  `,
  { execution: 2, job: 'job-2', at: new Date(Date.now() - 60_000) },
);
await draw(
  database.client,
  `
  runner execution.run |=====!| kind=consumer error=timeout
    runner POST        | ===! | kind=client error=ETIMEDOUT peer.service=router
  `,
  { execution: 3, job: 'job-3', at: new Date(Date.now() - 3 * 86_400_000) },
);

test('names and parameters are unique, described, and turn into a JSON schema', () => {
  assert.equal(new Set(QUERIES.map(({ name }) => name)).size, QUERIES.length);
  for (const { name, doc, params, row } of QUERIES) {
    assert.match(doc, /^[A-Z].*\.$/, name);
    for (const described of [z.toJSONSchema(params, { io: 'input' }), z.toJSONSchema(row)]) {
      for (const [key, schema] of Object.entries(described.properties ?? {})) {
        assert.ok((schema as { description?: string }).description, `${name}: ${key} has no description`);
      }
    }
  }
});

/** It has a test of its own, as have those that change something. */
const WITH_A_RUNNER = 'receipts';

test('every query answers with rows, database and schema', async () => {
  for (const [n, region] of ['us-east', 'eu-west', 'us-east', 'eu-west'].entries()) {
    const told = {
      execution_id: [1, 11, 12, 2][n],
      job_id: n < 2 ? 'job-1' : 'job-2',
      model_id: 'm',
      region,
      question: '2+2?',
      answer: `${n}`,
    };
    await database.client.query('select beacon.record_answer($1)', [JSON.stringify(told)]);
  }
  const params: Record<string, Record<string, unknown>> = {
    waterfall: { execution_id: '1' },
    diagnose: { execution_id: '2' },
    'root-cause': { execution_id: '2' },
    similar: { execution_id: '1' },
    trace: { trace_id: healthy.traceId },
    span: { trace_id: healthy.traceId, span_id: healthy.ids.get('runner execution.run') },
    'attribute-values': { key: 'service' },
    differences: { status: 'error' },
    compare: { execution_a: '1', b: failed.traceId },
    'critical-path': { trace_id: healthy.traceId },
    outline: { trace_id: healthy.traceId },
    'unusual-spans': { execution_id: '1' },
    'timeout-root-cause': { execution_id: '3' },
    'compare-with-successful': { execution_id: '2' },
    'compare-with-usual': { execution_id: '2' },
    'blast-radius': { execution_id: '2' },
    'job-matrix': { job_id: 'job-1' },
    answers: { job_id: 'job-1' },
    'job-validity': { job_id: 'job-1' },
    'job-costs': { job_id: 'job-1' },
    'job-scores': { job_id: 'job-1' },
    'job-differences': { job_id: 'job-1' },
    'compare-jobs': { job_a: 'job-1', job_b: 'job-2' },
    'job-comparison': { job_a: 'job-1', job_b: 'job-2' },
    gate: { job_id: 'job-2', against: 'job-1' },
    'outage-cost': { execution_id: '2' },
    'execution-answers': { execution_id: '1' },
    'job-cells': { job_id: 'job-1' },
    sql: { statement: 'select 1 as one' },
  };
  provideDoctor(({ databaseUrl }) => doctorRows(databaseUrl, []));
  for (const { name, mutates } of QUERIES) {
    if (mutates || name === WITH_A_RUNNER) continue;
    const answer = await run(name, params[name] ?? {});
    const declared = named(name).row;
    for (const row of answer.rows) {
      if (name !== 'sql') {
        assert.deepEqual(Object.keys(row).toSorted(), Object.keys(declared.shape).toSorted(), name);
      }
      const read = declared.safeParse(row);
      assert.ok(read.success, `${name}: ${read.error}`);
    }
    if (answer.rows.length > 0) assert.equal(answer.truncated, null, name);
    assert.match(answer.schema, /^\d{4}_\w+\+[0-9a-f]{8}$/);
    assert.match(answer.database, /^postgresql:\/\/\w+:\*\*\*@/);
  }
});

test('the waterfall of a trace and of its execution are the same', async () => {
  const byTrace = await run('waterfall', { trace_id: healthy.traceId });
  const byExecution = await run('waterfall', { execution_id: '1' });
  assert.deepEqual(byTrace.rows, byExecution.rows);
  assert.equal(byTrace.rows.length, 2);
});

test('ids keep every digit, times their microseconds, counts are numbers', async () => {
  await database.client.query(`
    insert into beacon.trace_spans (trace_id, span_id, service, operation, status, started_at, execution_id)
    values (gen_random_uuid(), '\\x00000000000000ff', 'precise', 'op', 'completed', '2026-01-02 03:04:05.123456+00', 9007199254740993)`);
  const [span] = (await run('spans', { service: 'precise', from: '2026-01-01' })).rows;
  assert.equal(span?.execution_id, '9007199254740993');
  assert.equal(span?.span_id, '00000000000000ff');
  assert.equal(span?.started_at, '2026-01-02T03:04:05.123456Z');
  const [trace] = (await run('search', { execution_id: '1' })).rows;
  assert.equal(trace?.span_count, 2);
});

test('filters select', async () => {
  const ids = async (params: Record<string, unknown>) =>
    (await run('search', params)).rows.map((row) => row.execution_id);
  assert.deepEqual(await ids({ status: 'failed' }), ['2']);
  assert.deepEqual(await ids({ status: 'completed' }), ['1']);
  assert.deepEqual(await ids({ service: 'router' }), ['1']);
  assert.deepEqual(await ids({ job_id: 'job-2' }), ['2']);
  assert.deepEqual(await ids({ from: '5m' }), ['2']);
  assert.deepEqual(await ids({ from: new Date(Date.now() - 3_600_000).toISOString() }), ['2', '1']);
  assert.deepEqual(await ids({ status: 'lost' }), []);
});

test('what a limit left out is said', async () => {
  const answer = await run('search', { limit: '1' });
  assert.equal(answer.rows.length, 1);
  assert.match(answer.truncated ?? '', /Showing the first 1 rows.*raise limit \(at most 1000\) or narrow/);
});

test('wrong parameters are named and nothing is run', async () => {
  const wrong = async (name: string, params: Record<string, unknown>, pattern: RegExp) =>
    assert.rejects(run(name, params), (error) => error instanceof z.ZodError && pattern.test(error.message));
  await wrong('diagnose', { execution_id: 'a\u0000b' }, /cannot be in the database/);
  await wrong('diagnose', { execution_id: 'x'.repeat(2_001) }, /at most 2,000 characters/);
  await wrong('waterfall', { trace_id: 'abc' }, /32 hex digits/);
  await wrong('waterfall', {}, /exactly one of execution_id and trace_id/);
  await wrong('search', { limit: '0' }, />=1/);
  await wrong('search', { from: 'yesterday' }, /must be like 15m/);
  await wrong('search', { nonsense: '1' }, /nonsense/);
});

test('what does not exist is an error of its own', async () => {
  await assert.rejects(run('waterfall', { execution_id: '404' }), { code: 'not_found', message: /execution 404/ });
  await assert.rejects(run('compare', { execution_a: '404', execution_b: '405' }), { code: 'not_found' });
});

test('a query that takes too long is stopped, and the pool is good for the next', async () => {
  const slow = {
    ...named('health'),
    prepare: () => ({ ...named('health').prepare({}), call: { text: 'select pg_sleep(60)', values: [] } }),
  };
  await assert.rejects(runQuery(pool, slow, {}, { statementTimeoutMs: 20 }), { code: 'statement_timeout' });
  assert.equal((await run('search', { execution_id: '1' })).rows.length, 1);
});

test('a database that is not there or not migrated is told apart', async () => {
  const empty = await testDatabase(false);
  const cases: Array<[url: string, code: string]> = [
    [empty.url, 'not_migrated'],
    ['postgresql://u:secret@127.0.0.1:1/nothing', 'database_unreachable'],
    [database.url.replace(/:[^:@/]+@/, ':wrong@'), 'database_unreachable'],
    [database.url.replace(/\/[^/]+$/, '/no_such_database'), 'database_unreachable'],
  ];
  for (const [url, code] of cases) {
    const other = createPool(url, { applicationName: 'test' });
    await assert.rejects(runQuery(other, named('search'), {}), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, code, error.message);
      assert.doesNotMatch(`${error.message} ${error.hint}`, /secret|wrong@/);
      assert.notEqual(error.hint, '');
      return true;
    });
    await other.end();
  }
});
