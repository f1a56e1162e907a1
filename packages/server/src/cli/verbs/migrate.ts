// `beacon migrate up|down|status|print`.
import * as readline from 'node:readline/promises';
import { Command } from 'commander';
import type pg from 'pg';
import { distribute, prepareCluster, undistribute } from '../../store/citus.ts';
import { withConnection } from '../../store/connect.ts';
import { BeaconError, ERROR_CODES } from '../../store/errors.ts';
import { migrateDown, migrateUp, migrationStatus, planLocks, printMigrations } from '../../store/migrate.ts';
import { type MigrationSet, OWN_SET, readSets } from '../../store/migrations.ts';
import { findDatabase } from '../database.ts';
import { ago, signOf } from '../render/format.ts';
import { table } from '../render/table.ts';
import { terminalOf } from '../render/terminal.ts';
import { action, print, printJson, type VerbOptions, verb } from '../verb.ts';

const CONNECTION = { applicationName: 'beacon migrate' };

export function migrateVerb(): Command {
  // Without flags of its own: commander would take the subcommands' for its.
  const group = new Command('migrate').description(
    'Brings tables, views and functions of the schema beacon up to this version, or takes them away.',
  );
  group.addCommand(
    sub('up', 'Applies what is missing. Safe to run from many places at once. The default.')
      .option('--no-search-path', 'leave the search_path of this role alone')
      .option('--plan', 'only says what each step locks, who waits, and for how long')
      .option(
        '--distribute',
        'spread spans and logs over the workers of a Citus cluster; the rest stays on the coordinator',
      )
      .option('--shards <n>', 'with --distribute: shards in all (default: two a worker)')
      .option('--undistribute', 'bring spans and logs back to this node')
      .action(action(up)),
    { isDefault: true },
  );
  group.addCommand(
    sub('down', 'Takes everything away again, all traces included.').option('--yes', 'do not ask').action(action(down)),
  );
  group.addCommand(
    sub('status', 'What is applied and what is not; exit code 1 when something is not.').action(action(status)),
  );
  group.addCommand(
    sub('print', 'The SQL of `up` for a DBA; runs nothing.')
      .option('--pending', 'only what the database still misses, instead of everything')
      .option('--no-search-path', 'leave the search_path of the role alone')
      .action(action(printSql)),
  );
  return group;
}

function sub(name: string, doc: string): Command {
  return verb(name, doc).option(
    '--records <folder...>',
    'also the migrations of business tables in these folders, for example services/runner/sql',
  );
}

function sets(options: VerbOptions): MigrationSet[] {
  return readSets((options.records as string[] | undefined) ?? []);
}

async function up(options: VerbOptions): Promise<number> {
  const { url } = findDatabase(options.databaseUrl);
  if (options.plan) return plan(options, url);
  const say = options.json ? () => {} : print;
  const shards = options.shards === undefined ? undefined : shardsOf(options.shards);
  if (options.distribute && options.undistribute) {
    throw new BeaconError('usage', '--distribute and --undistribute exclude each other.', 'Give one of them.');
  }
  const result = await withConnection(url, CONNECTION, async (client) => {
    const workers = options.distribute ? await prepareCluster(client) : [];
    const done = await migrateUp(client, sets(options), { searchPath: options.searchPath !== false, say });
    const moved = options.distribute
      ? await distribute(client, workers, { shards, say })
      : options.undistribute === true && (await undistribute(client, sets(options), { say }));
    return { ...done, moved };
  });
  if (options.json) printJson(result);
  else if (result.applied.length === 0 && !result.rebuilt && !result.moved)
    print('Nothing to do: the database is of this version.');
  else print('Done.');
  return 0;
}

async function plan(options: VerbOptions, url: string): Promise<number> {
  const locks = await withConnection(url, CONNECTION, (client) => planLocks(client, sets(options)));
  if (options.json) printJson({ locks });
  else if (locks.length === 0) print('Nothing that is there is locked.');
  for (const { step, statement, table, lock, waits, seconds } of options.json ? [] : locks) {
    const time = seconds < 0.1 ? 'for a moment' : `for about ${seconds} s`;
    print(
      `${step}: ${statement}\n  ${lock} on ${table} ${time}; ${waits === 'nothing' ? 'nothing waits' : `${waits} wait`}`,
    );
  }
  return 0;
}

function shardsOf(given: unknown): number {
  const shards = Number(given);
  if (Number.isInteger(shards) && shards >= 1 && shards <= 1_000) return shards;
  throw new BeaconError('usage', `--shards must be a whole number from 1 to 1000 (got "${given}").`, 'See --help.');
}

async function down(options: VerbOptions): Promise<number> {
  const { url } = findDatabase(options.databaseUrl);
  return withConnection(url, CONNECTION, async (client) => {
    if (!options.yes && process.stdin.isTTY && process.stdout.isTTY && !(await agreed(url))) {
      print('Nothing was changed.');
      return ERROR_CODES.internal.exit;
    }
    const reverted = await migrateDown(client, sets(options), { say: options.json ? () => {} : print });
    const left = reverted.some((title) => !title.startsWith(`${OWN_SET}/`)) ? await leftBehind(client) : [];
    if (options.json) printJson({ reverted, left });
    else if (reverted.length === 0) print('Nothing to do: not migrated.');
    else if (left.length === 0) print('Done: the database is what it was before Beacon.');
    else print('Done, and one thing is left:');
    if (!options.json) for (const { why, statement } of left) print(`${why}\n  ${statement}`);
    return 0;
  });
}

/** What services have made at run time, which no migration can take back: others may use it too. */
async function leftBehind(client: pg.ClientBase): Promise<Array<{ schema: string; why: string; statement: string }>> {
  const { rows } = await client.query(`select to_regclass('pgboss.job') is not null as has_queue`);
  if (!rows[0].has_queue) return [];
  const why =
    'The schema pgboss stays: pg-boss made it for the deliveries of the runner, and whatever else uses pg-boss in this database needs it. Where nothing does:';
  return [{ schema: 'pgboss', why, statement: 'drop schema pgboss cascade;' }];
}

async function agreed(url: string): Promise<boolean> {
  const { pathname, host } = new URL(url);
  const terminal = readline.createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`This deletes all traces in ${pathname.slice(1)} at ${host}. Go on? [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

async function status(options: VerbOptions): Promise<number> {
  const { url } = findDatabase(options.databaseUrl);
  const all = await withConnection(url, CONNECTION, (client) => migrationStatus(client, sets(options)));
  if (options.json) printJson({ migrations: all });
  else {
    const { lines } = table(
      all,
      [
        { title: ' ', text: (row) => signOf(row.state).glyph, style: (row) => signOf(row.state).style },
        { title: 'set', text: (row) => row.set },
        { title: 'migration', text: (row) => row.name },
        { title: 'state', text: (row) => row.state },
        { title: 'applied', text: (row) => (row.appliedAt ? ago(row.appliedAt.toISOString()) : '') },
      ],
      terminalOf(process.stdout),
    );
    for (const line of lines) print(line);
  }
  return all.every(({ state }) => state === 'applied') ? 0 : 1;
}

async function printSql(options: VerbOptions): Promise<number> {
  const how = { searchPath: options.searchPath !== false };
  const sql = options.pending
    ? await withConnection(findDatabase(options.databaseUrl).url, CONNECTION, (client) =>
        printMigrations(sets(options), how, client),
      )
    : await printMigrations(sets(options), how);
  if (options.json) printJson({ sql });
  else process.stdout.write(sql);
  return 0;
}
