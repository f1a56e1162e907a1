import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as os from 'node:os';
import * as path from 'node:path';
import { after } from 'node:test';

const MAIN = path.join(import.meta.dirname, '../../src/main.ts');

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Starts the program as users do, in a folder of its own; the environment holds only what is given. */
export function start(args: string[], env: Record<string, string> = {}, cwd = os.tmpdir()): ChildProcess {
  const given = { PATH: process.env.PATH ?? '', COLUMNS: '120', ...env };
  const child = spawn(process.execPath, [MAIN, ...args], { env: given, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  // One that goes on when its test has failed would hold the run, and outlive it.
  after(() => child.kill('SIGKILL'));
  return child;
}

/** Runs the program to its end. */
export async function run(args: string[], env: Record<string, string> = {}, cwd?: string): Promise<Ran> {
  const child = start(args, env, cwd);
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, out, err };
}
