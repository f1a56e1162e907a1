// Whatever happens to the database, the job gives the same results, nothing is thrown into it, one line is logged, and
// the counters say what became of every span.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { migratedServer } from '@project-beacon/testkit/migrated.ts';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
import { firstLine, runChild, startChild } from './child.ts';

const { client, url } = await testDatabase();
const proxy = await faultyProxy(url);
after(() => proxy.close());

const SPANS = 60;

function job(service: string, attributes = '{}', options = ''): string {
  return `
    const options = { service: '${service}', flushIntervalMs: 10, heartbeatMs: 10, connectTimeoutMs: 300,
      statementTimeoutMs: 100, shutdownBudgetMs: 300, ${options} };
    const tracer = await startTracing(options);
    const results = [];
    for (let i = 0; i < 20; i++) {
      results.push(await tracer.withSpan('execution.run', async (span) => {
        const carried = tracer.setExecutionContext({ jobId: 'j', executionId: i });
        return context.with(carried, async () => {
          span.setAttributes(${attributes});
          await tracer.withSpan('step', () => new Promise((resolve) => setTimeout(resolve, 2)));
          try { tracer.withSpan('fails', () => { throw new Error('expected ' + i); }); } catch (error) { return error.message; }
        });
      }));
    }
    await tracer.flush();
    await tracer.shutdown();
    console.log(JSON.stringify({ results, health: tracer.health() }));`;
}

const off = await runChild(job('off'), { env: { DATABASE_URL: url, ENABLE_DB_TRACING: 'off' } });
const { results: expected } = JSON.parse(off.stdout);
assert.equal(expected.length, 20);

interface Outcome {
  written: number;
  dropped: Record<string, number>;
  lastError: string;
}

/** Runs the job and checks what holds under every fault. */
async function outcome(code: string, databaseUrl: string): Promise<Outcome> {
  const ended = await runChild(code, { env: { DATABASE_URL: databaseUrl, ENABLE_DB_TRACING: 'on' } });
  assert.equal(ended.code, 0, ended.stderr);
  const { results, health } = JSON.parse(ended.stdout);
  assert.deepEqual(results, expected);
  const { spansEnded, spansWritten, spansDropped, queueDepth } = health;
  const lost = Object.values(spansDropped as Record<string, number>).reduce((sum, count) => sum + count, 0);
  assert.deepEqual({ spansEnded, queueDepth }, { spansEnded: SPANS, queueDepth: 0 });
  assert.equal(spansWritten + lost, SPANS);
  const complaints = ended.tracerLines.filter((line) => line.includes('cannot write'));
  assert.equal(complaints.length, health.lastError === null ? 0 : 1, ended.stderr);
  return { written: spansWritten, dropped: spansDropped, lastError: health.lastError };
}

async function rowsOf(service: string): Promise<number> {
  return (await client.query('select from trace_spans where service = $1', [service])).rowCount!;
}

const LOST = { written: 0, dropped: { shutdown: SPANS } };

test('the database is down at the start', async () => {
  const { lastError, ...rest } = await outcome(job('down'), 'postgresql://user:geheim@127.0.0.1:1/beacon');
  assert.deepEqual(rest, LOST);
  assert.match(lastError, /ECONNREFUSED/);
});

test('the host does not resolve', async () => {
  const { lastError, ...rest } = await outcome(job('nowhere'), 'postgresql://user:geheim@db.invalid/beacon');
  assert.deepEqual(rest, LOST);
  assert.match(lastError, /ENOTFOUND|EAI_AGAIN/);
});

test('the connection string is nonsense', async () => {
  const { lastError, ...rest } = await outcome(job('nonsense'), 'postgresql://[');
  assert.deepEqual(rest, LOST);
  assert.match(lastError, /Invalid URL/);
});

test('the password is wrong', async () => {
  const wrong = new URL(url);
  wrong.password = 'wrong';
  const { lastError, ...rest } = await outcome(job('password'), wrong.href);
  assert.deepEqual(rest, LOST);
  assert.match(lastError, /28P01.*the password is wrong/);
});

test('the server is killed in the middle', async (t) => {
  const server = await migratedServer();
  t.after(() => server.discard());
  const code = `
    const tracer = await startTracing({ service: 'killed', flushIntervalMs: 10, connectTimeoutMs: 300, shutdownBudgetMs: 300 });
    const results = [];
    for (let i = 0; tracer.health().writeFailures === 0; i++) {
      results.push(tracer.withSpan('step', () => i));
      if (i === 20) console.log('half');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (let i = 0; i < 20; i++) results.push(tracer.withSpan('step', () => results.length));
    await tracer.shutdown();
    console.log(JSON.stringify({ same: results.every((value, i) => value === i), health: tracer.health() }));`;
  const child = startChild(code, { env: { DATABASE_URL: server.url, ENABLE_DB_TRACING: 'on' } });
  let said = '';
  child.stdout!.on('data', (data) => {
    said += data;
  });
  const exited = new Promise((resolve) => child.once('close', resolve));
  await firstLine(child);
  await server.stop('immediate');
  assert.equal(await exited, 0);
  const { same, health } = JSON.parse(said.split('\n')[1]!);
  assert.equal(same, true);
  assert.ok(health.spansDropped.shutdown >= 20);
  assert.equal(health.spansWritten + health.spansDropped.shutdown, health.spansEnded);
});

test('every answer takes 100 ms: nothing is lost', async () => {
  proxy.delay(50);
  const { written, dropped } = await outcome(
    job('slow', '{}', 'statementTimeoutMs: 5000, connectTimeoutMs: 5000, shutdownBudgetMs: 30000'),
    proxy.url,
  );
  proxy.delay(0);
  assert.deepEqual({ written, dropped }, { written: SPANS, dropped: {} });
  assert.equal(await rowsOf('slow'), SPANS);
});

test('every answer takes 10 s', async () => {
  proxy.delay(5_000);
  const { lastError, ...rest } = await outcome(job('very slow'), proxy.url);
  proxy.delay(0);
  proxy.reset();
  assert.deepEqual(rest, LOST);
  assert.match(lastError, /timeout expired|no answer/);
});

test('the table is locked', async () => {
  await client.query('begin; lock table beacon.trace_spans in access exclusive mode');
  const { lastError, ...rest } = await outcome(job('locked'), url);
  await client.query('rollback');
  assert.deepEqual(rest, LOST);
  assert.match(lastError, /57014.*a lock, or a slow database/);
});

test('the disk is full', async () => {
  await client.query(`create function beacon.no_room() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$`);
  await client.query(
    'create trigger no_room before insert on beacon.trace_spans for each row execute function beacon.no_room()',
  );
  const { lastError, ...rest } = await outcome(job('full'), url);
  await client.query('drop function beacon.no_room() cascade');
  assert.deepEqual(rest, LOST);
  assert.match(lastError, /53100.*disk is full/);
});

test('the role may not write', async () => {
  await client.query('revoke insert on beacon.trace_spans from current_user');
  const { lastError, ...rest } = await outcome(job('forbidden'), url);
  await client.query('grant insert on beacon.trace_spans to current_user');
  assert.deepEqual(rest, LOST);
  assert.match(lastError, /42501.*may not write/);
});

test('the schema is not migrated', async () => {
  const empty = await testDatabase(false);
  const { lastError, ...rest } = await outcome(job('unmigrated'), empty.url);
  assert.deepEqual(rest, LOST);
  assert.match(lastError, /run `beacon migrate`/);
});

test('the database takes no more connections', async () => {
  const { rows } = await client.query('select current_database() as name');
  await client.query(`alter database ${rows[0].name} connection limit 0`);
  const { lastError, ...rest } = await outcome(job('exhausted'), url);
  await client.query(`alter database ${rows[0].name} connection limit -1`);
  assert.deepEqual(rest, LOST);
  assert.match(lastError, /53300.*takes no more connections/);
});

test('values that JSON and PostgreSQL cannot hold', async () => {
  const attributes = `(() => {
    const cycle = {}; cycle.self = cycle;
    return { nan: NaN, big: 10n, cycle, zero: 'a\\u0000b', long: 'x'.repeat(1e7), lone: '\\ud800', deep: [[[{ n: -Infinity }]]],
      fine: 'kept' };
  })()`;
  const { written, dropped } = await outcome(
    job('odd', attributes, 'connectTimeoutMs: 30000, statementTimeoutMs: 30000, shutdownBudgetMs: 30000'),
    url,
  );
  assert.deepEqual({ written, dropped }, { written: SPANS, dropped: {} });
  const { rows } = await client.query(
    `select metadata, otel from trace_spans where service = 'odd' and operation = 'execution.run' and execution_id = 7`,
  );
  const { metadata, otel } = rows[0];
  assert.equal(metadata.fine, 'kept');
  assert.equal(metadata.nan, 'NaN');
  assert.equal(metadata.zero, 'a\ufffdb');
  assert.equal(metadata.long.length, 65_536);
  assert.deepEqual(metadata.deep, [[[{ n: '-Infinity' }]]]);
  assert.ok(otel.repairs.includes('metadata.long: truncated from 10000000 to 65536 characters'));
});

test('a buffer that is full drops the newest and counts them', async () => {
  const { dropped } = await outcome(
    job('small', '{}', 'bufferSpans: 10'),
    'postgresql://user:geheim@127.0.0.1:1/beacon',
  );
  assert.deepEqual(dropped, { buffer_full: 50, shutdown: 10 });
});
