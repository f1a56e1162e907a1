// A batch with rows the database refuses: their neighbours are stored, and they are named.
import type pg from 'pg';
import { type WriteOptions, type WriteResult, writeEncoded } from './batch.ts';
import { decodeLine } from './encode.ts';
import type { EncodedBatch } from './encoded-batch.ts';
import { describeError, isRowsFault } from './errors.ts';

/** A row that was not stored, and why. */
export interface RejectedRow {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  operation: string;
  reason: string;
}

/**
 * Writes what can be written, in as many transactions as it takes. A row the database names as the culprit is tried
 * alone before it is rejected; where it names none, the batch is halved.
 *
 * @throws the database's error when it is not a row's fault. Some rows may be stored by then; given again, they count as
 *   duplicates.
 */
export async function writeAround(
  client: pg.ClientBase,
  batch: EncodedBatch,
  options: WriteOptions,
): Promise<WriteResult & { rejected: RejectedRow[] }> {
  const lines = batch.lines();
  const total = { written: 0, open: 0, duplicates: 0, repaired: 0, rejected: [] as RejectedRow[] };
  const pending = [[...lines.keys()]];
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part.length === 0) continue;
    try {
      const result = await writeEncoded(client, batch.only(lines, part), options);
      total.written += result.written;
      total.open += result.open;
      total.duplicates += result.duplicates;
    } catch (error) {
      if (!isRowsFault(error)) throw error;
      if (part.length === 1) {
        total.rejected.push(rejected(lines[part[0]!]!, error));
        continue;
      }
      const suspect = lineOf(error);
      if (suspect !== undefined && suspect < part.length) {
        pending.push([...part.slice(0, suspect), ...part.slice(suspect + 1)], [part[suspect]!]);
      } else {
        pending.push(part.slice(part.length >> 1), part.slice(0, part.length >> 1));
      }
    }
  }
  total.repaired = batch.repaired;
  return total;
}

/** Which line of a COPY the database was at, from 0. */
function lineOf(error: unknown): number | undefined {
  const where = (error as { where?: unknown }).where;
  const found = typeof where === 'string' ? /^COPY \w+, line (\d+)/.exec(where) : null;
  return found ? Number(found[1]) - 1 : undefined;
}

function rejected(line: string, error: unknown): RejectedRow {
  const texts = decodeLine(line);
  return { traceId: texts[0]!, spanId: texts[1]!.slice(2), operation: texts[4]!, reason: describeError(error) };
}
