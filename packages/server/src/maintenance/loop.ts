// Lost spans, baselines, partitions, retention, the archive: SQL does them, this calls it again and again.
import type pg from 'pg';
import { type Rounds, startRounds } from './rounds.ts';

export interface MaintenanceOptions {
  /** Pause between two rounds, milliseconds. Default 5,000. */
  intervalMs?: number;
  /** Called with failures, at most once a minute. */
  warn?: (message: string) => void;
  /** Milliseconds since the epoch; a test's own clock. */
  now?: () => number;
}

/** What /health says of it. */
interface MaintenanceState {
  /** Whether this server did the last round; `false` when another one was at it. */
  leading: boolean;
  rounds: number;
  failures: number;
  lastRoundAt: string | null;
  lastResult: Record<string, unknown> | null;
  lastError: string | null;
  lastErrorAt: string | null;
}

export interface Maintenance extends Rounds {
  state(): MaintenanceState;
}

const INTERVAL_MS = 5_000;
const WARN_EVERY_MS = 60_000;
const TIMEOUT_MS = 60_000;

/** Starts the rounds. Several servers may do so: in each round one works and the others pass. */
export function startMaintenance(pool: pg.Pool, options: MaintenanceOptions = {}): Maintenance {
  const now = options.now ?? Date.now;
  const state: MaintenanceState = {
    leading: false,
    rounds: 0,
    failures: 0,
    lastRoundAt: null,
    lastResult: null,
    lastError: null,
    lastErrorAt: null,
  };
  let warnedAt = Number.NEGATIVE_INFINITY;
  let archivingMs = 0;

  async function round(): Promise<void> {
    try {
      const result = await maintain(pool);
      state.leading = !('skipped' in result);
      if (state.leading) state.lastResult = { ...result, archive: await archive() };
      state.rounds += 1;
      state.lastRoundAt = new Date(now()).toISOString();
      state.lastError = null;
    } catch (error) {
      state.leading = false;
      state.failures += 1;
      state.lastError = error instanceof Error ? error.message : String(error);
      state.lastErrorAt = new Date(now()).toISOString();
      if (now() - warnedAt >= WARN_EVERY_MS) {
        warnedAt = now();
        options.warn?.(`Maintenance failed (${state.failures} so far): ${state.lastError}`);
      }
    }
  }

  async function archive(): Promise<Record<string, unknown>> {
    const started = performance.now();
    const result = await archiveStep(pool);
    archivingMs = result.more === true ? performance.now() - started : 0;
    return result;
  }

  const loop = startRounds(round, () => {
    const intervalMs = options.intervalMs ?? INTERVAL_MS;
    // What a round left undone is done at once: maintenance keeps up with whatever comes in. The archive can wait, and
    // rests at least as long as it works.
    const isWell = state.leading && state.lastError === null;
    if (isWell && state.lastResult?.more === true) return 0;
    return isWell && archivingMs > 0 ? Math.min(intervalMs, archivingMs) : intervalMs;
  });
  return { state: () => ({ ...state }), ...loop };
}

/**
 * One round in one transaction; its lock is the transaction's, because one of the session would not survive a pooler.
 *
 * @returns what `beacon.maintain()` did; `skipped` says why it did nothing.
 */
export function maintain(pool: pg.Pool): Promise<Record<string, unknown>> {
  return inTransaction(pool, 'select beacon.maintain() as done');
}

/** One chunk of spans into the archive, in a transaction of its own. @returns what `beacon.archive_step()` did. */
export function archiveStep(pool: pg.Pool): Promise<Record<string, unknown>> {
  return inTransaction(pool, 'select beacon.archive_step() as done');
}

async function inTransaction(pool: pg.Pool, statement: string): Promise<Record<string, unknown>> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query(`begin; set local statement_timeout = ${TIMEOUT_MS}; set local lock_timeout = '5s'`);
    const { rows } = await client.query(statement);
    await client.query('commit');
    return rows[0].done;
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
