// Every handler does what a session does, and meets one fault of Redis.
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import Redis from 'ioredis';
import { createClient } from 'redis';
import { serve } from 'world-node/serve.mjs';

const right = process.env.WORLD_REDIS_URL;
const changed = (changes) => Object.assign(new URL(right), changes).href;
const url = {
  right,
  refused: changed({ port: 6380 }),
  noSuchName: changed({ hostname: 'redis-sessions.shop.internal' }),
  unreachable: changed({ hostname: 'redis-replica' }),
  wrongPassword: changed({ username: 'sessions', password: 'guessed' }),
  limited: changed({ username: 'sessions', password: ['pass', 'word'].join('') }),
};

const opened = [];
/** By ioredis: as it comes, but for how long it tries to connect. */
function io(to, options = {}) {
  const client = new Redis(to, {
    retryStrategy: (times) => Math.min(times * 20, 100),
    maxRetriesPerRequest: 3,
    ...options,
  });
  client.on('error', (error) => console.error('ioredis:', error.message));
  opened.push(() => client.disconnect());
  return client;
}
/** By node-redis. */
async function node(to, socket = {}) {
  const client = createClient({
    url: to,
    socket: { reconnectStrategy: (retries) => (retries < 3 ? 50 : false), ...socket },
  });
  client.on('error', (error) => console.error('redis:', error.message));
  opened.push(() => client.destroy());
  await client.connect();
  return client;
}

/** Another client kills the connection in a moment, while `block` waits on it. */
function killed(id, block) {
  const other = io(right);
  setTimeout(() => other.client('KILL', 'ID', id), 200);
  return block();
}

// Connected before the request comes, which is not part of the recording.
const [io6, node5] = await context.with(suppressTracing(context.active()), async () => {
  if (process.env.FAILURE.startsWith('ioredis-')) {
    const client = io(url.right);
    await client.ping();
    return [client];
  }
  const isConnected = /^redis-(ok|wrong-type|read-only|out-of-memory)/.test(process.env.FAILURE);
  return [undefined, isConnected ? await node(url.right) : undefined];
});

serve(
  'session-api',
  8080,
  '/sessions',
  {
    'ioredis-ok': async () => {
      await io6.set('session:17', 'cart 5', 'EX', 60);
      return io6.get('session:17');
    },
    // Redis 7.0 does not know CLIENT SETINFO, which ioredis sends and then ignores.
    'ioredis-connects-ok': () => io(url.right).get('session:17'),
    'ioredis-missing-key': () => io6.get('session:none'),
    'ioredis-refused': () => io(url.refused).get('session:17'),
    'ioredis-refused-no-retry': () => io(url.refused, { maxRetriesPerRequest: 0 }).get('session:17'),
    'ioredis-no-such-name': () => io(url.noSuchName).get('session:17'),
    'ioredis-connect-timeout': () =>
      io(url.unreachable, { connectTimeout: 500, maxRetriesPerRequest: 1 }).get('session:17'),
    'ioredis-wrong-password': () => io(url.wrongPassword, { maxRetriesPerRequest: 1 }).get('session:17'),
    'ioredis-no-permission': () => io(url.limited).get('cart:17'),
    'ioredis-command-forbidden': () => io(url.limited).flushall(),
    'ioredis-read-only': () => io6.set('session:17', 'cart 5'),
    'ioredis-out-of-memory': () => io6.set('session:17', 'x'.repeat(1000)),
    'ioredis-no-replicas': () => io6.set('session:17', 'cart 5'),
    'ioredis-busy': () => io6.get('session:17'),
    'ioredis-wrong-type': () => io6.incr('session:list'),
    'ioredis-no-script': () => io6.evalsha('e0e1f9fabfc9d4800c877a703b823ac0578ff8db', 0),
    'ioredis-command-timeout': () => io(url.right, { commandTimeout: 500 }).blpop('session:queue', 3),
    'ioredis-killed': async () => {
      const client = io(url.right, { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 });
      return killed(await client.client('ID'), () => client.blpop('session:queue', 3));
    },
    'ioredis-pipeline': async () => {
      const results = await io6.pipeline().set('session:18', 'a').incr('session:list').exec();
      for (const [error] of results) if (error) throw error;
    },
    'redis-ok': async () => {
      await node5.set('session:17', 'cart 5', { EX: 60 });
      return node5.get('session:17');
    },
    'redis-refused': async () => (await node(url.refused)).get('session:17'),
    'redis-no-such-name': async () => (await node(url.noSuchName)).get('session:17'),
    'redis-connect-timeout': async () =>
      (await node(url.unreachable, { connectTimeout: 500, reconnectStrategy: false })).get('session:17'),
    'redis-wrong-password': async () => (await node(url.wrongPassword, { reconnectStrategy: false })).get('session:17'),
    'redis-read-only': () => node5.set('session:17', 'cart 5'),
    'redis-out-of-memory': () => node5.set('session:17', 'x'.repeat(1000)),
    'redis-wrong-type': () => node5.incr('session:list'),
    'redis-killed': async () => {
      const client = await node(url.right, { reconnectStrategy: false });
      return killed(await client.sendCommand(['CLIENT', 'ID']), () => client.blPop('session:queue', 3));
    },
  },
  () => {
    for (const close of [...opened]) {
      try {
        close();
      } catch {
        // It never connected, or is closed already.
      }
    }
  },
);
