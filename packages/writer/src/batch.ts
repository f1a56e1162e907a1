// One batch of spans, one transaction: resources, spans and summaries are there together or not at all. Nothing here
// outlives the transaction, so it works through PgBouncer in transaction mode.
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { COLUMNS, encodeJson, encodeRow, TYPES } from './encode.ts';
import { isDuplicate } from './errors.ts';
import type { ResourceRow, SpanRow } from './row.ts';
import { type Change, INSERT_EXECUTIONS, Summaries, UPSERT_TRACES } from './summary.ts';

export interface WriteOptions {
  /** The server gives up a statement after this many milliseconds, waiting for locks included. Default 5,000. */
  statementTimeoutMs?: number;
  /** Ids of resources known to be stored; ids of this batch are added once it is committed. */
  knownResources?: Set<string>;
  /** Encoding gives the event loop a turn after this many milliseconds. Default 2. */
  sliceMs?: number;
}

export interface WriteResult {
  /** Rows that are new in the table, or that completed a row which was there. */
  written: number;
  /** Of these, rows of spans that are still open. */
  open: number;
  /** Rows that were there already: the batch had been committed before. */
  duplicates: number;
  /** Rows in which something PostgreSQL cannot hold was replaced; their `otel` says what. */
  repaired: number;
}

/**
 * Writes the rows in one transaction. Rows that were not written before go by COPY; rows marked `update` are inserted
 * or complete what was written as `started`. After a commit whose outcome is unknown the same rows may be given again:
 * what is there already is left as it is and not counted twice.
 *
 * @throws the database's error, after rolling back; nothing of the batch is stored then.
 */
export async function writeBatch(
  client: pg.ClientBase,
  rows: readonly SpanRow[],
  options: WriteOptions = {},
): Promise<WriteResult> {
  if (rows.length === 0) return { written: 0, open: 0, duplicates: 0, repaired: 0 };
  const updates = rows.filter((row) => row.update);
  // A start and its end in one batch: the end says it all.
  const ends = new Set(updates.map((row) => row.traceId + row.spanId));
  const fresh = rows.filter((row) => !row.update && !(row.status === 'started' && ends.has(row.traceId + row.spanId)));
  try {
    return await transaction(client, rows, fresh, updates, options);
  } catch (error) {
    if (fresh.length === 0 || !isDuplicate(error)) throw error;
    return await transaction(client, rows, [], rows, options);
  }
}

async function transaction(
  client: pg.ClientBase,
  all: readonly SpanRow[],
  copied: readonly SpanRow[],
  merged: readonly SpanRow[],
  options: WriteOptions,
): Promise<WriteResult> {
  const timeout = Math.trunc(options.statementTimeoutMs ?? 5_000);
  const turn = new Turn(options.sliceMs ?? 2);
  await client.query(`begin; set local statement_timeout = ${timeout}`);
  try {
    const stored = await insertResources(client, all, options.knownResources);
    const summaries = new Summaries();
    const result = { written: 0, open: 0, duplicates: 0, repaired: 0 };
    if (copied.length > 0) await copy(client, copied, summaries, turn, result);
    if (merged.length > 0) await merge(client, merged, summaries, turn, result);
    result.duplicates = all.length - result.written;
    const traces = summaries.traces();
    if (traces) await client.query(UPSERT_TRACES, traces);
    const executions = summaries.executions();
    if (executions) await client.query(INSERT_EXECUTIONS, executions);
    await client.query('commit');
    for (const id of stored) options.knownResources?.add(id);
    return result;
  } catch (error) {
    // A connection that is gone cannot roll back, and needs not.
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function insertResources(
  client: pg.ClientBase,
  rows: readonly SpanRow[],
  known: ReadonlySet<string> | undefined,
): Promise<Iterable<string>> {
  const found = new Map<string, ResourceRow>();
  let last: ResourceRow | null = null;
  for (const { resource } of rows) {
    if (resource === null || resource === last) continue;
    last = resource;
    if (!known?.has(resource.id)) found.set(resource.id, resource);
  }
  if (found.size === 0) return [];
  const sorted = [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const entries = sorted.map(({ id, attributes, scopeName, scopeVersion, otel }) => {
    const repairs = { made: undefined };
    return {
      id,
      attributes: encodeJson(attributes, 'resource', repairs),
      name: scopeName?.toWellFormed().replaceAll('\u0000', '\ufffd') ?? null,
      version: scopeVersion?.toWellFormed().replaceAll('\u0000', '\ufffd') ?? null,
      otel: otel === null ? null : encodeJson(otel, 'otel', repairs),
    };
  });
  await client.query(
    `insert into beacon.trace_resources (resource_id, attributes, scope_name, scope_version, otel)
     select (r ->> 'id')::bigint, (r ->> 'attributes')::jsonb, r ->> 'name', r ->> 'version', (r ->> 'otel')::jsonb
     from jsonb_array_elements($1::jsonb) as r
     on conflict do nothing`,
    [JSON.stringify(entries)],
  );
  return found.keys();
}

const COPY = `copy beacon.trace_spans (${COLUMNS.join(', ')}) from stdin`;
// Large enough that a chunk costs nothing, small enough that turning it to UTF-8 is no pause.
const CHUNK_CHARS = 64 * 1024;

async function copy(
  client: pg.ClientBase,
  rows: readonly SpanRow[],
  summaries: Summaries,
  turn: Turn,
  result: WriteResult,
): Promise<void> {
  async function* chunks(): AsyncGenerator<Buffer> {
    let chunk = '';
    for (const row of rows) {
      const encoded = encodeRow(row);
      result.repaired += encoded.repaired;
      if (row.status === 'started') result.open++;
      summaries.add(row, encoded.fields, 'new');
      chunk += copyLine(encoded.fields);
      if (chunk.length >= CHUNK_CHARS) {
        yield Buffer.from(chunk);
        chunk = '';
      }
      if (turn.isOver()) await turn.pass();
    }
    if (chunk !== '') yield Buffer.from(chunk);
  }
  await pipeline(chunks(), client.query(copyFrom(COPY)));
  result.written += rows.length;
}

// What has a meaning of its own in COPY's text format.
const SPECIAL = /[\\\n\r\t]/;
const SPECIALS = /[\\\n\r\t]/g;
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function copyLine(fields: readonly (string | null)[]): string {
  let line = '';
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    if (i > 0) line += '\t';
    if (field === null) line += '\\N';
    else line += SPECIAL.test(field) ? field.replace(SPECIALS, (char) => ESCAPES[char]!) : field;
  }
  return `${line}\n`;
}

const FILLED_IN = COLUMNS.filter((column) => !['trace_id', 'span_id', 'started_at', 'otel'].includes(column));

// Not `created_at`: it stays the row's first, and so tells an insert from an update. Only a row that came back from
// `lost` says so, because that is worth knowing and the summary must know what to take back.
const MERGE = `
insert into beacon.trace_spans as s (${COLUMNS.join(', ')})
select ${COLUMNS.map((_, i) => `(r ->> ${i})::${TYPES[i]}`).join(', ')}
from jsonb_array_elements($1::jsonb) as r
on conflict (trace_id, span_id, started_at) do update set
  ${FILLED_IN.map((column) => `${column} = excluded.${column}`).join(', ')},
  otel = case when s.status = 'lost' then coalesce(excluded.otel, '{}') || '{"was_lost": true}' else excluded.otel end
where s.status in ('started', 'lost') and excluded.status <> 'started'
returning replace(s.trace_id::text, '-', '') as trace_id, encode(s.span_id, 'hex') as span_id,
  case when s.created_at = now() then 'new' when s.otel ? 'was_lost' then 'was lost' else 'was started' end as change,
  to_char(s.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00"') as started_at`;

const MERGE_ROWS = 200;

async function merge(
  client: pg.ClientBase,
  rows: readonly SpanRow[],
  summaries: Summaries,
  turn: Turn,
  result: WriteResult,
): Promise<void> {
  const lastOfKey = new Map<string, { row: SpanRow; fields: (string | null)[]; repaired: number }>();
  for (const row of rows) {
    const encoded = encodeRow(row);
    const key = keyOf(row.traceId.toLowerCase(), row.spanId.toLowerCase(), encoded.fields[7]!);
    // A statement may touch a row only once: of the same span twice, the one that says how it ended counts.
    if (row.status !== 'started' || !lastOfKey.has(key)) lastOfKey.set(key, { row, ...encoded });
    if (turn.isOver()) await turn.pass();
  }
  const sorted = [...lastOfKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, encoded]) => encoded);
  for (let i = 0; i < sorted.length; i += MERGE_ROWS) {
    const some = sorted.slice(i, i + MERGE_ROWS);
    const parameter = JSON.stringify(some.map(({ fields }) => fields));
    const { rows: changes } = await client.query<{
      trace_id: string;
      span_id: string;
      started_at: string;
      change: Change;
    }>(MERGE, [parameter]);
    for (const { trace_id, span_id, started_at, change } of changes) {
      const touched = lastOfKey.get(keyOf(trace_id, span_id, started_at));
      if (!touched) continue;
      summaries.add(touched.row, touched.fields, change);
      result.repaired += touched.repaired;
      result.written++;
      if (touched.row.status === 'started') result.open++;
    }
    if (turn.isOver()) await turn.pass();
  }
}

function keyOf(traceId: string, spanId: string, startedAt: string): string {
  return `${traceId} ${spanId} ${startedAt}`;
}

/** Keeps one piece of encoding from holding the event loop longer than its slice. */
class Turn {
  readonly #sliceMs: number;
  #until: number;

  constructor(sliceMs: number) {
    this.#sliceMs = sliceMs;
    this.#until = performance.now() + sliceMs;
  }

  isOver(): boolean {
    return performance.now() >= this.#until;
  }

  async pass(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#until = performance.now() + this.#sliceMs;
  }
}
