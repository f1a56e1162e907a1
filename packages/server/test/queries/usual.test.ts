import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { compareWithUsual } from '../../src/queries/explain.ts';
import { runQuery } from '../../src/queries/run.ts';
import { createPool } from '../../src/store/connect.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 1 });
after(() => pool.end());

const SHOP = (query: string) => `
  web GET /cart   |====================| kind=server
    db SELECT     | ${query}  | kind=client
`;

async function compared(params: Record<string, string>) {
  const { rows } = await runQuery(pool, compareWithUsual, params);
  return rows.map((row) => [row.operation, row.change, row.spans, row.median_ms, row.times]);
}

test('each operation of a trace stands beside its median of the last seven days', async () => {
  for (let n = 0; n < 25; n++) await draw(client, SHOP('====             '), { execution: null });
  const few = await draw(client, 'cron tick |====|', { execution: null });
  await client.query(`update beacon.traces set updated_at = now() - interval '1 minute'`);
  await client.query('select beacon.settle_baselines()');

  const slow = await draw(client, SHOP('================='), { execution: null });
  const [worst, ...others] = await compared({ trace_id: slow.traceId });
  assert.deepEqual(worst?.slice(0, 4), ['SELECT', 'slower', 1, 170]);
  assert.ok(Math.abs(Number(worst?.[4]) - 170 / 40) < 0.6, `${worst?.[4]} times`);
  assert.deepEqual(
    others.map((row) => row.slice(0, 2)),
    [['GET /cart', 'usual']],
  );

  // A trace is no baseline of its own, and one other call is not enough.
  assert.deepEqual(await compared({ trace_id: few.traceId }), [['tick', 'no baseline', 1, 40, null]]);
  const next = await draw(client, 'cron tick |====|\n  cron sweep | == |', { execution: 77 });
  assert.deepEqual(
    (await compared({ execution_id: '77' })).map((row) => row.slice(0, 2)),
    [
      ['tick', 'too few'],
      ['sweep', 'no baseline'],
    ],
  );
  const { rows } = await runQuery(pool, compareWithUsual, { trace_id: next.traceId });
  assert.deepEqual(
    rows.map((row) => row.compared_with),
    ['last 7 days, too few to tell (1)', 'no baseline yet: no completed call of it in other traces of the last 7 days'],
  );
  await assert.rejects(compared({ trace_id: '0'.repeat(32) }), { code: 'not_found' });
});
