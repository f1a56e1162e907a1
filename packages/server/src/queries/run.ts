// Runs an operation: one read-only transaction with a statement timeout, so that no API can hold the database.
import type pg from 'pg';
import { z } from 'zod';
import { cancelOn } from '../store/cancel.ts';
import { BeaconError, explainDatabaseError, isReplicaConflict, shownAddress } from '../store/errors.ts';
import { primaryOf } from '../store/replica.ts';
import type { Row, SqlCall, SqlColumn } from '../store/values.ts';
import { rowsOf } from '../store/values.ts';
import { elsewhere } from './nearest.ts';
import type { Prepared, Query, RunResult } from './query.ts';

export interface Answer<Of = Row> {
  rows: Of[];
  /** Says in words what was left out; null when nothing was. */
  truncated: string | null;
  /** Cursor of the page that follows, to be given as `after`; null at the end. */
  next: string | null;
  /** Which database answered, password masked. */
  database: string;
  /** Newest migration, and the start of the hash of its views and functions: `0001_beacon+3f2a9c01`. */
  schema: string;
  /** Times the answer is about, where the question is about a time. */
  range?: { from: string; to: string };
  /** Columns of the rows, where the query cannot name them beforehand: those of a statement. */
  columns?: SqlColumn[];
}

export interface RunOptions {
  /** Milliseconds after which the database stops the query. Default 15,000. */
  statementTimeoutMs?: number;
  /** Aborted when the caller has gone away; the statement is then cancelled. */
  signal?: AbortSignal | undefined;
  /** Asks the primary where the pool leads to a replica, which may lag. Default false. */
  fresh?: boolean;
}

const STATEMENT_TIMEOUT_MS = 15_000;

/**
 * Checks the parameters, runs the SQL, shapes the rows. What a replica does not know yet, or had to give up because of
 * what the primary changed, the primary is asked for.
 *
 * @throws ZodError for wrong parameters; BeaconError when what was asked for is not there, or the database fails.
 */
export async function runQuery(
  pool: pg.Pool,
  query: Query,
  params: Record<string, unknown>,
  options: RunOptions = {},
): Promise<Answer> {
  // Wrong parameters need no database to be refused.
  const { unsure } = query.prepare(params);
  const primary = primaryOf(pool);
  if (!options.fresh && primary !== pool) {
    const answer = await runOn(pool, query, params, options).catch((error) => {
      const isLate = error instanceof BeaconError && error.code === 'not_found';
      if (!isLate && !isReplicaConflict(error)) throw error;
    });
    if (answer && !unsure?.(answer.rows)) return answer;
  }
  return runOn(primary, query, params, options);
}

async function runOn(
  pool: pg.Pool,
  query: Query,
  params: Record<string, unknown>,
  options: RunOptions,
): Promise<Answer> {
  const url = pool.options.connectionString ?? '';
  const { result, prepared, schema } = await readOnly(pool, options, async (session) => {
    return { ...(await answerIn(session, query, params)), schema: session.schema };
  });
  const signal = options.signal ?? new AbortController().signal;
  const answer: RunResult | undefined = result ?? (await prepared.run?.({ pool, signal }));
  if (!answer) throw new Error(`The query ${query.name} has neither sql nor run.`);
  if (answer.rows.length === 0 && prepared.missing) {
    const { what, hint } = prepared.missing;
    throw new BeaconError('not_found', what, [answer.truncated, hint].filter(Boolean).join(' '));
  }
  const { rows, next = null, columns } = answer;
  // What statements give has been remarked on with the columns that are not shown.
  const remark = result ? null : prepared.remark?.(rows);
  const truncated = [answer.truncated, remark].filter(Boolean).join(' ') || null;
  return {
    rows,
    truncated,
    next,
    database: shownAddress(url),
    schema,
    ...(prepared.range && { range: prepared.range }),
    ...(columns && { columns }),
  };
}

/** What a query finds within a transaction that goes on to use it; `result` is undefined where it runs by itself. */
export async function answerIn({ client, now, distributed }: Session, query: Query, params: Record<string, unknown>) {
  const prepared = query.prepare(params, now, distributed);
  const result = prepared.call && (await ask(client, query, prepared, prepared.call));
  return { result, prepared };
}

/** The whole statement of a query, for running it by hand; undefined where it is not one statement. */
export function explainSql(query: Query, params: Record<string, unknown>): SqlCall | undefined {
  const { call, limit } = query.prepare(params);
  return (
    call && {
      text: `${call.text.replace(/^\n/, '')}\nlimit $${call.values.length + 1}`,
      values: [...call.values, limit],
    }
  );
}

export interface Session {
  client: pg.PoolClient;
  /** The database's clock, ISO 8601 with microseconds. */
  now: string;
  schema: string;
  /** Whether spans are spread over the workers of a cluster. */
  distributed: boolean;
}

/**
 * One read-only transaction, in which every statement sees the same rows and none runs longer than allowed.
 *
 * @throws BeaconError when the database fails.
 */
export async function readOnly<T>(
  pool: pg.Pool,
  { statementTimeoutMs = STATEMENT_TIMEOUT_MS, signal }: RunOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  try {
    const client = await pool.connect();
    let broken: Error | undefined;
    let ended: Promise<unknown> | undefined;
    try {
      // Several statements in one message: a round trip saved, and nothing outlives the transaction.
      const begun = (await client.query(`
        begin isolation level repeatable read read only;
        set local statement_timeout = ${Math.round(statementTimeoutMs)};
        set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'iso_8601';
        set local bytea_output = 'hex'; set local extra_float_digits = 1; set local jit = off;
        ${SESSION_SQL}`)) as unknown as pg.QueryResult[];
      const { pid, begun: begunAt, ...session } = begun.at(-1)?.rows[0] ?? {};
      const settled = cancelOn(signal, pool, { pid, begun: begunAt });
      const done = await work({ client, ...session }).finally(settled);
      // Nothing was written: the answer need not wait for this.
      ended = client.query('commit');
      return done;
    } catch (error) {
      broken = error as Error;
      throw error;
    } finally {
      // A connection with a failed transaction is rolled back; one that does not answer is thrown away.
      ended ??= broken && client.query('rollback');
      void Promise.resolve(ended).then(
        () => client.release(),
        (lost: Error) => client.release(lost),
      );
    }
  } catch (error) {
    throw error instanceof z.ZodError ? error : explainDatabaseError(error, pool.options.connectionString ?? '');
  }
}

const SESSION_SQL = `
  select (select max(name) from beacon.schema_migrations where set_name = 'beacon') || '+' ||
      coalesce((select left(value, 8) from beacon.schema_state where name = 'rebuilt'), 'none') as schema,
    exists (select from beacon.schema_state where name = 'distributed') as distributed,
    to_char(beacon.clock(), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now, pg_backend_pid() as pid, now()::text as begun`;

async function ask(client: pg.PoolClient, query: Query, prepared: Prepared, call: SqlCall) {
  const { limit, next, fetch, without, elsewhere: around } = prepared;
  // One row more than shown tells whether the answer is truncated.
  const found = fetch ? await fetch(client) : { rows: await rowsOf(client, call, limit + 1), truncated: null };
  const rows = found.rows.slice(0, limit);
  const last = rows.at(-1);
  const more = found.rows.length > limit && last !== undefined;
  const words = [
    found.truncated,
    more ? truncated(query, limit, next !== undefined) : null,
    rows.length === 0 && !found.truncated && around ? await elsewhere(client, around.terms, around.range) : null,
    prepared.remark?.(rows) ?? null,
    ...(without ? (await client.query(without)).rows.map(({ said }) => said as string) : []),
  ].filter((each) => each !== null);
  return {
    next: more && next ? next(last) : null,
    rows: rows.map(withoutKeys),
    truncated: words.join(' ') || null,
  };
}

/** Columns that begin with an underscore are there for the cursor. */
function withoutKeys(row: Row): Row {
  const shown = Object.entries(row).filter(([name]) => !name.startsWith('_'));
  return Object.fromEntries(shown);
}

function truncated(query: Query, limit: number, pages: boolean): string {
  const ways = [
    ...(pages ? ['pass next as after'] : []),
    ...(limit < query.limit.max ? [`raise limit (at most ${query.limit.max})`] : []),
    'narrow the query',
  ];
  return `Showing the first ${limit} rows; there are more: ${ways.join(', ').replace(/, ([^,]*)$/, ' or $1')}.`;
}
