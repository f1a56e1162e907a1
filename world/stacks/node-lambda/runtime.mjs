// What Lambda's runtime does: loads the handler, calls it, and kills the process that takes too long or too much.
import { createRequire } from 'node:module';
import { ready } from 'world-node/processes.mjs';

// Long enough for a busy machine, where no time-out is wanted.
const LIMIT_MS = process.env.FAILURE === 'timed-out' ? 1500 : 20_000;
const require = createRequire(import.meta.url);
const { handler } = require('./handler.cjs');

process.on('message', async () => {
  const until = Date.now() + LIMIT_MS;
  const context = {
    functionName: 'resize',
    awsRequestId: '00000000-0000-4000-8000-000000000001',
    invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:resize',
    getRemainingTimeInMillis: () => until - Date.now(),
  };
  const limit = setTimeout(() => process.kill(process.pid, 'SIGKILL'), LIMIT_MS);
  await handler({ image: '17.png' }, context).catch(console.error);
  clearTimeout(limit);
  process.send('answered');
});
ready();
