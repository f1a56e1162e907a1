// A real PostgreSQL for each test run and an own, migrated database for each test file.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after } from 'node:test';
import { type Embedded, startEmbedded } from '@project-beacon/server/store/embedded.ts';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import pg from 'pg';

export interface TestDatabase {
  /** Connection string of the role that owns the database. */
  url: string;
  /** Connection string of the superuser, in the same database. */
  adminUrl: string;
  /** Connected as the owner, with search_path as psql would have it. */
  client: pg.Client;
}

export interface ThrowawayServer extends Embedded {
  /** Stops the server and removes its files. */
  discard(): Promise<void>;
}

/** A cluster of its own, for tests that kill, starve or stop the server. */
export async function throwawayServer(settings: Record<string, string> = {}): Promise<ThrowawayServer> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-test-'));
  fs.chmodSync(dir, 0o755);
  const server = await startEmbedded({ dir: path.join(dir, 'postgres'), port: 0, durable: false, settings });
  return {
    ...server,
    async discard() {
      await server.stop('immediate');
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}

const SHARED = 'BEACON_TEST_SERVER';
const TEMPLATE = 'beacon_template';

/** Starts the server all test files share; `scripts/test.ts` calls it once and passes its address on. */
export async function startSharedServer(): Promise<ThrowawayServer> {
  const server = await throwawayServer({ max_connections: '200' });
  await createDatabase(server.adminUrl, TEMPLATE);
  await migrate(withDatabase(server.url, TEMPLATE));
  process.env[SHARED] = JSON.stringify({ url: server.url, adminUrl: server.adminUrl });
  return server;
}

/**
 * A migrated database that no other test sees; dropped after the tests of this file. Takes the shared server, or starts
 * one where a test file is run alone. Call it at the top of the file or inside a test; inside a `before` hook it would be
 * dropped when the hook ends.
 *
 * @param migrated `false` for an empty database.
 */
export async function testDatabase(migrated = true): Promise<TestDatabase> {
  const { url, adminUrl } = await sharedServer();
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
  await createDatabase(adminUrl, name, migrated ? TEMPLATE : undefined);
  const database = { url: withDatabase(url, name), adminUrl: withDatabase(adminUrl, name) };
  if (migrated)
    await onServer(
      database.adminUrl,
      `alter role beacon in database ${name} set search_path = "$user", public, beacon`,
    );
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  after(async () => {
    await client.end();
    await onServer(adminUrl, `drop database ${name} with (force)`);
  });
  return { ...database, client };
}

let own: Promise<ThrowawayServer> | undefined;

async function sharedServer(): Promise<{ url: string; adminUrl: string }> {
  const shared = process.env[SHARED];
  if (shared) return JSON.parse(shared);
  own ??= startSharedServer().then((server) => {
    delete process.env[SHARED];
    process.once('exit', () => process.kill(server.pid, 'SIGQUIT'));
    return server;
  });
  return own;
}

async function createDatabase(adminUrl: string, name: string, template?: string): Promise<void> {
  await onServer(adminUrl, `create database ${name} owner beacon${template ? ` template ${template}` : ''}`);
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function migrate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await migrateUp(client, [readSet('beacon', SQL_DIR)]);
  } finally {
    await client.end();
  }
}

/** The same server and role, another database. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
