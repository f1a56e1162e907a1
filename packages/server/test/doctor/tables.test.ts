// What owners do to tables, roles and databases, and what programs do to their own tracer: each named, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@project-beacon/testkit/until.ts';
import { fromHeartbeat } from '../../src/doctor/processes.ts';
import { accused, ask, judge, kill, startApp, work, workDatabase } from './app.ts';
import { asAdmin, type Seed, seeded } from './seeds.ts';

const TRIGGER = (body: string, returns = 'new') => `
  create function public.meddles() returns trigger language plpgsql as $$ begin ${body} return ${returns}; end $$;
  create trigger meddles before insert on beacon.trace_spans for each row execute function public.meddles()`;

const as = (role: string) => (url: string) => {
  const other = new URL(url);
  other.username = `${other.pathname.slice(1)}_${role}`;
  return { DATABASE_URL: other.href, WORK_DATABASE_URL: url };
};

const SEEDS: Seed[] = [
  {
    title: 'a key that was dropped',
    fault: 'KEY_MISSING',
    sql: 'alter table beacon.traces drop constraint traces_key',
    work: 1,
  },
  {
    title: 'a column that was added and must have a value',
    fault: 'COLUMN_ADDED',
    sql: 'alter table beacon.trace_spans add column tenant text not null',
    work: 1,
    evidence: /tenant/,
  },
  {
    title: 'a column of another type',
    fault: 'COLUMN_CHANGED',
    sql: 'alter table beacon.trace_spans alter column operation type integer using 0',
    work: 1,
    evidence: /migrate/,
  },
  {
    title: 'a trigger that refuses',
    fault: 'TRIGGER_REFUSES',
    sql: TRIGGER("raise exception 'not on a Sunday';"),
    work: 1,
    evidence: /not on a Sunday/,
  },
  {
    title: 'a database that takes no connections',
    fault: 'DATABASE_NOT_OPEN',
    sql: 'create database DB_closed allow_connections false',
    env: (url) => ({ DATABASE_URL: `${url}_closed`, WORK_DATABASE_URL: url }),
    work: 1,
  },
  {
    title: 'a role without a connection',
    fault: 'CONNECTION_LIMIT',
    sql: "create role DB_few login password 'PASSWORD' connection limit 0",
    env: as('few'),
    work: 1,
  },
  {
    title: 'a role that may not log in',
    fault: 'CREDENTIALS_REFUSED',
    sql: "create role DB_few nologin password 'PASSWORD'",
    env: as('few'),
    work: 1,
  },
  {
    title: 'row-level security whose policies let everything through, which COPY is not taken for',
    fault: 'ROW_SECURITY',
    sql: `alter table beacon.trace_spans enable row level security; alter table beacon.trace_spans force row level security;
      create policy open on beacon.trace_spans using (true) with check (true)`,
    work: 1,
    evidence: /bypassrls/,
  },
  {
    title: 'a provider that was taken away',
    fault: 'NO_PROVIDER',
    env: () => ({ FAULT: 'provider gone' }),
    work: 1,
  },
  {
    title: 'a tracer that was shut down while the program goes on',
    fault: 'TRACER_SHUT_DOWN',
    env: () => ({ FAULT: 'shut down' }),
    work: 2,
  },
  {
    title: 'a sampler that drops what the program does',
    fault: 'SAMPLED_OUT',
    env: () => ({ FAULT: 'sampler by name' }),
    work: 2,
  },
  {
    title: 'no context manager',
    fault: 'NO_CONTEXT_MANAGER',
    env: () => ({ FAULT: 'no context manager' }),
    work: 1,
  },
];

seeded(SEEDS, 6);

const INNOCENTS: { title: string; sql: string }[] = [
  { title: 'a trigger that only looks', sql: TRIGGER('perform 1;') },
  {
    title: 'row-level security that does not apply to the owner',
    sql: `alter table beacon.trace_spans enable row level security; create policy open on beacon.trace_spans using (true) with check (true)`,
  },
  {
    title: 'a column and an index of their own',
    sql: `alter table beacon.trace_spans add column tenant text; create index on beacon.trace_spans (tenant)`,
  },
  { title: 'a role with limits that suffice', sql: `alter role OWNER in database DB set statement_timeout = '20s'` },
];

test('set-ups with something of their own: nothing is accused', async (t) => {
  for (const { title, sql } of INNOCENTS) {
    await t.test(title, async (t) => {
      const database = await workDatabase();
      await asAdmin(database.adminUrl, sql, database.url);
      const app = await startApp({ DATABASE_URL: database.url });
      await work(app, 2);
      const diagnosis = await ask(database.url, [app]);
      assert.equal(judge(t, undefined, diagnosis), 'healthy', JSON.stringify(diagnosis, null, 1));
      await kill(app);
    });
  }
});

test('asked as a role that may only read: nothing is accused', async (t) => {
  const database = await workDatabase();
  const app = await startApp({ DATABASE_URL: database.url });
  await work(app, 2);
  const reader = Object.assign(new URL(database.url), {
    username: `${new URL(database.url).pathname.slice(1)}_reader`,
  });
  await asAdmin(
    database.adminUrl,
    `create role ${reader.username} login password '${reader.password}'; grant usage on schema beacon, app to ${reader.username};
     grant select on all tables in schema beacon, app to ${reader.username}`,
    database.url,
  );
  const diagnosis = await ask(reader.href, [app]);
  assert.equal(judge(t, undefined, diagnosis), 'healthy', JSON.stringify(diagnosis, null, 1));
  assert.match(diagnosis.notes.map(({ summary }) => summary).join(), /the doctor itself: .* may not write/);
  await kill(app);
});

test('a service without the routes for health, known by its heartbeat: nothing is accused', async (t) => {
  const database = await workDatabase();
  const app = await startApp({ DATABASE_URL: database.url, FAULT: 'no routes' });
  await until('its heartbeat', async () => (await database.client.query('select from beacon.tracers')).rows.length > 0);
  const diagnosis = await ask(database.url, [app], { only: true });
  assert.equal(judge(t, undefined, diagnosis), 'healthy', JSON.stringify(diagnosis, null, 1));
  assert.deepEqual(accused(await ask(database.url, [])), []);
  await kill(app);
});

test('a service known by its heartbeat that wrote once and cannot write now: why is said', async (t) => {
  const database = await workDatabase();
  const rows = async (where: string) =>
    (await database.client.query(`select from beacon.tracers where ${where}`)).rows.length;
  const app = await startApp({ DATABASE_URL: database.url, FAULT: 'no routes' });
  await work(app, 1);
  await until('its first spans', async () => (await rows('spans_written > 0 and queue_depth = 0')) > 0);
  await database.client.query('alter table beacon.trace_spans drop column otel cascade');
  await work(app, 1);
  await until('its failure', async () => (await rows('last_error is not null and queue_depth > 0')) > 0);
  const diagnosis = await ask(database.url, []);
  assert.equal(judge(t, 'COLUMN_MISSING', diagnosis), 'named', JSON.stringify(diagnosis, null, 1));
  await kill(app);
});

test('heartbeats: when the last write succeeded', () => {
  const beat = new Date('2026-01-01T12:00:00Z');
  const ago = (seconds: number) => new Date(beat.getTime() - 1000 * seconds);
  const written = (row: Record<string, unknown>) =>
    fromHeartbeat({ spans_written: 5, queue_depth: 1, clock_offset_ms: 0, heartbeat_at: beat, ...row }).tracing
      ?.lastWrittenAt;
  assert.equal(written({ last_error_at: ago(13) }), null, 'spans wait, and the last try failed');
  assert.equal(written({ last_error_at: ago(60) }), beat.toISOString(), 'a failure that is over');
  assert.equal(written({ last_error_at: ago(3), queue_depth: 0 }), beat.toISOString(), 'a failure, and nothing waits');
  assert.equal(written({ last_error_at: null }), beat.toISOString(), 'no failure');
  assert.equal(written({ last_error_at: ago(60), clock_offset_ms: -50_000 }), null, 'a clock that is 50 s behind');
  assert.equal(
    written({ last_error_at: ago(0), clock_offset_ms: 60_000 }),
    beat.toISOString(),
    'a clock that is ahead',
  );
});
