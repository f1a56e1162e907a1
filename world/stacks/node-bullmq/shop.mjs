import { FlowProducer, Queue } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';
import { serve } from 'world-node/serve.mjs';
import { connect, name } from './queue.mjs';

const failure = process.env.FAILURE;
const telemetry = new BullMQOtel('shop');
const options = { connection: connect(), telemetry };
const queue = new Queue(name, options);
queue.on('error', (error) => console.error('queue:', error.message));
const job = {
  'fails-three-times': { attempts: 3, backoff: { type: 'fixed', delay: 300 } },
  'delayed-job': { delay: 1500 },
  'retried-ok': { attempts: 3, backoff: { type: 'fixed', delay: 200 } },
}[failure];

async function order() {
  if (failure === 'child-fails') {
    const child = {
      name: 'render',
      queueName: name,
      data: { order: 17, render: true },
      opts: { failParentOnFailure: true },
    };
    await new FlowProducer(options).add({ name: 'send', queueName: name, data: { order: 17 }, children: [child] });
    return;
  }
  await queue.add('send', { order: 17, to: 'a@shop.example' }, job);
}
serve('shop-web', 3000, '/orders', { [failure]: order }, async () => {
  await queue.close();
  options.connection.disconnect();
});
