// Each check of the preflight, turned from GO by the thing it is there to notice.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
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
import { markdown, preflight } from '../../src/preflight/run.ts';
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

const ANSWERS = { window: 'Tuesday 10:00', rollback: 'whoever is on call', success: 'coverage above 99 %' };
let usual: Situation;

before(async () => {
  const app = await startApp({ DATABASE_URL: database.url });
  usual = {
    pool,
    url: database.url,
    services: [await askService(app.url)],
    thresholds: THRESHOLDS,
    accepted: ['staging'],
    env: { USER: 'ada' },
    dir,
    tests: 'true',
    answers: ANSWERS,
  };
});

const but = (changed: Partial<Situation>): Situation => ({ ...usual, ...changed });
const limits = (changed: Partial<Situation['thresholds']>) => but({ thresholds: { ...THRESHOLDS, ...changed } });

test('on a system that is well it says GO, with a number in every row that can be measured, and is kept', async () => {
  await database.client.query(`alter table app.work add duration_ms float8;
    insert into app.work (duration_ms) select 100 + n % 7 from generate_series(1, 50) n`);
  const seen: number[] = [];
  const result = await preflight(usual, ({ number }) => seen.push(number));
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
  const { rows } = await pool.query(`select current_setting('max_connections')::int as most`);
  const wanted = Math.ceil(rows[0].most / 2);
  const clients = Array.from({ length: wanted }, () => new pg.Client({ connectionString: database.url }));
  await Promise.all(clients.map((client) => client.connect()));
  const { state, reason } = await databaseHealth(usual);
  await Promise.all(clients.map((client) => client.end()));
  assert.deepEqual([state, /connections are in use/.test(reason)], ['no-go', true]);
});

test('2 baseline: without an execution there is nothing to compare with', async () => {
  const empty = await workDatabase();
  const other = new pg.Pool({ connectionString: empty.url });
  const { state } = baselineCheck(await measureBaseline({ pool: other, thresholds: THRESHOLDS }));
  await other.end();
  assert.equal(state, 'warn');
});

test('3 logging: a service that is down, and none that is known', async () => {
  assert.equal((await logging(but({ services: [await askService('http://127.0.0.1:9')] }))).state, 'no-go');
  assert.equal((await logging(but({ services: [] }))).state, 'unknown');
});

test('4 writing: a slow disk, as a delay on the way, is NO-GO; a slower one warns', async () => {
  const proxy = await faultyProxy(database.url);
  const slow = new pg.Pool({ connectionString: proxy.url, max: 2 });
  proxy.delay(6);
  const { state, reason } = await writePerformance(but({ pool: slow }));
  assert.deepEqual([state, /an insert takes/.test(reason)], ['no-go', true]);
  await slow.end();
  await proxy.close();
  assert.equal((await writePerformance(limits({ goInsertMs: 0, stopInsertMs: 1000 }))).state, 'warn');
});

test('5 flag: a service without a tracer', async () => {
  const bare = await startApp({ DATABASE_URL: database.url, FAULT: 'not constructed' });
  assert.equal((await featureFlag(but({ services: [await askService(bare.url)] }))).state, 'no-go');
});

test('6 staging: none warns, one that does not answer is NO-GO', async () => {
  assert.equal((await staging(but({ accepted: [] }))).state, 'warn');
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
  const visitor = new pg.Pool({ connectionString: url.href, max: 1 });
  const { state, reason } = await rollback(but({ pool: visitor }));
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

test('9 people: what nobody has answered stays open', async () => {
  const { state, reason } = await people(but({ answers: { window: 'now' } }));
  assert.deepEqual([state, /rollback, success/.test(reason)], ['open', true]);
});

test('10 code: a dirty tree, drift, tests that fail', async () => {
  fs.writeFileSync(path.join(dir, 'new.txt'), 'not committed');
  assert.match((await codeReadiness(usual)).reason, /1 files are not committed/);
  assert.equal((await codeReadiness(but({ accepted: ['git'] }))).state, 'go');
  fs.rmSync(path.join(dir, 'new.txt'));
  assert.match((await codeReadiness(but({ tests: 'exit 3' }))).reason, /ended with 3/);
  await database.client.query('alter table beacon.traces add column by_hand integer');
  const { state, reason } = await codeReadiness(usual);
  await database.client.query('alter table beacon.traces drop column by_hand');
  assert.deepEqual([state, /changed by hand: .*by_hand/.test(reason)], ['no-go', true]);
});
