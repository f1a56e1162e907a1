// Reading from a replica: which primary stands beside a pool, and how far the replica lags.
import type pg from 'pg';
import { createPool, type PoolOptions } from './connect.ts';
import { explainDatabaseError, shownAddress } from './errors.ts';

/** Where questions go, and the primary where that is another database. */
export interface ReadFrom {
  url: string;
  primary: string | undefined;
}

const primaries = new WeakMap<pg.Pool, pg.Pool>();

/**
 * A pool that leads to a replica. What must not be late, and what writes, goes to {@link primaryOf} it.
 *
 * @param primary Pool of the primary; its owner ends it.
 */
export function createReplicaPool(url: string, primary: pg.Pool, options: PoolOptions): pg.Pool {
  const pool = createPool(url, options);
  primaries.set(pool, primary);
  return pool;
}

/** A pool to read from, with one to its primary where there is one; `end` closes both. */
export function openForReading(from: ReadFrom, options: PoolOptions): { pool: pg.Pool; end: () => Promise<void> } {
  if (from.primary === undefined) {
    const pool = createPool(from.url, options);
    return { pool, end: () => pool.end() };
  }
  const primary = createPool(from.primary, options);
  const pool = createReplicaPool(from.url, primary, options);
  return { pool, end: () => Promise.all([pool.end(), primary.end()]).then(() => {}) };
}

/** The primary that a pool of a replica was made with; any other pool is its own. */
export function primaryOf(pool: pg.Pool): pg.Pool {
  return primaries.get(pool) ?? pool;
}

export interface ReplicaState {
  url: string;
  /** Bytes of the primary's log that the replica has not replayed; null where one of the two cannot say. */
  lagBytes: number | null;
  /** Age of the newest transaction it has replayed, seconds; 0 where nothing is left to replay. */
  lagSeconds: number | null;
  error: string | null;
}

const PLACE = `
  select pg_is_in_recovery() as standby,
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end - '0/0' as place,
    extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::double precision as age`;

/** How far the replica that this pool leads to lags, in seconds only where its primary is not known. Never rejects. */
export async function replicaState(pool: pg.Pool): Promise<ReplicaState> {
  const primary = primaries.get(pool);
  const address = pool.options.connectionString ?? '';
  const url = shownAddress(address);
  try {
    // The primary first: what it writes meanwhile must not make the replica look further ahead than it is.
    const wanted = await primary?.query(PLACE).then(
      ({ rows }) => BigInt(rows[0].place),
      () => undefined,
    );
    const { rows } = await pool.query(PLACE);
    const { standby, place, age } = rows[0] as { standby: boolean; place: string; age: number | null };
    if (!standby) return { url, lagBytes: 0, lagSeconds: 0, error: null };
    const lagBytes = wanted === undefined || place === null ? null : Math.max(0, Number(wanted - BigInt(place)));
    return { url, lagBytes, lagSeconds: lagBytes === 0 ? 0 : age, error: null };
  } catch (error) {
    return { url, lagBytes: null, lagSeconds: null, error: explainDatabaseError(error, address).message };
  }
}
