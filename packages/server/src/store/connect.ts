// The server's connections. Nothing here relies on session state, so that PgBouncer in transaction mode works.
import pg from 'pg';
import { checkConnectionUrl } from './connection-url.ts';
import { explainDatabaseError } from './errors.ts';

export interface ConnectOptions {
  /** Shown in pg_stat_activity: `beacon migrate`, `beacon serve`. */
  applicationName: string;
  /** How long to wait for a connection, milliseconds. Default 5,000. */
  connectTimeoutMs?: number;
  /** How long to wait for the answer to a statement, milliseconds. Default: as long as it takes. */
  queryTimeoutMs?: number;
}

export interface PoolOptions extends ConnectOptions {
  /** Connections at most. Default 4. */
  max?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * One connection.
 *
 * @throws BeaconError that says what could not be reached, where, and what to do.
 */
export async function connect(url: string, options: ConnectOptions): Promise<pg.Client> {
  const client = new pg.Client(config(url, options));
  // Without a listener a connection that breaks while idle would end the process; the next query reports it.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw explainDatabaseError(error, url);
  }
}

/** A pool; it opens its first connection with the first query. */
export function createPool(url: string, options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({ ...config(url, options), max: options.max ?? 4, allowExitOnIdle: true });
  pool.on('error', () => {});
  // The line above covers idle connections. One that breaks between two queries of the same caller speaks for itself.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Runs `work` on one connection and closes it. Errors of the driver come out explained. */
export async function withConnection<T>(
  url: string,
  options: ConnectOptions,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(url, options);
  try {
    return await work(client);
  } catch (error) {
    throw isDriverError(error) ? explainDatabaseError(error, url) : error;
  } finally {
    await client.end().catch(() => {});
  }
}

const NETWORK_CALLS = new Set(['connect', 'read', 'write', 'getaddrinfo']);

/** Whether the error came from the database or the way to it, and not from our own code or a file. */
export function isDriverError(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return true;
  if (error instanceof AggregateError) return error.errors.some(isDriverError);
  if (!(error instanceof Error)) return false;
  const { syscall, path } = error as NodeJS.ErrnoException;
  if (syscall !== undefined) return NETWORK_CALLS.has(syscall) && path === undefined;
  return /^Connection terminated|timeout expired|timeout exceeded/.test(error.message);
}

function config(url: string, options: ConnectOptions): pg.ClientConfig {
  checkConnectionUrl(url);
  return {
    connectionString: url,
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    keepAlive: true,
    ...(options.queryTimeoutMs && { query_timeout: options.queryTimeoutMs }),
  };
}
