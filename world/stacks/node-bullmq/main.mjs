// A shop puts jobs into a queue, a worker of another process takes them: node main.mjs <failure>
import { setTimeout as pause } from 'node:timers/promises';
import { service, stop } from 'world-node/processes.mjs';

const failure = process.argv[2];
const env = { FAILURE: failure };
const file = (name) => new URL(name, import.meta.url).pathname;
// A queue that is waited in for long, because its worker starts late.
const lateMs = { 'queue-delay': 9000 }[failure] ?? 0;

const start = () => service('mailer', file('mailer.mjs'), { env });
const workers = lateMs ? [] : [await start()];
const shop = await service('shop-web', file('shop.mjs'), { env });
await fetch('http://shop-web:3000/orders', { method: 'POST', body: '{}' });
if (lateMs) {
  await pause(lateMs);
  workers.push(await start());
}
if (failure === 'worker-killed') {
  await pause(1000);
  // Another worker finds the job stalled.
  workers.push(await start());
}
await pause(
  { 'worker-killed': 6000, 'fails-three-times': 3500, 'delayed-job': 3500, 'slow-job': 5000 }[failure] ?? 2000,
);
for (const child of [shop, ...workers]) await stop(child);
process.exit(0);
