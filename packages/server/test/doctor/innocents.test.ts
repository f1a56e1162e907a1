// Systems that are well, in ways that look like something: nothing is accused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, type TestDatabase } from '@project-beacon/testkit';
import { pgBouncer, pgBouncerProgram } from '@project-beacon/testkit/pgbouncer.ts';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
import { until } from '@project-beacon/testkit/until.ts';
import { run, start } from '../cli/run.ts';
import { type App, accused, ask, judge, kill, startApp, work, workDatabase } from './app.ts';

const CALLER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-';

const SILENT = `select from beacon.tracers where heartbeat_at < now() - interval '1100 ms'`;

interface Innocent {
  title: string;
  env?: Record<string, string>;
  work?: number;
  before?: (app: App) => Promise<void>;
  sql?: string;
}

const INNOCENTS: Innocent[] = [
  { title: 'a service that works', work: 5 },
  { title: 'a service that has just started and done nothing' },
  {
    title: 'executions from before tracing existed',
    sql: "insert into app.work (created_at) select now() - interval '2 days' from generate_series(1, 4)",
  },
  { title: "the application's own provider", env: { FAULT: 'own provider' }, work: 3 },
  {
    title: 'one caller of many that does not sample',
    work: 5,
    before: (app) => work(app, 1, { traceparent: `${CALLER}00` }),
  },
  { title: 'a burst that fits into the buffer', env: { FAULT: 'burst' }, work: 2 },
  {
    title: 'spans of one kind that happen to run during another request',
    work: 3,
    before: async (app) => {
      await Promise.all(Array.from({ length: 12 }, () => work(app, 1)));
    },
  },
  { title: 'a flag in other letters', env: { ENABLE_DB_TRACING: ' On ' }, work: 2 },
];

for (const { title, env = {}, work: times = 0, before, sql } of INNOCENTS) {
  test(`${title}: nothing is accused`, async (t) => {
    const database = await workDatabase();
    if (sql) await database.client.query(sql);
    const app = await startApp({ DATABASE_URL: database.url, ...env });
    await beating(app);
    await work(app, times, { traceparent: `${CALLER}01` });
    await before?.(app);
    const diagnosis = await ask(database.url, [app]);
    assert.equal(judge(t, undefined, diagnosis), 'healthy', JSON.stringify(diagnosis, null, 1));
    assert.equal(diagnosis.verdict, 'healthy');
    const { rows } = await database.client.query(`select from beacon.trace_spans where operation = 'beacon.probe'`);
    assert.equal(rows.length, 0, 'the probe is taken back');
    assert.deepEqual(diagnosis.leftBehind, []);
    await kill(app);
  });
}

test('writes that failed for a while and were made good: nothing is accused', async () => {
  const database = await workDatabase();
  const proxy = await faultyProxy(database.url);
  const app = await startApp({ DATABASE_URL: proxy.url, WORK_DATABASE_URL: database.url });
  proxy.cut();
  await work(app, 1);
  await until('a failure', async () => (await health(app)).writeFailures > 0);
  proxy.restore();
  await until('a write', async () => (await health(app)).spansWritten > 0);
  assert.deepEqual(accused(await ask(database.url, [app])), []);
  await kill(app);
  await proxy.close();
});

test('a process that was killed after its spans were written, and its successor: nothing is accused', async () => {
  const database = await workDatabase();
  const first = await startApp({ DATABASE_URL: database.url });
  await work(first, 2);
  await kill(first);
  const second = await startApp({ DATABASE_URL: database.url });
  await work(second, 1);
  assert.deepEqual(accused(await ask(database.url, [second])), []);
  await kill(second);
});

test('a tracer behind PgBouncer in transaction mode: nothing is accused', { skip: !pgBouncerProgram() }, async () => {
  const database = await workDatabase();
  const bouncer = await pgBouncer(pgBouncerProgram() as string, database.url);
  const app = await startApp({ DATABASE_URL: bouncer.url, WORK_DATABASE_URL: database.url });
  await beating(app);
  await work(app, 2);
  assert.deepEqual(accused(await ask(database.url, [app])), []);
  await kill(app);
  await bouncer.stop();
});

test("a service that is asked by two at once: nothing is accused, and neither takes the other one's probe", async () => {
  const database = await workDatabase();
  const app = await startApp({ DATABASE_URL: database.url });
  await work(app, 1);
  const both = await Promise.all([ask(database.url, [app]), ask(database.url, [app])]);
  for (const diagnosis of both) assert.deepEqual(accused(diagnosis), [], JSON.stringify(diagnosis, null, 1));
});

test('another SDK that sends over OTLP, and has no tracer of ours: nothing is accused', async () => {
  const database = await workDatabase();
  await draw(database.client, 'shop checkout |====|', { at: new Date(Date.now() - 60_000) });
  const app = await startApp({ DATABASE_URL: database.url, FAULT: 'not constructed' });
  assert.deepEqual(accused(await ask(database.url, [app])), []);
});

test('a probe that could not be written is told of, and removed by the next one that looks', async () => {
  const database = await workDatabase();
  const app = await startApp({ DATABASE_URL: database.url });
  await work(app, 1);
  await database.client.query('begin');
  await database.client.query('lock table beacon.traces in access exclusive mode');
  const held = await ask(database.url, [app]);
  await database.client.query('rollback');
  assert.match(held.leftBehind.join(), /beacon\.probe, waits in shop/);
  await until('the probe is written', async () => (await probes(database)) > 0);
  const after = await ask(database.url, [app], { earlier: held.pending });
  assert.deepEqual([accused(after), after.leftBehind, await probes(database)], [[], [], 0]);
});

test('--watch says what is wrong, looks again, and ends with 0 once it is fixed', async () => {
  const database = await workDatabase();
  const app = await startApp({ DATABASE_URL: database.url });
  await beating(app);
  await database.client.query('create table public.trace_spans (id integer)');
  const watch = start(['doctor', '--watch', '--within', '60', '--url', app.url], { DATABASE_URL: database.url });
  let said = '';
  watch.stdout?.on('data', (data) => {
    said += data;
  });
  await until('the fault is named', () => /SHADOWED/.test(said));
  await database.client.query('drop table public.trace_spans');
  await until('its end', () => watch.exitCode !== null, 30_000);
  assert.equal(watch.exitCode, 0, said);
  assert.match(said, /SHADOWED(?:.|\n)*HEALTHY/);
});

test('--watch --within gives up, with the exit code of what it saw last', async () => {
  const { code, out } = await run(['doctor', '--watch', '--within', '0.1', '--url', 'http://127.0.0.1:9'], {
    DATABASE_URL: 'postgresql://nobody:hidden@127.0.0.1:9/none',
  });
  assert.equal(code, 1, out);
  assert.match(out, /PORT_CLOSED/);
  assert.doesNotMatch(out, /hidden/);
});

test('exit codes: 0 when all is well, 2 when something could not be checked; --json says the same', async () => {
  const database = await workDatabase();
  const app = await startApp({ DATABASE_URL: database.url });
  await work(app, 1);
  const env = { DATABASE_URL: database.url };
  const well = await run(['doctor', '--json', '--url', app.url], env);
  assert.deepEqual([well.code, JSON.parse(well.out).verdict], [0, 'healthy']);
  await kill(app);
  await until('its tracer is silent', async () => (await database.client.query(SILENT)).rows.length > 0);
  const gone = await run(['doctor', '--url', app.url], env);
  assert.equal(gone.code, 2, gone.out);
  assert.match(gone.out, /COULD NOT CHECK[^✔]* does not answer: ECONNREFUSED/);
});

test('nothing to look at is neither healthy nor a fault', async () => {
  assert.equal((await ask(undefined, [])).verdict, 'unknown');
});

async function probes({ client }: TestDatabase): Promise<number> {
  return (await client.query(`select from beacon.trace_spans where operation = 'beacon.probe'`)).rows.length;
}

async function health({
  url,
}: App): Promise<{ writeFailures: number; spansWritten: number; lastHeartbeatAt: string | null }> {
  return (await (await fetch(`${url}/health/tracing`)).json()) as never;
}

async function beating(app: App): Promise<void> {
  await until('a heartbeat', async () => (await health(app)).lastHeartbeatAt !== null);
}
