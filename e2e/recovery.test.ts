// kill -9 of a traced runner: what its successor does is visible, and linked to what was interrupted.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { eventually, jobEnd, System, startRunner, submitJob, systemDatabase } from './system.ts';

const database = await systemDatabase();
const { client } = database;
const quick = { STALE_AFTER_MS: '800', RECOVERY_INTERVAL_MS: '200' };
const system = await System.start(database, { regions: ['us-east'], providerTimeoutMs: 10_000, runner: quick });

test('recovery is a trace of its own, and it and the second attempt link to the first', async () => {
  await system.fault('us-east', { fault: 'slow', delayMs: 2500, times: 1 });
  const jobId = await submitJob(system.runner.url, ['us-east'], ['What is 2+2?']);
  // Long enough in the middle of the call that its span has been written as started.
  const first = await eventually('the first attempt is visible while it runs', async () => {
    const { rows } = await client.query(
      `select execution_id, replace(trace_id::text, '-', '') as trace_id from trace_spans
       where operation = 'execution.run' and status = 'started'`,
    );
    return rows[0];
  });
  system.runner.child.kill('SIGKILL');
  await once(system.runner.child, 'exit');

  const successor = await startRunner(database, {
    ...quick,
    ENABLE_DB_TRACING: 'true',
    HYBRID_ROUTER_URL: system.router.url,
  });
  const [execution] = await jobEnd(successor.url, jobId);
  assert.deepEqual([execution?.status, execution?.attempt, execution?.output_data?.answer], ['completed', 2, '4']);
  successor.child.kill('SIGTERM');
  await once(successor.child, 'exit');

  await client.query(
    `select set_config('beacon.clock', (heartbeat_at + interval '31 seconds')::text, false) from tracers
     where service = 'runner' and stopped_at is null`,
  );
  await client.query('select mark_lost()');
  const { rows } = await client.query(
    `select operation, status, metadata ->> 'beacon.attempt' as attempt, metadata ->> 'beacon.recovery' as recovery,
       links -> 0 ->> 'trace_id' as linked_to
     from trace_spans where execution_id = $1 and service = 'runner' and parent_span_id is null order by started_at`,
    [first.execution_id],
  );
  const linked_to = first.trace_id;
  assert.deepEqual(rows, [
    { operation: 'execution.run', status: 'lost', attempt: '1', recovery: null, linked_to: null },
    { operation: 'execution.recover', status: 'completed', attempt: '1', recovery: 'requeued', linked_to },
    { operation: 'execution.run', status: 'completed', attempt: '2', recovery: null, linked_to },
  ]);
});
