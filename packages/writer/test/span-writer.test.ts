import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
import { until } from '@project-beacon/testkit/until.ts';
import { type SpanRow, SpanWriter, type SpanWriterOptions } from '@project-beacon/writer';
import { row } from './row.ts';

const { client, url } = await testDatabase();
const proxy = await faultyProxy(url);
after(() => proxy.close());

// Long intervals: what is written is written because the test asks for it.
function writer(changes: Partial<SpanWriterOptions<SpanRow>> = {}): SpanWriter<SpanRow> {
  const made = new SpanWriter<SpanRow>({
    connectionString: proxy.url,
    toRow: (item) => item,
    flushIntervalMs: 3_600_000,
    ...changes,
  });
  after(() => made.shutdown(0));
  return made;
}

async function count(traceId: string): Promise<number> {
  const { rows } = await client.query(
    `select (select count(*)::int from trace_spans where trace_id = $1) as spans,
       (select span_count from traces where trace_id = $1) as summed`,
    [traceId],
  );
  assert.equal(rows[0].summed ?? 0, rows[0].spans);
  return rows[0].spans;
}

test('what was added is written at the interval, without being asked', async () => {
  const spans = writer({ flushIntervalMs: 20 });
  const { traceId } = row();
  spans.add(row({ traceId }));
  await until('the span is in the table', async () => (await count(traceId)) === 1);
});

test('many spans are written before the interval is over', async () => {
  const spans = writer();
  const { traceId } = row();
  for (let i = 0; i < 3_000; i++) spans.add(row({ traceId }));
  await until('the first two thousand are in the table', async () => (await count(traceId)) >= 2_000);
});

test('a full buffer drops the newest and counts them', async () => {
  const spans = writer({ bufferSpans: 10 });
  const { traceId } = row();
  const kept = Array.from({ length: 15 }, () => row({ traceId }));
  assert.deepEqual(
    kept.map((span) => spans.add(span)),
    kept.map((_, i) => i < 10),
  );
  assert.equal(await spans.flush(), true);
  const { added, written, dropped, queued } = spans.counters();
  assert.deepEqual(
    { added, written, dropped, queued },
    { added: 15, written: 10, dropped: { buffer_full: 5 }, queued: 0 },
  );
  assert.equal(await count(traceId), 10);
});

test('a row the database refuses is dropped alone, counted, and named', async () => {
  const spans = writer();
  const { traceId } = row();
  for (let i = 0; i < 300; i++) spans.add(row({ traceId, ...(i % 100 === 50 ? { spanId: '00' } : {}) }));
  assert.equal(await spans.flush(), true);
  const { written, dropped, lastError, failures } = spans.counters();
  assert.deepEqual({ written, dropped, failures }, { written: 297, dropped: { rejected: 3 }, failures: 0 });
  assert.match(lastError!, /trace_spans_span_id_is_8_bytes.*23514/);
  assert.equal(await count(traceId), 297);
});

test('an item that cannot be read is dropped alone', async () => {
  const spans = writer({
    toRow: (item) => {
      if (item.operation === 'bad') throw new Error('unreadable item');
      return item;
    },
  });
  const { traceId } = row();
  for (const operation of ['good', 'bad', 'good']) spans.add(row({ traceId, operation }));
  await spans.flush();
  assert.deepEqual(spans.counters().dropped, { unreadable: 1 });
  assert.equal(await count(traceId), 2);
});

test('a commit whose answer was lost is tried again, and nothing is stored or counted twice', async () => {
  const spans = writer();
  const { traceId } = row();
  for (let i = 0; i < 50; i++) spans.add(row({ traceId, executionId: '9' }));
  const lost = proxy.loseAnswerTo((sent) => sent.includes('commit'));
  assert.equal(await spans.flush(), false);
  await lost;
  await until('the first commit has happened', async () => (await count(traceId)) === 50);
  spans.add(row({ traceId }));
  assert.equal(await spans.flush(), true);
  assert.equal(await count(traceId), 51);
  const { written, duplicates, queued, failures } = spans.counters();
  assert.deepEqual({ written, duplicates, queued, failures }, { written: 51, duplicates: 50, queued: 0, failures: 1 });
});

test('a connection that breaks between flushes is made anew', async () => {
  const spans = writer();
  const { traceId } = row();
  spans.add(row({ traceId }));
  await spans.flush();
  proxy.reset();
  spans.add(row({ traceId }));
  await until('it is written over a new connection', () => spans.flush());
  assert.equal(await count(traceId), 2);
});

test('after failures in a row the database is only probed, and once it is back nothing was lost', async () => {
  const spans = writer({ breakAfter: 3, probeMs: 50, flushIntervalMs: 10 });
  const { traceId } = row();
  proxy.cut();
  for (let i = 0; i < 5; i++) spans.add(row({ traceId }));
  await until('the circuit is open', () => spans.counters().circuit === 'open');
  assert.match(spans.counters().lastError!, /ECONNRESET|terminated/);
  proxy.restore();
  await until('all are written', async () => (await count(traceId)) === 5);
  await until('the circuit is closed', () => spans.counters().circuit === 'closed');
  assert.deepEqual(spans.counters().dropped, {});
});

test('a network that swallows everything is given up after a deadline', async () => {
  const spans = writer({ connectTimeoutMs: 100, statementTimeoutMs: 100 });
  const { traceId } = row();
  spans.add(row({ traceId }));
  await spans.flush();
  proxy.stall(true);
  spans.add(row({ traceId }));
  assert.equal(await spans.flush(), false);
  assert.match(spans.counters().lastError!, /no answer from the database within 300 ms/);
  proxy.stall(false);
  assert.equal(await spans.flush(), true);
  assert.equal(await count(traceId), 2);
});

test('a locked table costs a statement timeout, not a connection, and the rows wait', async () => {
  const spans = writer({ statementTimeoutMs: 500 });
  const { traceId } = row();
  await client.query('begin; lock table beacon.traces in exclusive mode');
  spans.add(row({ traceId }));
  assert.equal(await spans.flush(), false);
  assert.match(spans.counters().lastError!, /statement timeout.*57014.*a lock, or a slow database/);
  await client.query('rollback');
  assert.equal(await spans.flush(), true);
  assert.equal(await count(traceId), 1);
});

test('shutdown writes what waits, and counts what it could not write within its budget', async () => {
  const written = writer();
  const { traceId } = row();
  written.add(row({ traceId }));
  await written.shutdown(10_000);
  assert.equal(await count(traceId), 1);
  assert.equal(written.add(row()), false);
  assert.deepEqual(written.counters().dropped, { shutdown: 1 });

  const stuck = writer();
  proxy.cut();
  stuck.add(row());
  await stuck.shutdown(50);
  proxy.restore();
  assert.deepEqual(stuck.counters().dropped, { shutdown: 1 });
  assert.equal(stuck.counters().queued, 0);
});

test('open rows are written once and completed later, and are not counted as spans', async () => {
  const open = row({ status: 'started', end: null });
  let asked = 0;
  const spans = writer({ openRows: () => (asked++ === 0 ? [open] : []) });
  await spans.flush();
  assert.equal(spans.counters().writtenOpen, 1);
  assert.equal(spans.counters().written, 0);
  spans.add({ ...open, status: 'completed', end: row().end, update: true });
  await spans.flush();
  const { added, written, queued } = spans.counters();
  assert.deepEqual({ added, written, queued }, { added: 1, written: 1, queued: 0 });
  assert.equal(await count(open.traceId), 1);
});

test('passwords are in no message', async () => {
  const broken = writer({ connectionString: 'postgresql://user:geheim@127.0.0.1:1/nowhere' });
  broken.add(row());
  await broken.flush();
  assert.match(broken.counters().lastError!, /ECONNREFUSED/);
  assert.doesNotMatch(JSON.stringify(broken.counters()), /geheim/);
});
