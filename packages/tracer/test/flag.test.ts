import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { readFlag } from '@project-beacon/tracer';
import { firstLine, runChild, startChild } from './child.ts';

const { client, url } = await testDatabase();

test('the accepted values are recognised in any case', () => {
  for (const on of ['true', '1', 'on', 'yes', 'TRUE', ' On ']) assert.equal(readFlag(undefined, on).enabled, true, on);
  for (const off of ['false', '0', 'off', 'no', '', 'FALSE', ' ']) {
    const { enabled, known } = readFlag(undefined, off);
    assert.deepEqual({ enabled, known }, { enabled: false, known: true }, off);
  }
  for (const mistake of ['ture', 'enabled', 'y', '2']) {
    const { enabled, known } = readFlag(undefined, mistake);
    assert.deepEqual({ enabled, known }, { enabled: false, known: false }, mistake);
  }
});

test('the option wins over the environment, and says so', () => {
  assert.deepEqual(readFlag('off', 'true'), { enabled: false, text: 'off', source: 'option', known: true });
  assert.equal(readFlag(undefined, undefined).source, 'default');
});

const START = `const tracer = await startTracing({ service: 'flag' });`;
const LINES: { name: string; env: Record<string, string>; code?: string; line: string | RegExp }[] = [
  { name: 'on', env: { ENABLE_DB_TRACING: 'true' }, line: 'DBTracer: ENABLED (ENABLE_DB_TRACING=true)' },
  { name: 'off', env: { ENABLE_DB_TRACING: 'false' }, line: 'DBTracer: DISABLED (ENABLE_DB_TRACING=false)' },
  { name: 'unset', env: {}, line: 'DBTracer: DISABLED (ENABLE_DB_TRACING=<unset>)' },
  { name: 'empty', env: { ENABLE_DB_TRACING: '' }, line: 'DBTracer: DISABLED (ENABLE_DB_TRACING=)' },
  {
    name: 'a mistake',
    env: { ENABLE_DB_TRACING: 'ture' },
    line: /^DBTracer: DISABLED \(ENABLE_DB_TRACING=ture\): not an accepted value. On: true, 1, on, yes; off: false, 0, off, no or empty$/,
  },
  {
    name: 'an option',
    env: {},
    code: `await startTracing({ service: 'flag', flag: 'yes' });`,
    line: 'DBTracer: ENABLED (ENABLE_DB_TRACING=yes, from the option "flag")',
  },
];

for (const { name, env, code = START, line } of LINES) {
  test(`one line says what was found: ${name}`, async () => {
    const ended = await runChild(code, { env: { ...env, DATABASE_URL: url } });
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(ended.tracerLines.length, 1);
    if (typeof line === 'string') assert.equal(ended.tracerLines[0], line);
    else assert.match(ended.tracerLines[0]!, line);
  });
}

test('a flag from an env file is told apart from one of the environment', {
  skip: process.platform !== 'linux',
}, async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-flag-'));
  after(() => fs.rmSync(dir, { recursive: true }));
  const file = path.join(dir, 'settings.env');
  fs.writeFileSync(file, 'ENABLE_DB_TRACING=false\n');
  const code = `${START} console.log(tracer.health().flagSource);`;
  const fromFile = await runChild(code, { node: [`--env-file=${file}`] });
  assert.equal(fromFile.stdout, 'file\n', fromFile.stderr);
  assert.deepEqual(fromFile.tracerLines, ['DBTracer: DISABLED (ENABLE_DB_TRACING=false, from an env file)']);
  const both = await runChild(code, { node: [`--env-file=${file}`], env: { ENABLE_DB_TRACING: 'no' } });
  assert.equal(both.stdout, 'environment\n');
});

test('the flag without an address: one line, and no tracing', async () => {
  const ended = await runChild(`${START} tracer.withSpan('x', () => {}); console.log(tracer.enabled);`, {
    env: { ENABLE_DB_TRACING: 'true' },
  });
  assert.equal(ended.stdout, 'false\n');
  assert.deepEqual(ended.tracerLines, ['DBTracer: DISABLED (ENABLE_DB_TRACING=true): DATABASE_URL is not set']);
});

test('with the flag off: no row, no connection, no timer, no provider, and every verb works', async () => {
  const code = `
    const tracer = await startTracing({ service: 'silent' });
    const resources = process.getActiveResourcesInfo().filter((one) => /Timeout|TCP/.test(one));
    const span = tracer.startSpan('a');
    tracer.completeSpan(span, { x: 1 });
    tracer.completeSpanWithError(tracer.startSpan('b'), new Error('no'));
    const through = tracer.setExecutionContext({ jobId: 1, executionId: 2 });
    const sum = await context.with(through, () => tracer.withSpan('c', { kind: SpanKind.CLIENT }, async () => 40 + 2));
    let thrown;
    try { tracer.withSpan('d', () => { throw new TypeError('mine'); }); } catch (error) { thrown = error.message; }
    const headers = tracer.inject({ accept: 'x' });
    tracer.extract(headers);
    await tracer.flush();
    const { attachedTo, spansStarted, tracerId } = tracer.health();
    const listeners = process.listenerCount('beforeExit') + process.listenerCount('SIGTERM');
    setTimeout(() => {}, 60_000);
    console.log(JSON.stringify({ resources, sum, thrown, headers, attachedTo, spansStarted, tracerId, listeners,
      traceId: /^[0-9a-f]{32}$/.test(tracer.generateTraceId()), recording: span.isRecording() }));`;
  const child = startChild(code, { env: { ENABLE_DB_TRACING: 'off', DATABASE_URL: url } });
  const { tracerId, ...said } = JSON.parse(await firstLine(child));
  const others = await client.query(
    'select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  child.kill();
  assert.equal(others.rowCount, 0);
  assert.deepEqual(said, {
    resources: [],
    sum: 42,
    thrown: 'mine',
    headers: { accept: 'x' },
    attachedTo: null,
    spansStarted: 0,
    listeners: 0,
    traceId: true,
    recording: false,
  });
  assert.equal((await client.query(`select from trace_spans where service = 'silent'`)).rowCount, 0);
  assert.equal((await client.query('select from tracers where tracer_id = $1', [tracerId])).rowCount, 0);
});

test('with the flag off a process never connects: an address that does not answer costs it nothing', async () => {
  const code = `const tracer = await startTracing({ service: 'x' }); tracer.withSpan('a', () => {}); console.log(tracer.health().writeFailures);`;
  const ended = await runChild(code, { env: { DATABASE_URL: 'postgresql://u:p@127.0.0.1:1/x' } });
  assert.equal(ended.stdout, '0\n');
  assert.equal(ended.tracerLines.length, 1);
});
