// Citus: spans and logs spread over the workers by trace id. Everything else, 7 % of the bytes, stays on the coordinator, where
// a summary is one index look-up and a claim one lock.
import type pg from 'pg';
import { MigrationError } from './errors.ts';
import { migrateUp } from './migrate.ts';
import type { MigrationSet } from './migrations.ts';

export interface DistributeOptions {
  /** Shards of trace_spans in all. Default: two a worker. */
  shards?: number | undefined;
  /** Receives what happens, a line each. */
  say?: (line: string) => void;
}

/** What is spread; the second lies beside the first, trace by trace. */
const TABLES = ['beacon.trace_spans', 'beacon.trace_logs'] as const;
const SHARDS_A_WORKER = 2;
const OLDEST: [number, number] = [12, 1];
const MEASURED = '13.2';
/** Connections to a worker that a session keeps; opening one for each batch is most of what a batch costs. */
const CACHED = 'citus.max_cached_conns_per_worker';

/** Finds nothing, by an index, on every machine that holds spans; a limit of none would be answered by the coordinator alone. */
export const TOUCHES_ALL = `select 1 from beacon.trace_spans where created_at = 'infinity'`;

export interface Worker {
  host: string;
  port: number;
}

/** Whether this database is the coordinator of a cluster that spans are spread over. */
export async function isDistributed(client: Pick<pg.ClientBase, 'query'>): Promise<boolean> {
  if (!(await citusVersion(client))) return false;
  const { rows } = await client.query(
    `select exists (select from pg_catalog.pg_dist_partition where logicalrelid = to_regclass('beacon.trace_spans')) as spread`,
  );
  return rows[0].spread;
}

/**
 * Checks that the cluster can take spans, and makes the role of this connection known on its workers. To be called before
 * the schema is migrated: functions whose owner a worker does not know are refused there.
 *
 * @returns the workers that will hold shards.
 * @throws MigrationError that says what is missing, and what to do.
 */
export async function prepareCluster(client: pg.ClientBase): Promise<Worker[]> {
  const version = await citusVersion(client);
  if (!version) {
    throw new MigrationError(
      'This database has no Citus, so there is nothing to distribute to.',
      'Have a DBA run `create extension citus` on every node, and `citus_add_node` on the coordinator. Nothing was changed.',
    );
  }
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new MigrationError(
      `Citus ${version} is too old: ${OLDEST.join('.')} is the oldest this can work with, ${MEASURED} what it was measured on.`,
      'Update the extension on every node. Nothing was changed.',
    );
  }
  const { rows } = await client.query(`
    select citus_is_coordinator() as coordinator,
      (select coalesce(json_agg(json_build_object('host', n.nodename, 'port', n.nodeport) order by n.nodeid), '[]')
       from pg_catalog.pg_dist_node n
       where n.isactive and n.noderole = 'primary' and n.shouldhaveshards and n.groupid <> 0) as workers`);
  const { coordinator, workers } = rows[0] as { coordinator: boolean; workers: Worker[] };
  if (!coordinator) {
    throw new MigrationError('This is a worker of the cluster.', 'Connect to the coordinator. Nothing was changed.');
  }
  if (workers.length === 0) {
    throw new MigrationError(
      'The cluster has no worker that may hold shards.',
      "Add one on the coordinator: select citus_add_node('host', 5432). Nothing was changed.",
    );
  }
  await makeRoleKnown(client);
  await checkWorkers(client);
  return workers;
}

/**
 * Spreads trace_spans and trace_logs over the workers, with what is in them.
 *
 * @param workers As {@link prepareCluster} found them.
 * @returns false when they were spread already.
 */
export async function distribute(
  client: pg.ClientBase,
  workers: Worker[],
  { shards, say = () => {} }: DistributeOptions,
): Promise<boolean> {
  if (await isDistributed(client)) return false;
  const wanted = shards ?? SHARDS_A_WORKER * workers.length;
  await inOneGo(client, async () => {
    say(`Spreading ${TABLES.join(' and ')} over ${workers.length} workers, ${wanted} shards each.`);
    await client.query(`select create_distributed_table($1, 'trace_id', shard_count => $2, colocate_with => 'none')`, [
      TABLES[0],
      wanted,
    ]);
    await client.query(`select create_distributed_table($1, 'trace_id', colocate_with => $2)`, [TABLES[1], TABLES[0]]);
    await client.query(`insert into beacon.schema_state (name, value) values ('distributed', $1)`, [String(wanted)]);
  });
  await dropLocalCopies(client);
  await keepConnections(client, Math.ceil(wanted / workers.length), say);
  await compileNothing(client, 'set jit = off');
  return true;
}

/**
 * Brings both tables back to this node, with what is in them, and builds views and functions again: Citus makes new tables,
 * and every function that gives back rows of the old ones goes with those.
 *
 * @param sets As for {@link migrateUp}.
 * @returns false when they are here.
 */
export async function undistribute(
  client: pg.ClientBase,
  sets: MigrationSet[],
  { say = () => {} }: DistributeOptions,
): Promise<boolean> {
  if (!(await isDistributed(client))) return false;
  await inOneGo(client, async () => {
    say(`Bringing ${TABLES.join(' and ')} back to this node.`);
    for (const table of [...TABLES].reverse()) await client.query('select undistribute_table($1)', [table]);
    await client.query(`delete from beacon.schema_state where name in ('distributed', 'rebuilt')`);
  });
  await client.query(`do $$ begin
    execute format('alter role %I in database %I reset ${CACHED}', current_user, current_database()); end $$`);
  await compileNothing(client, 'reset jit');
  await migrateUp(client, sets, { searchPath: false, say });
  return true;
}

async function citusVersion(client: Pick<pg.ClientBase, 'query'>): Promise<string | undefined> {
  const { rows } = await client.query(`select extversion from pg_catalog.pg_extension where extname = 'citus'`);
  return rows[0]?.extversion;
}

/** A worker learns of a role with the first object that belongs to it, and only outside of a larger transaction. */
async function makeRoleKnown(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(`select to_regnamespace('beacon') is null as missing`);
  if (rows[0].missing) await client.query('create schema beacon');
  await client.query('create type beacon.of_this_role as (it integer)');
  await client.query('drop type beacon.of_this_role');
  if (rows[0].missing) await client.query('drop schema beacon');
}

async function checkWorkers(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(`
    select w.nodename || ':' || w.nodeport as worker, w.success, w.result
    from run_command_on_workers('show max_prepared_transactions') w`);
  for (const { worker, success, result } of rows) {
    if (!success) {
      throw new MigrationError(
        `The worker ${worker} does not answer: ${result}`,
        'Start it, and let it know this role and its password (pg_hba.conf, .pgpass). Nothing was changed.',
      );
    }
    if (Number(result) > 0) continue;
    throw new MigrationError(
      `The worker ${worker} has max_prepared_transactions = 0: a batch over several workers could not be committed.`,
      'Set it to at least max_connections there, and restart it. Nothing was changed.',
    );
  }
}

async function inOneGo(client: pg.ClientBase, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    await client.query('set local statement_timeout = 0');
    await client.query(`set local citus.multi_shard_modify_mode to 'sequential'`);
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

/** Rows were copied to the shards; what the coordinator keeps of them only takes space. */
async function dropLocalCopies(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(
    `select i.inhrelid::regclass::text as name from pg_catalog.pg_inherits i where i.inhparent = any ($1::regclass[]) order by 1`,
    [TABLES],
  );
  for (const { name } of rows) await client.query('select truncate_local_data_after_distributing_table($1)', [name]);
}

/**
 * Functions switch the compiler of expressions off, which a worker does not hear of: there a statement over the partitions of
 * a month took seconds to compile and milliseconds to run. Citus passes the setting of a role on to the workers.
 */
async function compileNothing(client: pg.ClientBase, setting: 'set jit = off' | 'reset jit'): Promise<void> {
  await client.query(`do $$ begin
    execute format('alter role %I in database %I ${setting}', current_user, current_database()); end $$`);
}

async function keepConnections(client: pg.ClientBase, wanted: number, say: (line: string) => void): Promise<void> {
  const { rows } = await client.query(`select current_setting('${CACHED}')::integer as kept`);
  if (rows[0].kept >= wanted) return;
  try {
    await client.query(`do $$ begin
      execute format('alter role %I in database %I set ${CACHED} = ${Math.trunc(wanted)}', current_user, current_database()); end $$`);
  } catch (error) {
    say(
      `Sessions keep ${rows[0].kept} connections to a worker and need ${wanted} (${(error as Error).message}): set ${CACHED} on the coordinator.`,
    );
  }
}
