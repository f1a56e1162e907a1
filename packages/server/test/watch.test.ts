import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import pg from 'pg';
import { Watch } from '../src/operations/watch.ts';
import { createPool } from '../src/store/connect.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 1 });
after(() => pool.end());

async function insert(service: string, status: string, by: pg.ClientBase = client): Promise<string> {
  const traceId = randomUUID();
  await by.query(
    `insert into beacon.trace_spans (trace_id, span_id, service, operation, status, started_at)
     values ($1, '\\x0102030405060708', $2, 'op', $3, now())`,
    [traceId, service, status],
  );
  return traceId;
}

async function told(watch: Watch): Promise<string[]> {
  const { changes } = await watch.poll();
  return changes.map(({ kind, span }) => `${kind} ${span.service} ${span.status}`);
}

test('spans are told once, and again when they end', async () => {
  for (const seconds of [7, 3]) {
    const traceId = await insert('before', 'completed');
    await client.query(
      `update beacon.trace_spans set created_at = now() - make_interval(secs => $2) where trace_id = $1`,
      [traceId, seconds],
    );
  }
  const watch = new Watch(pool, {});
  assert.deepEqual(await told(watch), []);
  assert.deepEqual(await told(watch), []);
  const open = await insert('a', 'started');
  await insert('b', 'completed');
  assert.deepEqual((await told(watch)).sort(), ['new a started', 'new b completed']);
  assert.deepEqual(await told(watch), []);
  await client.query(`update beacon.trace_spans set status = 'failed' where trace_id = $1`, [open]);
  assert.deepEqual(await told(watch), ['update a failed']);
  assert.deepEqual(await told(watch), []);
});

test('a transaction that commits behind a later one is not missed', async () => {
  const watch = new Watch(pool, {});
  await watch.poll();
  const slow = new pg.Client({ connectionString: url });
  await slow.connect();
  await slow.query('begin');
  await insert('slow', 'completed', slow);
  await insert('fast', 'completed');
  assert.deepEqual(await told(watch), ['new fast completed']);
  await slow.query('commit');
  await slow.end();
  assert.deepEqual(await told(watch), ['new slow completed']);
});

test('a span that was open before, or not wanted yet, is told when it ends as what is wanted', async () => {
  const earlier = await insert('c', 'started');
  const watch = new Watch(pool, { service: 'c', status: 'failed' });
  await watch.poll();
  const later = await insert('c', 'started');
  await insert('d', 'failed');
  assert.deepEqual(await told(watch), []);
  await client.query(`update beacon.trace_spans set status = 'failed' where trace_id = any ($1)`, [[earlier, later]]);
  assert.deepEqual(await told(watch), ['update c failed', 'update c failed']);
});
