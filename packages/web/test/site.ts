// The real server, as its own process, over a real database; its address is what a browser opens.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';

const MAIN = path.join(import.meta.dirname, '../../server/src/main.ts');

export interface Site {
  /** `http://127.0.0.1:12345` */
  url: string;
  /** Where it takes OTLP over HTTP. */
  otlp: string;
  /** Kills it. */
  kill(): Promise<void>;
}

/** Starts it; what still runs is killed after the tests of the file. */
export async function startSite(databaseUrl: string, env: Record<string, string> = {}, port = 0): Promise<Site> {
  const ports = ['--port', String(port), '--otlp-http-port', '0', '--otlp-grpc-port', '0', '--no-jaeger'];
  const child = spawn(process.execPath, [MAIN, 'serve', ...ports], {
    env: { ...process.env, DATABASE_URL: databaseUrl, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  after(kill);
  const said = await listening(child);
  return { url: `http://127.0.0.1:${said.port}`, otlp: `http://127.0.0.1:${said.otlpHttpPort}`, kill };
}

async function listening(child: ChildProcess): Promise<{ port: number; otlpHttpPort: number }> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    lines.push(line);
    const said = JSON.parse(line);
    if (said.msg === 'listening') {
      child.stdout?.resume();
      return said;
    }
  }
  throw new Error(`The server ended before it listened:\n${lines.join('\n')}`);
}
