// Starts the fixture service as a process of its own, and asks the doctor about it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { after, type TestContext } from 'node:test';
import { type TestDatabase, testDatabase } from '@project-beacon/testkit';
import { type ExamineOptions, examine } from '../../src/doctor/examine.ts';
import type { Diagnosis } from '../../src/doctor/finding.ts';

export interface App {
  url: string;
  child: ChildProcess;
}

/** A migrated database with a business table that is registered, so that the doctor knows what ought to have a trace. */
export async function workDatabase(): Promise<TestDatabase> {
  const database = await testDatabase();
  await database.client.query(`
    create schema app;
    create table app.work (id bigint generated always as identity primary key, created_at timestamptz not null default now());
    insert into beacon.trace_records (name, relation, id_column, created_column) values ('work', 'app.work', 'id', 'created_at');
    insert into beacon.settings (name, value) values ('lost_after_seconds', '1')`);
  return database;
}

/** The service with its environment, listening. */
export async function startApp(env: Record<string, string>, program = 'app.mjs', node: string[] = []): Promise<App> {
  const { ENABLE_DB_TRACING: _, DATABASE_URL: __, ...inherited } = process.env;
  const file = path.isAbsolute(program) ? program : path.join(import.meta.dirname, program);
  const child = spawn(process.execPath, [...node, file], {
    env: { ...inherited, NODE_NO_WARNINGS: '1', ENABLE_DB_TRACING: 'true', ...env },
    // A pipe that closes with this process, whatever ends it: the fixture ends then, too.
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  const [port] = await Promise.race([
    once(createInterface({ input: child.stdout! }), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('the fixture ended before it listened'))),
  ]);
  return { url: `http://127.0.0.1:${port}`, child };
}

/** Sends work to it, one after the other. */
export async function work({ url }: App, times: number, headers: Record<string, string> = {}): Promise<void> {
  for (let i = 0; i < times; i++) {
    const response = await fetch(`${url}/work`, { method: 'POST', headers });
    if (!response.ok) throw new Error(await response.text());
  }
}

export async function kill({ child }: App, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** The doctor's answer, from a shell that has the flag on. */
export function ask(
  databaseUrl: string | undefined,
  apps: App[],
  more: Partial<ExamineOptions> = {},
): Promise<Diagnosis> {
  return examine({
    databaseUrl,
    services: apps.map(({ url }) => ({ url })),
    env: { ENABLE_DB_TRACING: 'true' },
    dir: import.meta.dirname,
    ...more,
  });
}

/** Codes of what is accused. */
export function accused(diagnosis: Diagnosis): (string | undefined)[] {
  return diagnosis.faults.map(({ fault }) => fault);
}

/**
 * What the examination was worth, as `npm run bench:doctor` counts it: `named` (this fault and no other), `near` (beside
 * others), `silent`, `false` (others only); of a healthy set-up `healthy` or `alarm`.
 *
 * @param fault undefined for a healthy set-up.
 */
export function judge(t: TestContext, fault: string | undefined, diagnosis: Diagnosis): string {
  const codes = accused(diagnosis);
  const outcome =
    fault === undefined
      ? codes.length === 0
        ? 'healthy'
        : 'alarm'
      : codes.length === 0
        ? 'silent'
        : !codes.includes(fault)
          ? 'false'
          : codes.length === 1
            ? 'named'
            : 'near';
  t.diagnostic(JSON.stringify({ seed: t.name, outcome, codes, seconds: diagnosis.tookMs / 1_000 }));
  return outcome;
}
