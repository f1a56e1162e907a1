// A real PostgreSQL for each test run and an own, migrated database for each test file.
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after } from 'node:test';
import { type Embedded, startEmbedded } from '@project-beacon/server/store/embedded.ts';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import pg from 'pg';
import {
  clusterDatabase,
  clusterTemplate,
  copyEverywhere,
  dropEverywhere,
  dropOwned,
  type Nodes,
  nodesOf,
} from './citus.ts';

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

interface SharedServer {
  /** Connection string of a role that may create databases and is not a superuser. */
  url: string;
  /** Connection string of the superuser. */
  adminUrl: string;
  /** Where it is the coordinator of a Citus cluster: the superuser's addresses of all nodes. */
  nodes?: Nodes | undefined;
  /** Stops the server, or removes from a given one what was put there. */
  discard(): Promise<void>;
}

const SHARED = 'BEACON_TEST_SERVER';
const TEMPLATE = 'beacon_template';

/**
 * Starts the server all test files share; `scripts/test.ts` calls it once and passes its address on. TEST_DATABASE_URL,
 * the address of a superuser, has the tests run on a server that is there already, of any version from 14 up;
 * TEST_CITUS_URL does the same with the coordinator of a cluster.
 */
export async function startSharedServer(): Promise<SharedServer> {
  const cluster = process.env.TEST_CITUS_URL;
  const given = cluster ?? process.env.TEST_DATABASE_URL;
  const nodes = cluster ? await nodesOf(cluster) : undefined;
  const server: SharedServer = given
    ? await givenServer(given, nodes)
    : await throwawayServer({ max_connections: '200' });
  if (nodes) {
    await clusterDatabase(nodes, TEMPLATE, roleOf(server));
    await clusterTemplate(nodes, TEMPLATE, withDatabase(server.url, TEMPLATE));
  } else {
    await createDatabase(server, TEMPLATE);
    await migrate(withDatabase(server.url, TEMPLATE));
  }
  process.env[SHARED] = JSON.stringify({ url: server.url, adminUrl: server.adminUrl, nodes });
  return server;
}

function roleOf({ url }: { url: string }): string {
  return new URL(url).username;
}

async function givenServer(adminUrl: string, nodes: Nodes | undefined): Promise<SharedServer> {
  const url = new URL(adminUrl);
  url.username = 'beacon_test';
  url.password = randomBytes(12).toString('hex');
  const role = `login createdb password ${pg.escapeLiteral(url.password)}`;
  const clear = async () => {
    await dropEverywhere(nodes ?? [adminUrl], TEMPLATE);
    // What a run that was ended has left; on one node the run itself drops its databases.
    if (nodes) await dropOwned(nodes, url.username);
    await onServer(adminUrl, 'drop role if exists beacon_test');
  };
  await clear();
  await onServer(adminUrl, `create role beacon_test ${role}`);
  return { url: url.href, adminUrl, nodes, discard: clear };
}

/**
 * A migrated database that no other test sees; dropped after the tests of this file. Takes the shared server, or starts
 * one where a test file is run alone. Call it at the top of the file or inside a test; inside a `before` hook it would be
 * dropped when the hook ends.
 *
 * @param migrated `false` for an empty database.
 */
export async function testDatabase(migrated = true): Promise<TestDatabase> {
  const server = await sharedServer();
  const { url, adminUrl } = server;
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
  await createDatabase(server, name, migrated ? TEMPLATE : undefined);
  const database = { url: withDatabase(url, name), adminUrl: withDatabase(adminUrl, name) };
  if (migrated) {
    // What migrating did for the template's name holds for that name only.
    const role = pg.escapeIdentifier(new URL(url).username);
    await onServer(adminUrl, `alter role ${role} in database ${name} set search_path = "$user", public, beacon`);
  }
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  after(async () => {
    // A pool of the test that is still closing learns that its database goes; that is not a failure of the test.
    client.on('error', () => {});
    await client.end();
    await dropEverywhere(server.nodes ?? [adminUrl], name);
  });
  return { ...database, client };
}

type Addresses = Pick<SharedServer, 'url' | 'adminUrl' | 'nodes'>;

let own: Promise<Addresses> | undefined;

async function sharedServer(): Promise<Addresses> {
  const shared = process.env[SHARED];
  if (shared) return JSON.parse(shared);
  own ??= startSharedServer().then((server) => {
    delete process.env[SHARED];
    // Only a test file run alone comes here; a killed throwaway server leaves nothing that matters.
    if ('pid' in server) process.once('exit', () => process.kill(server.pid as number, 'SIGQUIT'));
    return server;
  });
  return own;
}

async function createDatabase({ url, adminUrl, nodes }: Addresses, name: string, template?: string): Promise<void> {
  if (nodes && template) return copyEverywhere(nodes, name, roleOf({ url }), template);
  if (nodes) return clusterDatabase(nodes, name, roleOf({ url }));
  const owner = pg.escapeIdentifier(new URL(url).username);
  await onServer(adminUrl, `create database ${name} owner ${owner}${template ? ` template ${template}` : ''}`);
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
