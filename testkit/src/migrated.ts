import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import pg from 'pg';
import { type ThrowawayServer, throwawayServer } from './postgres.ts';

/** A migrated server of its own, for tests that kill it. */
export async function migratedServer(): Promise<ThrowawayServer> {
  const server = await throwawayServer();
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await migrateUp(client, [readSet('beacon', SQL_DIR)]);
  await client.end();
  return server;
}
