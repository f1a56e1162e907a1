// The embedded PostgreSQL, as pg-shop:5432 with the database shop.
import { throwawayServer, withDatabase } from '@project-beacon/testkit';
import pg from 'pg';
import type { Dependency, Surroundings } from '../dependencies.ts';
import { forward } from './forward.ts';

const NAME = 'pg-shop';
const PORT = 5432;

export async function startPostgres({ names }: Surroundings): Promise<Dependency> {
  const server = await throwawayServer({ max_connections: '20' });
  const client = new pg.Client({ connectionString: server.adminUrl });
  await client.connect();
  await client.query('create database shop owner app');
  const { rows } = await client.query('show server_version');
  await client.end();
  const door = await forward(names.address(NAME), PORT, server.port);
  const named = (of: string) => {
    const url = new URL(withDatabase(of, 'shop'));
    url.host = `${NAME}:${PORT}`;
    return url;
  };
  const urls = [named(server.url), named(server.adminUrl)] as const;
  return {
    environment: { WORLD_POSTGRES_URL: urls[0].href, WORLD_POSTGRES_ADMIN_URL: urls[1].href },
    secrets: urls.map((url) => url.password),
    versions: { PostgreSQL: rows[0].server_version },
    async stop() {
      await door.close();
      await server.discard();
    },
  };
}
