// The traced system as it really runs, for as long as a benchmark needs it.
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = path.join(import.meta.dirname, '../..');

export interface Service {
  child: ChildProcess;
  url: string;
  /** What it said when it began to listen. */
  said: { regions?: Record<string, number> };
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts one of services/, on a port the system chooses. */
export async function startService(name: string, env: Record<string, string>): Promise<Service> {
  const child = spawn(process.execPath, [path.join(ROOT, 'services', name, 'src/main.ts')], {
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as { msg: string; port: number };
      if (said.msg === 'listening') resolve({ child, said, url: `http://127.0.0.1:${said.port}` } as Service);
    });
    child.once('exit', (code, signal) => reject(new Error(`${name} ended (${code ?? signal}) before it listened.`)));
  });
}

/** A runner that tries each execution once. */
export async function startRunner(env: Record<string, string>): Promise<Service> {
  const keys = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-bench-'));
  process.on('exit', () => fs.rmSync(keys, { recursive: true, force: true }));
  return startService('runner', { RECEIPT_KEY_FILE: path.join(keys, 'key.pem'), MAX_ATTEMPTS: '1', ...env });
}

/** Orderly end, so that every span is written. */
export async function stop(services: Service[]): Promise<void> {
  for (const { child } of services) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }
}

export interface Execution {
  id: string;
  region: string;
  status: string;
}

/** Submits a job and answers with its executions once all have ended. */
export async function runJob(
  runner: Service,
  job: { models: string[]; regions: string[]; questions: string[] },
): Promise<Execution[]> {
  const { job_id } = (await send(`${runner.url}/api/v1/jobs/cross-region`, 'POST', job)) as { job_id: number };
  return until(`job ${job_id} ends`, async () => {
    const { executions } = (await send(`${runner.url}/api/v1/jobs/${job_id}/executions?limit=1000`)) as {
      executions: Execution[];
    };
    return executions.every(({ status }) => /completed|failed|cancelled/.test(status)) && executions;
  });
}

/** Asks until the answer is there, for at most a minute. */
export async function until<T>(what: string, ask: () => Promise<T | false | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`Not within a minute: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function send(url: string, method = 'GET', body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return JSON.parse(text);
}
