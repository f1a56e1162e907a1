// A job as a file for a paper: JSON lines, CSV or Parquet, a row a cell, each with its receipt.
import { createHash, type KeyObject } from 'node:crypto';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type pg from 'pg';
import { BeaconError } from '../store/errors.ts';
import { checkReceipt, receiptId, receiptsOf } from './receipts.ts';

export const FORMATS = ['jsonl', 'csv', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

export const MEDIA_TYPES: Record<Format, string> = {
  jsonl: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
};

type Value = string | number | boolean | null;
type Kind = 'text' | 'integer' | 'double' | 'boolean' | 'time';

interface Table {
  columns: { name: string; kind: Kind }[];
  rows: Value[][];
}

const KINDS: Record<string, Kind> = {
  'double precision': 'double',
  bigint: 'integer',
  integer: 'integer',
  boolean: 'boolean',
  'timestamp with time zone': 'time',
};

/** The columns of beacon.job_export, then receipt_id, receipt_verified (null: it names another key, or none is here) and receipt. */
async function tableOf(client: pg.ClientBase, job: string, key: KeyObject | undefined): Promise<Table> {
  await client.query('begin isolation level repeatable read read only');
  try {
    const { rows: described } = await client.query(
      `select n.name, format_type(n.type, null) as type from pg_proc f, unnest(f.proargnames, f.proallargtypes, f.proargmodes) n (name, type, mode)
       where f.oid = 'beacon.job_export(text)'::regprocedure and n.mode = 't'`,
    );
    const columns = described.map(({ name, type }) => ({
      name: name as string,
      kind: KINDS[type] ?? ('text' as const),
    }));
    const selected = columns.map(({ name, kind }) => (kind === 'time' ? timeText(name) : `x.${name}`)).join(', ');
    const { rows } = await client.query({
      text: `select ${selected}, encode(sha256(convert_to(x.question, 'UTF8')), 'hex'), encode(sha256(convert_to(x.answer, 'UTF8')), 'hex')
        from beacon.job_export($1) x`,
      values: [job],
      rowMode: 'array',
    });
    if (rows.length === 0)
      throw new BeaconError('not_found', `There is no job ${job}.`, '`beacon jobs --from 30d` lists jobs.');
    const receipts = await receiptsOf(client, job);
    const execution = columns.findIndex(({ name }) => name === 'execution_id');
    return {
      columns: [
        ...columns,
        { name: 'receipt_id', kind: 'text' },
        { name: 'receipt_verified', kind: 'boolean' },
        { name: 'receipt', kind: 'text' },
      ],
      rows: rows.map((row: unknown[]) => {
        const [question_sha256, answer_sha256] = row.splice(columns.length) as (string | null)[];
        const values = row.map((value, at) => plain(value, columns[at]?.kind));
        const receipt = receipts.get(String(row[execution]));
        if (!receipt) return [...values, null, null, null];
        const about = { question_sha256: question_sha256 ?? null, answer_sha256: answer_sha256 ?? null };
        const checked = key && checkReceipt(receipt, about, key);
        const verified = checked ? (checked.problem ? false : checked.signed || null) : null;
        return [...values, receiptId(receipt), verified, JSON.stringify(receipt)];
      }),
    };
  } finally {
    await client.query('rollback');
  }
}

/** ISO 8601 in UTC, with every microsecond. */
const timeText = (name: string) => `to_char(x.${name} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

function plain(value: unknown, kind: Kind | undefined): Value {
  if (value === null || value === undefined) return null;
  // 64-bit numbers come as text; those of tokens fit.
  if (kind === 'integer') return Number(value);
  return typeof value === 'object' ? JSON.stringify(value) : (value as Value);
}

export interface JobExport {
  bytes: Uint8Array;
  rows: number;
  /** Of the bytes, hexadecimal. */
  sha256: string;
}

/**
 * The file of a job.
 *
 * @param key Of the receipts, to verify them; without it receipt_verified is null.
 * @throws BeaconError when there is no such job.
 */
export async function exportJob(
  client: pg.ClientBase,
  job: string,
  format: Format,
  key?: KeyObject,
): Promise<JobExport> {
  const table = await tableOf(client, job, key);
  const bytes = WRITERS[format](table);
  return { bytes, rows: table.rows.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Of columns with JSON in them. */
const STRUCTURED = new Set(['scores', 'receipt']);

const WRITERS: Record<Format, (table: Table) => Uint8Array> = {
  jsonl: ({ columns, rows }) =>
    Buffer.from(
      rows
        .map((row) => {
          const entries = columns.map(({ name }, at) => {
            const value = row[at] ?? null;
            return [name, STRUCTURED.has(name) && value !== null ? JSON.parse(String(value)) : value];
          });
          return `${JSON.stringify(Object.fromEntries(entries))}\n`;
        })
        .join(''),
    ),
  csv: ({ columns, rows }) => {
    const line = (values: Value[]) => `${values.map(csvField).join(',')}\r\n`;
    return Buffer.from(line(columns.map(({ name }) => name)) + rows.map(line).join(''));
  },
  parquet: ({ columns, rows }) =>
    new Uint8Array(
      parquetWriteBuffer({
        columnData: columns.map(({ name, kind }, at) => ({
          name,
          data: rows.map((row) => parquetValue(row[at] ?? null, kind)),
        })),
        schema: [
          { name: 'job', num_children: columns.length },
          ...columns.map(({ name, kind }) => ({ name, ...PARQUET[kind] })),
        ],
      }),
    ),
};

/** An empty text is quoted: nothing between two commas is no value. */
function csvField(value: Value): string {
  if (value === null) return '';
  const text = String(value);
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const OPTIONAL = { repetition_type: 'OPTIONAL' } as const;
const PARQUET = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', ...OPTIONAL },
  integer: { type: 'INT64', ...OPTIONAL },
  double: { type: 'DOUBLE', ...OPTIONAL },
  boolean: { type: 'BOOLEAN', ...OPTIONAL },
  time: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
    ...OPTIONAL,
  },
} as const;

function parquetValue(value: Value, kind: Kind): Value | bigint {
  if (value === null) return null;
  if (kind === 'integer') return BigInt(value);
  if (kind !== 'time') return value;
  const [, toMs, micros] = /^(.*\.\d{3})(\d{3})Z$/.exec(String(value)) ?? [];
  return BigInt(Date.parse(`${toMs}Z`)) * 1000n + BigInt(micros ?? 0);
}
