// Each cause of a missing trace, seeded as a real fault in a real process: the doctor names it, and nothing else.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
import { until } from '@project-beacon/testkit/until.ts';
import { explainTrouble } from '../../src/doctor/write-trouble.ts';
import { accused, ask, kill, startApp, work, workDatabase } from './app.ts';
import { type Seed, seeded, settled, WITHIN_MS } from './seeds.ts';

const CALLER_OFF = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' };

const at = (host: string, port: number | string) => (url: string) => {
  const changed = new URL(url);
  return { DATABASE_URL: changed.href.replace(`${changed.host}/`, `${host}:${port}/`), WORK_DATABASE_URL: url };
};

const portOf = (url: string) => new URL(url).port;

const SEEDS: Seed[] = [
  {
    title: 'the flag is off in the process',
    fault: 'FLAG_OFF',
    env: () => ({ ENABLE_DB_TRACING: 'false' }),
    work: 2,
    evidence: /this shell has it on/,
  },
  { title: 'the flag is a typing error', fault: 'FLAG_NOT_UNDERSTOOD', env: () => ({ ENABLE_DB_TRACING: 'ture' }) },
  {
    title: 'the tracer was never constructed',
    fault: 'TRACER_NOT_CONSTRUCTED',
    env: () => ({ FAULT: 'not constructed' }),
    work: 2,
  },
  {
    title: 'the code that makes spans is not entered',
    fault: 'CODE_NOT_ENTERED',
    env: () => ({ FAULT: 'not entered' }),
    work: 2,
  },
  {
    title: 'an ES module without --import',
    fault: 'ESM_WITHOUT_IMPORT',
    env: () => ({ FAULT: 'esm without import' }),
    work: 2,
  },
  {
    title: 'libraries that were loaded before their instrumentation',
    fault: 'LOADED_TOO_LATE',
    program: 'late.cjs',
    work: 2,
    evidence: /"pg"/,
  },
  {
    title: 'the option flag in the code',
    fault: 'FLAG_OFF',
    env: () => ({ FAULT: 'flag in code' }),
    evidence: /the code of shop switches tracing off/,
  },
  {
    title: 'an SDK that is disabled, so that nothing is instrumented',
    fault: 'SDK_DISABLED',
    env: () => ({ FAULT: 'not entered', OTEL_SDK_DISABLED: 'true' }),
    work: 2,
  },
  {
    title: 'a sampler that keeps a hundredth',
    fault: 'SAMPLED_OUT',
    env: () => ({ FAULT: 'sampler ratio' }),
    work: 2,
    evidence: /of 100 traces|every span/,
  },
  { title: 'a second provider', fault: 'SECOND_PROVIDER', env: () => ({ FAULT: 'second provider' }), work: 2 },
  {
    title: 'the sampler is off',
    fault: 'SAMPLED_OUT',
    env: () => ({ FAULT: 'sampler off' }),
    work: 2,
    evidence: /AlwaysOff/,
  },
  { title: 'callers with traceflags 00', fault: 'CALLER_DID_NOT_SAMPLE', work: 2, headers: CALLER_OFF },
  { title: 'a port without a listener', fault: 'PORT_CLOSED', env: at('127.0.0.1', 9), work: 1 },
  {
    title: '::1 where only 127.0.0.1 listens',
    fault: 'WRONG_ADDRESS_FAMILY',
    env: (url) => at('[::1]', portOf(url))(url),
    work: 1,
  },
  {
    title: 'a port that speaks HTTP',
    fault: 'WRONG_PROTOCOL',
    env: async (url) => at('127.0.0.1', await httpPort())(url),
    work: 1,
  },
  {
    title: 'a wrong password',
    fault: 'CREDENTIALS_REFUSED',
    env: (url) => ({
      DATABASE_URL: Object.assign(new URL(url), { username: 'nobody_here' }).href,
      WORK_DATABASE_URL: url,
    }),
    work: 1,
  },
  {
    title: 'TLS demanded of a server that has none',
    fault: 'TLS',
    env: (url) => ({ DATABASE_URL: `${url}?sslmode=require`, WORK_DATABASE_URL: url }),
    work: 1,
  },
  {
    title: 'a database that does not exist',
    fault: 'DATABASE_MISSING',
    env: (url) => ({ DATABASE_URL: `${url}_gone`, WORK_DATABASE_URL: url }),
    work: 1,
  },
  {
    title: 'a host without an address',
    fault: 'HOST_UNKNOWN',
    env: (url) => ({ ...at('no-such-host.invalid', portOf(url))(url) }),
    work: 1,
  },
  { title: 'a burst larger than the buffer', fault: 'OVERFLOW', env: () => ({ FAULT: 'overflow' }), work: 1 },
  {
    title: 'spans the database refuses as too large',
    fault: 'REFUSED',
    env: () => ({ FAULT: 'too large' }),
    sql: 'alter table beacon.trace_spans add constraint small_enough check (octet_length(metadata::text) < 10000)',
    work: 2,
    evidence: /small_enough/,
  },
  {
    title: 'a table that is not there for the writer',
    fault: 'NOT_MIGRATED',
    sql: 'alter table beacon.traces rename to traces_before',
    work: 1,
  },
  {
    title: 'a role without the right to insert',
    fault: 'NO_RIGHT',
    sql: `revoke insert on beacon.trace_spans from OWNER`,
    work: 1,
  },
  {
    title: 'a statement that fails: read-only, as a full disk makes it',
    fault: 'READ_ONLY',
    sql: `alter role OWNER in database DB set default_transaction_read_only = on`,
    env: (url) => ({ WORK_DATABASE_URL: `${url}?options=-c%20default_transaction_read_only%3Doff` }),
    work: 1,
  },
  {
    title: 'a disk that is full, as the database says it',
    fault: 'DISK_FULL',
    sql: `create function public.full_disk() returns boolean language plpgsql volatile as $$ begin
        raise exception using errcode = 'disk_full', message = 'could not extend file "base/16384/16390": No space left on device'; end $$;
      alter table beacon.trace_spans add constraint needs_room check (public.full_disk())`,
    work: 1,
  },
  {
    title: 'row-level security that refuses its rows',
    fault: 'ROW_SECURITY',
    sql: `alter table beacon.trace_spans enable row level security; alter table beacon.trace_spans force row level security;
      create policy nobody on beacon.trace_spans for select using (true)`,
    work: 1,
  },
  {
    title: 'row-level security that hides its rows',
    fault: 'ROW_SECURITY',
    sql: `alter table beacon.trace_spans enable row level security; alter table beacon.trace_spans force row level security;
      create policy writes on beacon.trace_spans for insert with check (true)`,
    work: 1,
  },
  {
    title: 'a trigger that discards rows',
    fault: 'ROWS_DISCARDED',
    sql: `create function public.eat() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger eats before insert on beacon.trace_spans for each row execute function public.eat()`,
    work: 1,
    evidence: /trigger eats on/,
  },
  {
    title: 'a trigger that discards the rows of one service',
    fault: 'ROWS_DISCARDED',
    sql: `create function public.eat() returns trigger language plpgsql as $$ begin return case when new.service = 'shop' then null else new end; end $$;
      create trigger eats before insert on beacon.trace_spans for each row execute function public.eat()`,
    work: 1,
  },
  {
    title: 'a rule that does nothing instead',
    fault: 'ROWS_DISCARDED',
    sql: 'create rule nothing as on insert to beacon.trace_executions do instead nothing',
    work: 0,
  },
  {
    title: 'all partitions gone',
    fault: 'PARTITIONS_GONE',
    sql: `do $$ declare r record; begin
      for r in select inhrelid::regclass as part from pg_inherits where inhparent = 'beacon.trace_spans'::regclass loop
        execute format('drop table %s', r.part); end loop; end $$`,
    work: 1,
    evidence: /beacon maintain/,
  },
  {
    title: 'a column that was renamed',
    fault: 'COLUMN_MISSING',
    sql: 'alter table beacon.trace_spans rename column operation to operation_name',
    work: 1,
  },
  {
    title: 'a role that is given too little time',
    fault: 'STATEMENT_TIMEOUT_OF_ROLE',
    sql: `alter role OWNER in database DB set statement_timeout = '1ms'`,
    env: (url) => ({ WORK_DATABASE_URL: `${url}?options=-c%20statement_timeout%3D0` }),
    work: 1,
  },
  {
    title: 'quotes around the address of the database',
    fault: 'BAD_CONNECTION_STRING',
    env: (url) => ({ DATABASE_URL: `"${url}"`, WORK_DATABASE_URL: url }),
    work: 1,
  },
  {
    title: 'stored under another service name',
    fault: 'FILTERED_OUT',
    env: () => ({ FAULT: 'other name' }),
    work: 1,
    evidence: /billing/,
  },
  {
    title: 'another table hides it',
    fault: 'SHADOWED',
    sql: 'create table public.trace_spans (id int); grant select on public.trace_spans to public',
    work: 1,
  },
  {
    title: 'a context that is lost on the way',
    fault: 'CONTEXT_LOST',
    env: () => ({ FAULT: 'lost context' }),
    work: 8,
  },
  { title: 'a clock an hour ahead', fault: 'CLOCK_WRONG', env: () => ({ FAULT: 'clock' }), work: 1 },
  { title: 'a tracer that traces itself', fault: 'SELF_TRACING', env: () => ({ FAULT: 'self-tracing' }), work: 1 },
];

seeded(SEEDS);

test('another database that looks plausible: WRONG_DATABASE', async () => {
  const [right, wrong] = [await workDatabase(), await workDatabase()];
  const healthy = await startApp({ DATABASE_URL: right.url, SERVICE: 'router' });
  await work(healthy, 2);
  const app = await startApp({ DATABASE_URL: wrong.url, WORK_DATABASE_URL: right.url });
  await work(app, 2);
  const diagnosis = await ask(right.url, [app, healthy]);
  assert.deepEqual(accused(diagnosis), ['WRONG_DATABASE'], JSON.stringify(diagnosis, null, 1));
  assert.match(diagnosis.faults[0]?.service ?? '', /^shop$/);
  assert.match(diagnosis.leftBehind.join(), /beacon\.probe, in .*which is not read here/);
});

test('a lock on the table, so that every statement is given up: STATEMENT_TOO_SLOW, within ten seconds', async () => {
  const database = await workDatabase();
  const app = await startApp({ DATABASE_URL: database.url });
  await work(app, 1);
  await database.client.query('begin');
  await database.client.query('lock table beacon.trace_spans in access exclusive mode');
  await work(app, 1);
  const began = performance.now();
  const diagnosis = await ask(database.url, [app]);
  assert.ok(performance.now() - began < WITHIN_MS);
  assert.deepEqual(accused(diagnosis), ['STATEMENT_TOO_SLOW'], JSON.stringify(diagnosis, null, 1));
  await database.client.query('rollback');
  await kill(app);
});

test('a database that takes connections and then keeps silent holds no caller longer than ten seconds: NO_ANSWER', async () => {
  const database = await workDatabase();
  const proxy = await faultyProxy(database.url);
  const app = await startApp({ DATABASE_URL: proxy.url, WORK_DATABASE_URL: database.url });
  await work(app, 1);
  proxy.stall(true);
  await work(app, 1);
  const began = performance.now();
  const diagnosis = await ask(proxy.url, [app]);
  assert.ok(performance.now() - began < WITHIN_MS, `${performance.now() - began} ms`);
  assert.equal(diagnosis.verdict, 'fault', JSON.stringify(diagnosis, null, 1));
  for (const fault of accused(diagnosis)) assert.match(`${fault}`, /^(?:NO_ANSWER|STATEMENT_TOO_SLOW)$/);
});

test('a proxy that accepts connections and drops them: NO_ANSWER', async () => {
  const database = await workDatabase();
  const proxy = await faultyProxy(database.url);
  const app = await startApp({ DATABASE_URL: proxy.url, WORK_DATABASE_URL: database.url });
  proxy.cut();
  await work(app, 1);
  await settled(app, 'NO_ANSWER');
  const diagnosis = await ask(database.url, [app]);
  assert.deepEqual(accused(diagnosis), ['NO_ANSWER'], JSON.stringify(diagnosis, null, 1));
});

test('localhost in a container is the container: LOCALHOST_IN_CONTAINER', async () => {
  const found = await explainTrouble('shop', 'connect ECONNREFUSED 127.0.0.1:9', '127.0.0.1:9/app', true);
  assert.equal(found.fault, 'LOCALHOST_IN_CONTAINER');
});

test('a process that ends before it has flushed: EXIT_BEFORE_FLUSH', async () => {
  const database = await workDatabase();
  const app = await startApp({ DATABASE_URL: database.url });
  await until('its heartbeat', async () => (await database.client.query('select from beacon.tracers')).rows.length > 0);
  await fetch(`${app.url}/exit`).catch(() => {});
  await until(
    'silence',
    async () =>
      (await database.client.query(`select from beacon.tracers where heartbeat_at < now() - interval '1100 ms'`)).rows
        .length > 0,
  );
  assert.deepEqual(accused(await ask(database.url, [])), ['EXIT_BEFORE_FLUSH']);
});

async function httpPort(): Promise<number> {
  const server = http.createServer((_, response) => response.end('hello'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return (server.address() as AddressInfo).port;
}
