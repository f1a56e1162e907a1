// A shop publishes an order, a consumer in another process ships it: node main.mjs <failure>
import { setTimeout as pause } from 'node:timers/promises';
import amqp from 'amqplib';
import { service, stop } from 'world-node/processes.mjs';

const failure = process.argv[2];
const env = { FAILURE: failure };
const file = (name) => new URL(name, import.meta.url).pathname;

const connection = await amqp.connect(process.env.WORLD_AMQP_URL);
const channel = await connection.createChannel();
await channel.assertQueue('orders', { durable: false });
await channel.purgeQueue('orders');
// Takes one message at most, and refuses the next.
await channel.assertQueue('full', { durable: false, maxLength: 1, arguments: { 'x-overflow': 'reject-publish' } });
await channel.purgeQueue('full');
channel.sendToQueue('full', Buffer.from('{}'));

const start = () => service('shipping', file('shipping.mjs'), { env });
// The consumer of a message that waits long starts late.
const workers = failure === 'queue-delay' ? [] : [await start()];
const shop = await service('shop-web', file('shop.mjs'), { env });
await fetch('http://shop-web:3000/orders', { method: 'POST', body: '{}' }).catch((error) => console.log(error.cause));
if (failure === 'queue-delay') {
  await pause(11_000);
  workers.push(await start());
}
await pause(1500);
for (const child of [shop, ...workers]) await stop(child);
await connection.close();
process.exit(0);
