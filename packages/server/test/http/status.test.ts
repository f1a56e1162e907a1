// What load balancers ask, while the database comes and goes.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { startMaintenance } from '../../src/maintenance/loop.ts';
import { createPool, withConnection } from '../../src/store/connect.ts';
import { startEmbedded } from '../../src/store/embedded.ts';
import { migrateUp } from '../../src/store/migrate.ts';
import { readSets } from '../../src/store/migrations.ts';
import { serve } from './server.ts';

/** A server whose maintenance has had a round. */
async function maintained(url: string) {
  const pool = createPool(url, { applicationName: 'test', max: 2 });
  const maintenance = startMaintenance(pool, { intervalMs: 3_600_000 });
  await maintenance.round();
  const server = await serve({ url }, { pool, maintenance });
  return { ...server, end: () => maintenance.stop().then(server.stop) };
}

test('health, readiness and tracers of a good database', async () => {
  const database = await testDatabase();
  const server = await maintained(database.url);
  const { body } = await server.ask('/health');
  assert.equal(body.status, 'ok');
  assert.equal(body.maintenance.failures, 0);
  assert.equal(typeof body.maintenance.lastResult.spans_lost, 'number');
  assert.match(body.database.url, /:\*\*\*@/);
  assert.equal((await server.ask('/ready')).status, 200);
  assert.deepEqual((await server.ask('/health/tracing')).body.rows, []);
  await server.end();
});

test('health does not wait for those who hold all connections, nor for a database that does not answer', async () => {
  const database = await testDatabase();
  const pool = createPool(database.url, { applicationName: 'test', max: 2 });
  const server = await serve(database, { pool });
  const holders = [await pool.connect(), await pool.connect()];
  assert.equal((await server.ask('/health')).body.status, 'ok');
  await database.client.query('begin; lock table beacon.tracers in access exclusive mode');
  const began = performance.now();
  const slow = await server.ask('/health');
  assert.ok(performance.now() - began < 1_500, 'the limit is 700 ms');
  assert.deepEqual([slow.body.status, slow.body.database.error], ['degraded', 'The database is slow to answer.']);
  await database.client.query('rollback');
  for (const holder of holders) holder.release();
  await server.stop();
});

test('without its database the server is alive, not ready, and says why', async () => {
  const empty = await testDatabase(false);
  const server = await maintained(empty.url);
  const health = await server.ask('/health');
  assert.deepEqual([health.status, health.body.status], [200, 'degraded']);
  assert.equal(health.body.database.hint, 'Run `beacon migrate up`.');
  assert.match(health.body.maintenance.lastError, /beacon/);
  assert.equal((await server.ask('/ready')).status, 503);
  const answer = await server.ask('/api/v1/search');
  assert.deepEqual([answer.status, answer.body.code], [503, 'not_migrated']);
  await server.end();
});

test('when its database crashes the server stays, and is ready again when the database is back', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-http-'));
  fs.chmodSync(dir, 0o755);
  const options = { dir: path.join(dir, 'postgres'), durable: false };
  const first = await startEmbedded({ ...options, port: 0 });
  const server = await maintained(first.url);
  try {
    const { port } = first;
    await first.stop('immediate');
    const down = await server.ask('/ready');
    assert.equal(down.status, 503);
    assert.match(down.body.database.hint, /Check that PostgreSQL runs/);
    const second = await startEmbedded({ ...options, port });
    assert.equal(second.port, port);
    await withConnection(second.url, { applicationName: 'test' }, (client) => migrateUp(client, readSets()));
    assert.equal((await server.ask('/ready')).status, 200);
    await second.stop('immediate');
  } finally {
    await server.end();
    fs.rmSync(dir, { recursive: true, force: true });
  }
});
