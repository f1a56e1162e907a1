import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { accuses, acquits, verdicts } from './verdicts.ts';

const { db, of, draw, again } = await verdicts();

async function tracer(state: { heartbeat: string; stopped?: boolean }): Promise<string> {
  const id = randomUUID();
  await db.client.query(
    `insert into tracers (tracer_id, service, instance, flag, flag_source, started_at, heartbeat_at, stopped_at)
     values ($1, 'inference', 'host/1', 'true', 'environment', now() - interval '1 hour', now() - $2::interval, $3)`,
    [id, state.heartbeat, state.stopped ? new Date() : null],
  );
  return id;
}

const CRASH = `
  runner execution.run                     |===========x| kind=consumer error=UND_ERR_SOCKET
    router POST                            | =========x | kind=client error=UND_ERR_SOCKET
      inference POST /v1/chat/completions  |  >         | kind=server
        inference model.generate           |   >        |
`;

test('a span whose process went silent is lost, and its service is where to look', async () => {
  const best = accuses(
    await of(CRASH, { tracer: await tracer({ heartbeat: '5 minutes' }) }),
    'PROCESS_LOST',
    'inference',
  );
  assert.equal(best.operation, 'model.generate');
});

test('marking lost spans changes the table and not the verdict', async () => {
  const drawn = await draw(CRASH, { tracer: await tracer({ heartbeat: '5 minutes' }) });
  const marked = await db.client.query('select mark_lost() as n');
  assert.ok(marked.rows[0].n >= 2);
  accuses(await again(drawn), 'PROCESS_LOST', 'inference');
  const { rows } = await db.client.query('select open_count, error_count from traces where trace_id = $1', [
    drawn.traceId,
  ]);
  assert.deepEqual(rows, [{ open_count: 0, error_count: 4 }]);
  assert.equal((await db.client.query('select mark_lost() as n')).rows[0].n, 0);
});

const HANG = `
  runner execution.run                     |=========x      | kind=consumer error=timeout
    router POST                            | ========!      | kind=client error="timeout: no complete answer within 900 ms"
      inference POST /v1/chat/completions  |  >             | kind=server
`;

test('a callee that hung beyond the time-out is not accused of dying because it was ended later', async () => {
  const at = new Date(Date.now() - 300_000);
  // Its last heartbeat came before its caller gave up; that it lived on shows in what it finished afterwards.
  const process = await tracer({ heartbeat: '5 minutes' });
  const drawn = await draw(HANG, { tracer: process, at });
  await draw('inference GET /health |===| kind=server', {
    tracer: process,
    at: new Date(at.getTime() + 400),
    execution: null,
  });
  await db.client.query('select mark_lost()');
  accuses(await again(drawn), 'SERVICE_TIMEOUT', 'inference');
});

test('a span that is open in a process that lives is not lost', async () => {
  const found = await of(CRASH, { tracer: await tracer({ heartbeat: '2 seconds' }) });
  acquits(found, 'PROCESS_LOST');
  accuses(found, 'CONNECTION_FAILURE', 'inference');
});

test('the incident: a missing setting is named, and the service that lacks it', async () => {
  const best = accuses(
    await of(
      `
      runner execution.run |x| kind=consumer error=configuration_error message="HYBRID_ROUTER_URL is not set: the runner does not know where the hybrid router is" beacon.missing_setting=HYBRID_ROUTER_URL
      `,
      { scale: 12 },
    ),
    'CONFIGURATION_ERROR',
    'runner',
  );
  assert.equal(best.evidence.missing_setting, 'HYBRID_ROUTER_URL');
  assert.equal(best.evidence.calls_made, 0);
  assert.match(best.recommendation, /Set HYBRID_ROUTER_URL/);
});

const REACHES = `
  worker job.run    |=====| kind=consumer
    hub POST /run   | === | kind=server
`;

test('a failure in milliseconds without a word, where others of its kind call on, is a configuration error', async () => {
  await draw(REACHES);
  const [best] = await of('worker job.run |x| kind=consumer');
  assert.equal(best?.type, 'CONFIGURATION_ERROR');
  assert.match(best?.summary ?? '', /called no other service, although it usually does/);
});

test('an operation that never calls another is not accused of a missing call', async () => {
  const [best] = await of('local sum.run |x| kind=consumer');
  assert.equal(best?.type, 'UNKNOWN');
  assert.equal(best?.evidence.spans_looked_at, 1);
});

test('a message with a name in capitals is no configuration error unless it says that something is missing', async () => {
  acquits(
    await of('runner execution.run |===x| kind=consumer error=internal_error message="GPU_POOL exploded"'),
    'CONFIGURATION_ERROR',
  );
});

const COLD = (load: string, end: string) => `
  runner execution.run                     |${end}| kind=consumer
    inference POST /v1/chat/completions    | ============= | kind=server
      inference model.load                 |${load}| faas.coldstart=true
      inference model.generate             |           ==  |
`;

test('a cold start that takes most of the time is said', async () => {
  accuses(await of(COLD(' =========     ', '==============='), { scale: 100 }), 'COLD_START', 'inference');
});

test('a cold start that takes little of the time is not', async () => {
  acquits(await of(COLD(' =             ', '==============='), { scale: 100 }));
});

test('a cold start behind a time-out is the cause of the time-out', async () => {
  accuses(
    await of(
      `
      runner execution.run                   |===========x      | kind=consumer error=timeout
        router POST                          | =========!       | kind=client error=timeout
          inference POST /v1/chat/completions|  =============== | kind=server
            inference model.load             |  ============    | faas.coldstart=true
            inference model.generate         |              ==  |
      `,
      { scale: 200 },
    ),
    'COLD_START',
    'inference',
  );
});

test('work that waited longer than it took is delayed by its queue', async () => {
  accuses(
    await of('runner execution.run |====| kind=consumer beacon.queued_ms=60000', { scale: 100 }),
    'QUEUE_DELAY',
    'runner',
  );
});

test('work that waited a moment is not', async () => {
  acquits(await of('runner execution.run |====| kind=consumer beacon.queued_ms=900', { scale: 100 }));
});

test('of two attempts the last one decides, and a retry that worked accuses nothing', async () => {
  const first = await draw('runner execution.run |===x| kind=consumer error=rate_limit_exceeded', {
    at: new Date(Date.now() - 60_000),
  });
  assert.equal((await again(first))[0]?.type, 'RATE_LIMITED');
  await draw('runner execution.run |==x| kind=consumer error=out_of_memory', {
    execution: first.executionId,
    at: new Date(Date.now() - 30_000),
  });
  const found = await again(first);
  assert.equal(found[0]?.type, 'RESOURCE_EXHAUSTED');
  assert.ok(found.some((verdict) => verdict.type === 'RATE_LIMITED' && verdict.role === 'remark'));
  await draw('runner execution.run |==| kind=consumer', { execution: first.executionId, at: new Date() });
  acquits(await again(first));
});

test('an execution without spans is said to be untraced, with the tracers that are alive', async () => {
  const found = await again({ traceId: '', executionId: 999_999, ids: new Map() });
  assert.equal(found[0]?.type, 'UNTRACED');
  assert.match(found[0]?.summary ?? '', /Tracers running: inference/);
  // Who traces need not be told to switch it on.
  assert.match(found[0]?.recommendation ?? '', /^Those processes do trace/);
  await db.client.query('update beacon.tracers set stopped_at = now() where stopped_at is null');
  const [off] = await again({ traceId: '', executionId: 999_999, ids: new Map() });
  assert.match(off?.recommendation ?? '', /^Set ENABLE_DB_TRACING=true/);
});
