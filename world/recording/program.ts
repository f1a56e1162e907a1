// Runs a program in namespaces of its own: its host names, its host's name and its process ids are the same in each run,
// and nothing that it started outlives it.
import { spawn } from 'node:child_process';
import type { Names } from './names.ts';

export interface Run {
  command: string[];
  dir: string;
  environment: Record<string, string>;
  names: Names;
  /** Milliseconds after which it is killed. */
  limitMs: number;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  output: string;
  timedOut: boolean;
}

const HOST_NAME = 'host-1';
const SCRIPT = [
  'mount --bind "$1" /etc/hosts',
  'mount --bind "$2" /etc/resolv.conf',
  `hostname ${HOST_NAME}`,
  'ip link set lo up 2>/dev/null',
  'shift 2',
  'exec "$@"',
].join('; ');

export async function runProgram({ command, dir, environment, names, limitMs }: Run): Promise<Ended> {
  const { hosts, resolv } = names.files();
  const isolated = ['--mount', '--uts', '--pid', '--fork', '--mount-proc', '--kill-child=KILL'];
  const as = process.getuid?.() === 0 ? isolated : ['--map-root-user', ...isolated];
  const child = spawn('unshare', [...as, 'sh', '-c', SCRIPT, 'sh', hosts, resolv, ...command], {
    cwd: dir,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, limitMs);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(limit);
      resolve({ code, signal, output, timedOut });
    });
  });
}
