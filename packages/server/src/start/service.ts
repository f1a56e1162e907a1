// One service as one operating system process: started, waited for, restarted when it dies, stopped.
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLines, openLog, sizeOf } from './log-file.ts';

export interface ServiceSpec {
  name: string;
  /** Program and arguments, run under this Node. */
  script: string[];
  port: number;
  env: Record<string, string>;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  pid: number;
  /** How long it had run, milliseconds. */
  ranMs: number;
  /** What it logged last. */
  lastLines: string[];
}

// On a machine where ten systems start at once, each takes ten times as long.
const HEALTHY_WITHIN_MS = 180_000;
const POLL_MS = 100;
const ORPHAN = new URL(`./orphan${path.extname(import.meta.filename)}`, import.meta.url);

/** Another process was faster: the port of a service is in use. */
export class PortTakenError extends Error {}

/** Whether a service ended because its port was in use. */
export function lostItsPort({ lastLines }: Ended): boolean {
  return lastLines.some((line) => /EADDRINUSE|Port \d+ on \S+ is busy\./.test(line));
}

export class Service {
  readonly spec: ServiceSpec;
  readonly logFile: string;
  /** Called when the process ends without being asked to. */
  onDeath: (ended: Ended) => void = () => {};
  #child: ChildProcess | undefined;
  #exit: Promise<Ended> | undefined;
  #stopping = false;

  constructor(spec: ServiceSpec, logDir: string) {
    this.spec = spec;
    this.logFile = path.join(logDir, `${spec.name}.log`);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get url(): string {
    return `http://127.0.0.1:${this.spec.port}`;
  }

  /**
   * Starts the process and waits until GET /health answers 200, and says that it is this process that answers.
   *
   * @throws PortTakenError when its port is in use by now; Error with the last lines of its log when it ends
   *   first, or does not answer within three minutes.
   */
  async start(): Promise<void> {
    const exit = this.#spawn();
    let ended: Ended | undefined;
    exit.then((how) => {
      ended = how;
    });
    const deadline = Date.now() + HEALTHY_WITHIN_MS;
    while (!(await this.isHealthy())) {
      if (ended && lostItsPort(ended)) {
        throw new PortTakenError(`${this.spec.name}: port ${this.spec.port}, or one beside it, was taken meanwhile.`);
      }
      if (ended) throw new Error(`${this.spec.name} ${howItEnded(ended)}:\n${indented(ended.lastLines)}`);
      if (this.#stopping) throw new Error(`${this.spec.name} was stopped while starting.`);
      if (Date.now() > deadline) {
        throw new Error(
          `${this.spec.name} did not answer on ${this.url}/health within ${HEALTHY_WITHIN_MS / 1000} s:\n` +
            indented(lastLines(this.logFile, 8)),
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async isHealthy(): Promise<boolean> {
    try {
      // Strangers are not told which process it is.
      const token = process.env.BEACON_TOKEN;
      const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
      const response = await fetch(`${this.url}/health`, { headers, signal: AbortSignal.timeout(2_000) });
      const { instance } = (await response.json()) as { instance?: string };
      // Whatever answers at that port may be another start's.
      return response.ok && instance === `${os.hostname()}:${this.pid}`;
    } catch {
      return false;
    }
  }

  /** SIGTERM, and SIGKILL when it has not ended after `graceMs`. Returns whether it ended by itself. */
  async stop(graceMs: number): Promise<boolean> {
    this.#stopping = true;
    const child = this.#child;
    if (!child || !this.#exit || !this.isRunning) return true;
    child.kill('SIGTERM');
    let killed = false;
    const timer = setTimeout(() => {
      killed = true;
      child.kill('SIGKILL');
    }, graceMs);
    await this.#exit;
    clearTimeout(timer);
    return !killed;
  }

  /** At once, for the second Ctrl-C and for the last resort at exit. */
  kill(): void {
    this.#stopping = true;
    this.#child?.kill('SIGKILL');
  }

  #spawn(): Promise<Ended> {
    const [script = '', ...args] = this.spec.script;
    const logFrom = sizeOf(this.logFile);
    const log = openLog(this.logFile);
    const started = Date.now();
    // A process group of its own: Ctrl-C must reach the services in our order, not all at once. The channel is what
    // tells it that we are gone.
    const child = spawn(process.execPath, ['--import', fileURLToPath(ORPHAN), script, ...args], {
      env: { ...process.env, ...this.spec.env },
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
    fs.closeSync(log);
    this.#child = child;
    const exit = new Promise<Ended>((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) =>
        resolve({
          code,
          signal,
          pid: child.pid ?? 0,
          ranMs: Date.now() - started,
          lastLines: lastLines(this.logFile, 8, logFrom),
        });
      child.once('exit', end);
      child.once('error', () => end(null, null));
    });
    exit.then((ended) => {
      if (!this.#stopping) this.onDeath(ended);
    });
    this.#exit = exit;
    return exit;
  }
}

/** `ended with code 1 after 0.4 s`. */
export function howItEnded({ code, signal, ranMs }: Ended): string {
  const how = signal ? `was ended by ${signal}` : code === null ? 'could not be started' : `ended with code ${code}`;
  return `${how} after ${(ranMs / 1000).toFixed(1)} s`;
}

export function indented(lines: string[]): string {
  return lines.map((line) => `    ${line}`).join('\n');
}
