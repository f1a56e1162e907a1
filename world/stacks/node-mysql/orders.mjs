// Every handler does what an order does, and meets one fault of MariaDB.
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import mysql from 'mysql2/promise';
import { serve } from 'world-node/serve.mjs';

const right = process.env.WORLD_MYSQL_URL;
const changed = (changes) => Object.assign(new URL(right), changes).href;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const opened = [];
function pool(options = {}, url = right) {
  const made = mysql.createPool({ uri: url, connectionLimit: 2, connectTimeout: 1000, ...options });
  opened.push(() => made.end());
  return made;
}
// Connected before the request comes, which is not part of the recording.
const shop = await context.with(suppressTracing(context.active()), async () => {
  const made = pool();
  await made.query('select 1');
  return made;
});
const one = () => context.with(suppressTracing(context.active()), () => mysql.createConnection(right));

serve(
  'orders-api',
  8080,
  '/orders',
  {
    ok: async () => {
      await shop.query('insert into orders values (3, 30, null)');
      return (await shop.query('select * from orders where id = 1'))[0];
    },
    'ok-no-rows': async () => (await shop.query('select * from orders where id = 99'))[0],
    refused: () => pool({}, changed({ port: 3307 })).query('select * from orders'),
    'no-such-name': () => pool({}, changed({ hostname: 'mysql-orders.internal' })).query('select * from orders'),
    'wrong-password': () => pool({}, changed({ password: 'guessed' })).query('select * from orders'),
    'no-database': () => pool({}, changed({ pathname: '/shopp' })).query('select * from orders'),
    'no-table': () => shop.query('select * from invoices'),
    'no-column': () => shop.query('select totl from orders'),
    'syntax-error': () => shop.query('selec * from orders'),
    duplicate: () => shop.query('insert into orders values (1, 10, null)'),
    'foreign-key': () => shop.query('insert into order_lines values (1, 99)'),
    'not-null': () => shop.query('insert into orders values (4, null, null)'),
    'too-long': () => shop.query("insert into orders values (4, 1, 'a note that is too long')"),
    'no-permission': () => pool({}, changed({ username: 'reader' })).query('insert into orders values (4, 10, null)'),
    'read-only': () => pool({}, changed({ username: 'reader' })).query('delete from orders'),
    'lock-wait': async () => {
      const other = await one();
      await other.query('begin');
      await other.query('update orders set total = 1 where id = 1');
      opened.push(() => other.destroy());
      await shop.query('update orders set total = 2 where id = 1');
    },
    deadlock: async () => {
      const [a, b] = [await shop.getConnection(), await one()];
      await a.query('begin');
      await b.query('begin');
      // More rows changed: the other one is not chosen.
      await b.query('insert into orders values (11, 1, null), (12, 1, null), (13, 1, null)');
      await a.query('update orders set total = 1 where id = 1');
      await b.query('update orders set total = 1 where id = 2');
      const waiting = b.query('update orders set total = 1 where id = 1').catch(console.error);
      await pause(200);
      opened.push(() => waiting.then(() => b.destroy()));
      await a.query('update orders set total = 2 where id = 2');
    },
    'statement-timeout': async () => {
      const held = await shop.getConnection();
      await held.query('set max_statement_time = 0.4');
      await held.query(
        'select count(*) from information_schema.columns a, information_schema.columns b, information_schema.columns c',
      );
    },
    'query-timeout': () => shop.query({ sql: 'select sleep(3)', timeout: 500 }),
    killed: async () => {
      const held = await shop.getConnection();
      const other = await one();
      setTimeout(() => other.query(`kill ${held.threadId}`), 200);
      await held.query('select sleep(2)');
    },
    pool: async () => {
      const small = pool({ connectionLimit: 1, queueLimit: 1 });
      await small.getConnection();
      small.query('select 1').catch(() => {});
      await small.query('select * from orders');
    },
    'too-many-connections': async () => {
      for (;;) {
        const held = await one();
        opened.push(() => held.destroy());
        if (opened.length > 8) break;
      }
      await pool({ connectionLimit: 8 }, changed({ username: 'reader' })).query('select * from orders');
    },
    'pool-closed': async () => {
      const closed = pool();
      await context.with(suppressTracing(context.active()), () => closed.end());
      await closed.query('select * from orders');
    },
  },
  () => {
    for (const close of opened) Promise.resolve(close()).catch(() => {});
  },
);
