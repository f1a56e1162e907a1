import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { findings } from '../../src/queries/jobs.ts';
import { runQuery } from '../../src/queries/run.ts';
import { createPool } from '../../src/store/connect.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 2 });
after(() => pool.end());
const ask = async (params: Record<string, unknown> = {}) => (await runQuery(pool, findings, params)).rows;

const refused = (region: string) => `
  runner execution.run       |===x| kind=consumer error=rate_limit_exceeded model=m1 region=${region}
    runner POST              |==x | kind=client error=rate_limit_exceeded http.response.status_code=429
      router POST /inference |==x | kind=server error=rate_limit_exceeded http.response.status_code=429
`;
const unset = `
  runner execution.run |x| kind=consumer error=configuration_error message="HYBRID_ROUTER_URL is not set" beacon.missing_setting=HYBRID_ROUTER_URL model=m2 region=eu
`;
const healthy = `
  runner execution.run       |====| kind=consumer
    runner POST              |=== | kind=client
      router POST /inference |==  | kind=server
`;
const coped = `
  runner execution.run       |====| kind=consumer
    runner POST              |==x | kind=client error=timeout
    runner POST              |  ==| kind=client
`;
const minutes = (n: number) => new Date(Date.now() - n * 60_000);

for (const [i, region] of ['eu', 'eu', 'us'].entries()) {
  await draw(client, refused(region), { execution: 101 + i, at: minutes(50 - i), job: 'a' });
}
await draw(client, unset, { execution: 201, at: minutes(40), job: 'b' });
// Made good by a second attempt, coped with, healthy, out of the range: none of them has failed.
await draw(client, refused('eu'), { execution: 301, at: minutes(30) });
await draw(client, healthy, { execution: 301, at: minutes(29) });
await draw(client, coped, { execution: 302, at: minutes(28) });
await draw(client, healthy, { execution: 303, at: minutes(27) });
await draw(client, unset, { execution: 304, at: minutes(3 * 1440) });
// A recovery is no attempt: its success is not the execution's.
await draw(client, refused('us'), { execution: 104, at: minutes(26), job: 'a' });
await draw(client, 'runner execution.recover |==|', { execution: 104, at: minutes(25) });

test('executions that failed alike are counted together, the most frequent cause first', async () => {
  const [first, second, ...others] = await ask();
  assert.deepEqual(others, []);
  assert.deepEqual(
    [first?.type, first?.executions, second?.type, second?.executions],
    ['RATE_LIMITED', 4, 'CONFIGURATION_ERROR', 1],
  );
  assert.deepEqual([first?.models, first?.regions], [['m1'], ['eu', 'us']]);
  assert.equal(first?.example_execution_id, '104', 'the newest is the example');
  assert.ok(Math.abs(Date.parse(String(first?.first_at)) - minutes(50).getTime()) < 5_000);
  assert.ok(Math.abs(Date.parse(String(first?.last_at)) - minutes(26).getTime()) < 5_000);
  assert.match(String(second?.summary), /HYBRID_ROUTER_URL/);
  assert.ok([first?.span_ids].flat().every((id) => /^[0-9a-f]{16}$/.test(String(id))));
});

test('the verdict is that of root-cause for the example', async () => {
  for (const found of await ask()) {
    const { rows } = await client.query(
      'select type, service, operation, summary, confidence from beacon.identify_root_cause($1) where rank = 1',
      [found.example_execution_id],
    );
    const { type, service, operation, summary, confidence } = found;
    assert.deepEqual({ type, service, operation, summary, confidence }, rows[0]);
  }
});

test('a filter selects traces, and a range times', async () => {
  assert.deepEqual(
    (await ask({ q: 'job=b' })).map(({ type }) => type),
    ['CONFIGURATION_ERROR'],
  );
  assert.deepEqual(
    (await ask({ q: 'region=us http.response.status_code>=400' })).map((f) => [f.type, f.executions]),
    [],
  );
  assert.deepEqual(
    (await ask({ q: 'region=us' })).map((f) => [f.type, f.executions]),
    [['RATE_LIMITED', 2]],
  );
  assert.deepEqual(await ask({ q: 'job=none' }), []);
  assert.deepEqual(
    (await ask({ from: '45m', to: '35m' })).map(({ type }) => type),
    ['CONFIGURATION_ERROR'],
  );
  assert.equal((await ask({ from: '4d' })).find(({ type }) => type === 'CONFIGURATION_ERROR')?.executions, 2);
});

test('what is beyond the limit is counted too', async () => {
  const [first, rest, ...others] = await ask({ limit: 2 });
  assert.deepEqual(others, []);
  assert.deepEqual([first?.type, rest?.type, rest?.executions], ['RATE_LIMITED', 'NOT_DIAGNOSED', 1]);
  assert.match(String(rest?.summary), /1 more failed in 1 other ways/);
});

test('a trace that belongs to no execution counts, and has a verdict of its own', async () => {
  const failed = await draw(client, refused('eu').replaceAll('runner', 'shop'), { execution: null, at: minutes(5) });
  const [found] = await ask({ from: '10m' });
  assert.deepEqual([found?.type, found?.executions, found?.example_execution_id], ['RATE_LIMITED', 1, null]);
  assert.equal(String(found?.example_trace_id).replaceAll('-', ''), failed.traceId);
  const { rows } = await client.query('select * from beacon.identify_trace_root_cause($1)', [failed.traceId]);
  assert.equal(rows[0].type, 'RATE_LIMITED');
  assert.equal((await client.query(`select * from beacon.identify_trace_root_cause(gen_random_uuid())`)).rowCount, 0);
});
