// Runs an operation: one read-only transaction with a statement timeout, so that no door can hold the database.
import pg from 'pg';
import { BeaconError, explainDatabaseError, maskUrl } from '../store/errors.ts';
import type { Operation, Row } from './operation.ts';

export interface Answer {
  rows: Row[];
  /** Says in words what the limit left out; null when nothing was. */
  leftOut: string | null;
  /** Which database answered, password masked. */
  database: string;
  /** Newest migration, and the start of the hash of its views and functions: `0001_spans+3f2a9c01`. */
  schema: string;
}

export interface RunOptions {
  /** Milliseconds after which the database stops the query. Default 15,000. */
  statementTimeoutMs?: number;
}

const STATEMENT_TIMEOUT_MS = 15_000;

/**
 * Checks the parameters, runs the SQL, shapes the rows.
 *
 * @throws ZodError for wrong parameters; BeaconError when what was asked for is not there, or the database fails.
 */
export async function runOperation(
  pool: pg.Pool,
  operation: Operation,
  params: Record<string, unknown>,
  options: RunOptions = {},
): Promise<Answer> {
  const { call, limit, missing } = operation.prepare(params);
  const url = pool.options.connectionString ?? '';
  try {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      // Several statements in one message: a round trip saved, and nothing outlives the transaction.
      const begun = (await client.query(`
        begin isolation level repeatable read read only;
        set local statement_timeout = ${Math.round(options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS)};
        set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'iso_8601';
        ${SCHEMA_SQL}`)) as unknown as pg.QueryResult[];
      // One row more than shown is what tells whether something was left out.
      const found = await client.query({
        text: `select * from (${call.text}) answer limit $${call.values.length + 1}`,
        values: [...call.values, limit + 1],
        types: SHAPES,
      });
      await client.query('commit');
      if (found.rows.length === 0 && missing) throw new BeaconError('not_found', missing.what, missing.hint);
      return {
        rows: found.rows.slice(0, limit).map((row) => shapeRow(row, found.fields)),
        leftOut: found.rows.length > limit ? leftOut(operation, limit) : null,
        database: maskUrl(url),
        schema: begun.at(-1)?.rows[0].schema,
      };
    } catch (error) {
      broken = error as Error;
      throw error;
    } finally {
      // A connection with a failed transaction is rolled back; one that does not answer is thrown away.
      const reset =
        broken &&
        (await client.query('rollback').then(
          () => undefined,
          (lost: Error) => lost,
        ));
      client.release(reset);
    }
  } catch (error) {
    throw explainDatabaseError(error, url);
  }
}

const SCHEMA_SQL = `
  select (select max(name) from beacon.schema_migrations where set_name = 'beacon') || '+' ||
    coalesce((select left(value, 8) from beacon.schema_state where name = 'rebuilt'), 'none') as schema`;

function leftOut(operation: Operation, limit: number): string {
  const more = limit < operation.limit.max ? `raise limit (at most ${operation.limit.max}) or ` : '';
  return `Only the first ${limit} rows are here, and there are more: ${more}narrow the question.`;
}

const { INT8, TIMESTAMPTZ, BYTEA, DATE, TIMESTAMP } = pg.types.builtins;
const BYTEA_ARRAY = 1001;
const INT8_ARRAY = 1016;

/** Text of times keeps the microseconds that a JavaScript Date would lose. */
const SHAPES: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === TIMESTAMPTZ) return isoTime;
    if (oid === INT8 || oid === DATE || oid === TIMESTAMP) return (text: string) => text;
    if (oid === BYTEA) return hex;
    if (oid === BYTEA_ARRAY) return (text: string) => arrayOfText(text).map(hex);
    if (oid === INT8_ARRAY) return arrayOfText;
    return pg.types.getTypeParser(oid, format as 'text');
  }) as pg.CustomTypesConfig['getTypeParser'],
};

const TEXT_ARRAY = 1009;
const arrayOfText = pg.types.getTypeParser(TEXT_ARRAY as never, 'text') as unknown as (text: string) => string[];

function isoTime(text: string): string {
  return text.replace(' ', 'T').replace(/\+00$/, 'Z');
}

function hex(text: string): string {
  return text.replace(/^\\x/, '');
}

/** A bigint that counts becomes a number; one that names something stays text, because its digits matter. */
function shapeRow(row: Row, fields: pg.FieldDef[]): Row {
  for (const { name, dataTypeID } of fields) {
    if (dataTypeID === INT8 && row[name] !== null && !name.endsWith('_id')) row[name] = Number(row[name]);
  }
  return row;
}
