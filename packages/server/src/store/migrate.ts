// Own runner, because no library found does all of: views and functions rebuilt by hash, one statement a message
// (Citus), one transaction under an advisory lock, a printable plan, a refused change of a released migration, and a
// way down. ARCHITECTURE.md names what was compared.
import type pg from 'pg';
import type { Migration, MigrationSet } from './migrations.ts';
import { statements } from './statements.ts';

export interface MigrateOptions {
  /** Adds `beacon` to the search_path of the connecting role in this database. Default true. */
  searchPath?: boolean;
  /** Told what happens, a line each. */
  say?: (line: string) => void;
}

export interface MigrationStatus {
  set: string;
  name: string;
  state: 'applied' | 'pending' | 'changed' | 'unknown';
  appliedAt: Date | null;
}

export interface MigrateResult {
  applied: string[];
  rebuilt: boolean;
}

/** A refusal that the user has to resolve; `hint` says how. */
export class MigrationError extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'MigrationError';
    this.hint = hint;
  }
}

// Any constant will do; this one is 'beacon' in ASCII.
const LOCK = 0x626561636f6e;

const BOOKKEEPING = [
  'create schema if not exists beacon',
  `create table if not exists beacon.schema_migrations (
  set_name text not null, name text not null, hash text not null, applied_at timestamptz not null default now(),
  constraint schema_migrations_key primary key (set_name, name))`,
  `comment on table beacon.schema_migrations is 'Migrations that have been applied, with the hash of what ran.'`,
  `create table if not exists beacon.schema_state (
  name text not null, value text not null, constraint schema_state_key primary key (name))`,
  `comment on table beacon.schema_state is 'Hash of the views and functions last built, and the search_path to return to.'`,
];

/**
 * Applies what is missing and rebuilds views and functions whose hash changed, all in one transaction. Concurrent
 * callers wait for each other; the later ones find nothing to do.
 *
 * @throws MigrationError when a released migration was changed, or when objects of the user depend on ours.
 */
export async function migrateUp(
  client: pg.ClientBase,
  sets: MigrationSet[],
  options: MigrateOptions = {},
): Promise<MigrateResult> {
  return inTransaction(client, async () => {
    for (const statement of BOOKKEEPING) await client.query(statement);
    const applied: string[] = [];
    let rebuilt = false;
    for (const set of sets) {
      for (const migration of await pending(client, set)) {
        options.say?.(`Applying ${set.name}/${migration.name}.`);
        await runAll(client, migration.up, `${set.name}/${migration.name}.up.sql`);
        await client.query('insert into beacon.schema_migrations (set_name, name, hash) values ($1, $2, $3)', [
          set.name,
          migration.name,
          migration.hash,
        ]);
        applied.push(`${set.name}/${migration.name}`);
      }
      if (set.rebuilt.length > 0 && (await state(client, `rebuilt ${set.name}`)) !== set.rebuiltHash) {
        options.say?.('Rebuilding views and functions.');
        await rebuild(client, set);
        rebuilt = true;
      }
    }
    if (options.searchPath !== false) await extendSearchPath(client);
    return { applied, rebuilt };
  });
}

/**
 * Takes back every migration of every set, newest first, and with the last one the schema itself: the database is
 * what it was before the first `migrateUp`.
 */
export async function migrateDown(client: pg.ClientBase, sets: MigrationSet[]): Promise<string[]> {
  return inTransaction(client, async () => {
    if (!(await isMigrated(client))) return [];
    const reverted: string[] = [];
    await dropRebuilt(client);
    for (const set of [...sets].reverse()) {
      const done = new Set((await appliedOf(client, set)).keys());
      for (const migration of [...set.migrations].reverse()) {
        if (!done.has(migration.name)) continue;
        await runAll(client, migration.down, `${set.name}/${migration.name}.down.sql`);
        await client.query('delete from beacon.schema_migrations where set_name = $1 and name = $2', [
          set.name,
          migration.name,
        ]);
        reverted.push(`${set.name}/${migration.name}`);
      }
    }
    const left = await client.query('select set_name, name from beacon.schema_migrations');
    if (left.rows.length > 0) {
      const names = left.rows.map((row) => `${row.set_name}/${row.name}`).join(', ');
      throw new MigrationError(`These migrations are not known here: ${names}.`, 'Use the version that applied them.');
    }
    await restoreSearchPath(client);
    // Only the two tables made above are left; anything else in the schema is the user's and makes this fail.
    await client.query('drop table beacon.schema_state');
    await client.query('drop table beacon.schema_migrations');
    await client.query('drop schema beacon');
    return reverted;
  });
}

/** What is applied, pending, changed since it was applied, or unknown to this version. */
export async function migrationStatus(client: pg.ClientBase, sets: MigrationSet[]): Promise<MigrationStatus[]> {
  const migrated = await isMigrated(client);
  const all: MigrationStatus[] = [];
  for (const set of sets) {
    const applied = migrated ? await appliedOf(client, set) : new Map<string, { hash: string; applied_at: Date }>();
    for (const { name, hash } of set.migrations) {
      const row = applied.get(name);
      applied.delete(name);
      const mark = !row ? 'pending' : row.hash === hash ? 'applied' : 'changed';
      all.push({ set: set.name, name, state: mark, appliedAt: row?.applied_at ?? null });
    }
    for (const [name, row] of applied) {
      all.push({ set: set.name, name, state: 'unknown', appliedAt: row.applied_at });
    }
  }
  return all;
}

/** Everything `migrateUp` would run on an empty database, as one script for a DBA. */
export function printMigrations(sets: MigrationSet[]): string {
  const script = ['begin;', ...BOOKKEEPING.map((statement) => `${statement};`)];
  for (const set of sets) {
    for (const { name, up, hash } of set.migrations) {
      script.push(`-- ${set.name}/${name}`, up.trim());
      script.push(
        `insert into beacon.schema_migrations (set_name, name, hash) values ('${set.name}', '${name}', '${hash}');`,
      );
    }
    if (set.rebuilt.length === 0) continue;
    script.push('set local check_function_bodies = off;');
    for (const { file, sql } of set.rebuilt) script.push(`-- ${file}`, sql.trim());
    script.push(`insert into beacon.schema_state values ('rebuilt ${set.name}', '${set.rebuiltHash}');`);
    script.push('select beacon.ensure_partitions();');
  }
  return `${[...script, 'commit;'].join('\n\n')}\n`;
}

async function inTransaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
    // Citus refuses DDL on functions after parallel work in one transaction; plain PostgreSQL ignores the setting.
    await client.query(`set local citus.multi_shard_modify_mode to 'sequential'`);
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function isMigrated(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(`select to_regclass('beacon.schema_migrations') is not null as yes`);
  return rows[0].yes;
}

async function appliedOf(
  client: pg.ClientBase,
  set: MigrationSet,
): Promise<Map<string, { hash: string; applied_at: Date }>> {
  const { rows } = await client.query(
    'select name, hash, applied_at from beacon.schema_migrations where set_name = $1 order by name',
    [set.name],
  );
  return new Map(rows.map((row) => [row.name, row]));
}

async function pending(client: pg.ClientBase, set: MigrationSet): Promise<Migration[]> {
  const applied = await appliedOf(client, set);
  for (const { name, hash } of set.migrations) {
    const row = applied.get(name);
    if (row && row.hash !== hash) {
      throw new MigrationError(
        `Migration ${set.name}/${name} was changed after it had been applied.`,
        'Put the file back as it was and write a new migration for what should change.',
      );
    }
  }
  return set.migrations.filter(({ name }) => !applied.has(name));
}

async function runAll(client: pg.ClientBase, sql: string, file: string): Promise<void> {
  for (const statement of statements(sql)) {
    try {
      await client.query(statement);
    } catch (error) {
      const first = statement.replace(/^(--.*\n)+/, '').split('\n')[0];
      throw new Error(`${file}: ${(error as Error).message} (in: ${first})`, { cause: error });
    }
  }
}

async function rebuild(client: pg.ClientBase, set: MigrationSet): Promise<void> {
  await dropRebuilt(client);
  // Functions may name each other in any order; their bodies are checked by the tests, which run them.
  await client.query('set local check_function_bodies = off');
  for (const { file, sql } of set.rebuilt) await runAll(client, sql, file);
  await setState(client, `rebuilt ${set.name}`, set.rebuiltHash);
  await client.query('select beacon.ensure_partitions()');
}

/** Drops every view, function and composite type of the schema; tables stay. */
async function dropRebuilt(client: pg.ClientBase): Promise<void> {
  const foreign = await client.query(`
    select distinct v.oid::regclass::text as name
    from pg_depend d
    join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
    join pg_class v on v.oid = r.ev_class
    left join pg_class ours on ours.oid = d.refobjid and d.refclassid = 'pg_class'::regclass and ours.relkind = 'v'
    left join pg_proc f on f.oid = d.refobjid and d.refclassid = 'pg_proc'::regclass
    where coalesce(ours.relnamespace, f.pronamespace) = 'beacon'::regnamespace
      and v.relnamespace <> 'beacon'::regnamespace`);
  if (foreign.rows.length > 0) {
    const names = foreign.rows.map((row) => row.name).join(', ');
    throw new MigrationError(
      `Views outside the schema beacon depend on its views or functions: ${names}.`,
      'Drop them, migrate, and create them again; or let them read the tables of beacon only.',
    );
  }
  const { rows } = await client.query(`
    select 'view' as kind, oid::regclass::text as name from pg_class
      where relnamespace = 'beacon'::regnamespace and relkind = 'v'
    union all
    select 'function', oid::regprocedure::text from pg_proc where pronamespace = 'beacon'::regnamespace
    union all
    select 'type', oid::regclass::text from pg_class
      where relnamespace = 'beacon'::regnamespace and relkind = 'c'`);
  for (const kind of ['view', 'function', 'type']) {
    const names = rows.filter((row) => row.kind === kind).map((row) => row.name);
    if (names.length > 0) await client.query(`drop ${kind} ${names.join(', ')}`);
  }
}

async function state(client: pg.ClientBase, name: string): Promise<string | undefined> {
  const { rows } = await client.query('select value from beacon.schema_state where name = $1', [name]);
  return rows[0]?.value;
}

async function setState(client: pg.ClientBase, name: string, value: string): Promise<void> {
  await client.query(
    'insert into beacon.schema_state values ($1, $2) on conflict (name) do update set value = excluded.value',
    [name, value],
  );
}

const SEARCH_PATH_BEFORE = 'search_path before';

/** New sessions of this role find `trace_spans` unqualified; what it was before is kept for the way down. */
async function extendSearchPath(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(`
    select coalesce((
      select substr(entry, length('search_path=') + 1)
      from pg_db_role_setting s, unnest(s.setconfig) entry
      where s.setrole = (select oid from pg_roles where rolname = current_user)
        and s.setdatabase = (select oid from pg_database where datname = current_database())
        and entry like 'search_path=%'), '') as own,
      (select reset_val from pg_settings where name = 'search_path') as now`);
  const { own, now } = rows[0];
  if (/\bbeacon\b/.test(own)) return;
  await setState(client, SEARCH_PATH_BEFORE, own);
  await alterSearchPath(client, `${own || now}, beacon`);
}

async function restoreSearchPath(client: pg.ClientBase): Promise<void> {
  const before = await state(client, SEARCH_PATH_BEFORE);
  if (before !== undefined) await alterSearchPath(client, before);
}

/** Names in `searchPath` come from the catalog, quoted as PostgreSQL quoted them. */
async function alterSearchPath(client: pg.ClientBase, searchPath: string): Promise<void> {
  const { rows } = await client.query(
    `select format('alter role %I in database %I %s', current_user, current_database(), $1::text) as sql`,
    [searchPath === '' ? 'reset search_path' : `set search_path = ${searchPath}`],
  );
  await client.query(rows[0].sql);
}
