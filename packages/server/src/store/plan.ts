// Which statements bring a database to this version, or back. Pure: `up`, `down` and `print` run or print the same plan.
import pg from 'pg';
import { MigrationError } from './errors.ts';
import type { MigrationState, SchemaObject } from './migration-state.ts';
import { OBJECTS_SQL } from './migration-state.ts';
import { type Migration, type MigrationSet, OWN_SET } from './migrations.ts';
import { EXTEND_SEARCH_PATH, RESTORE_SEARCH_PATH } from './search-path.ts';
import { statements } from './statements.ts';

/** Statements that belong together; `title` is what a person reads. */
export interface Step {
  kind: 'bookkeeping' | 'migration' | 'rebuild' | 'search path';
  title: string;
  statements: string[];
}

const BOOKKEEPING = [
  `create table beacon.schema_migrations (
  set_name text not null, name text not null, hash text not null, applied_at timestamptz not null default now(),
  constraint schema_migrations_key primary key (set_name, name))`,
  `comment on table beacon.schema_migrations is 'Migrations that have been applied, with the hash of what ran.'`,
  `create table beacon.schema_state (
  name text not null, value text not null, constraint schema_state_key primary key (name))`,
  `comment on table beacon.schema_state is 'What the migrations must remember: hash and names of the views and functions last built, the search_path to return to.'`,
];

/**
 * What `up` has to do.
 *
 * @throws MigrationError when a released migration was changed, or the database is of a newer version.
 */
export function planUp(state: MigrationState, sets: MigrationSet[], options: { searchPath: boolean }): Step[] {
  const steps: Step[] = [];
  if (!state.migrated) steps.push({ kind: 'bookkeeping', title: 'schema beacon', statements: bookkeeping(state) });
  for (const set of sets) {
    for (const migration of pending(state, set)) {
      steps.push({
        kind: 'migration',
        title: `${set.name}/${migration.name}`,
        statements: [
          ...statements(migration.up),
          `insert into beacon.schema_migrations (set_name, name, hash) values (${literals(set.name, migration.name, migration.hash)})`,
        ],
      });
    }
    if (set.rebuilt.length > 0 && state.values.get('rebuilt') !== set.rebuiltHash) steps.push(rebuild(state, set));
  }
  if (options.searchPath) {
    steps.push({ kind: 'search path', title: 'search_path of this role', statements: [EXTEND_SEARCH_PATH] });
  }
  return steps;
}

/**
 * What `down` has to do: every migration of every set, newest first, and with the last one the schema itself.
 *
 * @throws MigrationError when something was applied that `sets` do not hold.
 */
export function planDown(state: MigrationState, sets: MigrationSet[]): Step[] {
  if (!state.migrated) return [];
  const known = new Set(sets.flatMap((set) => set.migrations.map(({ name }) => `${set.name}/${name}`)));
  const unknown = [...state.applied.keys()].filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new MigrationError(
      `Applied here, but there is no way back from: ${unknown.join(', ')}.`,
      'Name their folders with --records, or use the version of Beacon that applied them.',
    );
  }
  const steps: Step[] = [
    { kind: 'rebuild', title: 'views and functions', statements: drops(ours(state)) },
    ...[...sets].reverse().flatMap((set) =>
      [...set.migrations]
        .reverse()
        .filter(({ name }) => state.applied.has(`${set.name}/${name}`))
        .map(
          ({ name, down }): Step => ({ kind: 'migration', title: `${set.name}/${name}`, statements: statements(down) }),
        ),
    ),
    { kind: 'search path', title: 'search_path of this role', statements: [RESTORE_SEARCH_PATH] },
  ];
  const last = ['drop table beacon.schema_state', 'drop table beacon.schema_migrations'];
  // A schema that a DBA had made for us stays; anything else left in one we made is the user's, and makes this fail.
  if (state.values.get('schema made') === 'yes') last.push('drop schema beacon');
  steps.push({ kind: 'bookkeeping', title: 'schema beacon', statements: last });
  return steps;
}

/** Migrations of the set that are still to be applied. */
function pending(state: MigrationState, set: MigrationSet): Migration[] {
  for (const { name, hash } of set.migrations) {
    const applied = state.applied.get(`${set.name}/${name}`);
    if (applied && applied.hash !== hash) {
      throw new MigrationError(
        `Migration ${set.name}/${name} was changed after it had been applied.`,
        'Put the file back as it was and write a new migration for what should change.',
      );
    }
  }
  const known = new Set(set.migrations.map(({ name }) => `${set.name}/${name}`));
  const newer = [...state.applied.keys()].filter((name) => name.startsWith(`${set.name}/`) && !known.has(name));
  if (newer.length > 0) {
    throw new MigrationError(
      `The database has migrations this version does not know: ${newer.join(', ')}.`,
      'Use the version of Beacon that applied them, or a newer one.',
    );
  }
  return set.migrations.filter(({ name }) => !state.applied.has(`${set.name}/${name}`));
}

function bookkeeping(state: MigrationState): string[] {
  // CREATE SCHEMA needs a right on the database even where IF NOT EXISTS has nothing to do.
  const schema = state.schemaExists ? [] : ['create schema beacon'];
  const made = state.schemaExists ? 'no' : 'yes';
  return [...schema, ...BOOKKEEPING, setState('schema made', made)];
}

function rebuild(state: MigrationState, set: MigrationSet): Step {
  const mine = ours(state);
  const foreign = state.objects.filter(({ identity }) => !mine.some((object) => object.identity === identity));
  return {
    kind: 'rebuild',
    title: 'views and functions',
    statements: [
      ...drops(mine),
      // Functions may name each other in any order; their bodies are checked by the tests, which run them.
      'set local check_function_bodies = off',
      ...set.rebuilt.flatMap(({ sql }) => statements(sql)),
      ...state.grants.filter((grant) => mine.some(({ identity }) => identity === grant.identity)).map(regrant),
      recordObjects(foreign),
      setState('rebuilt', set.rebuiltHash),
      'select beacon.ensure_partitions()',
    ],
  };
}

/** What an earlier rebuild made and is still there: never what a user put into the schema. */
function ours(state: MigrationState): SchemaObject[] {
  const made = new Set<string>(JSON.parse(state.values.get('objects') ?? '[]'));
  return state.objects.filter(({ identity }) => made.has(identity));
}

/** One statement a kind, so that objects of a kind may depend on each other; no CASCADE, so that users' stay. */
function drops(objects: SchemaObject[]): string[] {
  return (['view', 'routine', 'type'] as const).flatMap((kind) => {
    const names = objects.filter((object) => object.kind === kind).map(({ identity }) => identity);
    return names.length > 0 ? [`drop ${kind} ${names.join(', ')}`] : [];
  });
}

/** An object that this version no longer has takes its grants with it. */
function regrant({ sql }: { sql: string }): string {
  return `do $beacon$ begin ${sql}; exception when undefined_table or undefined_function or undefined_object then null; end $beacon$`;
}

function recordObjects(foreign: SchemaObject[]): string {
  const except = foreign.length > 0 ? ` where identity not in (${literals(...foreign.map((o) => o.identity))})` : '';
  return `insert into beacon.schema_state
  select 'objects', coalesce(jsonb_agg(identity order by identity), '[]')::text from (${OBJECTS_SQL}) o${except}
  on conflict (name) do update set value = excluded.value`;
}

function setState(name: string, value: string): string {
  return `insert into beacon.schema_state values (${literals(name, value)}) on conflict (name) do update set value = excluded.value`;
}

function literals(...values: string[]): string {
  return values.map((value) => pg.escapeLiteral(value)).join(', ');
}

/** Whether the set's views and functions are those of this version. */
export function isCurrent(state: MigrationState, sets: MigrationSet[]): boolean {
  const own = sets.find(({ name }) => name === OWN_SET);
  return own === undefined || state.values.get('rebuilt') === own.rebuiltHash;
}
