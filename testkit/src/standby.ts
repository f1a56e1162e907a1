// A primary and a standby that streams from it, both of the embedded server's programs.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after } from 'node:test';
import { type Embedded, startEmbedded } from '@project-beacon/server/store/embedded.ts';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSets } from '@project-beacon/server/store/migrations.ts';
import pg from 'pg';
import { until } from './until.ts';

export interface Replicated {
  primary: Embedded;
  standby: Embedded;
  /** Connected to the primary as the owner of the database. */
  client: pg.Client;
  /** Resolves when the standby has replayed what the primary had committed at the call. */
  caughtUp(): Promise<void>;
  /** The standby receives and replays nothing, until the function that is returned is called. */
  hold(): Promise<() => Promise<void>>;
}

/**
 * The npm package has no pg_basebackup: the standby begins as a copy of the stopped primary's files. Both servers end
 * with the tests of the file.
 */
export async function replicated(): Promise<Replicated> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-standby-'));
  fs.chmodSync(dir, 0o755);
  const at = (name: string) => path.join(dir, name);
  const running: Embedded[] = [];
  after(async () => {
    await Promise.all(running.map((server) => server.stop('immediate')));
    fs.rmSync(dir, { recursive: true, force: true });
  });
  const first = await startEmbedded({ dir: at('primary'), port: 0, durable: false });
  await first.stop();
  fs.cpSync(first.dataDir, at('standby'), { recursive: true, preserveTimestamps: true });
  const primary = await startEmbedded({ dir: at('primary'), port: first.port, durable: false });
  running.push(primary);
  ownAsTheOther(path.join(primary.dataDir, 'cluster'), path.join(at('standby'), 'cluster'));
  fs.writeFileSync(path.join(at('standby'), 'cluster', 'standby.signal'), '');
  const { username, password, port } = new URL(primary.adminUrl);
  const standby = await startEmbedded({
    dir: at('standby'),
    port: 0,
    durable: false,
    settings: {
      primary_conninfo: `host=127.0.0.1 port=${port} user=${username} password=${password}`,
      // A query in the way of what the primary drops is stopped soon, so that a test can see it.
      max_standby_streaming_delay: '200ms',
    },
  });
  running.push(standby);
  const client = new pg.Client({ connectionString: primary.url });
  const admin = new pg.Client({ connectionString: standby.adminUrl });
  for (const each of [client, admin]) {
    each.on('error', () => {});
    await each.connect();
  }
  after(() => Promise.all([client.end(), admin.end()]));
  await migrateUp(client, readSets());
  await client.query('set search_path = "$user", public, beacon');
  const caughtUp = async () => {
    const { rows } = await client.query('select pg_current_wal_insert_lsn() as place');
    await until('the standby has replayed it', async () => {
      const done = await admin.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as done', [rows[0].place]);
      return done.rows[0].done;
    });
  };
  const hold = async () => {
    await admin.query('select pg_wal_replay_pause()');
    return async () => {
      await admin.query('select pg_wal_replay_resume()');
    };
  };
  await caughtUp();
  return { primary, standby, client, caughtUp, hold };
}

/** PostgreSQL takes no folder that others may enter, and reads no file of another user. */
function ownAsTheOther(like: string, dir: string): void {
  const { uid, gid, mode } = fs.statSync(like);
  fs.chmodSync(dir, mode);
  if (process.getuid?.() !== 0) return;
  for (const name of ['.', ...fs.readdirSync(dir, { recursive: true, encoding: 'utf8' })]) {
    fs.lchownSync(path.join(dir, name), uid, gid);
  }
}
