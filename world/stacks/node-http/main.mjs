// Express calls Fastify, by four HTTP clients: node main.mjs <failure>
import http from 'node:http';
import { neverAccepts } from 'world-node/never-accepts.mjs';
import { pause, service, stop } from 'world-node/processes.mjs';

const [failure] = process.argv.slice(2);
const env = { FAILURE: failure };
const file = (name) => new URL(name, import.meta.url).pathname;

const isChain = ['timeout-three-levels', 'callee-of-callee-500'].includes(failure);
const warehouse = isChain ? await service('warehouse', file('warehouse.mjs'), { env }) : undefined;
const stock = await service('stock-api', file('stock.mjs'), { env, args: ['--max-old-space-size=64'] });
const shop = await service('shop-web', file('shop.mjs'), { env });

if (failure.endsWith('connect-timeout')) await neverAccepts(8090, 'rates-api');

const request = http.request('http://shop-web:3000/checkout', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
});
const answered = new Promise((resolve) => {
  request.on('response', (response) => response.resume().on('close', resolve));
  request.on('error', resolve);
});
request.end(JSON.stringify({ sku: '17', note: failure === 'payload-too-large' ? 'x'.repeat(200_000) : '' }));
if (failure === 'client-gone') {
  await pause(400);
  request.destroy();
}
await answered;
// What goes on after the answer (a callee that is still busy, a request given up) belongs to the trace too.
await pause(failure.includes('timeout') || failure === 'client-gone' ? 3500 : 400);
for (const child of [shop, stock, warehouse]) if (child) await stop(child);
process.exit(0);
