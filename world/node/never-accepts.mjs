// A port where connecting takes for ever: a process that listens and is stopped, its queue of connections full.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';

const LISTEN = `require('net').createServer().listen({ port: +process.argv[1], host: process.argv[2], backlog: 1 }, () => console.log())`;

/** Ends with the program. */
export async function neverAccepts(port, host) {
  const child = spawn(process.execPath, ['-e', LISTEN, `${port}`, host], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  // Linux queues one connection more than asked for, and answers one more after that.
  for (let i = 0; i < 4; i++) net.connect(port, host).on('error', () => {});
  await new Promise((resolve) => setTimeout(resolve, 200));
  process.on('exit', () => child.kill('SIGKILL'));
}
