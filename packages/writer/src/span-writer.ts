// Spans in, batches out, for a process that has other things to do: bounded, in the background, never throwing.
import type pg from 'pg';
import { type WriteResult, writeBatch } from './batch.ts';
import { Connection } from './connection.ts';
import { describeError, isRowsFault } from './errors.ts';
import type { SpanRow } from './row.ts';

export interface SpanWriterOptions<Item> {
  connectionString: string;
  /** Makes the row of an item when its batch is written, not when it is added. */
  toRow: (item: Item) => SpanRow;
  /** Most items held while the database is slow or away; the newest are dropped past it. Default 20,000. */
  bufferSpans?: number;
  /** Rows of one transaction at most. Default 2,000. */
  batchSpans?: number;
  /** Milliseconds between flushes. Default 1,000. */
  flushIntervalMs?: number;
  /** A flush starts earlier when this many items wait. Default 1,000. */
  flushSpans?: number;
  /** Milliseconds after which the server gives up a statement. Default 5,000. */
  statementTimeoutMs?: number;
  /** Milliseconds until a connection attempt is given up. Default 5,000. */
  connectTimeoutMs?: number;
  /** Failures in a row after which the database is only probed every `probeMs`. Default 5. */
  breakAfter?: number;
  /** Default 10,000. */
  probeMs?: number;
  /**
   * Rows of spans that are still open and not written yet, at most `room` of them; asked for with every batch. They are
   * not counted as spans: the row of their end is. `final` when the process is about to end.
   */
  openRows?: (room: number, final: boolean) => SpanRow[];
  /** Called after each failed write, with what is said about it. */
  onFailure?: (description: string, error: unknown) => void;
  /** Runs background work in a context of the caller's choice, for example one without tracing. */
  runInContext?: <T>(work: () => T) => T;
}

export interface WriterCounters {
  /** Items handed to `add`, dropped ones included. */
  added: number;
  /** Of these, stored. */
  written: number;
  /** Rows of spans written while they were still open. */
  writtenOpen: number;
  /** Rows that turned out to be in the table already. */
  duplicates: number;
  /** Rows in which a value had to be replaced or cut. */
  repaired: number;
  /** Items lost, by reason: `buffer_full`, `rejected` (the database refuses the row), `unreadable`, `shutdown`. */
  dropped: Record<string, number>;
  /** Items that wait, those under way included. */
  queued: number;
  failures: number;
  /** `open` while the database is only probed now and then. */
  circuit: 'closed' | 'open';
  lastError: string | null;
  lastErrorAt: Date | null;
  lastWrittenAt: Date | null;
}

const FIRST_RETRY_MS = 200;
// So many rows refused one by one without a success between them are no accident: it goes on after a pause.
const REJECTED_BEFORE_PAUSE = 100;

export class SpanWriter<Item> {
  readonly #options: SpanWriterOptions<Item>;
  readonly #connection: Connection;
  readonly #limit: number;
  readonly #flushSpans: number;
  readonly #timer: NodeJS.Timeout;
  readonly #knownResources = new Set<string>();
  #forgetResourcesAt = 0;
  #queue: Item[] = [];
  #pending: SpanRow[][] = [];
  /** Items that were taken from the queue and are not settled. */
  #takenCount = 0;
  #running: Promise<boolean> | undefined;
  #wanted = false;
  #failuresInARow = 0;
  #rejectedInARow = 0;
  #nextTryAt = 0;
  #final = false;
  #closed = false;
  readonly #counters = {
    added: 0,
    written: 0,
    writtenOpen: 0,
    duplicates: 0,
    repaired: 0,
    dropped: {} as Record<string, number>,
    failures: 0,
    lastError: null as string | null,
    lastErrorAt: null as Date | null,
    lastWrittenAt: null as Date | null,
  };

  constructor(options: SpanWriterOptions<Item>) {
    this.#options = options;
    this.#connection = new Connection(options);
    this.#limit = options.bufferSpans ?? 20_000;
    this.#flushSpans = Math.min(options.flushSpans ?? 1_000, this.#limit);
    this.#timer = this.#inContext(() => setInterval(() => this.#tick(), options.flushIntervalMs ?? 1_000));
    this.#timer.unref();
  }

  /** Takes an item, or drops and counts it. Does nothing else: the caller is in the middle of its own work. */
  add(item: Item): boolean {
    this.#counters.added++;
    if (this.#closed) return this.#drop('shutdown', 1);
    const queued = this.#queue.length + this.#takenCount;
    if (queued >= this.#limit) return this.#drop('buffer_full', 1);
    this.#queue.push(item);
    if (queued + 1 >= this.#flushSpans && !this.#wanted) this.#want();
    return true;
  }

  counters(): WriterCounters {
    return {
      ...this.#counters,
      dropped: { ...this.#counters.dropped },
      queued: this.#queue.length + this.#takenCount,
      circuit: this.#isOpen() ? 'open' : 'closed',
    };
  }

  /** Writes what waits, now. Resolves to whether all of it is stored; never rejects. */
  async flush(): Promise<boolean> {
    // What is under way may have been taken before the newest item came.
    await this.#running;
    return await this.#run();
  }

  /**
   * Writes what waits before the process ends, trying again after failures, for at most `budgetMs`, and keeps the process
   * alive meanwhile. Resolves to whether all of it is stored; never rejects.
   */
  async drain(budgetMs: number): Promise<boolean> {
    let expired = false;
    this.#final = true;
    let timer: NodeJS.Timeout | undefined;
    const budget = new Promise<void>((resolve) => {
      // Not unref'd: this timer is what holds the process.
      timer = setTimeout(() => {
        expired = true;
        resolve();
      }, budgetMs);
    });
    const work = async () => {
      while (!(await this.flush()) && !expired) await new Promise((resolve) => setTimeout(resolve, FIRST_RETRY_MS));
    };
    await Promise.race([work(), budget]);
    clearTimeout(timer);
    this.#final = false;
    return !expired;
  }

  /** Drains within the budget and closes; what could not be stored is counted as lost. Never rejects. */
  async shutdown(budgetMs: number): Promise<void> {
    if (this.#closed) return;
    clearInterval(this.#timer);
    await this.drain(budgetMs);
    this.#closed = true;
    this.#connection.close();
    this.#drop('shutdown', this.#queue.length + this.#takenCount);
    this.#queue = [];
    this.#pending = [];
    this.#takenCount = 0;
  }

  #tick(): void {
    if (performance.now() >= this.#nextTryAt) void this.#run();
  }

  /** A burst starts one flush, after the tick that made it. */
  #want(): void {
    if (this.#running || performance.now() < this.#nextTryAt) return;
    this.#wanted = true;
    setImmediate(() => void this.#run());
  }

  #run(): Promise<boolean> {
    this.#running ??= this.#inContext(() => this.#drain()).finally(() => {
      this.#running = undefined;
      this.#wanted = false;
    });
    return this.#running;
  }

  async #drain(): Promise<boolean> {
    while (!this.#closed) {
      if (this.#pending.length === 0) await this.#take();
      const batch = this.#pending[0];
      if (!batch) {
        if (this.#queue.length === 0) return true;
        continue;
      }
      try {
        this.#settle(batch, await this.#write(batch));
        this.#failuresInARow = 0;
        this.#rejectedInARow = 0;
        this.#nextTryAt = 0;
      } catch (error) {
        if (this.#closed) return false;
        if (isRowsFault(error) && this.#split(batch, error)) continue;
        this.#fail(error);
        return false;
      }
    }
    return false;
  }

  /** Makes rows of what waits, a slice at a time. */
  async #take(): Promise<void> {
    const items = this.#queue.splice(0, this.#options.batchSpans ?? 2_000);
    this.#takenCount += items.length;
    // After the items were taken: of a span that has just ended only the end is written.
    const rows = this.#openRows(this.#limit - this.#queue.length);
    let until = performance.now() + 2;
    for (const item of items) {
      try {
        rows.push(this.#options.toRow(item));
      } catch (error) {
        this.#takenCount--;
        this.#drop('unreadable', 1);
        this.#note(error);
      }
      if (performance.now() < until) continue;
      await new Promise((resolve) => setImmediate(resolve));
      until = performance.now() + 2;
    }
    if (!this.#closed && rows.length > 0) this.#pending.push(rows);
  }

  #openRows(room: number): SpanRow[] {
    try {
      return this.#options.openRows?.(room, this.#final) ?? [];
    } catch (error) {
      this.#note(error);
      return [];
    }
  }

  async #write(rows: SpanRow[]): Promise<WriteResult> {
    const now = performance.now();
    if (now >= this.#forgetResourcesAt) {
      // Somebody may have cleared the table behind our back.
      this.#knownResources.clear();
      this.#forgetResourcesAt = now + 600_000;
    }
    const statementTimeoutMs = this.#options.statementTimeoutMs ?? 5_000;
    const deadline = (this.#options.connectTimeoutMs ?? 5_000) + 2 * statementTimeoutMs;
    return await this.#connection.use(
      (client: pg.Client) => writeBatch(client, rows, { statementTimeoutMs, knownResources: this.#knownResources }),
      deadline,
    );
  }

  #settle(batch: SpanRow[], result: WriteResult): void {
    if (this.#closed) return;
    this.#pending.shift();
    this.#takenCount -= endedIn(batch);
    this.#counters.written += result.written - result.open;
    this.#counters.writtenOpen += result.open;
    this.#counters.duplicates += result.duplicates;
    this.#counters.repaired += result.repaired;
    this.#counters.lastWrittenAt = new Date();
  }

  /**
   * Halves a batch that holds a row the database refuses, until that row stands alone and is dropped. False when it is
   * time for a pause.
   */
  #split(batch: SpanRow[], error: unknown): boolean {
    this.#pending.shift();
    if (batch.length > 1) {
      const middle = batch.length >> 1;
      this.#pending.unshift(batch.slice(0, middle), batch.slice(middle));
      return true;
    }
    this.#takenCount -= endedIn(batch);
    this.#drop('rejected', endedIn(batch));
    this.#note(error);
    return ++this.#rejectedInARow % REJECTED_BEFORE_PAUSE !== 0;
  }

  #fail(error: unknown): void {
    this.#counters.failures++;
    this.#failuresInARow++;
    const backoff = FIRST_RETRY_MS * 2 ** Math.min(this.#failuresInARow - 1, 10);
    const probe = this.#options.probeMs ?? 10_000;
    // Spread, so that all processes do not come back to a recovering database in the same instant.
    const wait = (this.#isOpen() ? probe : Math.min(backoff, probe)) * (0.75 + Math.random() / 2);
    this.#nextTryAt = performance.now() + wait;
    this.#note(error);
  }

  #isOpen(): boolean {
    return this.#failuresInARow >= (this.#options.breakAfter ?? 5);
  }

  #note(error: unknown): void {
    const description = describeError(error);
    this.#counters.lastError = description;
    this.#counters.lastErrorAt = new Date();
    this.#options.onFailure?.(description, error);
  }

  #drop(reason: string, count: number): false {
    if (count > 0) this.#counters.dropped[reason] = (this.#counters.dropped[reason] ?? 0) + count;
    return false;
  }

  #inContext<T>(work: () => T): T {
    return this.#options.runInContext ? this.#options.runInContext(work) : work();
  }
}

function endedIn(rows: readonly SpanRow[]): number {
  let count = 0;
  for (const row of rows) if (row.status !== 'started') count++;
  return count;
}
