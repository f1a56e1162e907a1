// The database of a start: the embedded one, or the user's; migrated before anything else runs.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { connect, withConnection } from '../store/connect.ts';
import { type Embedded, startEmbedded } from '../store/embedded.ts';
import { shownAddress } from '../store/errors.ts';
import { migrateUp } from '../store/migrate.ts';
import { readSets } from '../store/migrations.ts';
import { claimPorts } from './ports.ts';
import { type Screen, shortPath } from './screen.ts';

export interface Database {
  url: string;
  /** Undefined where the user's own database is used: that one is not ours to stop. */
  embedded: Embedded | undefined;
}

/** SQL of the business tables; part of the repository, not of the published package. */
const RUNNER_SQL = path.resolve(import.meta.dirname, '../../../../services/runner/sql');

/**
 * Connects to `DATABASE_URL` where it is set, else starts the embedded PostgreSQL with its data below `dir`.
 *
 * @param anyPort Lets the operating system choose the port instead of the one used before.
 * @throws BeaconError or Error that says what did not work.
 */
export async function openDatabase(dir: string, anyPort: boolean, screen: Screen): Promise<Database> {
  const url = process.env.DATABASE_URL;
  if (url) {
    const client = await connect(url, { applicationName: 'beacon start' });
    await client.end();
    screen.ok(`PostgreSQL  ${shownAddress(url)}  yours (DATABASE_URL)`);
    return { url, embedded: undefined };
  }
  const started = Date.now();
  const folder = path.join(dir, 'postgres');
  const isNew = !fs.existsSync(folder);
  screen.status(isNew ? 'Creating a PostgreSQL database ...' : 'Starting PostgreSQL ...');
  const embedded = await startEmbedded({
    dir: folder,
    ...(anyPort && { port: (await claimPorts({ postgres: 0 }))[0]?.port as number }),
    say: (line) => screen.note(line),
  }).finally(() => screen.endStatus());
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const where = shortPath(embedded.dataDir);
  const data = isNew ? `new, data in ${where}` : `with the data of before, in ${where}`;
  screen.ok(`PostgreSQL  127.0.0.1:${embedded.port}  ready after ${seconds} s, ${data}`);
  return { url: embedded.url, embedded };
}

/** `select ... from executions` in psql, as in the runbook: for this role in this database, unless it finds one already. */
const FIND_EXECUTIONS = `do $start$
begin
  if to_regclass('executions') is null and to_regclass('runner.executions') is not null then
    execute format('alter role %I in database %I set search_path = %s, runner', current_user, current_database(),
      current_setting('search_path'));
  end if;
end
$start$`;

/**
 * Brings tables, views and functions up to date.
 *
 * @throws MigrationError when the database holds what this version must not touch.
 */
export async function migrateDatabase(url: string, screen: Screen): Promise<void> {
  const sets = readSets(fs.existsSync(RUNNER_SQL) ? [RUNNER_SQL] : []);
  screen.status('Migrating ...');
  const options = { applicationName: 'beacon start' };
  const { applied } = await withConnection(url, options, async (client) => {
    const done = await migrateUp(client, sets);
    if (fs.existsSync(RUNNER_SQL)) await client.query(FIND_EXECUTIONS);
    return done;
  }).finally(() => screen.endStatus());
  screen.ok(`Schema      ${applied.length > 0 ? `migrated: ${applied.join(', ')}` : 'up to date'}`);
}
