// Each check of the preflight, turned from GO by the thing it is there to notice.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
import { until } from '@project-beacon/testkit/until.ts';
import pg from 'pg';
import { askService } from '../../src/doctor/processes.ts';
import { type Situation, THRESHOLDS } from '../../src/preflight/check.ts';
import {
  baselineCheck,
  databaseHealth,
  measureBaseline,
  monitoring,
  rollback,
  writePerformance,
} from '../../src/preflight/database-checks.ts';
import { codeReadiness, featureFlag, logging, people, staging } from '../../src/preflight/other-checks.ts';
import { lastPreflight, markdown, preflight } from '../../src/preflight/run.ts';
import { measureWriterPath, type WriterPath } from '../../src/preflight/writer-path.ts';
import { createPool } from '../../src/store/connect.ts';
import { startApp, workDatabase } from '../doctor/app.ts';

const database = await workDatabase();
const pool = new pg.Pool({ connectionString: database.url, max: 4 });
pool.on('error', () => {});
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-preflight-'));
after(async () => {
  await pool.end();
  fs.rmSync(dir, { recursive: true });
});
spawnSync('git', ['init', '-q'], { cwd: dir });

const ANSWERS = {
  window: 'Tuesday 10:00',
  rollback: 'whoever is on call',
  success: 'coverage above 99 %',
  dashboards: 'tracing, Ada',
  risks: 'Ada',
};
let usual: Situation;

before(async () => {
  const app = await startApp({ DATABASE_URL: database.url });
  usual = {
    pool,
    url: database.url,
    services: [await askService(app.url)],
    thresholds: THRESHOLDS,
    accepted: [],
    env: { USER: 'ada', DATABASE_URL_STAGING: database.url },
    dir,
    tests: 'true',
    answers: ANSWERS,
  };
});

const QUICK: WriterPath = { batchMs: 3, spans: 100, drainMs: 40, waiting: 2_000, error: null, stillOpen: 0 };
const but = (changed: Partial<Situation>): Situation => ({ ...usual, ...changed });
const limits = (changed: Partial<Situation['thresholds']>) => but({ thresholds: { ...THRESHOLDS, ...changed } });

test('on a system that is well it says GO, with a number in every row that can be measured, and is kept', async () => {
  await database.client.query(`alter table app.work add duration_ms float8;
    insert into app.work (duration_ms) select 100 + n % 7 from generate_series(1, 50) n`);
  const seen: number[] = [];
  // How fast a busy machine inserts is not what is asked here.
  const patient = limits({ goInsertMs: 1_000, stopInsertMs: 2_000 });
  const result = await preflight(patient, (each) => 'state' in each && seen.push(each.number));
  assert.equal(result.decision, 'GO', JSON.stringify(result.checks, null, 1));
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  for (const { name, numbers } of result.checks)
    if (!['staging', 'people'].includes(name)) assert.match(numbers, /\d/, name);
  assert.deepEqual(
    result.checks.filter(({ state }) => state !== 'go').map(({ name, reason }) => [name, reason]),
    [],
  );
  const { rows } = await database.client.query('select decision, taken_by, baseline from beacon.preflights');
  assert.deepEqual([rows[0].decision, rows[0].taken_by, rows[0].baseline.timed], ['GO', 'ada', 50]);
  assert.match(markdown(result), /\| 4 \| writing \| GO \|/);
  const { rows: left } =
    await database.client.query(`select relname from pg_class where relname like 'preflight_scratch%'
    union select nspname from pg_namespace where nspname like 'beacon_rehearsal%'`);
  assert.deepEqual(left, [], 'scratch tables and schemas are gone');
  const { rows: probes } =
    await database.client.query(`select operation from beacon.trace_spans where operation = 'beacon.probe'
    union all select attributes ->> 'service.name' from beacon.trace_resources where attributes ->> 'service.name' = 'beacon preflight'`);
  assert.deepEqual(probes, [], 'probe spans are gone');
  assert.deepEqual((await lastPreflight(pool))?.checks, result.checks);
});

test('1 database: connections that are nearly used up, size, a right that is missing', async () => {
  const full = await databaseHealth(limits({ connectionsPct: 1 }));
  assert.deepEqual([full.state, /connections are in use/.test(full.reason)], ['no-go', true]);
  assert.equal((await databaseHealth(limits({ warnBytes: 1 }))).state, 'warn');
  assert.equal((await databaseHealth(limits({ warnBytes: 1, stopBytes: 2 }))).state, 'no-go');
  assert.equal((await databaseHealth({ ...limits({ warnBytes: 1, stopBytes: 2 }), accepted: ['size'] })).state, 'warn');
  const admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
  const role = new URL(database.url).username;
  await admin.query(`revoke insert on beacon.trace_spans from ${role}`);
  const { state, reason } = await databaseHealth(usual);
  await admin.query(`grant insert on beacon.trace_spans to ${role}`);
  await admin.end();
  assert.deepEqual([state, /permission denied/.test(reason)], ['no-go', true]);
});

test('1 database: connection slots that are really taken', async () => {
  const { rows } = await pool.query(`select current_setting('max_connections')::int as max`);
  const wanted = Math.ceil(rows[0].max / 2);
  const clients = Array.from({ length: wanted }, () => new pg.Client({ connectionString: database.url }));
  await Promise.all(clients.map((client) => client.connect()));
  const { state, reason } = await databaseHealth(usual);
  await Promise.all(clients.map((client) => client.end()));
  assert.deepEqual([state, /connections are in use/.test(reason)], ['no-go', true]);
});

test('2 baseline: without an execution there is nothing to compare with, and traced ones say nothing', async () => {
  const empty = await workDatabase();
  const other = createPool(empty.url, { applicationName: 'test' });
  const check = async () => baselineCheck(await measureBaseline({ pool: other, thresholds: THRESHOLDS }));
  const none = await check();
  assert.deepEqual([none.state, /no execution of the last 7 days/.test(none.reason)], ['warn', true]);
  await empty.client.query(`alter table app.work add duration_ms float8;
    with made as (insert into app.work (duration_ms) values (100), (110) returning id)
    insert into beacon.trace_executions (execution_id, trace_id, started_at) select id, gen_random_uuid(), now() from made`);
  const traced = await check();
  assert.deepEqual([traced.state, /traced already/.test(traced.reason)], ['warn', true]);
  await empty.client.query('insert into app.work (duration_ms) values (90), (95)');
  const both = await check();
  assert.deepEqual([both.state, both.numbers.slice(0, 38)], ['go', '2 completed executions without a trace']);
  await other.end();
});

test('3 logging: a service that is down, and none that is known', async () => {
  assert.equal((await logging(but({ services: [await askService('http://127.0.0.1:9')] }))).state, 'no-go');
  assert.equal((await logging(but({ services: [] }))).state, 'unknown');
});

test('3 logging: a log whose lines carry no trace id warns', async () => {
  const logs = fs.mkdtempSync(path.join(dir, 'logs-'));
  fs.writeFileSync(path.join(logs, 'shop.log'), '{"msg":"done"}\n');
  const without = await logging(but({ logs }));
  assert.deepEqual([without.state, /without trace ids/.test(without.reason)], ['warn', true]);
  fs.writeFileSync(path.join(logs, 'shop.log'), `{"msg":"done","trace_id":"${'ab'.repeat(16)}"}\n`);
  assert.equal((await logging(but({ logs }))).state, 'go');
  fs.rmSync(logs, { recursive: true });
});

test('4 writing: a slow disk, as a delay on the way, is NO-GO; a slower one warns', async () => {
  const proxy = await faultyProxy(database.url);
  const slow = createPool(proxy.url, { applicationName: 'test', max: 2 });
  proxy.delay(6);
  const { state, reason } = await writePerformance(but({ pool: slow }), QUICK);
  assert.deepEqual([state, /an insert takes/.test(reason)], ['no-go', true]);
  await slow.end();
  await proxy.close();
  assert.equal((await writePerformance(limits({ goInsertMs: 0, stopInsertMs: 1000 }), QUICK)).state, 'warn');
});

test("4 writing, 7 rollback: a tracer's path that loses spans, drains too slowly, or does not let go is NO-GO", async () => {
  const admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
  await admin.query(`alter table beacon.trace_spans add constraint no_probes check (service <> 'beacon preflight')`);
  const refused = await measureWriterPath(pool, database.url);
  await admin.query('alter table beacon.trace_spans drop constraint no_probes');
  await admin.end();
  assert.match(String(refused.error), /no_probes/);
  const writing = await writePerformance(usual, refused);
  assert.deepEqual([writing.state, /the tracer's path: .*no_probes/.test(writing.reason)], ['no-go', true]);
  for (const [path, why] of [
    [{ ...QUICK, drainMs: 30_001 }, /within 30 s/],
    [{ ...QUICK, stillOpen: 1 }, /leaves 1 connections open/],
  ] as const) {
    const { state, reason } = await rollback(usual, path);
    assert.deepEqual([state, why.test(reason)], ['no-go', true], reason);
  }
});

test('5 flag: one that says it is off and writes all the same', async () => {
  const [service] = usual.services;
  assert.ok(service?.tracing);
  const lying = { ...service, tracing: { ...service.tracing, enabled: false, flag: 'false' } };
  // Other tests of this file have had all connections taken, and rights away: the next heartbeat may be a moment off.
  const seen = await until('its heartbeat is there', async () => {
    const flag = await featureFlag(but({ services: [lying] }));
    return flag.state === 'no-go' && flag;
  });
  assert.match(seen.reason, /off is not off: shop still writes/);
});

test("5 flag: what the platforms' own command lines tell, and what could not be seen", async () => {
  const bin = fs.mkdtempSync(path.join(dir, 'bin-'));
  const program = (name: string, script: string) =>
    fs.writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  program('railway', `[ "$1" = whoami ] || echo '{"ENABLE_DB_TRACING":"false","API_KEY":"s3cret"}'`);
  program('fly', `[ "$1" = auth ] || echo '[{"Name":"ENABLE_DB_TRACING","Digest":"d"}]'`);
  program('neonctl', 'exit 1');
  const { state, reason, numbers } = await featureFlag(but({ env: { PATH: bin } }));
  assert.deepEqual([state, /Railway has "false", and a running process something else/.test(reason)], ['warn', true]);
  assert.match(numbers, /Fly.io: ENABLE_DB_TRACING is among the secrets; its value is not shown; Railway: /);
  assert.match(numbers, /not seen: Modal \(not installed\), Neon \(not logged in\)/);
  assert.doesNotMatch(numbers, /s3cret/);
  fs.rmSync(bin, { recursive: true });
});

test('5 flag: a service without a tracer', async () => {
  const bare = await startApp({ DATABASE_URL: database.url, FAULT: 'not constructed' });
  assert.equal((await featureFlag(but({ services: [await askService(bare.url)] }))).state, 'no-go');
});

test('6 staging: none warns, one that does not answer is NO-GO', async () => {
  assert.equal((await staging(but({ env: {} }))).state, 'warn');
  const env = { DATABASE_URL_STAGING: 'postgresql://127.0.0.1:9/none' };
  assert.equal((await staging(but({ env }))).state, 'no-go');
  assert.equal((await staging(but({ env: { DATABASE_URL_STAGING: database.url } }))).state, 'go');
});

test('7 rollback: a role that may not create a schema cannot rehearse', async () => {
  const admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
  const name = new URL(database.url).pathname.slice(1);
  await admin.query(`create role visitor_${process.pid} login password 'secret'`);
  const url = Object.assign(new URL(database.url), { username: `visitor_${process.pid}`, password: 'secret' });
  const visitor = createPool(url.href, { applicationName: 'test', max: 1 });
  const { state, reason } = await rollback(but({ pool: visitor }), QUICK);
  await visitor.end();
  await admin.query(`drop role visitor_${process.pid}`);
  await admin.end();
  assert.deepEqual([state, reason.includes(`permission denied for database ${name}`)], ['no-go', true]);
});

test('8 monitoring: a plan that is too small for the retention', async () => {
  await database.client.query(`insert into beacon.traces (trace_id, started_at, span_count)
    select gen_random_uuid(), now(), 7 from generate_series(1, 100)`);
  const { state, reason } = await monitoring(limits({ limitBytes: 1000 }));
  assert.deepEqual([state, /keep 1 days/.test(reason)], ['warn', true]);
});

test('9 people: what has no answer stays open', async () => {
  const { state, reason } = await people(but({ answers: { window: 'now' } }));
  assert.deepEqual([state, /rollback, success/.test(reason)], ['open', true]);
});

test('9 people: "no" is an answer, and it is NO-GO', async () => {
  const { state, reason } = await people(
    but({ answers: { ...ANSWERS, window: 'no', rollback: ' No. ', success: 'not yet' } }),
  );
  assert.equal(state, 'no-go');
  assert.match(reason, /window .*, rollback .*, success/);
  assert.equal(
    (await people(but({ answers: { ...ANSWERS, window: 'Nothing changes before Tuesday 10:00' } }))).state,
    'go',
  );
});

test('6 staging: production with the flag off is accepted where the flag is off, and not assumed', async () => {
  const [service] = usual.services;
  const { state, reason } = await staging(but({ env: {}, accepted: ['staging'] }));
  assert.deepEqual([state, /it is on in shop/.test(reason)], ['warn', true]);
  const off = { ...service, tracing: { ...service?.tracing, enabled: false } } as NonNullable<typeof service>;
  assert.equal((await staging(but({ env: {}, accepted: ['staging'], services: [off] }))).state, 'go');
});

test('a database that is down is NO-GO, and nothing is stored', async () => {
  const gone = createPool('postgresql://nobody@127.0.0.1:9/none', { applicationName: 'test', max: 4 });
  const { decision, stored, baseline } = await preflight(
    but({ pool: gone, url: 'postgresql://nobody@127.0.0.1:9/none' }),
  );
  assert.deepEqual([decision, stored, baseline], ['NO-GO', false, null]);
  await gone.end();
});

test('2 baseline: a plain table of executions serves where nothing is registered', async () => {
  const plain = await testDatabase();
  await plain.client.query(`create table executions (id text, status text, started_at timestamptz, completed_at timestamptz);
    insert into executions select n::text, 'completed', now() - interval '1 hour', now() - interval '1 hour' + interval '40 ms' from generate_series(1, 30) n`);
  const pool = createPool(plain.url, { applicationName: 'test', max: 2 });
  const { timed, average_ms } = await measureBaseline({ pool, thresholds: THRESHOLDS });
  await pool.end();
  assert.deepEqual([timed, Math.round(average_ms ?? 0)], [30, 40]);
});

test('10 code: a dirty tree, drift, tests that fail', async () => {
  fs.writeFileSync(path.join(dir, 'new.txt'), 'not committed');
  assert.match((await codeReadiness(usual)).reason, /not committed: 1 file/);
  assert.equal((await codeReadiness(but({ accepted: ['git'] }))).state, 'go');
  fs.rmSync(path.join(dir, 'new.txt'));
  assert.match((await codeReadiness(but({ tests: 'exit 3' }))).reason, /ended with 3/);
  const main = spawnSync('git', ['branch', '--show-current'], { cwd: dir, encoding: 'utf8' }).stdout.trim();
  spawnSync('git', ['symbolic-ref', 'HEAD', 'refs/heads/feature'], { cwd: dir });
  const elsewhere = await codeReadiness(usual);
  spawnSync('git', ['symbolic-ref', 'HEAD', `refs/heads/${main}`], { cwd: dir });
  assert.deepEqual([elsewhere.state, /of branch feature, not of main/.test(elsewhere.reason)], ['no-go', true]);
  const { rows } = await database.client.query(
    `delete from beacon.schema_migrations where name = '0001_beacon' returning *`,
  );
  const pending = await codeReadiness(usual);
  await database.client.query(
    'insert into beacon.schema_migrations select * from jsonb_populate_record(null::beacon.schema_migrations, $1)',
    [rows[0]],
  );
  assert.deepEqual([pending.state, /0001_beacon \(pending\)/.test(pending.reason)], ['no-go', true], pending.reason);
  await database.client.query('alter table beacon.traces add column by_hand integer');
  const { state, reason } = await codeReadiness(usual);
  await database.client.query('alter table beacon.traces drop column by_hand');
  assert.deepEqual([state, /changed by hand: .*by_hand/.test(reason)], ['no-go', true]);
});
