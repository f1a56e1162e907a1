// Programs with an SDK of their own, whose exporter fails in silence: the doctor names why.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { type TestDatabase, testDatabase } from '@project-beacon/testkit';
import { type Beacon, startBeacon } from './beacon.ts';
import { eventually } from './system.ts';

const MAIN = path.join(import.meta.dirname, '../packages/server/src/main.ts');
const APP = path.join(import.meta.dirname, 'otlp-app.mjs');
const TOKEN = 'wrong-token-5f3a';

function node(args: string[], env: Record<string, string>) {
  const given = { PATH: process.env.PATH ?? '', COLUMNS: '110', NODE_NO_WARNINGS: '1', ...env };
  return spawnSync(process.execPath, args, { env: given, cwd: os.tmpdir(), encoding: 'utf8', timeout: 30_000 });
}

/** Runs the program, which says nothing whatever happens, and asks the doctor with the same environment. */
function runAndAsk(database: TestDatabase, env: Record<string, string>, asked = env) {
  const app = node([APP], { OTEL_EXPORTER_OTLP_TIMEOUT: '1000', ...env });
  assert.deepEqual([app.status, app.stdout], [0, ''], app.stderr);
  const began = performance.now();
  const said = node([MAIN, 'doctor', '--json'], { DATABASE_URL: database.url, ...asked });
  assert.ok(performance.now() - began < 10_000);
  assert.ok(!said.stdout.includes(TOKEN), 'no secret');
  const diagnosis = JSON.parse(said.stdout);
  return { status: said.status, diagnosis, faults: diagnosis.faults.map(({ fault }: { fault: string }) => fault) };
}

const http = (port: number) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
});
const grpc = (port: number) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
});

async function system(env: Record<string, string> = {}): Promise<{ database: TestDatabase; beacon: Beacon }> {
  const database = await testDatabase();
  return { database, beacon: await startBeacon(database.url, {}, env) };
}

test('an exporter that reaches Beacon: nothing is accused, and nothing is left behind', async () => {
  const { database, beacon } = await system();
  for (const env of [http(beacon.httpPort), grpc(beacon.grpcPort)]) {
    const { status, diagnosis, faults } = runAndAsk(database, env);
    assert.deepEqual([status, faults, diagnosis.leftBehind], [0, [], []], JSON.stringify(diagnosis, null, 1));
    assert.match(JSON.stringify(diagnosis.good), /read back from the database/);
  }
  const { rows } = await database.client.query(
    `select (select count(*)::int from trace_spans where operation = 'beacon.probe') as probes,
       (select count(*)::int from trace_resources where attributes ->> 'service.name' = 'beacon doctor') as resources`,
  );
  assert.deepEqual(rows, [{ probes: 0, resources: 0 }]);
});

test('an exporter whose port has no listener, and whose SDK is silent: OTLP_PORT_CLOSED', async () => {
  const database = await testDatabase();
  assert.deepEqual(runAndAsk(database, http(9)).faults, ['OTLP_PORT_CLOSED']);
});

test("HTTP to Beacon's gRPC port, and gRPC to its HTTP port: OTLP_WRONG_PROTOCOL", async () => {
  const { database, beacon } = await system();
  assert.deepEqual(runAndAsk(database, http(beacon.grpcPort)).faults, ['OTLP_WRONG_PROTOCOL']);
  // The exporter of the app speaks HTTP whatever the variable says, so only the doctor tries this one.
  const tried = node([MAIN, 'doctor', '--json'], { DATABASE_URL: database.url, ...grpc(beacon.httpPort) });
  assert.deepEqual(
    JSON.parse(tried.stdout).faults.map(({ fault }: { fault: string }) => fault),
    ['OTLP_WRONG_PROTOCOL'],
  );
  // From an environment that says nothing: by what the server has counted.
  await counted(database, 'grpc_to_http');
  const said = node([MAIN, 'doctor', '--json'], { DATABASE_URL: database.url });
  const [found] = JSON.parse(said.stdout).faults;
  assert.equal(found.fault, 'OTLP_WRONG_PROTOCOL');
  assert.match(found.summary, /^\d+ requests over OTLP spoke/);
});

test('a wrong token: named by asking the endpoint, and by what the server has counted', async () => {
  const { database, beacon } = await system({ BEACON_TOKEN: 'the-right-one' });
  const env = { ...http(beacon.httpPort), OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${TOKEN}` };
  const { status, faults } = runAndAsk(database, env);
  assert.deepEqual([status, faults], [1, ['OTLP_TOKEN_REFUSED']]);
  await counted(database, 'token');
  assert.deepEqual(runAndAsk(database, env, {}).faults, ['OTLP_TOKEN_REFUSED']);
  const right = { ...http(beacon.httpPort), OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer the-right-one' };
  runAndAsk(database, right);
  await eventually('what got through is counted', async () => {
    const { rows } = await database.client.query('select from ingest where spans_received > 0');
    return rows.length > 0;
  });
  assert.deepEqual(runAndAsk(database, right).faults, [], 'what was refused before the repair is history');
});

test('requests larger than the server takes: OTLP_TOO_LARGE', async () => {
  const { database, beacon } = await system({ OTLP_MAX_REQUEST_MB: '1' });
  const env = { ...http(beacon.httpPort), BODY_BYTES: '2000000', OTEL_EXPORTER_OTLP_TIMEOUT: '1000' };
  assert.equal(node([APP], env).stdout, '');
  await counted(database, 'too_large');
  const said = node([MAIN, 'doctor', '--json'], { DATABASE_URL: database.url });
  const { faults } = JSON.parse(said.stdout);
  assert.deepEqual([said.status, faults.length, faults[0].fault], [1, 1, 'OTLP_TOO_LARGE']);
});

/** The server writes its counters every few seconds. */
async function counted(database: TestDatabase, reason: string): Promise<void> {
  await eventually(`refusals are counted: ${reason}`, async () => {
    const { rows } = await database.client.query('select from ingest where requests_refused ? $1', [reason]);
    return rows.length > 0;
  });
}
