// Services as they were written in 2024, CommonJS: node main.mjs <failure>
import pg from 'pg';
import { pause, service, stop } from 'world-node/processes.mjs';

const failure = process.argv[2];
const file = (name) => new URL(name, import.meta.url).pathname;
const start = (name) =>
  service(name, file(`${name}.cjs`), { env: { FAILURE: failure }, preload: ['--require', file('tracing.cjs')] });

if (failure.startsWith('pg-')) {
  const client = new pg.Client({ connectionString: process.env.WORLD_POSTGRES_URL });
  await client.connect();
  await client.query(
    'drop table if exists carts; create table carts (id int primary key); insert into carts values (1)',
  );
  await client.end();
}
const services = [await start('stock-api'), await start('shop-web')];
if (failure.includes('three-levels')) services.push(await start('warehouse'));
await fetch('http://shop-web:3000/checkout/17', { method: 'POST' }).catch((error) => console.error(error.cause));
await pause(/timeout|three-levels/.test(failure) ? 2500 : 300);
for (const child of services.reverse()) await stop(child);
process.exit(0);
