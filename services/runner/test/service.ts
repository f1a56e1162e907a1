// The runner in this process or as a process of its own, and its API.
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { startTracing } from '@project-beacon/tracer';
import { pino } from 'pino';
import { buildRunner } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import { eventually } from './database.ts';

const keys = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-receipts-'));
after(() => fs.rmSync(keys, { recursive: true, force: true }));
export const KEY_FILE = path.join(keys, 'key.pem');

/** Settings that make failures quick; a test overrides what it is about. */
const SETTINGS = {
  PORT: '0',
  RECEIPT_KEY_FILE: KEY_FILE,
  RETRY_DELAY_MS: '20',
  RECOVERY_INTERVAL_MS: '200',
  ENABLE_DB_TRACING: 'false',
};

/** In this process; stopped with the tests of this file unless stopped before. */
export async function startRunner(env: Record<string, string>) {
  const lines: Record<string, unknown>[] = [];
  const config = readConfig({ ...SETTINGS, ...env });
  const tracer = await startTracing({ service: 'runner', flag: 'false', log: () => {} });
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const runner = await buildRunner({ config, tracer, log });
  const api = new Api(await runner.listen());
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= runner.close());
  after(close);
  return { api, close, lines };
}

/** As a process; killed with the tests of this file unless it ended before. */
export async function spawnRunner(env: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, [path.join(import.meta.dirname, '../src/main.ts')], {
    env: { ...process.env, ...SETTINGS, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout! });
  const port = await new Promise<number>((resolve, reject) => {
    lines.on('line', (line) => {
      const said = JSON.parse(line) as { msg: string; port: number };
      if (said.msg === 'listening') resolve(said.port);
    });
    child.once('exit', (code) => reject(new Error(`The runner ended with code ${code} before it listened.`)));
  });
  return { child, api: new Api(port) };
}

class Api {
  readonly url: string;

  constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
  }

  async get(where: string) {
    return shown(await fetch(`${this.url}${where}`));
  }

  async post(where: string, body: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`${this.url}${where}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return shown(response);
  }

  /** Submits a job that has to be accepted; its id. */
  async submit(job: { models?: string[]; regions?: string[]; questions: string[] }): Promise<number> {
    const { status, body } = await this.post('/api/v1/jobs/cross-region', {
      models: ['llama-3.2-1b'],
      regions: ['us-east'],
      ...job,
    });
    if (status !== 202) throw new Error(`refused: ${JSON.stringify(body)}`);
    return body.job_id;
  }

  /** Executions of a job once all of them have ended. */
  async ended(jobId: number) {
    await eventually(`job ${jobId} ends`, async () => {
      const { status, body } = await this.get(`/api/v1/jobs/${jobId}`);
      // Where a test takes the database away, a request in between may fail.
      return status === 200 && body.executions.pending + body.executions.processing === 0;
    });
    const { body } = await this.get(`/api/v1/jobs/${jobId}/executions?limit=1000`);
    return body.executions;
  }
}

async function shown(response: Response) {
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on the shape of what it reads.
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
}
