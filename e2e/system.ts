// The traced system as it really runs: inference, router and runner as processes of their own, over one database.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { migrateUp } from '@project-beacon/server/store/migrate.ts';
import { readSet, SQL_DIR } from '@project-beacon/server/store/migrations.ts';
import { type TestDatabase, testDatabase } from '@project-beacon/testkit';

const ROOT = path.join(import.meta.dirname, '..');
const MODEL = 'llama-3.2-1b';

export interface SystemOptions {
  /** Regions of the simulated provider. */
  regions: string[];
  /** Milliseconds the router waits for a provider. Default 1,000. */
  providerTimeoutMs?: number;
  tracing?: boolean;
  runner?: Record<string, string>;
}

export interface Execution {
  id: number;
  region: string;
  question: string;
  status: string;
  attempt: number;
  output_data: { answer: string } | null;
  error_type: string | null;
  trace_id: string | null;
}

interface Service {
  child: ChildProcess;
  url: string;
  said: { regions?: Record<string, number> };
}

/** A database with all tables, the runner's too. Call it at the top of a test file. */
export async function systemDatabase(): Promise<TestDatabase> {
  const database = await testDatabase();
  const sets = [readSet('beacon', SQL_DIR), readSet('runner', path.join(ROOT, 'services/runner/sql'))];
  await migrateUp(database.client, sets);
  return database;
}

export class System {
  readonly database: TestDatabase;
  readonly inference: Service;
  readonly router: Service;
  readonly runner: Service;

  private constructor(database: TestDatabase, inference: Service, router: Service, runner: Service) {
    this.database = database;
    this.inference = inference;
    this.router = router;
    this.runner = runner;
  }

  /** Starts all three; what still runs is killed after the tests of the file. */
  static async start(database: TestDatabase, options: SystemOptions): Promise<System> {
    const env = { DATABASE_URL: database.url, ENABLE_DB_TRACING: String(options.tracing ?? true) };
    const inference = await startService('inference', {
      ...env,
      REGIONS: options.regions.map((region) => `${region}=0`).join(','),
    });
    const providers = Object.entries(inference.said.regions ?? {}).map(([region, port]) => ({
      name: `simulated-${region}`,
      region,
      url: `http://127.0.0.1:${port}`,
      timeoutMs: options.providerTimeoutMs ?? 1000,
    }));
    // No circuit opens: each fault is to be seen as itself, however often it happens.
    const router = await startService('router', {
      ...env,
      PROVIDERS: JSON.stringify(providers),
      CIRCUIT_FAILURES: '1000',
    });
    const runner = await startRunner(database, { ...env, HYBRID_ROUTER_URL: router.url, ...options.runner });
    return new System(database, inference, router, runner);
  }

  /** Switches a fault of a region on. */
  async fault(region: string, fault: { fault: string; delayMs?: number; times?: number }): Promise<void> {
    await send(`${this.inference.url}/faults/${region}`, 'PUT', fault);
  }

  /** Submits a job of one model and waits for its end. */
  async run(regions: string[], questions: string[]): Promise<Execution[]> {
    return runJob(this.runner.url, regions, questions);
  }

  /** Orderly stop, callers first. */
  async stop(): Promise<void> {
    for (const { child } of [this.runner, this.router, this.inference]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }
}

export async function startRunner(database: TestDatabase, env: Record<string, string>): Promise<Service> {
  const keys = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-e2e-'));
  after(() => fs.rmSync(keys, { recursive: true, force: true }));
  return startService('runner', {
    DATABASE_URL: database.url,
    RECEIPT_KEY_FILE: path.join(keys, 'key.pem'),
    RETRY_DELAY_MS: '50',
    ...env,
  });
}

/** Submits a job and returns its executions once all of them have ended. */
export async function runJob(runnerUrl: string, regions: string[], questions: string[]): Promise<Execution[]> {
  return jobEnd(runnerUrl, await submitJob(runnerUrl, regions, questions));
}

/** Submits a job and returns its id. */
export async function submitJob(runnerUrl: string, regions: string[], questions: string[]): Promise<number> {
  const job = { models: [MODEL], regions, questions };
  const accepted = await send(`${runnerUrl}/api/v1/jobs/cross-region`, 'POST', job);
  return (accepted as { job_id: number }).job_id;
}

/** Executions of a job, once all of them have ended. */
export async function jobEnd(runnerUrl: string, jobId: number): Promise<Execution[]> {
  return eventually(`job ${jobId} ends`, async () => {
    const { executions } = (await send(`${runnerUrl}/api/v1/jobs/${jobId}/executions?limit=1000`)) as {
      executions: Execution[];
    };
    return executions.every(({ status }) => /completed|failed|cancelled/.test(status)) && executions;
  });
}

/** Asks until the answer is there, for at most 30 seconds. */
export async function eventually<T>(what: string, ask: () => Promise<T | false | undefined>): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`Not within 30 seconds: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 25));
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

async function startService(name: string, env: Record<string, string>): Promise<Service> {
  const child = spawn(process.execPath, [path.join(ROOT, 'services', name, 'src/main.ts')], {
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const said = JSON.parse(line) as { msg: string; port: number; regions?: Record<string, number> };
      if (process.env.E2E_LOGS) console.error(line);
      if (said.msg === 'listening') resolve({ child, said, url: `http://127.0.0.1:${said.port}` });
    });
    child.once('exit', (code, signal) => reject(new Error(`${name} ended (${code ?? signal}) before it listened.`)));
  });
}
