import { type ChildProcess, fork, spawn } from 'node:child_process';
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

let resident: ChildProcess | undefined;
let last: Promise<unknown> = Promise.resolve();

/** Runs the program's command line to its end, in a process that the file's tests share, one after another. */
export function run(args: string[], env: Record<string, string> = {}, cwd = os.tmpdir()): Promise<Ran> {
  const ran = last.then(async (): Promise<Ran> => {
    resident ??= startResident();
    const child = resident;
    child.channel?.ref();
    child.send({ args, env: { PATH: process.env.PATH ?? '', COLUMNS: '120', ...env }, cwd });
    const ended = new AbortController();
    const { signal } = ended;
    const [answer] = await Promise.race([once(child, 'message', { signal }), once(child, 'exit', { signal })]);
    ended.abort();
    child.channel?.unref();
    if (typeof answer !== 'object' || answer === null) {
      resident = undefined;
      throw new Error(`beacon ${args.join(' ')} ended its process (${answer}).`);
    }
    return answer;
  });
  last = ran.catch(() => {});
  return ran;
}

function startResident(): ChildProcess {
  const child = fork(path.join(import.meta.dirname, 'resident.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.unref();
  child.channel?.unref();
  return child;
}

after(() => resident?.kill('SIGKILL'));
