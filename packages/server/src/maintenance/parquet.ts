// Rows of trace_spans as Parquet and back: every column there is, and the resource of each span beside it.
import { createHash } from 'node:crypto';
import { parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';

/** A column of a file, and what the database reads and writes for it. */
export interface Column {
  name: string;
  /** PostgreSQL's name of the type. */
  type: string;
}

/** Of the resource of a span, in names of their own. */
export const RESOURCE_COLUMNS: Column[] = [
  { name: 'resource_attributes', type: 'jsonb' },
  { name: 'scope_name', type: 'text' },
  { name: 'scope_version', type: 'text' },
  { name: 'resource_otel', type: 'jsonb' },
];

type Value = string | number | bigint | null;

const OPTIONAL = { repetition_type: 'OPTIONAL' } as const;
const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', ...OPTIONAL } as const;

function elementOf({ name, type }: Column) {
  switch (type) {
    case 'timestamp with time zone':
      return {
        name,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
        ...OPTIONAL,
      } as const;
    case 'double precision':
      return { name, type: 'DOUBLE', ...OPTIONAL } as const;
    case 'bigint':
      return { name, type: 'INT64', ...OPTIONAL } as const;
    case 'integer':
    case 'smallint':
      return { name, type: 'INT32', ...OPTIONAL } as const;
    default:
      return { name, ...TEXT };
  }
}

/** Expression that selects the column of the row `s` as a file has it: as text, or as a number's digits. */
export function selected({ name, type }: Column): string {
  const column = `s."${name.replaceAll('"', '""')}"`;
  switch (type) {
    case 'timestamp with time zone':
      return `((extract(epoch from ${column}) * 1000000)::bigint)::text`;
    case 'bytea':
      return `encode(${column}, 'hex')`;
    case 'uuid':
      return `encode(uuid_send(${column}), 'hex')`;
    default:
      return `${column}::text`;
  }
}

/** The same as the database takes it, from a JSON object `r` of the texts of a row. */
export function restored({ name, type }: Column): string {
  const text = `(r ->> '${name.replaceAll("'", "''")}')`;
  switch (type) {
    case 'timestamp with time zone':
      return `'epoch'::timestamptz + ${text}::bigint * interval '1 microsecond'`;
    case 'bytea':
      return `decode(${text}, 'hex')`;
    default:
      return `${text}::${type}`;
  }
}

function typed(text: string | null, type: string): Value {
  if (text === null) return null;
  switch (type) {
    case 'timestamp with time zone':
    case 'bigint':
      return BigInt(text);
    case 'double precision':
    case 'integer':
    case 'smallint':
      return Number(text);
    default:
      return text;
  }
}

/** A file of these rows, whose values are as `selected` gives them. */
export function encodeRows(columns: Column[], rows: (string | null)[][]): { bytes: Uint8Array; hash: string } {
  const given = rows.map((row) =>
    row.map((text, at) =>
      text !== null && columns[at]?.type === 'double precision' ? doubleText(Number(text)) : text,
    ),
  );
  const columnData = columns.map(({ name, type }, at) => ({
    name,
    data: rows.map((row) => typed(row[at] ?? null, type)),
  }));
  const schema = [{ name: 'trace_spans', num_children: columns.length }, ...columns.map(elementOf)];
  const kvMetadata = [{ key: 'beacon.columns', value: JSON.stringify(columns) }];
  const bytes = new Uint8Array(parquetWriteBuffer({ columnData, schema, kvMetadata, rowGroupSize: 100_000 }));
  return { bytes, hash: hashOf(given) };
}

/** The rows of a file, as `selected` gave them. @param columns Those the file was written with. */
export async function decodeRows(columns: Column[], bytes: Uint8Array): Promise<(string | null)[][]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const parsers = { timestampFromMicroseconds: (micros: bigint) => micros as unknown as Date };
  const objects = (await parquetReadObjects({ file, parsers, utf8: true })) as Record<string, Value>[];
  return objects.map((object) =>
    columns.map(({ name, type }) => {
      const value = object[name] ?? null;
      return value === null ? null : type === 'double precision' ? doubleText(Number(value)) : String(value);
    }),
  );
}

/** SHA-256 over the rows in their order. */
export function hashOf(rows: (string | null)[][]): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(`${JSON.stringify(row)}\n`);
  return hash.digest('hex');
}

/** A text that PostgreSQL reads as this number; equal numbers have one. */
function doubleText(value: number): string {
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}
