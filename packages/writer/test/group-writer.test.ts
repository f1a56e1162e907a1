import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { EncodedBatch, GroupWriter, type SpanRow, UnavailableError } from '@project-beacon/writer';
import { row } from './row.ts';

const { client, url } = await testDatabase();

function groupWriter(options: { connectionString?: string; groupRows?: number } = {}): GroupWriter {
  const writer = new GroupWriter({ connectionString: url, pauseMs: 50, ...options });
  after(() => writer.close(0));
  return writer;
}

function batchOf(rows: SpanRow[]): EncodedBatch {
  const batch = new EncodedBatch();
  for (const each of rows) batch.add(each);
  return batch;
}

async function count(): Promise<number> {
  return (await client.query('select count(*)::int as n from trace_spans')).rows[0].n;
}

test('many batches go in few transactions, and each is answered when it is stored', async () => {
  const writer = groupWriter();
  const batches = Array.from({ length: 100 }, () => batchOf([row(), row()]));
  assert.deepEqual(
    await Promise.all(batches.map((batch) => writer.submit(batch))),
    batches.map(() => []),
  );
  assert.equal(await count(), 200);
  const { flushes, written, waiting } = writer.counters();
  assert.ok(flushes < 10, `${flushes} flushes`);
  assert.deepEqual([written, waiting], [200, { batches: 0, rows: 0, bytes: 0 }]);
});

test('writers that resend the same spans in other orders store each once', async () => {
  await client.query('truncate trace_spans, traces, trace_executions');
  const traceId = 'ab'.repeat(16);
  const rows = Array.from({ length: 60 }, () => row({ traceId }));
  const writers = [groupWriter(), groupWriter(), groupWriter()];
  for (let round = 0; round < 5; round++) {
    const shuffled = writers.map(() => rows.toSorted(() => Math.random() - 0.5));
    const answers = await Promise.allSettled(writers.map((writer, i) => writer.submit(batchOf(shuffled[i]!))));
    for (const answer of answers)
      assert.equal(answer.status, 'fulfilled', `${(answer as PromiseRejectedResult).reason}`);
  }
  assert.equal(await count(), 60);
  assert.equal((await client.query('select span_count as n from traces')).rows[0].n, 60);
});

test('rows the database refuses are named, whichever batch they came in', async () => {
  await client.query('truncate trace_spans, traces, trace_executions');
  const writer = groupWriter();
  const bad = row({ operation: 'bad', kind: 'unknown' as never });
  const [first, second] = await Promise.all([
    writer.submit(batchOf([row(), bad, row()])),
    writer.submit(batchOf([row()])),
  ]);
  assert.equal(second!.length, 0);
  assert.deepEqual(
    first!.map(({ spanId, operation, reason }) => [spanId, operation, /trace_spans_kind_is_known/.test(reason)]),
    [[bad.spanId, 'bad', true]],
  );
  assert.equal(await count(), 3);
});

test('with the database away a batch is turned away, and so are the next ones for a while', async () => {
  const nowhere = new URL(url);
  nowhere.port = '1';
  const writer = groupWriter({ connectionString: nowhere.href });
  await assert.rejects(writer.submit(batchOf([row()])), (error: UnavailableError) => {
    assert.ok(error instanceof UnavailableError && error.retryAfterMs >= 50);
    return true;
  });
  assert.ok(writer.pausedMs() > 0);
  await assert.rejects(writer.submit(batchOf([row()])), UnavailableError);
  assert.equal(writer.counters().failures, 1);
});
