// A Lambda function and what it calls: node main.mjs <failure>
import { once } from 'node:events';
import { pause, service, stop } from 'world-node/processes.mjs';

const failure = process.argv[2];
const file = (name) => new URL(name, import.meta.url).pathname;
const env = {
  FAILURE: failure,
  LAMBDA_TASK_ROOT: new URL('.', import.meta.url).pathname.replace(/\/$/, ''),
  _HANDLER: 'handler.handler',
  AWS_LAMBDA_FUNCTION_NAME: 'resize',
  AWS_REGION: 'eu-west-1',
};
const thumbs = await service('thumbs-api', file('thumbs.mjs'), { env: { FAILURE: failure } });
const resize = await service('resize', file('runtime.mjs'), { env });
const ended = Promise.race([once(resize, 'message'), once(resize, 'exit')]);
resize.send('invoke');
await ended;
await pause(failure === 'timed-out' ? 2500 : 300);
for (const child of [resize, thumbs]) await stop(child);
process.exit(0);
