// A program of one service: starts it, sends it one request, ends it.
import { pause, service, stop } from './processes.mjs';

/**
 * Runs `file` (which listens at `port` and answers any POST) for the failure named in the program's arguments.
 *
 * @param options.requests Requests sent one after another; more than one where a failure needs what came before.
 */
export async function oneService(name, file, port, { requests = 1, env = {}, ...options } = {}) {
  const failure = process.argv[2];
  const child = await service(name, new URL(file).pathname, { env: { FAILURE: failure, ...env }, ...options });
  for (let i = 0; i < requests; i++) {
    await fetch(`http://${name}:${port}`, { method: 'POST', body: '{}' }).catch((error) => console.log(error.cause));
  }
  await pause(300);
  await stop(child);
  process.exit(0);
}
