// Stops the statement of a session whose caller has gone away.
import type pg from 'pg';
import { createPool } from './connect.ts';

/** Which transaction is meant; behind a pooler its server process soon works for another client. */
export interface Running {
  /** Process id of the backend. */
  pid: number;
  /** `now()` of the transaction, as text. */
  begun: string;
}

const CANCEL = 'select pg_cancel_backend(pid) from pg_stat_activity where pid = $1 and xact_start = $2::timestamptz';

/** One connection beside each pool: the pool itself may be full of what is to be stopped. */
const beside = new WeakMap<pg.Pool, pg.Pool>();

/**
 * Cancels what the session runs as soon as `signal` is aborted.
 *
 * @returns a function that ends this, to be called when the session is done.
 */
export function cancelOn(signal: AbortSignal | undefined, pool: pg.Pool, running: Running): () => void {
  if (!signal) return () => {};
  const cancel = () => void cancelNow(pool, running);
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
  return () => signal.removeEventListener('abort', cancel);
}

/** Cancels what the session runs. Not finding it, or not reaching the database, leaves the statement to its timeout. */
export async function cancelNow(pool: pg.Pool, { pid, begun }: Running): Promise<void> {
  await cancellerOf(pool)
    .query(CANCEL, [pid, begun])
    .catch(() => {});
}

function cancellerOf(pool: pg.Pool): pg.Pool {
  let canceller = beside.get(pool);
  if (!canceller) {
    canceller = createPool(pool.options.connectionString ?? '', { applicationName: 'beacon cancel', max: 1 });
    beside.set(pool, canceller);
  }
  return canceller;
}
