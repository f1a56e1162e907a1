// Spans in, batches out, for a process that has other things to do: bounded, in the background, never throwing.
import type pg from 'pg';
import { type WriteResult, writeEncoded } from './batch.ts';
import { Connection } from './connection.ts';
import { EncodedBatch } from './encoded-batch.ts';
import { describeError, isRowsFault } from './errors.ts';
import type { Redactor } from './redact/redactor.ts';
import type { SpanRow } from './row.ts';
import { TimeSlice } from './time-slice.ts';

export interface SpanWriterOptions<Item> {
  connectionString: string;
  /** Makes the row of an item when its batch is written, not when it is added. */
  toRow: (item: Item) => SpanRow;
  /** Most items held while the database is slow or away; the newest are dropped past it. Default 20,000. */
  bufferSpans?: number;
  /** Takes the secrets out of rows. Default: one with the usual rules. */
  redactor?: Redactor;
  /** Rows of one transaction at most. Default 2,000. */
  batchSpans?: number;
  /** Milliseconds between flushes. Default 1,000. */
  flushIntervalMs?: number;
  /** A flush starts earlier when this many items wait. Default 2,000. */
  flushSpans?: number;
  /** Milliseconds after which the server gives up a statement. Default 5,000. */
  statementTimeoutMs?: number;
  /** Milliseconds until a connection attempt is given up. Default 5,000. */
  connectTimeoutMs?: number;
  /** Shown in pg_stat_activity. Default `beacon-writer`. */
  applicationName?: string;
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
  /** Rows that turned out to be in the table already: an earlier commit had reached it, its answer not us. */
  duplicates: number;
  /** Rows in which a value had to be replaced or cut. */
  repaired: number;
  /** Values taken out of rows as secrets. */
  redacted: number;
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
// So many items are encoded together; a burst is not encoded inside the tick that makes it.
const ENCODE_TOGETHER = 256;
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
  /** As they came; few, because objects that live long are what makes the garbage collector stop the process. */
  #queue: Item[] = [];
  /** Items that were taken from the queue and are not settled. */
  #taken = 0;
  #building: EncodedBatch;
  /** Full or sent off; the first one may be under way. */
  readonly #sealed: EncodedBatch[] = [];
  #encoding: Promise<void> | undefined;
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
    redacted: 0,
    dropped: {} as Record<string, number>,
    failures: 0,
    lastError: null as string | null,
    lastErrorAt: null as Date | null,
    lastWrittenAt: null as Date | null,
  };

  constructor(options: SpanWriterOptions<Item>) {
    this.#options = options;
    this.#connection = new Connection(options);
    this.#building = new EncodedBatch(options.redactor);
    this.#limit = options.bufferSpans ?? 20_000;
    this.#flushSpans = Math.min(options.flushSpans ?? 2_000, this.#limit);
    this.#timer = this.#inContext(() => setInterval(() => this.#tick(), options.flushIntervalMs ?? 1_000));
    this.#timer.unref();
  }

  /** Takes an item, or drops and counts it. Does nothing else: the caller is in the middle of its own work. */
  add(item: Item): boolean {
    this.#counters.added++;
    const waiting = this.#queue.length + this.#taken;
    if (waiting >= this.#limit || this.#closed) return this.#drop(this.#closed ? 'shutdown' : 'buffer_full', 1);
    this.#queue.push(item);
    if (this.#queue.length >= ENCODE_TOGETHER && !this.#wanted) this.#want();
    return true;
  }

  counters(): WriterCounters {
    return {
      ...this.#counters,
      dropped: { ...this.#counters.dropped },
      queued: this.#queue.length + this.#taken,
      circuit: this.#isOpen() ? 'open' : 'closed',
    };
  }

  /**
   * Writes what waits, now, and keeps the process alive meanwhile. Resolves to whether all of it is stored; never
   * rejects.
   */
  async flush(): Promise<boolean> {
    // The connection's socket holds no process; a caller who awaits this must not fall off the end of the process.
    const hold = setInterval(() => {}, 60_000);
    try {
      return await this.#flush();
    } finally {
      clearInterval(hold);
    }
  }

  async #flush(): Promise<boolean> {
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
      while (!(await this.#flush()) && !expired) await new Promise((resolve) => setTimeout(resolve, FIRST_RETRY_MS));
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
    this.#drop('shutdown', this.#queue.length + this.#taken);
    this.#queue = [];
    this.#sealed.length = 0;
    this.#taken = 0;
  }

  #tick(): void {
    if (performance.now() >= this.#nextTryAt) void this.#run();
  }

  /** Encodes after the tick that made the items, and writes when there is enough of it. */
  #want(): void {
    this.#wanted = true;
    setImmediate(async () => {
      await this.#encode();
      this.#wanted = false;
      if (this.#taken >= this.#flushSpans && performance.now() >= this.#nextTryAt) void this.#run();
    });
  }

  #run(): Promise<boolean> {
    this.#running ??= this.#inContext(() => this.#writeAll()).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #writeAll(): Promise<boolean> {
    while (!this.#closed) {
      await this.#encode();
      if (this.#sealed.length === 0) this.#sealWithOpenRows();
      const batch = this.#sealed[0];
      if (!batch) return true;
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

  #encode(): Promise<void> {
    this.#encoding ??= this.#encodeAll().finally(() => {
      this.#encoding = undefined;
    });
    return this.#encoding;
  }

  async #encodeAll(): Promise<void> {
    const slice = new TimeSlice();
    while (this.#queue.length > 0) {
      const items: (Item | undefined)[] = this.#queue;
      this.#queue = [];
      this.#taken += items.length;
      for (let i = 0; i < items.length; i++) {
        this.#encodeOne(items[i]!);
        // Not held until the last one is done.
        items[i] = undefined;
        if ((i & 7) === 7 && slice.isOver()) await slice.yield();
        if (this.#closed) return;
      }
    }
  }

  #encodeOne(item: Item): void {
    try {
      this.#building.add(this.#options.toRow(item));
    } catch (error) {
      this.#taken--;
      this.#drop('unreadable', 1);
      this.#note(error);
    }
    if (this.#building.count >= (this.#options.batchSpans ?? 2_000)) this.#seal();
  }

  #seal(): void {
    if (this.#building.count === 0) return;
    this.#sealed.push(this.#building);
    this.#building = new EncodedBatch(this.#options.redactor);
  }

  /** Open rows go last: of a span that has just ended only the end is written. */
  #sealWithOpenRows(): void {
    try {
      const room = this.#limit - this.#queue.length - this.#taken;
      for (const row of this.#options.openRows?.(room, this.#final) ?? []) this.#building.add(row);
    } catch (error) {
      this.#note(error);
    }
    this.#seal();
  }

  async #write(batch: EncodedBatch): Promise<WriteResult> {
    const now = performance.now();
    if (now >= this.#forgetResourcesAt) {
      // The table may have been cleared meanwhile.
      this.#knownResources.clear();
      this.#forgetResourcesAt = now + 600_000;
    }
    const statementTimeoutMs = this.#options.statementTimeoutMs ?? 5_000;
    const deadline = (this.#options.connectTimeoutMs ?? 5_000) + 2 * statementTimeoutMs;
    return await this.#connection.use(
      (client: pg.Client) => writeEncoded(client, batch, { statementTimeoutMs, knownResources: this.#knownResources }),
      deadline,
    );
  }

  #settle(batch: EncodedBatch, result: WriteResult): void {
    batch.recycle();
    if (this.#closed) return;
    this.#sealed.shift();
    this.#taken -= batch.count - batch.open;
    this.#counters.written += batch.count - batch.open;
    this.#counters.writtenOpen += result.open;
    this.#counters.duplicates += result.duplicates;
    this.#counters.repaired += result.repaired;
    this.#counters.redacted += batch.redacted;
    this.#counters.lastWrittenAt = new Date();
  }

  /**
   * Halves a batch that holds a row the database refuses, until that row stands alone and is dropped. False when it is
   * time for a pause.
   */
  #split(batch: EncodedBatch, error: unknown): boolean {
    this.#sealed.shift();
    if (batch.count > 1) {
      this.#sealed.unshift(...batch.halves());
      return true;
    }
    const ended = batch.count - batch.open;
    this.#taken -= ended;
    this.#drop('rejected', ended);
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
    const description = describeError(error, this.#options.connectionString);
    this.#counters.lastError = description;
    this.#counters.lastErrorAt = new Date();
    try {
      this.#options.onFailure?.(description, error);
    } catch {
      // A listener that throws must not stop the writing.
    }
  }

  #drop(reason: string, count: number): false {
    if (count > 0) this.#counters.dropped[reason] = (this.#counters.dropped[reason] ?? 0) + count;
    return false;
  }

  #inContext<T>(work: () => T): T {
    return this.#options.runInContext ? this.#options.runInContext(work) : work();
  }
}
