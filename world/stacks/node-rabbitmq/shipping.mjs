// Ships orders from the queue, and meets one fault.
import amqp from 'amqplib';
import { ready } from 'world-node/processes.mjs';

const connection = await amqp.connect(process.env.WORLD_AMQP_URL);
connection.on('error', (error) => console.error('connection:', error.message));
const channel = await connection.createChannel();
channel.on('error', (error) => console.error('channel:', error.message));
const carrier = (port, options = {}) => fetch(`http://carrier:${port}/shipments`, { method: 'POST', ...options });
const faults = {
  'consumer-throws': () => {
    throw new TypeError("Cannot read properties of undefined (reading 'street')");
  },
  'consumer-not-json': (message) => JSON.parse(`${message.content}`.slice(0, 5)),
  'consumer-refused': () => carrier(8089),
  'consumer-setting': () => {
    throw new Error('CARRIER_API_KEY is not set');
  },
};
const work = faults[process.env.FAILURE] ?? (() => undefined);

await channel.consume('orders', async (message) => {
  if (!message) return;
  try {
    await work(message);
    channel.ack(message);
  } catch (error) {
    console.error(error);
    channel.nack(message, false, false);
  }
});
ready(() => connection.close());
