import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { pgBouncer, pgBouncerProgram } from '@project-beacon/testkit/pgbouncer.ts';
import { type SpanRow, SpanWriter } from '@project-beacon/writer';
import { row } from './row.ts';

const program = pgBouncerProgram();
const skip = program ? false : 'pgbouncer is not installed (set PGBOUNCER to its path)';

test('several writers share two connections of PgBouncer in transaction mode', { skip }, async (t) => {
  const { client, url } = await testDatabase();
  const bouncer = await pgBouncer(program!, url);
  t.after(() => bouncer.stop());
  const { traceId } = row();
  const open = Array.from({ length: 6 }, () => row({ traceId, status: 'started', end: null }));
  const writers = open.map((started) => {
    const rows = [started];
    const options = { connectionString: bouncer.url, flushIntervalMs: 3_600_000, openRows: () => rows.splice(0) };
    return new SpanWriter<SpanRow>({ ...options, toRow: (item) => item });
  });
  for (let round = 0; round < 10; round++) {
    await Promise.all(
      writers.map(async (writer, i) => {
        for (let n = 0; n < 20; n++) writer.add(row({ traceId, executionId: `${n}` }));
        if (round === 5) writer.add({ ...open[i]!, status: 'failed', end: row().end, update: true });
        assert.equal(await writer.flush(), true);
      }),
    );
  }
  await Promise.all(writers.map((writer) => writer.shutdown(5_000)));
  const { rows } = await client.query('select span_count, error_count, open_count from traces where trace_id = $1', [
    traceId,
  ]);
  assert.deepEqual(rows, [{ span_count: 1_206, error_count: 6, open_count: 0 }]);
  for (const writer of writers) assert.equal(writer.counters().failures, 0);
});
