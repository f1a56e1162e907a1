// Every handler does what an order does, and meets one fault of the database.
import net from 'node:net';
import pg from 'pg';
import { pause } from 'world-node/processes.mjs';
import { serve } from 'world-node/serve.mjs';

const URL_ = process.env.WORLD_POSTGRES_URL;
const admin = new pg.Pool({ connectionString: process.env.WORLD_POSTGRES_ADMIN_URL, max: 2 });
const pool = new pg.Pool({ connectionString: URL_, max: 4, connectionTimeoutMillis: 1000 });
for (const of of [admin, pool]) of.on('error', (error) => console.error('idle client:', error.message));

const changed = (of, changes) => {
  const url = new URL(of);
  Object.assign(url, changes);
  return url.href;
};
/** A connection of its own, with settings such as lock_timeout. */
async function connected(config = {}) {
  const client = new pg.Client({ connectionString: URL_, ...config });
  client.on('error', (error) => console.error('client:', error.message));
  await client.connect();
  return client;
}
const options = (settings) => ({
  options: Object.entries(settings)
    .map(([key, value]) => `-c ${key}=${value}`)
    .join(' '),
});
const sell = (client, sku) => client.query('UPDATE stock SET count = count - 1 WHERE sku = $1', [sku]);
const ask = (text, values) => async () => (await pool.query(text, values)).rows;

/** Another transaction holds the row of sku 1 while `work` runs. */
async function locked(work) {
  const other = await connected();
  await other.query('BEGIN');
  await sell(other, 1);
  try {
    return await work(other);
  } finally {
    await other.end();
  }
}

/** A proxy before PostgreSQL that cuts its connections as soon as a query is under way. */
async function cutting() {
  const sockets = [];
  const { hostname, port } = new URL(URL_);
  const proxy = net.createServer((client) => {
    const upstream = net.connect(port, hostname);
    client.pipe(upstream).pipe(client);
    sockets.push(client, upstream);
    for (const socket of [client, upstream]) socket.on('error', () => {});
  });
  await new Promise((resolve) => proxy.listen(5499, 'pg-replica', resolve));
  return () => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  };
}

serve(
  'orders-api',
  8080,
  '/orders',
  {
    ok: async () => {
      const { rows } = await pool.query('SELECT count FROM stock WHERE sku = $1', [1]);
      await sell(pool, 1);
      return rows;
    },
    'transaction-ok': async () => {
      const client = await pool.connect();
      await client.query('BEGIN');
      await sell(client, 2);
      await client.query('COMMIT');
      client.release();
    },
    'unique-handled': () =>
      pool.query('INSERT INTO orders (id, sku) VALUES ($1, $2)', [1, 1]).then(
        () => ({}),
        () => ({ already: 'ordered' }),
      ),
    'many-lines-ok': ask('SELECT * FROM lines WHERE order_id = ANY($1)', [[1, 2, 3]]),
    refused: () => connected({ connectionString: changed(URL_, { port: 5433 }) }),
    'no-such-name': () => connected({ connectionString: changed(URL_, { hostname: 'pg-primary.shop.internal' }) }),
    'wrong-password': () => connected({ connectionString: changed(URL_, { password: 'guessed' }) }),
    'no-such-database': () => connected({ connectionString: changed(URL_, { pathname: '/shop_v2' }) }),
    'tls-not-offered': () => connected({ ssl: { rejectUnauthorized: false } }),
    'connect-timeout': () =>
      connected({ connectionString: changed(URL_, { hostname: 'pg-replica' }), connectionTimeoutMillis: 1000 }),
    'too-many-clients': async () => {
      const clients = [];
      try {
        for (let i = 0; i < 30; i++) clients.push(await connected());
      } finally {
        await Promise.all(clients.map((client) => client.end()));
      }
    },
    'pool-timeout': async () => {
      const clients = await Promise.all(Array.from({ length: 4 }, () => pool.connect()));
      try {
        await pool.query('SELECT 1');
      } finally {
        for (const client of clients) client.release();
      }
    },
    deadlock: async () => {
      const [one, two] = [await connected(), await connected()];
      try {
        for (const client of [one, two]) await client.query('BEGIN');
        await sell(one, 1);
        await sell(two, 2);
        await Promise.all([sell(one, 2), sell(two, 1)]);
      } finally {
        await Promise.all([one.end(), two.end()]);
      }
    },
    serialization: async () => {
      const one = await connected();
      await one.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await one.query('SELECT count FROM stock WHERE sku = 1');
      await sell(pool, 1);
      await sell(one, 1).finally(() => one.end());
    },
    'lock-timeout': () => locked(async () => sell(await connected(options({ lock_timeout: '300ms' })), 1)),
    'statement-timeout': async () =>
      (await connected(options({ statement_timeout: '300ms' }))).query('SELECT pg_sleep(5), count(*) FROM lines'),
    'query-timeout': () => locked(async () => sell(await connected({ query_timeout: 500 }), 1)),
    'idle-in-transaction': async () => {
      const client = await connected(options({ idle_in_transaction_session_timeout: '200ms' }));
      await client.query('BEGIN');
      await sell(client, 3);
      await pause(600);
      await client.query('COMMIT');
    },
    unique: ask('INSERT INTO orders (id, sku, total) VALUES ($1, $2, $3)', [1, 1, 5]),
    'foreign-key': ask('INSERT INTO orders (id, sku, total) VALUES ($1, $2, $3)', [2, 999, 5]),
    'not-null': ask('INSERT INTO orders (id, total) VALUES ($1, $2)', [3, 5]),
    check: ask('UPDATE stock SET count = count - 50 WHERE sku = $1', [4]),
    'too-long': ask('UPDATE stock SET label = $2 WHERE sku = $1', [4, 'a label that is too long']),
    overflow: ask('INSERT INTO orders (id, sku, total) VALUES ($1, $2, $3)', [4, 1, 123456]),
    'invalid-number': ask('SELECT * FROM stock WHERE sku = $1', ['seventeen']),
    'division-by-zero': ask('SELECT total / (sku - 1) FROM orders'),
    'missing-relation': ask('SELECT * FROM invoices WHERE id = $1', [1]),
    'missing-column': ask('SELECT discount FROM orders WHERE id = $1', [1]),
    'syntax-error': ask('SELEC * FROM orders'),
    'permission-denied': ask('SELECT pin FROM secrets'),
    'read-only': async () => sell(await connected(options({ default_transaction_read_only: 'on' })), 1),
    'terminated-by-administrator': async () => {
      const client = await connected();
      const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
      setTimeout(() => admin.query('SELECT pg_terminate_backend($1)', [rows[0].pid]), 200);
      await client.query('SELECT pg_sleep(3)');
    },
    'cancelled-by-user': async () => {
      const client = await connected();
      const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
      setTimeout(() => admin.query('SELECT pg_cancel_backend($1)', [rows[0].pid]), 200);
      await client.query('SELECT pg_sleep(3)');
    },
    'connection-cut': async () => {
      const cut = await cutting();
      const client = await connected({ connectionString: changed(URL_, { hostname: 'pg-replica', port: 5499 }) });
      setTimeout(cut, 200);
      await client.query('SELECT pg_sleep(3)');
    },
    'slow-query': async () => {
      const { rows } = await pool.query('SELECT count FROM stock WHERE sku = $1', [1]);
      // Another transaction holds the row; nothing gives up.
      await locked(async (other) => {
        setTimeout(() => other.query('ROLLBACK'), 3000);
        await sell(pool, 1);
      });
      return rows;
    },
    'n-plus-one': async () => {
      const { rows } = await pool.query('SELECT order_id FROM lines');
      for (const { order_id } of rows) await pool.query('SELECT * FROM stock WHERE sku = $1', [order_id]);
    },
  },
  () => Promise.all([pool.end(), admin.end()]),
);
