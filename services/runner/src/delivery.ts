// Delivery of executions to workers: pg-boss, one queue a region. It may deliver an execution twice or late; the claim
// in executions.ts decides whether there is anything to do.
import type pg from 'pg';
import { PgBoss } from 'pg-boss';
import type { Database } from './store.ts';

export interface DeliveryOptions {
  pool: pg.Pool;
  concurrency: (region: string) => number;
  /** Executions may run for this long; pg-boss delivers again when a worker vanished with one. */
  timeoutMs: number;
  /** Works on one execution; never rejects for what the execution itself does. */
  run: (executionId: string) => Promise<void>;
  onError: (error: Error) => void;
}

interface Parcel {
  execution_id: string;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #boss: PgBoss;
  /** Ids of the workers of each region that has been opened. */
  readonly #regions = new Map<string, Promise<string[]>>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#boss = new PgBoss({ db: through(options.pool), schema: 'pgboss', schedule: false });
    this.#boss.on('error', options.onError);
  }

  /** Creates or migrates the schema pgboss and starts its maintenance. */
  async start(): Promise<void> {
    await this.#boss.start();
  }

  /** Makes the region's queue and starts its workers, once. */
  async open(region: string): Promise<void> {
    const opened = this.#regions.get(region) ?? this.#open(region);
    this.#regions.set(region, opened);
    await opened.catch((error) => {
      this.#regions.delete(region);
      throw error;
    });
  }

  /** Puts executions into their queues, as part of the caller's transaction. */
  async send(db: Database, executions: readonly { id: string; region: string }[], delayMs = 0): Promise<void> {
    const startAfter = delayMs > 0 ? new Date(Date.now() + delayMs) : undefined;
    for (const [region, group] of Map.groupBy(executions, (execution) => execution.region)) {
      const parcels = group.map(({ id }) => ({ data: { execution_id: id }, ...(startAfter && { startAfter }) }));
      await this.#boss.insert(queueOf(region), parcels, { db: through(db) });
    }
  }

  /** Whether a delivery of this execution is waiting; one that a worker holds does not count. */
  async isQueued(executionId: string, region: string): Promise<boolean> {
    const data: Parcel = { execution_id: executionId };
    return (await this.#boss.findJobs(queueOf(region), { data, queued: true })).length > 0;
  }

  /** Wakes the region's workers after `delayMs`; without it they look again within two seconds. */
  poke(region: string, delayMs = 0): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#regions.get(region)?.then(
        (workers) => {
          for (const worker of workers) this.#boss.notifyWorker(worker);
        },
        () => {},
      );
    }, delayMs);
    this.#timers.add(timer);
  }

  /** Takes no more work; resolves when every worker has put down what it had. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.#regions.keys()].map((region) => this.#boss.offWork(queueOf(region), { wait: true })));
    // Nothing is in flight any more, so there is nothing to be graceful about.
    await this.#boss.stop({ graceful: false });
  }

  async #open(region: string): Promise<string[]> {
    const queue = queueOf(region);
    // Retries of an execution are the runner's own. These only repeat a delivery that a dead worker took with it.
    await this.#boss.createQueue(queue, {
      retryLimit: 20,
      retryDelay: 1,
      expireInSeconds: Math.ceil(this.#options.timeoutMs / 1000) + 60,
      deleteAfterSeconds: 3600,
    });
    return Promise.all(Array.from({ length: this.#options.concurrency(region) }, () => this.#work(queue)));
  }

  async #work(queue: string): Promise<string> {
    const worker = await this.#boss.work<Parcel>(queue, { pollingIntervalSeconds: 2 }, async ([job]) => {
      if (job) await this.#options.run(job.data.execution_id);
      // More may wait: look again at once instead of after the polling interval.
      this.#boss.notifyWorker(worker);
    });
    return worker;
  }
}

function queueOf(region: string): string {
  return `executions/${region}`;
}

/** pg-boss's statements over our connections. */
function through(db: Database) {
  return { executeSql: async (text: string, values?: unknown[]) => db.query(text, values) };
}
