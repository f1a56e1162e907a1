// An HTTP server that keeps its orders in MariaDB: node main.mjs <failure>
import mysql from 'mysql2/promise';
import { oneService } from 'world-node/one-service.mjs';

const failure = process.argv[2];
const admin = await mysql.createConnection(process.env.WORLD_MYSQL_URL);
await admin.query('set global read_only = 0');
await admin.query('set global max_connections = 100');
await admin.query('drop table if exists order_lines, orders');
await admin.query('create table orders (id int primary key, total decimal(10,2) not null, note varchar(10))');
await admin.query(
  'create table order_lines (id int primary key, order_id int, foreign key (order_id) references orders (id))',
);
await admin.query("insert into orders values (1, 10, 'a'), (2, 20, 'b')");

await oneService('orders-api', new URL('orders.mjs', import.meta.url), 8080, {
  async before() {
    if (failure === 'read-only') await admin.query('set global read_only = 1');
    if (failure === 'too-many-connections') await admin.query('set global max_connections = 10');
  },
  async after() {
    await admin.query('set global read_only = 0');
    await admin.end();
  },
});
