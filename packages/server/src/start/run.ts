// One run from the first process to the last: whatever happens in between, nothing is left behind.
import * as path from 'node:path';
import type { Embedded } from '../store/embedded.ts';
import { BeaconError, shownAddress } from '../store/errors.ts';
import { type RunFile, removeRunFile, writeRunFile } from '../store/run-file.ts';
import { untilSpansWritten } from './arrival.ts';
import { type Database, migrateDatabase, openDatabase } from './database.ts';
import { printGuide } from './guide.ts';
import { printReport, type Report, readReport } from './report.ts';
import { runSample } from './sample.ts';
import { type Screen, shortPath } from './screen.ts';
import { PortTakenError } from './service.ts';
import { type Plan, planServices } from './services.ts';
import { Supervisor } from './supervisor.ts';

export interface StartOptions {
  /** Folder of database, logs and run.json. Default `.beacon`. */
  dir?: string;
  /** Runs the sample job. Default true. */
  sample?: boolean;
  /** The report as JSON on stdout; what a person reads goes to stderr. */
  json?: boolean;
  /** `local`: Gemma 3 270M on this machine, which `npm run model` fetched, instead of the simulated models. */
  model?: 'simulated' | 'local';
  /** Stops after the report. */
  once?: boolean;
  /** Any free ports instead of 8080, 8090 to 8095 and 5432. */
  anyPort?: boolean;
}

/** One Ctrl-C may arrive twice, from the terminal and from npm; what comes later than this is a second one. */
const SAME_KEYSTROKE_MS = 700;
const INTERRUPTED = 130;
/** Each lost race for a port costs one; ten systems that start at once lose two or three. */
const PLANS = 10;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export class Run {
  readonly #dir: string;
  readonly #file: RunFile;
  readonly #options: StartOptions;
  readonly #screen: Screen;
  readonly #stop = new AbortController();
  #opening: Promise<Database> | undefined;
  #postgresPid: number | undefined;
  /** Where the data lies: a folder, or the address of the user's database without its password. */
  #dataAt = '';
  #supervisor: Supervisor | undefined;

  constructor(dir: string, file: RunFile, options: StartOptions, screen: Screen) {
    this.#dir = dir;
    this.#file = file;
    this.#options = options;
    this.#screen = screen;
  }

  /** @returns the exit code. */
  async run(): Promise<number> {
    const stopped = this.#listenToSignals();
    process.once('exit', this.#killAll);
    let isDone = false;
    const work = this.#work().then(() => {
      isDone = true;
    });
    try {
      await Promise.race([work, stopped]);
      if (this.#options.once) return isDone ? 0 : INTERRUPTED;
      await stopped;
      return 0;
    } catch (error) {
      this.#tell(error as Error);
      return 1;
    } finally {
      this.#stop.abort();
      await this.#shutDown();
      await work.catch(() => {});
      process.off('exit', this.#killAll);
    }
  }

  async #work(): Promise<void> {
    const screen = this.#screen;
    this.#opening = openDatabase(this.#dir, this.#options.anyPort === true, screen);
    const { url, embedded } = await this.#opening;
    this.#postgresPid = embedded?.pid;
    this.#dataAt = embedded ? shortPath(embedded.dataDir) : shownAddress(url);
    this.#stop.signal.throwIfAborted();
    embedded?.exited().then(() => this.#databaseEnded(embedded));
    this.#file.database = url;
    await migrateDatabase(url, screen);
    const plan = await this.#startServices(url);
    const wantsSample = this.#options.sample !== false && plan.hasServices;
    const report = wantsSample
      ? await this.#sample(url).catch((error: Error) => this.#withoutSample(error))
      : undefined;
    if (this.#options.json) process.stdout.write(`${JSON.stringify(this.#summary(report), null, 2)}\n`);
    if (!this.#options.once) printGuide(this.#file, report?.failure?.execution_id, screen);
  }

  /** A port is free until it is taken: where another process was faster, all start again on other ports. */
  async #startServices(url: string): Promise<Plan> {
    for (let attempt = 1; ; attempt++) {
      const plan = await planServices(this.#dir, url, this.#options.anyPort === true, this.#options.model === 'local');
      this.#stop.signal.throwIfAborted();
      for (const sentence of plan.notes) this.#screen.note(sentence);
      this.#file.otlp = plan.otlp;
      this.#file.jaeger = plan.jaeger;
      const changed = () => this.#writeFile();
      this.#supervisor = new Supervisor(plan.specs, this.#file.logs, this.#screen, changed, () => this.#move(url));
      try {
        await this.#supervisor.start();
        this.#writeFile();
        return plan;
      } catch (error) {
        if (!(error instanceof PortTakenError) || attempt === PLANS || this.#stop.signal.aborted) throw error;
        this.#screen.note(`${error.message} Starting the services on other ports.`);
        await this.#supervisor.stop();
      }
    }
  }

  /** The addresses of the others are in the environment of each service: all move together. */
  async #move(url: string): Promise<void> {
    this.#screen.note('Its port was taken while it was down: the services start again on other ports.');
    try {
      await this.#supervisor?.stop();
      await this.#startServices(url);
    } catch (error) {
      this.#tell(error as Error);
    }
  }

  async #sample(databaseUrl: string): Promise<Report> {
    const { signal } = this.#stop;
    const sample = await runSample((name) => this.#url(name), this.#screen, signal, this.#options.model === 'local');
    await untilSpansWritten(
      ['runner', 'router', 'inference'].map((name) => this.#url(name)),
      signal,
    );
    const report = await readReport(databaseUrl, sample);
    printReport(report, this.#screen);
    return report;
  }

  /** What runs stays up, so that the reason can be looked for. */
  #withoutSample(error: Error): undefined {
    if (this.#options.once || this.#stop.signal.aborted) throw error;
    this.#tell(error);
  }

  #summary(report: Report | undefined) {
    const { startedAt, database, services, otlp, jaeger, logs } = this.#file;
    const shown = { started_at: startedAt, database: shownAddress(database), services, otlp, jaeger, logs };
    return { ...shown, sample: report ?? null };
  }

  #url(name: string): string {
    return this.#file.services.find((service) => service.name === name)?.url as string;
  }

  #writeFile(): void {
    const running = this.#supervisor?.services.filter((service) => service.isRunning) ?? [];
    this.#file.services = running.map(({ spec, pid, url }) => ({
      name: spec.name,
      pid: pid ?? 0,
      port: spec.port,
      url,
    }));
    writeRunFile(this.#dir, this.#file);
  }

  /** Resolves at the first signal; a second one kills. */
  #listenToSignals(): Promise<void> {
    let first: number | undefined;
    return new Promise((resolve) => {
      const onSignal = () => {
        const now = performance.now();
        if (first !== undefined && now - first > SAME_KEYSTROKE_MS) {
          this.#screen.endStatus();
          this.#screen.line('Killed.');
          process.exit(INTERRUPTED);
        }
        if (first !== undefined) return;
        first = now;
        this.#stop.abort();
        this.#screen.endStatus();
        this.#screen.line('');
        this.#screen.line('Stopping; once more kills.');
        resolve();
      };
      for (const signal of SIGNALS) process.on(signal, onSignal);
    });
  }

  async #shutDown(): Promise<void> {
    await this.#supervisor?.stop();
    const database = await this.#opening?.catch(() => undefined);
    if (database?.embedded) {
      this.#screen.status('Stopping PostgreSQL ...');
      await database.embedded.stop();
      this.#screen.endStatus();
    }
    removeRunFile(this.#dir);
    if (this.#supervisor) this.#screen.line(`Stopped. The data stays in ${this.#dataAt}`);
  }

  /** The services go on trying meanwhile: what they cannot write they keep for a while, and count what they drop. */
  async #databaseEnded(ended: Embedded): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const screen = this.#screen;
    screen.problem(`PostgreSQL (pid ${ended.pid}) ended. The services keep running; starting it again.`);
    screen.line(`    Its log: ${shortPath(path.join(ended.dataDir, 'server.log'))}`);
    this.#opening = openDatabase(this.#dir, false, screen);
    try {
      const { embedded } = await this.#opening;
      this.#postgresPid = embedded?.pid;
      if (this.#stop.signal.aborted || !embedded) return;
      if (embedded.port === ended.port) embedded.exited().then(() => this.#databaseEnded(embedded));
      else screen.problem('It has another port now, which the services do not know: Ctrl-C and start again.');
    } catch (error) {
      this.#tell(error as Error);
      screen.line('    Nothing is stored from now on: Ctrl-C and start again. What had been committed is still there.');
    }
  }

  #tell(error: Error): void {
    this.#screen.endStatus();
    if (this.#stop.signal.aborted) return;
    this.#screen.problem(error.message);
    if (error instanceof BeaconError) this.#screen.line(`    ${error.hint}`);
    else if (process.env.LOG_LEVEL === 'debug') this.#screen.line(`${error.stack}`);
  }

  /** The last resort, without waiting: the process ends before the orderly way was through. */
  readonly #killAll = (): void => {
    this.#supervisor?.kill();
    const pid = this.#postgresPid;
    try {
      if (pid !== undefined) process.kill(pid, 'SIGINT');
    } catch {
      // It had ended already.
    }
    removeRunFile(this.#dir);
  };
}
