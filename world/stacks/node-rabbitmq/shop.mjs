// Publishes an order, and meets one fault of the broker.
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import amqp from 'amqplib';
import { serve } from 'world-node/serve.mjs';

const right = process.env.WORLD_AMQP_URL;
const changed = (changes) => Object.assign(new URL(right), changes).href;
const opened = [];
async function connected(url = right, options = {}) {
  const connection = await amqp.connect(url, options);
  connection.on('error', (error) => console.error('connection:', error.message));
  opened.push(() => connection.close());
  return connection;
}
async function open(url, options) {
  const channel = await (await connected(url, options)).createChannel();
  channel.on('error', (error) => console.error('channel:', error.message));
  return channel;
}
const quietly = (run) => context.with(suppressTracing(context.active()), run);
const ready = await quietly(open);
const order = Buffer.from('{"order":17}');
const publish = () => {
  ready.sendToQueue('orders', order);
};
const handlers = {
  refused: () => open(changed({ port: 5673 })),
  'no-such-name': () => open(changed({ hostname: 'rabbit-orders.internal' })),
  'wrong-password': () => open(changed({ password: 'guessed' })),
  'no-vhost': () => open(changed({ pathname: '/orders' })),
  'no-queue': () => ready.checkQueue('invoices'),
  mismatch: () => ready.assertQueue('orders', { durable: true }),
  'channel-closed': async () => {
    await quietly(() => ready.close());
    publish();
  },
  'queue-full': async () => {
    const channel = await quietly(async () => (await connected()).createConfirmChannel());
    channel.sendToQueue('full', order);
    await channel.waitForConfirms();
  },
};

serve('shop-web', 3000, '/orders', Object.assign({ [process.env.FAILURE]: publish }, handlers), () => {
  for (const close of opened) Promise.resolve(close()).catch(() => {});
});
