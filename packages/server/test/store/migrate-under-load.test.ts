// Migrations while spans come in: no writer waits long, and nothing is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrateUp, planLocks } from '@project-beacon/server/store/migrate.ts';
import { type MigrationSet, readSets } from '@project-beacon/server/store/migrations.ts';
import { testDatabase } from '@project-beacon/testkit';
import pg from 'pg';
import { otlpServer } from '../receivers/server.ts';
import { request, span } from '../receivers/spans.ts';

const own = readSets()[0] as MigrationSet;
const database = await testDatabase();
const { client } = database;

function next(name: string, up: string): MigrationSet[] {
  const migrations = [...own.migrations, { name, up, down: 'select 1', hash: name }];
  const sql = `create function beacon.${name.slice(5)}() returns integer language plpgsql as $$ begin return 1; end $$;`;
  return [{ ...own, migrations, rebuilt: [...own.rebuilt, { file: `functions/${name}.sql`, sql }], rebuiltHash: name }];
}

test('the plan says what is locked, who waits, and for how long', async () => {
  await client.query('create table beacon.large as select n, md5(n::text) as text from generate_series(1, 200000) n');
  const locks = await planLocks(
    client,
    next(
      '9001_plan',
      `alter table beacon.trace_spans add column later text;
       comment on column beacon.trace_spans.later is 'Later.';
       create index large_text on beacon.large (text);
       alter table beacon.large alter column n type bigint;
       create table beacon.not_there_yet (a integer);
       create index not_there_yet_a on beacon.not_there_yet (a);
       update beacon.large set text = '' where n < 0`,
    ),
  );
  assert.deepEqual(
    locks.map(({ table, lock, waits }) => `${table} ${lock}: ${waits}`),
    [
      'beacon.trace_spans ACCESS EXCLUSIVE: readers and writers',
      'beacon.trace_spans SHARE UPDATE EXCLUSIVE: changes of the table',
      'beacon.large SHARE: writers',
      'beacon.large ACCESS EXCLUSIVE: readers and writers',
      'beacon.large ROW EXCLUSIVE: nothing',
    ],
  );
  assert.deepEqual(
    locks.map(({ seconds }) => seconds > 0),
    [false, false, true, true, true],
  );
});

test('a migration that others are in the way of gets there, and spans that come in never wait for long', async () => {
  const otlp = await otlpServer(database);
  const reader = new pg.Client({ connectionString: database.url });
  await reader.connect();
  await reader.query('begin; select from trace_spans limit 1');
  const said: string[] = [];
  const migrating = new pg.Client({ connectionString: database.url });
  await migrating.connect();
  const migrated = migrateUp(
    migrating,
    next('9002_under_load', 'alter table beacon.trace_spans add column under_load text'),
    {
      say: (line) => {
        said.push(line);
        // It has met the reader once; now the way is free.
        if (/trying again/.test(line)) reader.query('commit').catch(() => {});
      },
    },
  );
  let done = false;
  migrated.finally(() => (done = true)).catch(() => {});
  let sent = 0;
  let longest = 0;
  while (!done) {
    const started = performance.now();
    assert.equal((await otlp.post(request([span()]))).status, 200);
    longest = Math.max(longest, performance.now() - started);
    sent++;
  }
  assert.deepEqual(await migrated, { applied: ['beacon/9002_under_load'], rebuilt: true });
  assert.match(said.join('\n'), /Others are using what is to be changed; trying again\./);
  assert.ok(longest < 3_000, `one request took ${Math.round(longest)} ms`);
  const { rows } = await client.query('select count(*)::int as n, count(under_load)::int as filled from trace_spans');
  assert.deepEqual(rows[0], { n: sent, filled: 0 });
  await migrating.end();
  await reader.end();
});

test('one that never gets its lock says so, and leaves everything as it was', async () => {
  const reader = new pg.Client({ connectionString: database.url });
  await reader.connect();
  await reader.query('begin; select from trace_spans limit 1');
  const sets = next('9003_never', 'alter table beacon.trace_spans add column never text');
  sets[0]!.migrations.splice(-1, 0, { ...next('9002_under_load', '')[0]!.migrations.at(-1)! });
  await assert.rejects(
    migrateUp(client, sets, { patienceMs: 0 }),
    /Another session is using what is to be changed \(beacon\/9003_never\)/,
  );
  await reader.query('rollback');
  await reader.end();
  const { rows } = await client.query(
    `select from pg_attribute where attrelid = 'beacon.trace_spans'::regclass and attname = 'never'`,
  );
  assert.equal(rows.length, 0);
});
