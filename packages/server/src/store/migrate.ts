// Own runner, because no library found does all of: views and functions rebuilt by hash, one statement a message
// (Citus), one transaction under an advisory lock, a printable plan, a refused change of a released migration, and a
// way down. docs/inside.md names what was compared.
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { MigrationError } from './errors.ts';
import { locksOf, type StepLock } from './migration-locks.ts';
import { type MigrationState, NEW_DATABASE, readState } from './migration-state.ts';
import { type MigrationSet, OWN_SET } from './migrations.ts';
import { isCurrent, planDown, planUp, type Step } from './plan.ts';

export { MigrationError } from './errors.ts';

export interface MigrateOptions {
  /** Adds `beacon` to the search_path of the connecting role in this database. Default true. */
  searchPath?: boolean;
  /** Receives what happens, a line each. */
  say?: (line: string) => void;
  /** How long it is tried again while others use what is to be changed, milliseconds. Default 60,000. */
  patienceMs?: number;
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

// While one waits for a lock, everyone who comes later waits too: writers would pause for as long.
const LOCK_TIMEOUT_MS = 500;
const PATIENCE_MS = 60_000;
const PAUSE_MS = 1_000;

// Any constant will do; this one is 'beacon' in ASCII.
const LOCK = 0x626561636f6e;

// Pinned, so that a migration makes the same catalog for every role and every name in it has to be qualified.
const PIN_SEARCH_PATH = 'set local search_path = pg_catalog, pg_temp';

// Citus refuses DDL on functions after parallel work in one transaction; plain PostgreSQL ignores the setting.
const SEQUENTIAL = `set local citus.multi_shard_modify_mode to 'sequential'`;

/**
 * Applies what is missing and rebuilds views and functions whose hash changed: a new database in one transaction, one that
 * is in use step by step, so that no lock of a step is held during the next. A lock that others hold is waited for half a
 * second, and asked for again after a pause. Concurrent callers wait for each other; the later ones find nothing to do.
 *
 * @throws MigrationError when a released migration was changed, or when objects of the user depend on ours.
 */
export async function migrateUp(
  client: pg.ClientBase,
  sets: MigrationSet[],
  options: MigrateOptions = {},
): Promise<MigrateResult> {
  const done: Step[] = [];
  for (;;) {
    const { steps, isLast } = await patiently(options, () =>
      inTransaction(client, async () => {
        const state = await readState(client);
        const all = planUp(state, sets, { searchPath: options.searchPath !== false });
        const steps = state.migrated ? all.slice(0, 1) : all;
        await run(client, steps, 'up', options.say);
        return { steps, isLast: steps.length === all.length };
      }),
    );
    done.push(...steps);
    if (isLast) return { applied: titles(done), rebuilt: done.some(({ kind }) => kind === 'rebuild') };
  }
}

/** Again, for some time, while a lock cannot be had. */
async function patiently<T>({ patienceMs = PATIENCE_MS, say }: MigrateOptions, work: () => Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs;
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const isLocked =
        error instanceof MigrationError && (error.cause as pg.DatabaseError | undefined)?.code === '55P03';
      if (!isLocked || performance.now() + PAUSE_MS > until) throw error;
      if (tries === 1) say?.('Others are using what is to be changed; trying again.');
      await setTimeout(PAUSE_MS);
    }
  }
}

/** What `migrateUp` would lock, in order; of a new database nothing. */
export async function planLocks(client: pg.ClientBase, sets: MigrationSet[]): Promise<StepLock[]> {
  const state = await inspect(client);
  return state.migrated ? locksOf(client, planUp(state, sets, { searchPath: false })) : [];
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
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
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
        `Another session is using what is to be changed (${step.title}).`,
        'See pg_stat_activity for the query, and migrate again when it is done. Of this step nothing was changed.',
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
