import { type ChildProcess, spawn } from 'node:child_process';
import * as path from 'node:path';

export interface ChildOptions {
  env?: Record<string, string>;
  /** OpenTelemetry 2.x instead of the workspace's 3.x. */
  otel2?: boolean;
  /** Options of Node. */
  node?: string[];
}

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** Lines that the tracer wrote to standard error. */
  tracerLines: string[];
  milliseconds: number;
}

const IMPORTS = `
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { BeaconSpanProcessor, startTracing } from '@project-beacon/tracer';
`;

/** Starts a program of its own, given as TypeScript; the tracer's and the API's names are imported. */
export function startChild(code: string, { env = {}, otel2 = false, node = [] }: ChildOptions = {}): ChildProcess {
  const hook = otel2 ? ['--import', path.join(import.meta.dirname, 'otel2.mjs')] : [];
  const { ENABLE_DB_TRACING: _, DATABASE_URL: __, ...inherited } = process.env;
  return spawn(process.execPath, [...hook, ...node, '--input-type=module-typescript', '--eval', IMPORTS + code], {
    cwd: path.join(import.meta.dirname, '..'),
    env: { ...inherited, NODE_NO_WARNINGS: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs a program to its end. */
export async function runChild(code: string, options: ChildOptions = {}): Promise<Finished> {
  const started = performance.now();
  const child = startChild(code, options);
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (data) => {
    stdout += data;
  });
  child.stderr!.on('data', (data) => {
    stderr += data;
  });
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.once('close', (...ended) => resolve(ended)),
  );
  const tracerLines = stderr.split('\n').filter((line) => line.startsWith('DBTracer:'));
  return { code: exitCode, signal, stdout, stderr, tracerLines, milliseconds: performance.now() - started };
}

/** The first line a program prints. */
export async function firstLine(child: ChildProcess): Promise<string> {
  let said = '';
  let failed = '';
  child.stderr!.on('data', (data) => {
    failed += data;
  });
  return new Promise((resolve, reject) => {
    child.stdout!.on('data', (data) => {
      said += data;
      if (said.includes('\n')) resolve(said.slice(0, said.indexOf('\n')));
    });
    child.once('close', (code) => reject(new Error(`It ended with code ${code} before it said anything: ${failed}`)));
  });
}
