// A program of one service: starts it, sends it one request, ends it.
import { pause, service, stop } from './processes.mjs';

/**
 * Runs `file` (which listens at `port` and answers any POST) for the failure named in the program's arguments.
 *
 * @param options.before Called when the service is ready.
 * @param options.after Called when the request was answered, before the service ends.
 */
export async function oneService(name, file, port, { before, after, env = {}, ...options } = {}) {
  const failure = process.argv[2];
  const child = await service(name, new URL(file).pathname, { env: { FAILURE: failure, ...env }, ...options });
  await before?.();
  await fetch(`http://${name}:${port}`, { method: 'POST', body: '{}' }).catch((error) => console.log(error.cause));
  await after?.();
  await pause(300);
  await stop(child);
  process.exit(0);
}
