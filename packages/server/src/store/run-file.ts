// `.beacon/run.json`: what runs now, for `beacon status` and for a second start.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

export interface RunFile {
  /** The supervisor; it ends when everything has. */
  pid: number;
  startedAt: string;
  /** Connection string with its password: the file is readable by its owner only. */
  database: string;
  services: { name: string; pid: number; port: number; url: string }[];
  /** Ports on which the server takes spans. */
  otlp?: { http: number; grpc: number };
  /** Port on which it answers as Jaeger does. */
  jaeger?: number;
  /** Folder of the log files. */
  logs: string;
}

function runFilePath(dir: string): string {
  return path.join(dir, 'run.json');
}

/** Replaced as a whole, so that no reader sees half of it. */
export function writeRunFile(dir: string, run: RunFile): void {
  const aside = `${runFilePath(dir)}.${process.pid}`;
  fs.writeFileSync(aside, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  fs.renameSync(aside, runFilePath(dir));
}

/** Removes it if it is ours. */
export function removeRunFile(dir: string): void {
  if (readRunFile(dir)?.pid === process.pid) fs.rmSync(runFilePath(dir), { force: true });
}

/**
 * Takes the folder for this process.
 *
 * @returns the run that has it already, and is alive.
 */
export function takeRunFile(dir: string, run: RunFile): RunFile | undefined {
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      fs.writeFileSync(runFilePath(dir), `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const other = readRunFile(dir);
    if (other && isSupervisor(other.pid)) return other;
    fs.rmSync(runFilePath(dir), { force: true });
  }
  return readRunFile(dir);
}

export function readRunFile(dir: string): RunFile | undefined {
  try {
    return JSON.parse(fs.readFileSync(runFilePath(dir), 'utf8')) as RunFile;
  } catch {
    return undefined;
  }
}

/** Whether the process lives and is a Beacon: after a reboot its number may belong to anything. */
function isSupervisor(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return /beacon|main\.[tj]s/.test(commandOf(pid));
}

/** Command line of a process; empty where it cannot be read, and then it is none of ours. */
function commandOf(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '';
  }
}
