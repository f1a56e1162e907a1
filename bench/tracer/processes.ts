// Child processes of the tracer's benchmark, and the arithmetic over what they say.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Load } from './jobs.ts';

const PROGRAM = new URL('../tracer.ts', import.meta.url).pathname;

/** Runs one case in a process of its own and returns what it measured. */
export async function runCase(
  what: string,
  variant: string,
  env: Record<string, string>,
): Promise<Record<string, number>> {
  const child = spawn(process.execPath, [PROGRAM, '--case', what, '--variant', variant], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (data) => {
    said += data;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`The case ${what} ${variant} ended with code ${code}.`);
  return JSON.parse(said);
}

/** Starts a process that runs executions on request. */
export async function startWorker(flag: string, databaseUrl: string): Promise<ChildProcess> {
  const child = fork(PROGRAM, ['--case', 'jobs', '--variant', flag], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
  });
  await new Promise((resolve) => child.once('message', resolve));
  return child;
}

/** Executions a second of a worker under a load for a while. */
export async function throughput(worker: ChildProcess, load: Load, ms: number): Promise<number> {
  const answer = new Promise<{ executions: number }>((resolve) => worker.once('message', resolve));
  worker.send({ load, ms });
  return (await answer).executions;
}

/** An HTTP server in a process of its own that reads what it gets and says yes. */
export async function startSink(): Promise<{ url: string; stop: () => void }> {
  const child = fork(PROGRAM, ['--case', 'sink', '--variant', 'http']);
  const port = await new Promise<number>((resolve) => child.once('message', resolve as never));
  return { url: `http://127.0.0.1:${port}/v1/traces`, stop: () => child.kill() };
}

/** The sink's process. */
export function sink(): void {
  const server = http.createServer((request, response) => {
    request.resume();
    request.once('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
