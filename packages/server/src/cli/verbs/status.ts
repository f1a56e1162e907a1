// `beacon status`: what `beacon start` runs here, whether it lives, and where it listens.
import * as net from 'node:net';
import type { Command } from 'commander';
import { BeaconError, shownAddress } from '../../store/errors.ts';
import { findRun } from '../database.ts';
import { ago, signOf } from '../render/format.ts';
import { table } from '../render/table.ts';
import { terminalOf } from '../render/terminal.ts';
import { action, print, printJson, type VerbOptions, verb } from '../verb.ts';

interface ServiceStatus {
  name: string;
  pid: number | null;
  port: number;
  url: string;
  /** Whether the process lives; null where it is not ours to know. */
  running: boolean | null;
  /** Whether the port accepts connections. */
  answers: boolean;
}

const ANSWER_WITHIN_MS = 1_000;

export function statusVerb(): Command {
  return verb('status', 'Where everything listens, and whether it lives.')
    .option('--show-password', 'show the password of the database')
    .action(action(status));
}

async function status(options: VerbOptions): Promise<number> {
  const found = findRun();
  if (!found) {
    throw new BeaconError(
      'not_found',
      'Nothing was started here: there is no .beacon/run.json.',
      'Start with `npm start`.',
    );
  }
  const { run, file } = found;
  const database = options.showPassword ? run.database : shownAddress(run.database);
  const { hostname, port } = new URL(run.database);
  const all = await Promise.all([
    look({ name: 'postgres', pid: null, port: Number(port || 5432), url: database }, hostname),
    ...run.services.map((service) => look(service, new URL(service.url).hostname)),
  ]);
  const healthy = all.every(({ running, answers }) => answers && running !== false);
  if (options.json) {
    printJson({ startedAt: run.startedAt, healthy, database, services: all, logs: run.logs, file });
    return healthy ? 0 : 1;
  }
  const { lines } = table(
    all,
    [
      { title: ' ', text: (row) => signOf(mark(row)).glyph, style: (row) => signOf(mark(row)).style },
      { title: 'service', text: (row) => row.name },
      { title: 'pid', right: true, text: (row) => String(row.pid ?? '–') },
      { title: 'port', right: true, text: (row) => String(row.port) },
      { title: 'state', text: words },
      { title: 'address', text: (row) => row.url },
    ],
    terminalOf(process.stdout),
  );
  for (const line of lines) print(line);
  print('');
  print(`Started ${ago(run.startedAt)}. Logs are in ${run.logs}.`);
  if (!healthy) print('Something is down: its log says why; `npm start` starts everything again.');
  return healthy ? 0 : 1;
}

async function look(service: Omit<ServiceStatus, 'running' | 'answers'>, host: string): Promise<ServiceStatus> {
  const running = service.pid === null ? null : isAlive(service.pid);
  return { ...service, running, answers: await answers(host, service.port) };
}

function mark({ running, answers }: ServiceStatus): string {
  return answers && running !== false ? 'ok' : answers || running ? 'warn' : 'fail';
}

function words({ running, answers }: ServiceStatus): string {
  if (running === false) return answers ? 'ended; another process has its port' : 'ended';
  if (running === null) return answers ? 'answers' : 'does not answer';
  return answers ? 'running' : 'running, port does not answer';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: host.replace(/^\[|\]$/g, ''), port, timeout: ANSWER_WITHIN_MS });
    const done = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => done(true));
    socket.once('timeout', () => done(false));
    socket.once('error', () => done(false));
  });
}
