// Keeps the services running: a crash of one is shown and repaired, and never takes another down.
import { type Screen, shortPath } from './screen.ts';
import { type Ended, howItEnded, indented, lostItsPort, Service, type ServiceSpec } from './service.ts';

const RESTARTS = 3;
const FIRST_DELAY_MS = 500;
/** One that ran this long had recovered: its earlier crashes no longer count. */
const SETTLED_MS = 60_000;
const STOP_BUDGET_MS = 8_000;
const STOP_ONE_MS = 4_000;

export class Supervisor {
  readonly services: Service[];
  readonly #screen: Screen;
  readonly #changed: () => void;
  readonly #portLost: () => void;
  readonly #crashes = new Map<Service, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopping = false;

  /**
   * @param specs In the order they are stopped in, reversed: what others depend on comes first.
   * @param changed Called when a process was replaced by another.
   * @param portLost Called when one cannot come back, because its port was taken while it was down.
   */
  constructor(specs: ServiceSpec[], logDir: string, screen: Screen, changed: () => void, portLost: () => void) {
    this.services = specs.map((spec) => new Service(spec, logDir));
    this.#screen = screen;
    this.#changed = changed;
    this.#portLost = portLost;
  }

  /**
   * Starts all at once and waits until each is healthy.
   *
   * @throws the first failure; the others keep running until `stop`.
   */
  async start(): Promise<void> {
    const waiting = new Set(this.services.map(({ spec }) => spec.name));
    const show = () => this.#screen.status(`Waiting for ${[...waiting].join(', ')} ...`);
    show();
    try {
      await Promise.all(
        this.services.map(async (service) => {
          const started = Date.now();
          await service.start();
          service.onDeath = (ended) => this.#died(service, ended);
          waiting.delete(service.spec.name);
          const seconds = ((Date.now() - started) / 1000).toFixed(1);
          this.#screen.ok(`${service.spec.name.padEnd(10)}  ${service.url}  healthy after ${seconds} s`);
          if (waiting.size > 0) show();
        }),
      );
    } finally {
      this.#screen.endStatus();
    }
  }

  /** Stops the last service first, each given time to finish and flush; within about 8 s in all. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const deadline = Date.now() + STOP_BUDGET_MS;
    for (const service of [...this.services].reverse()) {
      this.#screen.status(`Stopping ${service.spec.name} ...`);
      const grace = Math.min(STOP_ONE_MS, Math.max(500, deadline - Date.now()));
      if (!(await service.stop(grace))) {
        this.#screen.note(`${service.spec.name} did not stop within ${(grace / 1000).toFixed(1)} s and was killed.`);
      }
    }
    this.#screen.endStatus();
  }

  /** Kills what still runs, without waiting. */
  kill(): void {
    this.#stopping = true;
    for (const service of this.services) service.kill();
  }

  #died(service: Service, ended: Ended): void {
    const { name } = service.spec;
    this.#screen.problem(`${name} (pid ${ended.pid}) ${howItEnded(ended)}. The other services keep running.`);
    if (ended.lastLines.length > 0) this.#screen.line(indented(ended.lastLines));
    this.#screen.line(`    Its log: ${shortPath(service.logFile)}`);
    if (!lostItsPort(ended)) this.#restart(service, ended.ranMs);
    else if (!this.#stopping) this.#portLost();
  }

  #restart(service: Service, ranMs: number): void {
    const { name } = service.spec;
    const crashes = ranMs > SETTLED_MS ? 1 : (this.#crashes.get(service) ?? 0) + 1;
    this.#crashes.set(service, crashes);
    if (crashes > RESTARTS) {
      this.#screen.problem(`${name} ended ${crashes} times and stays down. Ctrl-C and start again to restart it.`);
      return;
    }
    const delay = FIRST_DELAY_MS * 2 ** (crashes - 1);
    this.#screen.line(`    Restarting it in ${delay / 1000} s (attempt ${crashes} of ${RESTARTS}).`);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#stopping) this.#again(service);
    }, delay);
    this.#timers.add(timer);
  }

  /** The death of a process that never became healthy again is reported by `start`, and by `onDeath` as that of any other. */
  async #again(service: Service): Promise<void> {
    try {
      await service.start();
      this.#changed();
      this.#screen.ok(`${service.spec.name} runs again (pid ${service.pid}).`);
    } catch (error) {
      if (!this.#stopping && service.isRunning) this.#screen.problem((error as Error).message);
    }
  }
}
