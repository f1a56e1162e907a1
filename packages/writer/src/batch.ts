// One batch of spans, one transaction: resources, spans and summaries are there together or not at all. Nothing here
// outlives the transaction, so it works through PgBouncer in transaction mode.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { COLUMNS } from './columns.ts';
import { Digest } from './digest.ts';
import { EncodedBatch } from './encoded-batch.ts';
import { isDuplicate } from './errors.ts';
import { type Completed, merge } from './merge.ts';
import { insertNames, note } from './noting.ts';
import type { Redactor } from './redact/redactor.ts';
import { insertResources } from './resources.ts';
import type { SpanRow } from './row.ts';
import { Signatures } from './signature.ts';
import { INSERT_EXECUTIONS, Summaries, UPSERT_TRACES } from './summary.ts';
import { TimeSlice } from './time-slice.ts';

export interface WriteOptions {
  /** The server gives up a statement after this many milliseconds, waiting for locks included. Default 5,000. */
  statementTimeoutMs?: number;
  /** Resources and names known to be stored; those of this batch are added once it is committed. */
  knownResources?: Set<string>;
  /** Encoding gives the event loop a turn after this many milliseconds. Default 2. */
  sliceMs?: number;
  /** Takes the secrets out of rows. Default: one with the usual rules. */
  redactor?: Redactor;
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
  const slice = new TimeSlice(options.sliceMs);
  const batch = new EncodedBatch(options.redactor);
  // A start and its end in one batch: the end says it all.
  const ends = new Set(rows.filter((row) => row.update).map((row) => row.traceId + row.spanId));
  let passed = 0;
  for (const row of rows) {
    if (ends.size > 0 && row.status === 'started' && ends.has(row.traceId + row.spanId)) passed++;
    else batch.add(row);
    if (slice.isOver()) await slice.yield();
  }
  const result = await writeEncoded(client, batch, options);
  batch.recycle();
  return { ...result, duplicates: result.duplicates + passed };
}

/** As `writeBatch`, for rows that are encoded already. */
export async function writeEncoded(
  client: pg.ClientBase,
  batch: EncodedBatch,
  options: WriteOptions = {},
): Promise<WriteResult> {
  if (batch.count === 0) return { written: 0, open: 0, duplicates: 0, repaired: 0 };
  try {
    return await transaction(client, batch, options, false);
  } catch (error) {
    if (batch.copied === 0 || !isDuplicate(error)) throw error;
    return await transaction(client, batch, options, true);
  }
}

const COPY = `copy beacon.trace_spans (${COLUMNS.join(', ')}) from stdin`;

async function transaction(
  client: pg.ClientBase,
  batch: EncodedBatch,
  options: WriteOptions,
  carefully: boolean,
): Promise<WriteResult> {
  const timeout = Math.trunc(options.statementTimeoutMs ?? 5_000);
  const signatures = new Signatures();
  const digest = new Digest(signatures);
  const completed: Completed = new Map();
  await client.query(`begin; set local statement_timeout = ${timeout}`);
  try {
    const stored = await insertResources(client, batch.resources, options.knownResources);
    let { summaries } = batch;
    let outcome = { written: batch.copied, open: batch.open };
    const noted = { summaries, digest, completed, signatures };
    if (carefully) {
      summaries = noted.summaries = new Summaries();
      outcome = await merge(client, batch.lines(), noted, options.sliceMs);
    } else {
      if (batch.copied > 0) {
        const lines = digested(batch, digest, options.sliceMs);
        await pipeline(Readable.from(lines), client.query(copyFrom(COPY)));
      }
      if (batch.updates.length > 0) {
        // One upsert a transaction: two, each in the order of its keys, would be in no order together.
        summaries = noted.summaries = summaries.copy();
        outcome.written += (await merge(client, batch.updates, noted, options.sliceMs)).written;
      }
    }
    const traces = summaries.traces(signatures);
    if (traces) await client.query(UPSERT_TRACES, traces);
    const executions = summaries.executions();
    if (executions) await client.query(INSERT_EXECUTIONS, executions);
    const names = new Set([digest, ...completed.values()].flatMap((each) => [...each.names]));
    stored.push(...(await insertNames(client, names, options.knownResources)));
    if (digest.spans > 0) await note(client, digest, null);
    for (const [createdAt, each] of completed) await note(client, each, createdAt);
    await client.query('commit');
    for (const id of stored) options.knownResources?.add(id);
    return { ...outcome, duplicates: batch.count - outcome.written, repaired: batch.repaired };
  } catch (error) {
    // A connection that is gone cannot roll back, and needs not.
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    digest.done();
    for (const each of completed.values()) each.done();
  }
}

/** Lines that are read at once: a millisecond of work. */
const LINES_OF_A_SLICE = 250;

/** The COPY text of a batch, read for its digest while the database has it. */
async function* digested(batch: EncodedBatch, digest: Digest, sliceMs: number | undefined): AsyncGenerator<Buffer> {
  const slice = new TimeSlice(sliceMs);
  for (const chunk of batch.chunks()) {
    yield chunk;
    for (let at = 0; at < chunk.length; ) {
      at = digest.add(chunk, at, LINES_OF_A_SLICE);
      if (slice.isOver()) await slice.yield();
    }
  }
}
