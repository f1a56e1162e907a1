import * as net from 'node:net';
import pg from 'pg';

export interface ConnectionOptions {
  connectionString: string;
  /** Milliseconds until a connection attempt is given up. Default 5,000. */
  connectTimeoutMs?: number;
  /** Shown in pg_stat_activity. Default `beacon-writer`. */
  applicationName?: string;
}

/**
 * One connection to the database, made when it is first needed and again after it broke. Its socket never keeps the
 * process alive: a caller that waits for it at exit has to keep the process alive itself.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #client: pg.Client | undefined;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /**
   * Runs `work` with the connection. The connection is thrown away when `work` takes longer than `deadlineMs` (the
   * server's own timeouts do not help where the network swallows everything), and after every failure that may have
   * left it in an unknown state.
   *
   * @throws whatever connecting or `work` throws.
   */
  async use<T>(work: (client: pg.Client) => Promise<T>, deadlineMs: number): Promise<T> {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      this.#drop(new Error(`no answer from the database within ${deadlineMs} ms`));
    }, deadlineMs);
    timer.unref();
    try {
      return await work(await this.#connected());
    } catch (error) {
      const clean = (error as { severity?: string }).severity === 'ERROR';
      if (!clean) this.#drop();
      throw expired ? new Error(`no answer from the database within ${deadlineMs} ms`, { cause: error }) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the connection; what is under way on it fails. */
  close(): void {
    this.#closed = true;
    const client = this.#client;
    this.#client = undefined;
    if (!client) return;
    // Says goodbye where that is possible at once, so that the server does not log a lost connection.
    client.end().catch(() => {});
    setTimeout(() => socketOf(client)?.destroy(), 200).unref();
  }

  async #connected(): Promise<pg.Client> {
    if (this.#closed) throw new Error('the writer is shut down');
    if (this.#client) return this.#client;
    const client = new pg.Client({
      connectionString: named(this.#options.connectionString, this.#options.applicationName ?? 'beacon-writer'),
      connectionTimeoutMillis: this.#options.connectTimeoutMs ?? 5_000,
      keepAlive: true,
      stream: () => new net.Socket().unref(),
    });
    this.#client = client;
    // Also told of breaks while idle; without a listener the process would die of them.
    client.on('error', () => {
      if (this.#client === client) this.#drop();
    });
    try {
      await client.connect();
      socketOf(client)?.unref();
      return client;
    } catch (error) {
      if (this.#client === client) this.#drop();
      throw error;
    }
  }

  #drop(reason?: Error): void {
    const client = this.#client;
    this.#client = undefined;
    if (!client) return;
    client.on('error', () => {});
    socketOf(client)?.destroy(reason);
  }
}

function socketOf(client: pg.Client): net.Socket | undefined {
  return (client as unknown as { connection?: { stream?: net.Socket } }).connection?.stream;
}

/** A name in the connection string would win over the option, and hide who writes. */
function named(connectionString: string, applicationName: string): string {
  try {
    const url = new URL(connectionString);
    url.searchParams.set('application_name', applicationName);
    return url.href;
  } catch {
    return connectionString;
  }
}
