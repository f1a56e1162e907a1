import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { extent } from '../../src/queries/extent.ts';
import { runQuery } from '../../src/queries/run.ts';
import { createPool } from '../../src/store/connect.ts';
import { store, traceId } from './store.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 1 });
after(() => pool.end());

const HOUR = 3_600_000;
const now = Date.now();

test('the extent is that of the last day, or of the last day that has traces', async () => {
  const agesOf = async () => {
    const [row] = (await runQuery(pool, extent, {})).rows;
    return row && [row.oldest_at, row.newest_at].map((at) => Math.round((now - Date.parse(`${at}`)) / HOUR));
  };
  const add = (...hoursAgo: number[]) =>
    store(
      client,
      hoursAgo.map((hours) => ({ trace: traceId(), at: now - hours * HOUR })),
    );
  assert.equal(await agesOf(), undefined);
  await add(110, 80, 70);
  assert.deepEqual(await agesOf(), [80, 70]);
  await add(30, 5, 2);
  assert.deepEqual(await agesOf(), [5, 2]);
  // A clock that is ahead hides nothing.
  await add(-4);
  assert.deepEqual(await agesOf(), [5, -4]);
});
