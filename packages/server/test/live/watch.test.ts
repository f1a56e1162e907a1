// Following the table: what listeners of the tail are told, round by round.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import pg from 'pg';
import { Tail } from '../../src/live/tail.ts';
import { watchParams, watchTerms } from '../../src/live/watch.ts';
import { createPool } from '../../src/store/connect.ts';
import { BeaconError } from '../../src/store/errors.ts';

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

/** What a listener has been told so far, and a wait until it ends so. */
async function listen(params: object = {}) {
  const tail = new Tail(pool, { intervalMs: 10 });
  after(() => tail.stop());
  const said: string[] = [];
  await tail.listen(watchTerms(watchParams.parse(params)), (what) => {
    if (what instanceof BeaconError) throw what;
    for (const span of what.ended) said.push(`ended ${span.service} ${span.status}`);
    for (const span of what.fresh) said.push(`new ${span.service} ${span.status}`);
  });
  /** A further span is told last: what was not told before it, is not told at all. */
  const settled = async (marker: string) => {
    await insert(marker, 'completed');
    await until('the marker is told', () => said.includes(`new ${marker} completed`));
    return said.filter((each) => !each.includes('marker'));
  };
  return { said, settled };
}

test('spans are told once, and again when they end', async () => {
  for (const seconds of [7, 3]) {
    const traceId = await insert('before', 'completed');
    await client.query(
      `update beacon.trace_spans set created_at = now() - make_interval(secs => $2) where trace_id = $1`,
      [traceId, seconds],
    );
  }
  const { said, settled } = await listen();
  const open = await insert('a', 'started');
  await insert('b', 'completed');
  assert.deepEqual((await settled('marker1')).sort(), ['new a started', 'new b completed']);
  await client.query(`update beacon.trace_spans set status = 'failed' where trace_id = $1`, [open]);
  await until('the end is told', () => said.includes('ended a failed'));
  assert.equal((await settled('marker2')).length, 3);
});

test('a transaction that commits behind a later one is not missed', async () => {
  const { settled } = await listen();
  const slow = new pg.Client({ connectionString: url });
  await slow.connect();
  await slow.query('begin');
  await insert('slow', 'completed', slow);
  await insert('fast', 'completed');
  assert.deepEqual(await settled('marker3'), ['new fast completed']);
  await slow.query('commit');
  await slow.end();
  assert.deepEqual(await settled('marker4'), ['new fast completed', 'new slow completed']);
});

test('a span that was open before, or not wanted yet, is told when it ends as what is wanted', async () => {
  const earlier = await insert('c', 'started');
  const { said } = await listen({ service: 'c', status: 'failed' });
  const all = await listen();
  const later = await insert('c', 'started');
  await insert('d', 'failed');
  await all.settled('marker5');
  assert.deepEqual(said, []);
  await client.query(`update beacon.trace_spans set status = 'failed' where trace_id = any ($1)`, [[earlier, later]]);
  await until('both ends are told', () => said.length === 2);
  assert.deepEqual(said, ['ended c failed', 'ended c failed']);
});

test('more open spans than can be followed are said', async () => {
  const tail = new Tail(pool, { intervalMs: 10 });
  after(() => tail.stop());
  const notes: string[] = [];
  await tail.listen([], (what) => {
    if (!(what instanceof BeaconError) && what.note) notes.push(what.note);
  });
  await client.query(
    `insert into beacon.trace_spans (trace_id, span_id, service, operation, status, started_at)
     select md5(n::text)::uuid, '\\x0102030405060708', 'many', 'op', 'started', now() from generate_series(1, 2050) n`,
  );
  await until('it is said', () => notes.length > 0);
  assert.match(notes[0] as string, /^More than 2000 spans are open: the end of \d+ of them will not be shown\.$/);
});
