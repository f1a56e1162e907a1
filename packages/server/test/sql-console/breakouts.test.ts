import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import type pg from 'pg';
import { askSql } from '../../src/sql-console/console.ts';
import { createPool } from '../../src/store/connect.ts';
import { BeaconError } from '../../src/store/errors.ts';
import { BREAKOUTS } from './breakouts.ts';

const LIMITS = { rows: 100, bytes: 1_048_576, timeoutMs: 5_000 };

const { client, url, adminUrl } = await testDatabase();
await client.query(`
  insert into beacon.settings values ('kept', '1');
  create schema outside;
  create table outside.secrets (secret text);
  insert into outside.secrets values ('swordfish');
  create view outside.watched as select * from outside.secrets;
  create sequence outside.counter;
  create table outside.touched (at timestamptz);
  -- Says that it is harmless, as an attacker would.
  create function outside.touch() returns integer language plpgsql immutable as
    $$ begin insert into outside.touched values (now()); return 1; end $$;
  create function outside.touch(a integer, b integer) returns boolean language plpgsql immutable as
    $$ begin insert into outside.touched values (now()); return true; end $$;
  create operator outside.@@@ (leftarg = integer, rightarg = integer, function = outside.touch);
  create function outside.fine() returns integer language plpgsql as $$ begin return 1; end $$;
  create domain outside.odd as integer check (outside.fine() = 1);
  create type outside.row_of_odd as (a outside.odd);
  create type outside.mood as enum ('hidden', 'names');
  -- Runs when PostgreSQL reads a literal of an array of it; what it does stays when all is rolled back.
  create function outside.sly_check(a integer) returns boolean language plpgsql immutable as
    $$ begin perform nextval('outside.counter'); return true; end $$;
  create domain outside.sly as integer check (outside.sly_check(value));
  create type outside.has_sly as (a outside.sly);
  create type outside.sly_range as range (subtype = outside.sly);
  create table outside.table_of_sly (a outside.sly);
  create function outside.touch_add(a integer, b integer) returns integer language plpgsql immutable as
    $$ begin insert into outside.touched values (now()); return 1; end $$;
  create aggregate outside.touches (integer) (sfunc = outside.touch_add, stype = integer);
  create function beacon.users_own() returns integer language plpgsql stable as $$ begin return 1; end $$;`);

/** Everything an attempt could have changed. */
async function state(): Promise<unknown> {
  const one = async (sql: string) => (await client.query(sql)).rows;
  return {
    settings: await one('select * from beacon.settings order by 1'),
    touched: await one('select count(*) from outside.touched'),
    counter: await one('select last_value, is_called from outside.counter'),
    relations: await one(
      `select oid::regclass::text, relacl, relowner from pg_class where relpersistence <> 't' order by oid`,
    ),
    functions: await one('select oid, prosrc from pg_proc where oid >= 16384 order by oid'),
    comments: await one('select objoid, description from pg_description where objoid >= 16384 order by 1, 2'),
    objects: await one('select count(*) from pg_largeobject_metadata'),
    advisory: await one(
      `select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
    ),
    waiting: await one(
      `select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
    ),
  };
}

/** What the connection would be for its next user. */
async function session(pool: pg.Pool): Promise<unknown> {
  const { rows } = await pool.query(`select current_user, current_setting('transaction_read_only') as read_only,
    current_setting('statement_timeout') as timeout, current_setting('search_path') as path, pg_my_temp_schema() <> 0 as temp,
    (select count(*)::int from pg_class where relpersistence = 't') as temporary`);
  return { ...rows[0], temp: null };
}

const attempts = Object.entries(BREAKOUTS).flatMap(([kind, all]) => all.map((sql) => ({ kind, sql })));

test('there are at least 150 attempts, and none twice', () => {
  assert.ok(attempts.length >= 150, `${attempts.length}`);
  assert.equal(new Set(attempts.map(({ sql }) => sql)).size, attempts.length);
});

for (const [who, address] of [
  ['the owner of the schema', url],
  ['a superuser', adminUrl],
] as const) {
  test(`no attempt gets out of the api, or leaves anything behind, when the server is ${who}`, async () => {
    const pool = createPool(address, { applicationName: 'test', max: 1 });
    after(() => pool.end());
    const before = await state();
    const fresh = await session(pool);
    const heard: string[] = [];
    client.on('notification', ({ payload }) => heard.push(payload ?? ''));
    await client.query('listen beacon');
    for (const { kind, sql } of attempts) {
      const error = await askSql(pool, sql, LIMITS, new AbortController().signal).then(
        ({ rows }) => assert.fail(`${kind}: ${sql} was answered: ${JSON.stringify(rows)}`),
        (refused) => refused,
      );
      assert.ok(error instanceof BeaconError, `${kind}: ${sql}: ${error}`);
      assert.ok(['forbidden', 'usage'].includes(error.code), `${kind}: ${sql}: ${error.code} ${error.message}`);
      assert.ok(error.message.length > 10 && error.hint.length > 10, `${kind}: ${sql}: ${error.message}`);
      assert.doesNotMatch(error.message, /swordfish/, sql);
    }
    assert.deepEqual(await state(), before);
    assert.deepEqual(await session(pool), fresh);
    assert.deepEqual(heard, []);
  });
}

test('a refusal names what was refused and what is allowed', async () => {
  const pool = createPool(url, { applicationName: 'test', max: 1 });
  after(() => pool.end());
  const refused = async (sql: string) => {
    const error = await askSql(pool, sql, LIMITS, new AbortController().signal).catch((why) => why);
    assert.ok(error instanceof BeaconError, sql);
    return { code: error.code, message: error.message, hint: error.hint };
  };
  assert.deepEqual(await refused('select pg_sleep(1) from outside.secrets'), {
    code: 'forbidden',
    message: 'Refused: the relation outside.secrets, the function pg_catalog.pg_sleep(double precision).',
    hint: 'Allowed: one query (select, with, values, table) over the schema beacon and the registered tables, with functions of PostgreSQL that have no side effects and those of Beacon. No table is registered.',
  });
  assert.match((await refused('drop table beacon.traces')).message, /begins with "drop" is refused/);
  assert.match((await refused('select 1; select 2')).message, /More than one statement/);
  assert.match(
    (await refused('select 1,\n  nosuch\nfrom traces')).message,
    /column "nosuch" does not exist \(line 2, column 3\)/,
  );
  assert.match((await refused("select '€€', nosuch")).message, /column 14\)/);
  assert.match((await refused('select * from beacon.traces for update')).message, /read-only transaction/);
  assert.match(
    (await refused('with x as (delete from beacon.traces returning 1) select * from x')).message,
    /data-modifying/,
  );
});

test('functions of ours that run a text are known, and take it from registered names only', async () => {
  // Before one is added here, look whether a caller of the SQL console could choose what it runs.
  const { rows } = await client.query(`select distinct proname from pg_proc where pronamespace = 'beacon'::regnamespace
    and provolatile in ('i', 's') and prosrc ~* '\\mexecute\\M' order by 1`);
  assert.deepEqual(
    rows.map(({ proname }) => proname),
    [
      'bytes_of',
      'coverage',
      'doctor_links',
      'execution_answers',
      'findings',
      'job_matrix',
      'job_records',
      'jobs',
      'open_attempts',
      'open_executions',
      'preflight_baseline',
      'recorded_outcome',
      'untraced_since',
    ],
  );
});
