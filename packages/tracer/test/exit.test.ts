import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
import { until } from '@project-beacon/testkit/until.ts';
import { firstLine, runChild, startChild } from './child.ts';

const { client, url } = await testDatabase();
const proxy = await faultyProxy(url);
after(() => proxy.close());

const env = { ENABLE_DB_TRACING: 'true', DATABASE_URL: url };

async function statuses(service: string): Promise<Record<string, number>> {
  const { rows } = await client.query(
    'select status, count(*)::int as n from trace_spans where service = $1 group by status order by status',
    [service],
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
}

async function tracerRow(service: string) {
  return (await client.query('select * from tracers where service = $1', [service])).rows[0];
}

test('a script that just ends loses nothing, and its open spans say that it ended', async () => {
  const ended = await runChild(
    `const tracer = await startTracing({ service: 'script' });
     for (let i = 0; i < 100; i++) tracer.withSpan('step', () => {});
     tracer.startSpan('never ended');`,
    { env },
  );
  assert.equal(ended.code, 0, ended.stderr);
  assert.deepEqual(await statuses('script'), { completed: 100, started: 1 });
  const row = await tracerRow('script');
  assert.ok(row.stopped_at);
  assert.equal(row.spans_written, '100');
  await client.query('select mark_lost()');
  assert.deepEqual(await statuses('script'), { completed: 100, lost: 1 });
});

test('spans made while it ends are written too', async () => {
  const ended = await runChild(
    `const tracer = await startTracing({ service: 'late' });
     tracer.startSpan('first').end();
     let rounds = 0;
     process.on('beforeExit', () => { if (rounds++ < 2) setTimeout(() => tracer.startSpan('later').end(), 5); });`,
    { env },
  );
  assert.equal(ended.code, 0, ended.stderr);
  assert.deepEqual(await statuses('late'), { completed: 3 });
});

test("shutdown in the application's own signal handler writes what is left", async () => {
  const child = startChild(
    `const tracer = await startTracing({ service: 'graceful', flushIntervalMs: 3600000 });
     process.on('SIGTERM', async () => { tracer.startSpan('last').end(); await tracer.shutdown(); process.exit(0); });
     setInterval(() => {}, 1000);
     console.log('ready');`,
    { env },
  );
  await firstLine(child);
  child.kill('SIGTERM');
  const code = await new Promise((resolve) => child.once('exit', resolve));
  assert.equal(code, 0);
  assert.deepEqual(await statuses('graceful'), { completed: 1 });
  assert.ok((await tracerRow('graceful')).stopped_at);
});

test('a process without a handler dies of SIGTERM as it would without tracing', async () => {
  const child = startChild(
    `const tracer = await startTracing({ service: 'plain' });
     setInterval(() => {}, 1000);
     console.log('ready');`,
    { env },
  );
  await firstLine(child);
  child.kill('SIGTERM');
  const signal = await new Promise((resolve) => child.once('exit', (_, by) => resolve(by)));
  assert.equal(signal, 'SIGTERM');
});

test('kill -9 in the middle of a span leaves it started; once the heartbeat is stale it is lost', async () => {
  const child = startChild(
    `const tracer = await startTracing({ service: 'killed', flushIntervalMs: 20, openAfterMs: 0, heartbeatMs: 20 });
     tracer.startSpan('in the middle');
     setInterval(() => {}, 1000);
     console.log('ready');`,
    { env },
  );
  await firstLine(child);
  await until('the open span is written', async () => (await statuses('killed')).started === 1);
  await until('it has a heartbeat', () => tracerRow('killed'));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  assert.equal((await tracerRow('killed')).stopped_at, null);
  await client.query('select mark_lost()');
  assert.deepEqual(await statuses('killed'), { started: 1 });
  await client.query(`select set_config('beacon.clock', (now() + interval '31 seconds')::text, false)`);
  await client.query('select mark_lost()');
  await client.query(`select set_config('beacon.clock', '', false)`);
  assert.deepEqual(await statuses('killed'), { lost: 1 });
});

test('a database that never answers does not hold a script back: its budget ends the wait', async () => {
  proxy.stall(true);
  const ended = await runChild(
    `const hour = 3_600_000;
     const tracer = await startTracing({ service: 'held', shutdownBudgetMs: 300, connectTimeoutMs: hour, statementTimeoutMs: hour });
     tracer.withSpan('work', () => {});`,
    { env: { ...env, DATABASE_URL: proxy.url } },
  );
  proxy.stall(false);
  assert.equal(ended.code, 0, ended.stderr);
  assert.equal(ended.tracerLines.at(-1), 'DBTracer: the process ends with 1 spans unwritten: out of time');
});

test('an idle tracer does not keep a process alive', async () => {
  const ended = await runChild(
    `const tracer = await startTracing({ service: 'idle', flushIntervalMs: 10, heartbeatMs: 10 });
     await new Promise((resolve) => setTimeout(resolve, 100));`,
    { env },
  );
  assert.equal(ended.code, 0, ended.stderr);
  assert.ok((await tracerRow('idle')).stopped_at);
});

test('10,000 spans ended in one tick are 10,000 rows', async (t) => {
  const ended = await runChild(
    `const tracer = await startTracing({ service: 'burst' });
     for (let i = 0; i < 10_000; i++) tracer.startSpan('quick', { attributes: { i } }).end();
     let last = performance.now(), worst = 0, done = false;
     const watch = () => { const now = performance.now(); worst = Math.max(worst, now - last); last = now; if (!done) setImmediate(watch); };
     setImmediate(watch);
     await tracer.flush();
     done = true;
     console.log(worst.toFixed(1));`,
    { env },
  );
  assert.equal(ended.code, 0, ended.stderr);
  t.diagnostic(`longest time the event loop stood still afterwards: ${ended.stdout.trim()} ms (a cold process)`);
  assert.deepEqual(await statuses('burst'), { completed: 10_000 });
  const { rows } = await client.query(`select sum(span_count)::int as spans from traces where root_service = 'burst'`);
  assert.deepEqual(rows, [{ spans: 10_000 }]);
  assert.deepEqual((await tracerRow('burst')).spans_dropped, {});
});

test('an uncaught error: a line says that spans are lost, and how to keep them; with a handler they are written', async () => {
  const work = `const tracer = await startTracing({ service: SERVICE });
    await tracer.withSpan('throws', async () => { throw new Error('boom'); });`;
  const lost = await runChild(work.replace('SERVICE', "'uncaught'"), { env });
  assert.equal(lost.code, 1);
  assert.match(lost.stderr, /Error: boom/);
  assert.match(lost.tracerLines.at(-1) ?? '', /an uncaught error ends the process, and 1 span that had ended is lost/);
  const kept = await runChild(
    `process.on('uncaughtException', async () => { await globalThis.tracer.shutdown(); process.exit(1); });
     const tracer = globalThis.tracer = await startTracing({ service: 'caught' });
     await tracer.withSpan('throws', async () => { throw new Error('boom'); });`,
    { env },
  );
  assert.equal(kept.code, 1);
  assert.deepEqual(kept.tracerLines.slice(1), []);
  assert.deepEqual(await statuses('caught'), { failed: 1 });
});

test('DB_TRACING_DEBUG says each span that is started, and what became of the first write', async () => {
  const code = `const tracer = await startTracing({ service: 'debugged' });
    tracer.withSpan('first', () => {}); tracer.startSpan('second').end();`;
  const said = async (more: Record<string, string>) =>
    (await runChild(code, { env: { ...env, DB_TRACING_DEBUG: 'true', ...more } })).tracerLines.slice(1);
  const started = (enabled: boolean) =>
    ['first', 'second'].map(
      (operation) => `DBTracer: StartSpan called: service=debugged, operation=${operation}, enabled=${enabled}`,
    );
  const on = await said({});
  assert.deepEqual(on.slice(0, 2), started(true));
  assert.match(on[2] ?? '', /^DBTracer: first write: 2 spans committed, /);
  assert.deepEqual(await said({ ENABLE_DB_TRACING: 'false' }), started(false));
  const gone = await said({ DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/none' });
  assert.ok(
    gone.some((line) => /first write failed, .*ECONNREFUSED/.test(line)),
    gone.join('\n'),
  );
});
