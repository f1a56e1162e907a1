import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';

const db = await testDatabase();

async function tree(traceId: string) {
  const { rows } = await db.client.query(
    'select depth, service, operation, status, offset_ms, duration_ms, self_ms, note from trace_waterfall where trace_id = $1',
    [traceId],
  );
  return rows.map(
    (row) =>
      `${'  '.repeat(row.depth)}${row.service} ${row.operation} ${row.offset_ms}+${row.duration_ms} self ${row.self_ms}${row.note ? ` (${row.note})` : ''}`,
  );
}

test('children stand below their parent in order of their start, and self time is what no child covers', async () => {
  const { traceId } = await draw(
    db.client,
    `
    a root     |==========|
      a early  | ===      |
      a late   |     ===  |
        b deep |     =    |
      a beside |   ===    |
    `,
  );
  assert.deepEqual(await tree(traceId), [
    'a root 0+100 self 30',
    '  a early 10+30 self 30',
    '  a beside 30+30 self 30',
    '  a late 50+30 self 20',
    '    b deep 50+10 self 10',
  ]);
});

test('an orphan stands as a root and says so', async () => {
  const { traceId } = await draw(
    db.client,
    `
    a root |====|
    b lone | == | orphan
    `,
  );
  assert.deepEqual(await tree(traceId), [
    'a root 0+40 self 40',
    'b lone 10+20 self 20 (orphan: its parent was never received)',
  ]);
});

test('a server that seems to start before it was called is moved into the call, and the correction is said', async () => {
  const { traceId } = await draw(
    db.client,
    `
    a root    |  ==========|
      a POST  |  ==========| kind=client
        b GET |====        | kind=server
    `,
  );
  assert.deepEqual((await tree(traceId)).at(-1), '    b GET 50+40 self 40 (clock corrected by 50.0 ms)');
});

test('parents that form a cycle still yield every span once', async () => {
  const { traceId, ids } = await draw(
    db.client,
    `
    a one   |====|
      a two | == |
    `,
  );
  await db.client.query('update trace_spans set parent_span_id = $2 where trace_id = $1 and operation = $3', [
    traceId,
    Buffer.from(ids.get('a two') as string, 'hex'),
    'one',
  ]);
  assert.equal((await tree(traceId)).length, 2);
});

test('one offset fits all calls between two services: a call that contradicts nothing alone is corrected like its neighbours', async () => {
  const { traceId } = await draw(
    db.client,
    `
  app work      |====================|
    app POST    |  ====              | kind=client
      far one   |    ===             | kind=server
    app POST    |       ========     | kind=client
      far two   |        =========   | kind=server
    `,
    { scale: 100 },
  );
  const { rows } = await db.client.query(`select operation, skew_ms from trace_tree($1) where service = 'far'`, [
    traceId,
  ]);
  assert.equal(rows.length, 2);
  assert.equal(rows[0].skew_ms, rows[1].skew_ms);
  assert.ok(rows[0].skew_ms < 0);
});

test('a server that outlasts its caller by less than 50 ms does not make its clock wrong', async () => {
  const { traceId } = await draw(
    db.client,
    `
  app work      |==========|
    app POST    | =====    | kind=client
      far one   |     ===  | kind=server
    `,
  );
  const { rows } = await db.client.query(`select skew_ms from trace_tree($1) where service = 'far'`, [traceId]);
  assert.deepEqual(rows, [{ skew_ms: 0 }]);
});

test('a span whose process is gone lasts as long before it is marked as lost as after', async () => {
  const tracer = randomUUID();
  const at = new Date(Date.now() - 600_000);
  await db.client.query(
    `insert into beacon.tracers (tracer_id, service, instance, flag, flag_source, started_at, heartbeat_at)
     values ($1, 'a', 'a-1', 'true', 'environment', $2, $3)`,
    [tracer, at, new Date(at.getTime() + 70)],
  );
  const picture = `
    a root   |====>     |
      a step | ==       |
  `;
  const { traceId } = await draw(db.client, picture, { at, tracer });
  const before = await tree(traceId);
  await db.client.query('select beacon.mark_lost()');
  assert.deepEqual(await tree(traceId), before);
  assert.equal(before[0], 'a root 0+70 self 50 (lost: its process ended before it did)');
});
