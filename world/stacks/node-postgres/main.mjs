// An HTTP server that asks PostgreSQL by pg: node main.mjs <failure>
import pg from 'pg';
import { neverAccepts } from 'world-node/never-accepts.mjs';
import { oneService } from 'world-node/one-service.mjs';

async function once(connectionString, text) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(text);
  await client.end();
}

// A previous run left its tables.
const { WORLD_POSTGRES_URL, WORLD_POSTGRES_ADMIN_URL } = process.env;
await once(
  WORLD_POSTGRES_URL,
  `drop table if exists lines, orders, stock;
  create table stock (sku int primary key, count int not null check (count >= 0), label varchar(12));
  create table orders (id int primary key, sku int not null references stock, total numeric(6, 2));
  create table lines (order_id int, sku int, note text);
  insert into stock select n, 10, 'sku ' || n from generate_series(1, 40) n;
  insert into orders values (1, 1, 9.90);
  insert into lines select n, n, 'line' from generate_series(1, 40) n`,
);
await once(WORLD_POSTGRES_ADMIN_URL, 'drop table if exists secrets; create table secrets (pin text)');
if (process.argv[2] === 'connect-timeout') await neverAccepts(5432, 'pg-replica');
await oneService('orders-api', new URL('orders.mjs', import.meta.url), 8080);
