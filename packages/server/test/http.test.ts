import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { pino } from 'pino';
import { httpServer, LOOPBACK } from '../src/http/server.ts';
import { startMaintenance } from '../src/maintenance/loop.ts';
import { OPERATIONS } from '../src/operations/registry.ts';
import { createPool, withConnection } from '../src/store/connect.ts';
import { startEmbedded } from '../src/store/embedded.ts';
import { migrateUp } from '../src/store/migrate.ts';
import { readSets } from '../src/store/migrations.ts';

async function serve(databaseUrl: string) {
  const pool = createPool(databaseUrl, { applicationName: 'test', max: 2 });
  const maintenance = startMaintenance(pool, { intervalMs: 3_600_000 });
  await maintenance.round();
  const app = await httpServer({ pool, maintenance, logger: pino({ level: 'silent' }), hosts: LOOPBACK });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const stop = async () => {
    await app.close();
    await maintenance.stop();
    await pool.end();
  };
  const base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const get = async (path: string) => {
    const response = await fetch(base + path);
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      body: JSON.parse(await response.text()),
    };
  };
  return { base, get, stop };
}

const database = await testDatabase();
const { base, get, stop } = await serve(database.url);
after(stop);

await draw(database.client, 'runner execution.run |=====| kind=consumer', { execution: 1, job: 'job-1' });

test('every operation has a route under its name, listed with its parameters', async () => {
  const { body } = await get('/api/v1');
  assert.deepEqual(
    body.operations.map((operation: { path: string }) => operation.path),
    OPERATIONS.map(({ name }) => `/api/v1/${name}`),
  );
  assert.equal(body.operations[0].parameters.properties.limit.maximum, 1000);
  const { status, body: answer } = await get('/api/v1/waterfall?execution_id=1');
  assert.equal(status, 200);
  assert.equal(answer.rows[0].operation, 'execution.run');
  assert.equal(answer.leftOut, null);
});

test('errors are problem details with a code and a hint', async () => {
  const wrong = await get('/api/v1/diagnose?execution_id=abc&limit=-1');
  assert.equal(wrong.status, 400);
  assert.match(wrong.type ?? '', /^application\/problem\+json/);
  assert.equal(wrong.body.code, 'usage');
  assert.deepEqual(wrong.body.errors.map((error: { parameter: string }) => error.parameter).sort(), [
    'execution_id',
    'limit',
  ]);

  const unknown = await get('/api/v1/search?nonsense=1');
  assert.deepEqual(unknown.body.errors[0].parameter, 'nonsense');

  const missing = await get('/api/v1/waterfall?execution_id=99');
  assert.deepEqual([missing.status, missing.body.code], [404, 'not_found']);
  assert.match(missing.body.hint, /beacon search/);

  const nowhere = await get('/api/v1/nothing');
  assert.deepEqual([nowhere.status, nowhere.body.code], [404, 'not_found']);
});

test('health, readiness and tracers of a good database', async () => {
  const { body } = await get('/health');
  assert.equal(body.status, 'ok');
  assert.equal(body.maintenance.failures, 0);
  assert.equal(typeof body.maintenance.lastResult.spans_lost, 'number');
  assert.match(body.database.url, /:\*\*\*@/);
  assert.equal((await get('/ready')).status, 200);
  assert.deepEqual((await get('/health/tracing')).body.rows, []);
});

test('without its database the server is alive, not ready, and says why', async () => {
  const empty = await testDatabase(false);
  const other = await serve(empty.url);
  try {
    const health = await other.get('/health');
    assert.deepEqual([health.status, health.body.status], [200, 'degraded']);
    assert.equal(health.body.database.hint, 'Run `beacon migrate up`.');
    assert.match(health.body.maintenance.lastError, /beacon/);
    assert.equal((await other.get('/ready')).status, 503);
    const answer = await other.get('/api/v1/search');
    assert.deepEqual([answer.status, answer.body.code], [503, 'not_migrated']);
  } finally {
    await other.stop();
  }
});

test('when its database crashes the server stays, and is ready again when the database is back', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-http-'));
  fs.chmodSync(dir, 0o755);
  const options = { dir: path.join(dir, 'postgres'), durable: false };
  const first = await startEmbedded({ ...options, port: 0 });
  const other = await serve(first.url);
  try {
    const { port } = first;
    await first.stop('immediate');
    const down = await other.get('/ready');
    assert.equal(down.status, 503);
    assert.match(down.body.database.hint, /Check that PostgreSQL runs/);
    const second = await startEmbedded({ ...options, port });
    assert.equal(second.port, port);
    await withConnection(second.url, { applicationName: 'test' }, (client) => migrateUp(client, readSets()));
    assert.equal((await other.get('/ready')).status, 200);
    await second.stop('immediate');
  } finally {
    await other.stop();
    fs.rmSync(dir, { recursive: true, force: true });
  }
});

test('a web page that gives our address another name gets nothing', async () => {
  const { port } = new URL(base);
  const status = await new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path: '/api/v1/search', headers: { host: 'evil.example' } });
    request.on('response', (response) => resolve(response.resume().statusCode));
    request.on('error', reject);
  });
  assert.equal(status, 403);
});
