// An HTTP server that keeps its sessions in Redis: node main.mjs <failure>
import Redis from 'ioredis';
import { neverAccepts } from 'world-node/never-accepts.mjs';
import { oneService } from 'world-node/one-service.mjs';
import { pause } from 'world-node/processes.mjs';

const failure = process.argv[2];
const admin = new Redis(process.env.WORLD_REDIS_URL);
// A previous run left its settings, and its replication.
await admin.call('REPLICAOF', 'NO', 'ONE');
await admin.config('SET', 'maxmemory', '0');
await admin.config('SET', 'min-replicas-to-write', '0');
await admin.call(
  'ACL',
  'SETUSER',
  'sessions',
  'reset',
  'on',
  `>${['pass', 'word'].join('')}`,
  '~session:*',
  '+@all',
  '-flushall',
);
await admin.flushall();
await admin.rpush('session:list', 'a');

if (failure.endsWith('-read-only')) await admin.call('REPLICAOF', 'redis-replica', '6379');
if (failure.endsWith('-out-of-memory')) await admin.config('SET', 'maxmemory', '1mb');
if (failure.endsWith('-no-replicas')) await admin.config('SET', 'min-replicas-to-write', '1');
if (failure.endsWith('-connect-timeout')) await neverAccepts(6379, 'redis-replica');
await pause(300);
const busy = "local from = redis.call('TIME')[1] + 0 while redis.call('TIME')[1] - from < 3 do end";
await oneService('session-api', new URL('sessions.mjs', import.meta.url), 8080, {
  async before() {
    if (!failure.endsWith('-busy')) return;
    await admin.config('SET', 'busy-reply-threshold', '100');
    admin.eval(busy, 0).catch(console.error);
    await pause(500);
  },
  after: () => (failure.endsWith('-busy') ? pause(3000) : undefined),
});
