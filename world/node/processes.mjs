// Starts the services of a Node stack as processes of their own, each traced by what the stack's package.json pins.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const CURRENT = ['--import=world-node/tracing.mjs'];

/**
 * Starts `file` and resolves when it has said that it is ready.
 *
 * @param name The service's name in its spans.
 * @param options.preload How OpenTelemetry is registered, as arguments of Node.
 */
export async function service(name, file, { argv = [], env = {}, args = [], preload = CURRENT } = {}) {
  const child = fork(file, argv, {
    cwd: dirname(file),
    execArgv: [...args, ...preload],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: join(tmpdir(), 'world-node-cache'),
      OTEL_SERVICE_NAME: name,
      ...env,
    },
  });
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (message !== 'ready') throw new Error(`${name} did not start (${message}).`);
  return child;
}

/** Asks a service to end, so that its SDK exports what is left. One that died before is left alone. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exit;
  clearTimeout(limit);
}

/** In a service: says that it is ready; on SIGTERM calls `close`, and ends after the SDK has exported. */
export function ready(close) {
  process.on('SIGTERM', async () => {
    setTimeout(() => process.exit(0), 6000).unref();
    await close?.();
    process.disconnect?.();
  });
  process.send?.('ready');
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
