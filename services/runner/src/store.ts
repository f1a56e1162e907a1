import pg from 'pg';

/** What the statements need: a pool, or one connection inside a transaction. */
export interface Database {
  // biome-ignore lint/suspicious/noExplicitAny: rows are shaped by the statement beside the call.
  query(text: string, values?: unknown[]): Promise<{ rows: any[]; rowCount: number | null }>;
}

export function openPool(databaseUrl: string, onError: (error: Error) => void): pg.Pool {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 8, application_name: 'beacon-runner' });
  // An idle connection the server closed; without a listener it would end the process.
  pool.on('error', onError);
  // One that breaks between two statements of a transaction: the next statement reports it.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Runs `work` in one transaction. */
export async function inTransaction<T>(pool: pg.Pool, work: (client: Database) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((failed: Error) => {
      broken = failed;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** @throws Error that says what to do when the tables are not there. */
export async function requireTables(db: Database): Promise<void> {
  const { rows } = await db.query(`select to_regclass('runner.executions') is not null as there`);
  if (!rows[0]?.there) throw new Error('the tables of schema runner are missing; run `beacon migrate up` first');
}
