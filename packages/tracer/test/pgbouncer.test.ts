import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { pgBouncer, pgBouncerProgram } from '@project-beacon/testkit/pgbouncer.ts';
import { runChild } from './child.ts';

const program = pgBouncerProgram();
const skip = program ? false : 'pgbouncer is not installed (set PGBOUNCER to its path)';

test('spans, open spans and heartbeats go through PgBouncer in transaction mode', { skip }, async (t) => {
  const { client, url } = await testDatabase();
  const bouncer = await pgBouncer(program!, url);
  t.after(() => bouncer.stop());
  const ended = await runChild(
    `const tracer = await startTracing({ service: 'bounced', flushIntervalMs: 5, openAfterMs: 0, heartbeatMs: 5 });
     const long = tracer.startSpan('long');
     for (let i = 0; i < 40; i++) {
       tracer.withSpan('step', () => {});
       await new Promise((resolve) => setTimeout(resolve, 5));
     }
     long.end();
     await tracer.shutdown();
     console.log(JSON.stringify(tracer.health()));`,
    { env: { ENABLE_DB_TRACING: 'true', DATABASE_URL: bouncer.url } },
  );
  assert.equal(ended.code, 0, ended.stderr);
  const { spansWritten, writeFailures, lastError } = JSON.parse(ended.stdout);
  assert.deepEqual({ spansWritten, writeFailures, lastError }, { spansWritten: 41, writeFailures: 0, lastError: null });
  const { rows } = await client.query(
    `select operation, status, count(*)::int as n from trace_spans group by 1, 2 order by 1`,
  );
  assert.deepEqual(rows, [
    { operation: 'long', status: 'completed', n: 1 },
    { operation: 'step', status: 'completed', n: 40 },
  ]);
  const tracers = await client.query('select stopped_at is not null as stopped from tracers');
  assert.deepEqual(tracers.rows, [{ stopped: true }]);
});
