// `beacon serve` as a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';

const MAIN = path.join(import.meta.dirname, '../packages/server/src/main.ts');

export interface Beacon {
  child: ChildProcess;
  apiUrl: string;
  httpPort: number;
  grpcPort: number;
  stop(): Promise<void>;
}

/** Starts it on free ports, or on those that are given; killed after the tests of the file. */
export async function startBeacon(
  databaseUrl: string,
  ports: { http?: number; grpc?: number } = {},
  env: Record<string, string> = {},
): Promise<Beacon> {
  const args = [
    'serve',
    '--port',
    '0',
    '--otlp-http-port',
    `${ports.http ?? 0}`,
    '--otlp-grpc-port',
    `${ports.grpc ?? 0}`,
    '--jaeger-port',
    '0',
  ];
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, DATABASE_URL: databaseUrl, LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const said = JSON.parse(line) as { msg: string; port: number; otlpHttpPort: number; otlpGrpcPort: number };
      if (process.env.E2E_LOGS) console.error(line);
      if (said.msg !== 'listening') return;
      const stop = async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGTERM');
        await once(child, 'exit');
      };
      const apiUrl = `http://127.0.0.1:${said.port}`;
      resolve({ child, apiUrl, httpPort: said.otlpHttpPort, grpcPort: said.otlpGrpcPort, stop });
    });
    child.once('exit', (code, signal) => reject(new Error(`beacon ended (${code ?? signal}) before it listened.`)));
  });
}
