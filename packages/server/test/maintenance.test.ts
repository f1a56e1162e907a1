import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { maintain, startMaintenance } from '../src/maintenance/loop.ts';
import { createPool } from '../src/store/connect.ts';
import { store, traceId } from './queries/store.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 3 });
after(() => pool.end());

test('of two servers one works and the other passes', async () => {
  await client.query('begin');
  await client.query('select beacon.maintain()');
  assert.deepEqual(Object.keys(await maintain(pool)), ['skipped']);
  const loop = startMaintenance(pool, { intervalMs: 3_600_000 });
  await loop.round();
  assert.deepEqual([loop.state().leading, loop.state().lastError], [false, null]);
  await client.query('commit');
  await loop.round();
  assert.equal(loop.state().leading, true);
  await loop.stop();
});

test('failures are counted, told once a minute, and forgotten after a round that worked', async () => {
  let now = 1_000_000;
  const warnings: string[] = [];
  const loop = startMaintenance(pool, { intervalMs: 3_600_000, warn: (line) => warnings.push(line), now: () => now });
  await loop.round();
  const before = loop.state().failures;
  await client.query('alter function beacon.maintain() rename to maintain_hidden');
  await loop.round();
  now += 59_000;
  await loop.round();
  assert.equal(warnings.length, 1);
  now += 1_000;
  await loop.round();
  assert.equal(warnings.length, 2);
  assert.match(warnings[1] ?? '', /Maintenance failed \(3 so far\).*maintain\(\)/);
  assert.equal(loop.state().failures - before, 3);
  await client.query('alter function beacon.maintain_hidden() rename to maintain');
  await loop.round();
  assert.equal(loop.state().lastError, null);
  await loop.stop();
});

test('rounds follow each other until it is stopped', async () => {
  const loop = startMaintenance(pool, { intervalMs: 1 });
  await until('three rounds', () => loop.state().rounds >= 3);
  await loop.stop();
  const { rounds } = loop.state();
  await client.query('select 1');
  assert.equal(loop.state().rounds, rounds);
});

test('services of imported and late traces are named, even when those come to rest before maintenance looked', async () => {
  const day = 86_400_000;
  await store(client, [{ trace: traceId(), service: 'imported', at: Date.now() - 3 * day }]);
  await store(client, [{ trace: traceId(), service: 'late', at: Date.now() - day }]);
  await client.query(`select set_config('beacon.clock', (now() + interval '1 minute')::text, false)`);
  await client.query('select beacon.maintain()');
  await client.query(`select set_config('beacon.clock', '', false)`);
  const { rows } = await client.query(`
    select (select array_agg(service order by service) from beacon.services) as named,
      (select count(*)::int from beacon.traces where baselined_at is null) as waiting`);
  assert.deepEqual(rows[0], { named: ['imported', 'late'], waiting: 0 });
});
