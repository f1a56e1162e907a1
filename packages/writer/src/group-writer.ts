// Many small batches, few transactions: what arrives while the database is busy goes together with the next flush, and
// each batch hears what became of it.
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type WriteOptions, writeEncoded } from './batch.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { EncodedBatch } from './encoded-batch.ts';
import { describeError, isRowsFault } from './errors.ts';
import { type RejectedRow, writeAround } from './poison.ts';

export interface GroupWriterOptions extends ConnectionOptions {
  /** Transactions at once, each on a connection of its own. Default 3: one waits for its commit, one for its rows. */
  connections?: number;
  /** A transaction takes further batches until it has so many rows. Default 8,000. */
  groupRows?: number;
  /** And until it has so many bytes. Default 8 MiB. */
  groupBytes?: number;
  /** How long a batch waits for company when nothing else is waiting, milliseconds. Default 2. */
  lingerMs?: number;
  /** Milliseconds after which the server gives up a statement. Default 30,000. */
  statementTimeoutMs?: number;
  /** How long batches are turned away after the database failed, milliseconds. Default 1,000. */
  pauseMs?: number;
  /** Called after each failed transaction. */
  onFailure?: (description: string, error: unknown) => void;
}

export interface GroupCounters {
  /** Rows that are new in the table. */
  written: number;
  /** Rows that were there already. */
  duplicates: number;
  /** Rows the database refused. */
  rejected: number;
  flushes: number;
  failures: number;
  /** Batches that wait, those under way included; and their rows and bytes. */
  waiting: { batches: number; rows: number; bytes: number };
  lastError: string | null;
  lastErrorAt: Date | null;
}

/** The database takes nothing now; the same batch may be given again. */
export class UnavailableError extends Error {
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnavailableError';
    this.retryAfterMs = retryAfterMs;
  }
}

/** Rows below which a transaction of its own costs more than it gains. */
const LEAST_SHARE = 1_000;
/** Attempts at a transaction that met others, and the longest pause after the first; it grows with each. */
const MAX_ATTEMPTS = 6;
const PAUSE_MS = 50;

interface Waiting {
  batch: EncodedBatch;
  rows: number;
  bytes: number;
  resolve: (rejected: RejectedRow[]) => void;
  reject: (error: UnavailableError) => void;
}

export class GroupWriter {
  readonly #options: GroupWriterOptions;
  readonly #idle: Connection[];
  readonly #connections: Connection[];
  readonly #known = new Set<string>();
  #forgetAt = 0;
  #queue: Waiting[] = [];
  #linger: NodeJS.Timeout | undefined;
  #closedUntil = 0;
  #closed = false;
  readonly #counters = { written: 0, duplicates: 0, rejected: 0, flushes: 0, failures: 0 };
  readonly #waiting = { batches: 0, rows: 0, bytes: 0 };
  #lastError: string | null = null;
  #lastErrorAt: Date | null = null;
  readonly #onFlush: ((ms: number, rows: number) => void) | undefined;

  /** @param onFlush Told how long each transaction took, milliseconds, and of how many rows it was. */
  constructor(options: GroupWriterOptions, onFlush?: (ms: number, rows: number) => void) {
    this.#options = options;
    this.#onFlush = onFlush;
    this.#connections = Array.from({ length: options.connections ?? 3 }, () => new Connection(options));
    this.#idle = [...this.#connections];
  }

  /**
   * Resolves when the batch is committed, with the rows the database refused for their content.
   *
   * @throws UnavailableError when nothing of it, or an unknown part of it, was stored.
   */
  submit(batch: EncodedBatch): Promise<RejectedRow[]> {
    if (batch.count === 0) return Promise.resolve([]);
    const pause = this.pausedMs();
    if (pause > 0) {
      return Promise.reject(new UnavailableError(this.#lastError ?? 'the writer is shut down', pause));
    }
    let bytes = 0;
    for (const chunk of batch.chunks()) bytes += chunk.length;
    this.#waiting.batches++;
    this.#waiting.rows += batch.count;
    this.#waiting.bytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, rows: batch.count, bytes, resolve, reject });
      this.#next();
    });
  }

  /** For how long batches are turned away from now, milliseconds; 0 when they are taken. */
  pausedMs(): number {
    if (this.#closed) return 1_000;
    return Math.max(0, Math.ceil(this.#closedUntil - performance.now()));
  }

  counters(): GroupCounters {
    const { lastError, lastErrorAt } = { lastError: this.#lastError, lastErrorAt: this.#lastErrorAt };
    return { ...this.#counters, waiting: { ...this.#waiting }, lastError, lastErrorAt };
  }

  /** Writes what waits, for at most `budgetMs`, and closes; batches that come later are turned away. */
  async close(budgetMs: number): Promise<void> {
    const deadline = performance.now() + budgetMs;
    this.#flushNow();
    while (this.#waiting.batches > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#closed = true;
    clearTimeout(this.#linger);
    for (const connection of this.#connections) connection.close();
    this.#turnAway(this.#queue.splice(0), new Error('the writer is shut down'));
  }

  #next(): void {
    if (this.#queue.length === 0 || this.#idle.length === 0) return;
    const lingerMs = this.#options.lingerMs ?? 2;
    if (lingerMs === 0 || this.#isFull()) this.#flushNow();
    else this.#linger ??= setTimeout(() => this.#flushNow(), lingerMs);
  }

  #isFull(): boolean {
    const rows = this.#options.groupRows ?? 8_000;
    const bytes = this.#options.groupBytes ?? 8 * 1024 * 1024;
    return this.#waiting.rows >= rows / 2 || this.#waiting.bytes >= bytes / 2;
  }

  #flushNow(): void {
    clearTimeout(this.#linger);
    this.#linger = undefined;
    const connection = this.#queue.length > 0 ? this.#idle.pop() : undefined;
    if (!connection) return;
    const group = this.#take();
    void this.#flush(connection, group).finally(() => {
      this.#idle.push(connection);
      // What has piled up meanwhile has waited long enough.
      if (this.#queue.length > 0) this.#flushNow();
    });
    this.#next();
  }

  #take(): Waiting[] {
    // No more than its share: one connection that takes all leaves the others without work, and the next batches wait.
    const share = Math.max(LEAST_SHARE, Math.ceil(this.#waiting.rows / this.#connections.length));
    const mostRows = Math.min(this.#options.groupRows ?? 8_000, share);
    const mostBytes = this.#options.groupBytes ?? 8 * 1024 * 1024;
    let rows = 0;
    let bytes = 0;
    let n = 0;
    // At least one, however large it is.
    for (const { rows: more, bytes: size } of this.#queue) {
      if (n > 0 && (rows + more > mostRows || bytes + size > mostBytes)) break;
      rows += more;
      bytes += size;
      n++;
    }
    return this.#queue.splice(0, n);
  }

  async #flush(connection: Connection, group: Waiting[]): Promise<void> {
    const statementTimeoutMs = this.#options.statementTimeoutMs ?? 30_000;
    const options: WriteOptions = { statementTimeoutMs, knownResources: this.#knownResources() };
    const deadline = (this.#options.connectTimeoutMs ?? 5_000) + 2 * statementTimeoutMs;
    const started = performance.now();
    try {
      await connection.use((client: pg.Client) => this.#insist(client, group, options), deadline);
      this.#counters.flushes++;
      this.#closedUntil = 0;
      this.#onFlush?.(
        performance.now() - started,
        group.reduce((sum, { rows }) => sum + rows, 0),
      );
    } catch (error) {
      this.#counters.failures++;
      this.#lastError = describeError(error, this.#options.connectionString);
      this.#lastErrorAt = new Date();
      this.#options.onFailure?.(this.#lastError, error);
      // A deadlock says nothing about the next attempt; anything else will last a moment.
      if (!isPassing(error)) this.#closedUntil = performance.now() + (this.#options.pauseMs ?? 1_000);
      this.#turnAway(group, error);
      if (!isPassing(error)) this.#turnAway(this.#queue.splice(0), error);
    }
  }

  /** Transactions that resend the same spans may lock each other out; all but one of them fail, and try again. */
  async #insist(client: pg.Client, group: Waiting[], options: WriteOptions): Promise<void> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await this.#write(client, group, options);
      } catch (error) {
        if (!isPassing(error) || attempts === MAX_ATTEMPTS) throw error;
        // Not in step with the others, or they would meet again.
        await sleep(Math.random() * PAUSE_MS * attempts);
      }
    }
  }

  async #write(client: pg.Client, group: Waiting[], options: WriteOptions): Promise<void> {
    const joined = group.length === 1 ? group[0]!.batch : EncodedBatch.joined(group.map(({ batch }) => batch));
    try {
      this.#count(await writeEncoded(client, joined, options));
      for (const one of group) this.#settle(one, []);
      return;
    } catch (error) {
      if (!isRowsFault(error)) throw error;
    }
    // Each on its own: the good ones at once, the bad ones row by row.
    while (group.length > 0) {
      const one = group[0]!;
      const { rejected, ...result } = await writeAround(client, one.batch, options);
      this.#count(result);
      this.#counters.rejected += rejected.length;
      this.#settle(one, rejected);
      group.shift();
    }
  }

  #count({ written, duplicates }: { written: number; duplicates: number }): void {
    this.#counters.written += written;
    this.#counters.duplicates += duplicates;
  }

  #settle(one: Waiting, rejected: RejectedRow[]): void {
    this.#leave(one);
    one.batch.recycle();
    one.resolve(rejected);
  }

  #turnAway(group: Waiting[], cause: unknown): void {
    for (const one of group) {
      this.#leave(one);
      const retryAfterMs = Math.max(this.#options.pauseMs ?? 1_000, this.pausedMs());
      one.reject(new UnavailableError(describeError(cause, this.#options.connectionString), retryAfterMs, { cause }));
    }
  }

  #leave({ rows, bytes }: Waiting): void {
    this.#waiting.batches--;
    this.#waiting.rows -= rows;
    this.#waiting.bytes -= bytes;
  }

  #knownResources(): Set<string> {
    const now = performance.now();
    // The table may have been cleared meanwhile; and names made from ids would fill it.
    if (now >= this.#forgetAt || this.#known.size > 10_000) {
      this.#known.clear();
      this.#forgetAt = now + 600_000;
    }
    return this.#known;
  }
}

/** Deadlock or serialisation: the same transaction may well succeed at once. */
function isPassing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === '40P01' || code === '40001';
}
