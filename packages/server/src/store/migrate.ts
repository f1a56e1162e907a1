// Own runner, because no library found does all of: views and functions rebuilt by hash, one statement a message
// (Citus), one transaction under an advisory lock, a printable plan, a refused change of a released migration, and a
// way down. docs/inside.md names what was compared.
import pg from 'pg';
import { MigrationError } from './errors.ts';
import { type MigrationState, NEW_DATABASE, readState } from './migration-state.ts';
import { type MigrationSet, OWN_SET } from './migrations.ts';
import { isCurrent, planDown, planUp, type Step } from './plan.ts';

export { MigrationError } from './errors.ts';

export interface MigrateOptions {
  /** Adds `beacon` to the search_path of the connecting role in this database. Default true. */
  searchPath?: boolean;
  /** Receives what happens, a line each. */
  say?: (line: string) => void;
}

export interface MigrationStatus {
  set: string;
  /** Name of the migration; `views and functions` for what is rebuilt whole. */
  name: string;
  state: 'applied' | 'pending' | 'changed' | 'unknown';
  appliedAt: Date | null;
}

export interface MigrateResult {
  applied: string[];
  rebuilt: boolean;
}

// Any constant will do; this one is 'beacon' in ASCII.
const LOCK = 0x626561636f6e;

// Pinned, so that a migration makes the same catalog for every role and every name in it has to be qualified.
const PIN_SEARCH_PATH = 'set local search_path = pg_catalog, pg_temp';

// Citus refuses DDL on functions after parallel work in one transaction; plain PostgreSQL ignores the setting.
const SEQUENTIAL = `set local citus.multi_shard_modify_mode to 'sequential'`;

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
    const steps = planUp(await readState(client), sets, { searchPath: options.searchPath !== false });
    await run(client, steps, 'up', options.say);
    return {
      applied: titles(steps),
      rebuilt: steps.some(({ kind }) => kind === 'rebuild'),
    };
  });
}

/**
 * Takes back every migration of every set, newest first, and with the last one the schema itself: the database is
 * what it was before the first `migrateUp`. All traces are gone with it.
 *
 * @throws MigrationError when a set that was applied is missing here, or when objects of the user depend on ours.
 */
export async function migrateDown(
  client: pg.ClientBase,
  sets: MigrationSet[],
  options: Pick<MigrateOptions, 'say'> = {},
): Promise<string[]> {
  return inTransaction(client, async () => {
    const steps = planDown(await readState(client), sets);
    await run(client, steps, 'down', options.say);
    return titles(steps);
  });
}

/** What is applied, pending, changed since it was applied, or unknown to this version. */
export async function migrationStatus(client: pg.ClientBase, sets: MigrationSet[]): Promise<MigrationStatus[]> {
  const state = await inspect(client);
  const all: MigrationStatus[] = [];
  for (const set of sets) {
    for (const { name, hash } of set.migrations) {
      const row = state.applied.get(`${set.name}/${name}`);
      const mark = !row ? 'pending' : row.hash === hash ? 'applied' : 'changed';
      all.push({ set: set.name, name, state: mark, appliedAt: row?.appliedAt ?? null });
    }
    if (set.name === OWN_SET) {
      const mark = isCurrent(state, sets) ? 'applied' : 'pending';
      all.push({ set: set.name, name: 'views and functions', state: mark, appliedAt: null });
    }
  }
  for (const [title, row] of state.applied) {
    const [set = '', name = ''] = title.split('/');
    if (all.some((known) => known.set === set && known.name === name)) continue;
    all.push({ set, name, state: 'unknown', appliedAt: row.appliedAt });
  }
  return all;
}

/**
 * The script for a DBA: what `migrateUp` would run.
 *
 * @param client A database to print only the missing part for; without one, everything.
 */
export async function printMigrations(
  sets: MigrationSet[],
  options: MigrateOptions = {},
  client?: pg.ClientBase,
): Promise<string> {
  const state = client ? await inspect(client) : NEW_DATABASE;
  const steps = planUp(state, sets, { searchPath: options.searchPath !== false });
  const script = ['begin;', `${PIN_SEARCH_PATH};`, `${SEQUENTIAL};`];
  for (const step of steps) script.push(`-- ${step.title}`, ...step.statements.map((statement) => `${statement};`));
  return `${[...script, 'commit;'].join('\n\n')}\n`;
}

async function inspect(client: pg.ClientBase): Promise<MigrationState> {
  await client.query('begin read only');
  try {
    await client.query(PIN_SEARCH_PATH);
    return await readState(client);
  } finally {
    await client.query('rollback').catch(() => {});
  }
}

async function inTransaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  // Whatever the role's defaults are: a stricter isolation would not see what the holder of the lock has committed.
  await client.query('begin isolation level read committed read write');
  try {
    await client.query('set local statement_timeout = 0');
    await client.query('set local lock_timeout = 0');
    await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
    // From here on waiting means that readers queue behind this session: better to give up and be run again.
    await client.query(`set local lock_timeout = '10s'`);
    await client.query(PIN_SEARCH_PATH);
    await client.query(SEQUENTIAL);
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function run(
  client: pg.ClientBase,
  steps: Step[],
  direction: 'up' | 'down',
  say: MigrateOptions['say'],
): Promise<void> {
  for (const step of steps) {
    if (step.kind === 'migration') say?.(`${direction === 'up' ? 'Applying' : 'Taking back'} ${step.title}.`);
    if (step.kind === 'rebuild')
      say?.(direction === 'up' ? 'Building views and functions.' : 'Dropping views and functions.');
    for (const statement of step.statements) {
      try {
        await client.query(statement);
      } catch (error) {
        throw refusal(error, step, statement);
      }
    }
  }
}

function titles(steps: Step[]): string[] {
  return steps.filter(({ kind }) => kind === 'migration').map(({ title }) => title);
}

/** Nothing was changed when one of these is thrown: the transaction is rolled back. */
function refusal(error: unknown, step: Step, statement: string): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const options = { cause: error };
  switch (error.code) {
    case '2BP01':
      return new MigrationError(
        `Your own objects depend on Beacon's: ${(error.detail ?? error.message).replaceAll('\n', '; ')}.`,
        'Drop them, migrate, and create them again; or let them read the tables of beacon only. Nothing was changed.',
        options,
      );
    case '55P03':
      return new MigrationError(
        `Another session has been using what is to be changed (${step.title}) for more than 10 s.`,
        'See pg_stat_activity for the query, and migrate again when it is done. Nothing was changed.',
        options,
      );
    case '42501':
      return new MigrationError(
        `This role may not do that: ${error.message} (${step.title}).`,
        'Let a DBA run `grant create on database … to …`, or give the DBA the output of `beacon migrate print`.',
        options,
      );
    default: {
      const first = statement.replace(/^(--.*\n)+/, '').split('\n')[0];
      return new MigrationError(
        `${step.title}: ${error.message} (SQLSTATE ${error.code}, in: ${first})`,
        'Nothing was changed.',
        options,
      );
    }
  }
}
