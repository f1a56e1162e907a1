// One batch of spans, one transaction: resources, spans and summaries are there together or not at all. Nothing here
// outlives the transaction, so it works through PgBouncer in transaction mode.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { COLUMNS } from './columns.ts';
import { EncodedBatch } from './encoded-batch.ts';
import { isDuplicate } from './errors.ts';
import { merge } from './merge.ts';
import type { Redactor } from './redact/redactor.ts';
import { insertResources } from './resources.ts';
import type { SpanRow } from './row.ts';
import { INSERT_EXECUTIONS, Summaries, UPSERT_TRACES } from './summary.ts';
import { TimeSlice } from './time-slice.ts';

export interface WriteOptions {
  /** The server gives up a statement after this many milliseconds, waiting for locks included. Default 5,000. */
  statementTimeoutMs?: number;
  /** Ids of resources known to be stored; ids of this batch are added once it is committed. */
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
  await client.query(`begin; set local statement_timeout = ${timeout}`);
  try {
    const stored = await insertResources(client, batch.resources, options.knownResources);
    let { summaries } = batch;
    let outcome = { written: batch.copied, open: batch.open };
    if (carefully) {
      summaries = new Summaries();
      outcome = await merge(client, batch.lines(), summaries, options.sliceMs);
    } else {
      if (batch.copied > 0) await pipeline(Readable.from(batch.chunks()), client.query(copyFrom(COPY)));
      if (batch.updates.length > 0) {
        // One upsert a transaction: two, each in the order of its keys, would be in no order together.
        summaries = summaries.copy();
        outcome.written += (await merge(client, batch.updates, summaries, options.sliceMs)).written;
      }
    }
    const traces = summaries.traces();
    if (traces) await client.query(UPSERT_TRACES, traces);
    const executions = summaries.executions();
    if (executions) await client.query(INSERT_EXECUTIONS, executions);
    await client.query('commit');
    for (const id of stored) options.knownResources?.add(id);
    return { ...outcome, duplicates: batch.count - outcome.written, repaired: batch.repaired };
  } catch (error) {
    // A connection that is gone cannot roll back, and needs not.
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
