// A server that was installed on this machine, as a child.
import { type ChildProcess, spawn } from 'node:child_process';
import * as net from 'node:net';
import { setTimeout } from 'node:timers/promises';

const READY_MS = 180_000;

export interface ServerProcess {
  child: ChildProcess;
  stop(): Promise<void>;
}

/**
 * Resolves when the server takes connections.
 *
 * @throws Error that says what to install where the command is missing, or with the server's last words.
 */
export async function startProcess(
  command: string,
  args: string[],
  at: { address: string; port: number },
  options: { env?: NodeJS.ProcessEnv; install: string },
): Promise<ServerProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } });
  let said = '';
  let failure: Error | undefined;
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => (said = `${said}${data}`.slice(-2000)));
  child.on('error', () => (failure = new Error(`${command} is not installed: apt-get install ${options.install}`)));
  child.on('exit', (code) => (failure ??= new Error(`${command} ended with ${code}: ${said}`)));
  const until = Date.now() + READY_MS;
  while (!(await accepts(at))) {
    if (failure) throw failure;
    if (Date.now() > until) throw new Error(`${command} does not listen at ${at.address}:${at.port}: ${said}`);
    await setTimeout(50);
  }
  return {
    child,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await Promise.race([gone, setTimeout(5000, undefined, { ref: false })]);
      child.kill('SIGKILL');
      await gone;
    },
  };
}

function accepts({ address, port }: { address: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, address);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });
}
