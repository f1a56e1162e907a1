import { UnrecoverableError, Worker } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';
import { pause, ready } from 'world-node/processes.mjs';
import { connect, name } from './queue.mjs';

const failure = process.env.FAILURE;
const WORK = {
  'job-fails': () => {
    throw new Error('SMTP server answered 550 5.1.1: mailbox unavailable');
  },
  'fails-three-times': () => {
    throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.9:25'), { code: 'ECONNREFUSED' });
  },
  unrecoverable: () => {
    throw new UnrecoverableError('template "welcome-2" does not exist');
  },
  'job-times-out': async () => {
    await pause(800);
    throw Object.assign(new Error('SMTP server did not answer within 800 ms'), { code: 'ETIMEDOUT' });
  },
  'child-fails': (job) => {
    if (job.data.render) throw new TypeError("Cannot read properties of undefined (reading 'lines')");
  },
  'worker-killed': async (job) => {
    if (job.stalledCounter === 0) process.kill(process.pid, 'SIGKILL');
    await pause(10);
  },
  'retried-ok': (job) => {
    if (job.attemptsMade === 0) throw new Error('SMTP server answered 421: try again later');
  },
  'slow-job': () => pause(3500),
};
const connection = connect();
const worker = new Worker(name, async (job) => WORK[failure]?.(job), {
  connection,
  telemetry: new BullMQOtel('mailer'),
  lockDuration: 1000,
  stalledInterval: 1000,
  maxStalledCount: failure === 'worker-killed' ? 0 : 1,
});
worker.on('error', (error) => console.error('worker:', error.message));
await worker.waitUntilReady();
ready(async () => {
  await worker.close();
  connection.disconnect();
});
