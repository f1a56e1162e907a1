// SQL from anyone who may read traces. What contains it:
//
// 1. The statement stands inside `select … from ( … )` and goes through the extended protocol: whatever it closes or opens,
//    it is one statement, and only a query can stand there.
// 2. PostgreSQL's own parser says what it would touch. It becomes a view that is rolled back, and beacon.sql_refused reads
//    the view's tree: names are resolved there as they would be at execution (search_path, overloads, operators, casts), and
//    nothing but constants has been computed. A dependency list would not do (it leaves out what comes with PostgreSQL), nor
//    would EXPLAIN (planning calls functions, and inlines others away). What is not known to be harmless is refused.
//    A standby cannot make a view: there the parser prints the same tree (debug_print_parse) when it is given the statement.
// 3. It runs in a read-only transaction, under the role named in the setting `sql_role` where there is one, with a timeout,
//    and no more rows and bytes are read than may be answered.
import pg from 'pg';
import { cancelNow, type Running } from '../store/cancel.ts';
import { BeaconError, explainDatabaseError } from '../store/errors.ts';
import type { Row, SqlColumn } from '../store/values.ts';
import { VALUE_TYPES } from '../store/values.ts';
import { refuseCheckedTypes } from './checked-types.ts';
import { explainRefusal, LOOK, PLACE, RUN, RUN_ORDERED, refuse, refuseByWord, VIEW } from './refusals.ts';

export interface SqlLimits {
  /** Rows answered at most. */
  rows: number;
  /** Bytes of values answered at most, as PostgreSQL writes them. */
  bytes: number;
  /** Milliseconds the statement may take. */
  timeoutMs: number;
}

export interface SqlAnswer {
  columns: SqlColumn[];
  rows: Row[];
  truncated: string | null;
}

// A single value may be larger than all that may be answered; past this the connection is cut before it fills memory.
const HARD_FACTOR = 4;
const LOCK_TIMEOUT_MS = 2_000;

/**
 * Runs one query of a caller who is trusted to read the traces, and with nothing else.
 *
 * @throws BeaconError that says what was refused, or what is wrong and where.
 */
export async function askSql(
  pool: pg.Pool,
  statement: string,
  limits: SqlLimits,
  signal: AbortSignal,
): Promise<SqlAnswer> {
  const text = trimmed(statement);
  refuseByWord(text);
  signal.throwIfAborted();
  const url = pool.options.connectionString ?? '';
  const client = await pool.connect().catch((error) => Promise.reject(explainDatabaseError(error, url)));
  let broken: Error | undefined;
  try {
    const session = await begin(client, limits.timeoutMs).catch((e) => Promise.reject(explainDatabaseError(e, url)));
    await (session.standby ? lookOnStandby(client, text) : look(client, text));
    const query = single(wrapped(text, limits.rows + 1, session.distributed));
    return await receive(client, query, limits, () => cancelNow(pool, session), signal);
  } catch (error) {
    throw explainRefusal(error, text, limits, url);
  } finally {
    // Whatever happened: nothing is ever committed here.
    await client.query('rollback').catch((lost: Error) => {
      broken = lost;
    });
    client.release(broken);
  }
}

/** A semicolon at the end is a habit. */
function trimmed(statement: string): string {
  return statement.replace(/[\s;]+$/, '');
}

interface Session extends Running {
  standby: boolean;
  distributed: boolean;
}

function wrapped(text: string, rows: number, distributed: boolean): string {
  if (distributed) return `${RUN_ORDERED}${text}\n) select * from ${PLACE} limit ${rows}`;
  return `${RUN}${text}\n) ${PLACE} limit ${rows}`;
}

/** On a standby nothing can be written, not even a view that is taken back; which it is shows when one tries. */
async function begin(client: pg.PoolClient, timeoutMs: number): Promise<Session> {
  try {
    return { ...(await beginAs(client, 'read write', timeoutMs)), standby: false };
  } catch (error) {
    if (!/during recovery/.test((error as Error).message)) throw error;
    await client.query('rollback');
    return { ...(await beginAs(client, 'read only', timeoutMs)), standby: true };
  }
}

async function beginAs(client: pg.PoolClient, mode: string, timeoutMs: number): Promise<Omit<Session, 'standby'>> {
  const begun = (await client.query(`
    begin isolation level repeatable read ${mode};
    set local statement_timeout = ${Math.round(timeoutMs)};
    set local lock_timeout = ${LOCK_TIMEOUT_MS};
    set local search_path = pg_catalog, beacon, pg_temp;
    set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'postgres'; set local bytea_output = 'hex';
    set local extra_float_digits = 1; set local jit = off;
    select pg_backend_pid() as pid, now()::text as begun, beacon.setting('sql_role', null) as role,
      exists (select from beacon.schema_state where name = 'distributed') as distributed`)) as unknown as pg.QueryResult[];
  const answered = begun[begun.length - 1] as pg.QueryResult<Omit<Session, 'standby'> & { role: string | null }>;
  const [{ role, ...running }] = answered.rows as [Omit<Session, 'standby'> & { role: string | null }];
  // Names are then resolved, too, with the rights of that role.
  const become = role === null ? '' : `set local role ${pg.escapeIdentifier(role)}; `;
  await client.query(`${become}savepoint looking`);
  return running;
}

/** Refuses what may not be touched; afterwards the transaction can only read. */
async function look(client: pg.PoolClient, text: string): Promise<void> {
  // PostgreSQL computes some constants while it reads a statement, and runs the checks of their types.
  await client.query('set transaction read only');
  refuseCheckedTypes(text, await checkedTypes(client));
  await parse(client, `${RUN}${text}\n) ${PLACE}`);
  await client.query('rollback to savepoint looking');
  await client.query(single(`${LOOK}${text}\n) ${PLACE}`));
  await refuseWhat(client, `select kind, name from beacon.sql_refused('pg_temp.${VIEW}')`, []);
  await client.query('rollback to savepoint looking; set transaction read only');
}

/** The same where no view can be made. What prints the tree writes it into the server's log as well. */
async function lookOnStandby(client: pg.PoolClient, text: string): Promise<void> {
  refuseCheckedTypes(text, await checkedTypes(client));
  const trees: string[] = [];
  const listen = ({ message, detail }: { message: string | undefined; detail?: string | undefined }) => {
    if (/^parse tree:?$/.test(message ?? '') && detail) trees.push(detail);
  };
  await client.query(PRINT_TREES);
  client.on('notice', listen);
  try {
    await parse(client, `${RUN}${text}\n) ${PLACE}`);
  } finally {
    client.off('notice', listen);
  }
  await client.query('set local debug_print_parse = off; reset client_min_messages');
  const [tree] = trees;
  if (tree === undefined || trees.length > 1) {
    throw new BeaconError(
      'unavailable',
      'This standby does not show what a statement would touch, so none is run on it.',
      'Ask the primary: start `beacon serve` without DATABASE_READ_URL.',
    );
  }
  await refuseWhat(client, 'select kind, name from beacon.sql_refused_in($1, 0)', [unbroken(tree)]);
}

const PRINT_TREES =
  'set local debug_pretty_print = off; set local client_min_messages = log; set local debug_print_parse = on';

/** Lines of the log are broken at blanks, which is what stands in the catalog's form of a tree. */
function unbroken(tree: string): string {
  return tree.replaceAll('\n', ' ');
}

async function checkedTypes(client: pg.PoolClient): Promise<string[]> {
  const { rows } = await client.query('select name from beacon.sql_checked_types() name');
  return rows.map(({ name }) => name);
}

/** Has PostgreSQL parse a statement, and neither plan nor run it. */
function parse(client: pg.PoolClient, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query({
      submit: (connection: pg.Connection) => {
        connection.parse({ text, name: '', types: [] }, true);
        connection.sync();
      },
      handleError: reject,
      handleReadyForQuery: () => resolve(),
    } as pg.Submittable);
  });
}

async function refuseWhat(client: pg.PoolClient, sql: string, values: unknown[]): Promise<void> {
  const refused = await client.query(sql, values);
  if (refused.rows.length === 0) return;
  const tables = await client.query('select distinct relation from beacon.trace_records order by 1');
  throw refuse(
    refused.rows,
    tables.rows.map(({ relation }) => relation),
  );
}

/** Through the extended protocol, which takes one statement a message. */
function single(text: string): pg.QueryConfig & { queryMode: 'extended' } {
  return { text, queryMode: 'extended' };
}

type Stop = 'bytes' | 'flood' | 'aborted';

/** Reads rows as they come, and stops the statement when it has returned enough or the caller has gone away. */
async function receive(
  client: pg.PoolClient,
  config: pg.QueryConfig,
  limits: SqlLimits,
  cancelIt: () => Promise<void>,
  signal: AbortSignal,
): Promise<SqlAnswer> {
  const raw: Array<Array<string | null>> = [];
  let bytes = 0;
  let stopped: Stop | undefined;
  let cancelling: Promise<void> | undefined;
  const stop = (why: Stop) => {
    stopped ??= why;
    cancelling ??= cancelIt();
  };
  const stream = (client as unknown as { connection: { stream: NodeJS.ReadableStream & { destroy(e: Error): void } } })
    .connection.stream;
  let received = 0;
  const watch = (chunk: Buffer) => {
    received += chunk.length;
    if (received <= limits.bytes * HARD_FACTOR) return;
    stop('flood');
    stream.destroy(new Error('a value is larger than the whole answer may be'));
  };
  const onAbort = () => stop('aborted');
  stream.on('data', watch);
  signal.addEventListener('abort', onAbort, { once: true });
  let fields: pg.FieldDef[] = [];
  try {
    if (signal.aborted) onAbort();
    await new Promise<void>((resolve, reject) => {
      const query = new pg.Query({ ...config, rowMode: 'array', types: TEXT } as never) as pg.Query & {
        on(event: string, listener: (...given: never[]) => void): void;
      };
      query.on('row', (row: Array<string | null>, result: pg.ResultBuilder) => {
        fields = result.fields;
        if (stopped || raw.length > limits.rows) return;
        bytes += row.reduce((sum, value) => sum + (value === null ? 0 : Buffer.byteLength(value)), 0);
        if (bytes > limits.bytes) stop('bytes');
        else raw.push(row);
      });
      query.on('end', (result: pg.ResultBuilder) => {
        fields = result.fields;
        resolve();
      });
      query.on('error', (error: Error) => (stopped === 'bytes' ? resolve() : reject(error)));
      client.query(query as never);
    });
  } catch (error) {
    if (stopped === 'flood') throw tooLarge(limits);
    throw stopped === 'aborted' ? signal.reason : error;
  } finally {
    stream.removeListener('data', watch);
    signal.removeEventListener('abort', onAbort);
    // A cancellation that arrives late would hit the next user of the connection.
    await cancelling;
  }
  if (stopped === 'bytes' && raw.length === 0) throw tooLarge(limits);
  const shown = raw.slice(0, limits.rows);
  // The transaction is over when the statement was cancelled: then the names of types come from what the driver knows.
  const columns = stopped ? named(fields, fields.map(driverType)) : named(fields, await typeNames(client, fields));
  return {
    columns,
    rows: shown.map((row) => shape(row, columns, fields)),
    truncated: truncated(shown.length, raw.length > limits.rows, stopped, limits),
  };
}

function tooLarge(limits: SqlLimits): BeaconError {
  return new BeaconError(
    'usage',
    `A single row is larger than the ${megabytes(limits.bytes)} an answer may have.`,
    'Select fewer columns, or shorten them: left(metadata::text, 1000).',
  );
}

function truncated(rows: number, more: boolean, stopped: Stop | undefined, limits: SqlLimits): string | null {
  if (stopped === 'bytes') {
    return `Showing the first ${rows} rows; with the next one the answer would be larger than ${megabytes(limits.bytes)}. Select fewer columns, or shorten them.`;
  }
  return more ? `Showing the first ${rows} rows; there are more: aggregate, or raise limit.` : null;
}

function megabytes(bytes: number): string {
  return `${bytes / 1_048_576} MiB`;
}

/** Values as text: their bytes are counted before they become anything else. */
const TEXT: pg.CustomTypesConfig = { getTypeParser: (() => (text: string) => text) as never };

async function typeNames(client: pg.PoolClient, fields: pg.FieldDef[]): Promise<string[]> {
  const { rows } = await client.query(
    'select format_type(t.id, t.modifier) as type from unnest($1::oid[], $2::integer[]) with ordinality t (id, modifier, at) order by at',
    [fields.map(({ dataTypeID }) => dataTypeID), fields.map(({ dataTypeModifier }) => dataTypeModifier)],
  );
  return rows.map(({ type }) => type);
}

function driverType({ dataTypeID }: pg.FieldDef): string {
  const known = Object.entries(pg.types.builtins).find(([, oid]) => oid === dataTypeID);
  return known ? known[0].toLowerCase() : `type ${dataTypeID}`;
}

function named(fields: pg.FieldDef[], types: string[]): SqlColumn[] {
  const taken = new Set<string>();
  return fields.map(({ name }, i) => {
    let unique = name;
    for (let n = 2; taken.has(unique); n += 1) unique = `${name}_${n}`;
    taken.add(unique);
    return { name: unique, type: types[i] ?? 'unknown' };
  });
}

const { NUMERIC, INT8, INTERVAL } = pg.types.builtins;

function shape(row: Array<string | null>, columns: SqlColumn[], fields: pg.FieldDef[]): Row {
  return Object.fromEntries(
    columns.map(({ name }, i) => [name, shapeValue(row[i] ?? null, fields[i]?.dataTypeID ?? 0, name)]),
  );
}

/** Numbers where a JavaScript number holds every digit, else text. */
function shapeValue(text: string | null, type: number, name: string): unknown {
  if (text === null) return null;
  if (type === INT8) return name.endsWith('_id') || !Number.isSafeInteger(Number(text)) ? text : Number(text);
  if (type === NUMERIC)
    return /^-?\d+(?:\.\d+)?$/.test(text) && text.replace(/\D/g, '').length <= 15 ? Number(text) : text;
  if (type === INTERVAL) return text;
  return VALUE_TYPES.getTypeParser(type as never, 'text')(text);
}
