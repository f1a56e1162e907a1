// PostgreSQL's values as every API shows them.
import pg from 'pg';

/** Statement with its bound parameters; values are never formatted into the text. */
export interface SqlCall {
  text: string;
  values: unknown[];
}

export interface SqlColumn {
  /** Unique within the answer: a second `count` is called `count_2`. */
  name: string;
  /** As PostgreSQL names it, for example `timestamp with time zone`. */
  type: string;
}

/** A row as every API shows it: times as ISO 8601 in UTC, ids as text, bytea as hex. */
export type Row = Record<string, unknown>;

const { INT8, TIMESTAMPTZ, BYTEA, DATE, TIMESTAMP, JSON: JSON_TEXT, JSONB } = pg.types.builtins;
const JSON_ARRAY = 199;
const JSONB_ARRAY = 3807;
const BYTEA_ARRAY = 1001;
const INT8_ARRAY = 1016;
const TEXT_ARRAY = 1009;

/** Text of times keeps the microseconds that a JavaScript Date would lose. */
export const VALUE_TYPES: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === TIMESTAMPTZ) return isoTime;
    if (oid === INT8 || oid === DATE || oid === TIMESTAMP) return (text: string) => text;
    if (oid === BYTEA) return hex;
    if (oid === BYTEA_ARRAY) return (text: string) => arrayOfText(text).map(hex);
    if (oid === INT8_ARRAY) return arrayOfText;
    if (oid === JSON_TEXT || oid === JSONB) return exactJson;
    if (oid === JSON_ARRAY || oid === JSONB_ARRAY) return (text: string) => arrayOfText(text).map(exactJson);
    return pg.types.getTypeParser(oid, format as 'text');
  }) as pg.CustomTypesConfig['getTypeParser'],
};

const arrayOfText = pg.types.getTypeParser(TEXT_ARRAY as never, 'text') as unknown as (text: string) => string[];

// Numbers of 16 digits and more may be ones that a JavaScript number rounds.
const LONG_NUMBER = /[:[,\s]-?\d*\.?\d{16}|[eE]\+?\d{3}/;

/** JSON in which numbers keep all their digits: those that JavaScript would round stand as they are, for `JSON.stringify`. */
function exactJson(text: string | null): unknown {
  if (text === null) return null;
  if (!LONG_NUMBER.test(` ${text}`)) return JSON.parse(text);
  return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && isRounded(value, context!.source!) ? rawJSON(context!.source!) : value,
  );
}

function isRounded(value: number, source: string): boolean {
  if (/^-?\d+$/.test(source)) return !Number.isSafeInteger(value);
  return !Number.isFinite(value) || source.replace(/\D/g, '').replace(/^0+/, '').length > 17;
}

/** `JSON.rawJSON` of ECMAScript 2025, which TypeScript's library does not know yet. */
const { isRawJSON, rawJSON } = JSON as unknown as {
  isRawJSON(value: unknown): boolean;
  rawJSON(text: string): unknown;
};

/** Whether a value stands for a number that JavaScript has not all the digits of. */
export function isRawJson(value: unknown): boolean {
  return isRawJSON(value);
}

/** A number as JSON has it, with all its digits. */
export function rawJson(digits: string): unknown {
  return rawJSON(digits);
}

function isoTime(text: string): string {
  return text.replace(' ', 'T').replace(/\+00$/, 'Z');
}

function hex(text: string): string {
  return text.replace(/^\\x/, '');
}

/** A bigint that counts becomes a number; one that names something stays text, because its digits matter. */
export function rowValues(row: Row, fields: pg.FieldDef[]): Row {
  for (const { name, dataTypeID } of fields) {
    if (dataTypeID === INT8 && row[name] !== null && !name.endsWith('_id')) row[name] = Number(row[name]);
  }
  return row;
}

/** Rows of a statement, at most so many. */
export async function rowsOf(client: pg.PoolClient, { text, values }: SqlCall, max: number): Promise<Row[]> {
  const found = await client.query({
    // Not around the statement: the order of a subquery is no order of the answer, least of all on Citus.
    text: `${text}\nlimit $${values.length + 1}`,
    values: [...values, max],
    types: VALUE_TYPES,
  });
  return found.rows.map((row) => rowValues(row, found.fields));
}
