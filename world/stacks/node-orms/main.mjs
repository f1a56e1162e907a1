// An HTTP server that asks PostgreSQL by an object-relational mapper: node main.mjs <failure>
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { oneService } from 'world-node/one-service.mjs';

const here = dirname(fileURLToPath(import.meta.url));
if (!existsSync(join(here, 'node_modules/.prisma/client/schema.prisma'))) {
  // The schema engine is for migrations; naming some program keeps it from being downloaded.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', CHECKPOINT_DISABLE: '1' };
  const args = [join(here, 'node_modules/prisma/build/index.js'), 'generate', '--schema', join(here, 'schema.prisma')];
  execFileSync(process.execPath, args, { cwd: here, env, stdio: 'inherit' });
}
const client = new pg.Client({ connectionString: process.env.WORLD_POSTGRES_URL });
await client.connect();
await client.query(`
  drop table if exists carts, stock;
  create table stock (sku int primary key, count int not null, label text not null);
  create table carts (id int primary key, sku int not null references stock (sku), note text);
  insert into stock select n, 10, 'sku ' || n from generate_series(1, 10) n;
  insert into carts values (1, 1)`);
await client.end();
await oneService('cart-api', new URL('carts.mjs', import.meta.url), 8080);
