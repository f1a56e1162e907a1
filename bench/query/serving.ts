// A server of Beacon's in a process of its own, for benches that ask it.
import { spawn } from 'node:child_process';
import * as path from 'node:path';
import { createInterface } from 'node:readline';

export interface Ports {
  otlp: number;
  jaeger: number;
  api: number | undefined;
}

/** `beacon serve` on free ports. @param args Further flags. */
export async function serve(
  url: string,
  args: string[] = [],
): Promise<{ ports: Ports; pid: number; stop: () => Promise<void> }> {
  const main = path.join(import.meta.dirname, '../../packages/server/src/main.ts');
  const ports = ['--port', '--otlp-http-port', '--otlp-grpc-port', '--jaeger-port'].flatMap((port) => [port, '0']);
  const child = spawn(process.execPath, [main, 'serve', ...ports, ...args], {
    env: { ...process.env, DATABASE_URL: url, BEACON_TOKEN: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { msg: string; port: number; jaegerPort: number; otlpHttpPort: number };
    if (said.msg !== 'listening') continue;
    child.stdout.resume();
    const stop = () => {
      child.kill('SIGTERM');
      return ended;
    };
    return {
      pid: child.pid!,
      ports: { otlp: said.otlpHttpPort, jaeger: said.jaegerPort, api: said.port },
      stop,
    };
  }
  throw new Error('The server ended before it listened.');
}
