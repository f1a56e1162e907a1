// Receipts of executions: where they are, and whether one holds.
import { createHash, type KeyObject, verify } from 'node:crypto';
import type pg from 'pg';
import { sha256 } from './tree.ts';

export type Receipt = Record<string, unknown> & { signature?: string; key_id?: string };

/** First 16 hexadecimal digits of the SHA-256 of the public key (SPKI, DER), as in receipts. */
export const keyId = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);

/** What is signed: every other field, keys in alphabetical order. */
function signedBytes({ signature: _, ...unsigned }: Receipt): Buffer {
  return Buffer.from(JSON.stringify(unsigned, Object.keys(unsigned).sort()));
}

/** First 16 hexadecimal digits of the SHA-256 of what is signed. */
export const receiptId = (receipt: Receipt): string => sha256(signedBytes(receipt)).toString('hex').slice(0, 16);

/**
 * A receipt is about the cell it stands in, and signed by the key where it says so.
 *
 * @returns `signed`: the signature was checked and holds; it is not where the receipt names another key.
 */
export function checkReceipt(
  receipt: Receipt,
  about: { question_sha256: string | null; answer_sha256: string | null },
  key: KeyObject,
): { problem?: string; signed: boolean } {
  if (about.answer_sha256 && receipt.output_sha256 !== about.answer_sha256)
    return { problem: 'its answer is not the one its receipt signs', signed: false };
  if (about.question_sha256 && receipt.question_sha256 !== about.question_sha256)
    return { problem: 'its question is not the one its receipt signs', signed: false };
  if (receipt.key_id !== keyId(key)) return { signed: false };
  if (!verify(null, signedBytes(receipt), key, Buffer.from(String(receipt.signature), 'base64')))
    return { problem: 'the signature of its receipt does not match', signed: false };
  return { signed: true };
}

/** Receipts are kept where the executions are: in the column receipt_data of a registered table. */
export async function receiptsOf(client: pg.ClientBase, job: string): Promise<Map<string, Receipt>> {
  const { rows: tables } = await client.query<{ sql: string }>(
    `select format('select e.%I::text as execution, e.receipt_data as receipt from %s e where e.%I::text = $1 and e.receipt_data is not null',
       r.id_column, to_regclass(r.relation), r.job_column) as sql
     from beacon.readable_records('{job_column}') r
     where r.job_column is not null and exists (select from pg_attribute a where a.attrelid = to_regclass(r.relation)
       and a.attname = 'receipt_data' and a.atttypid = 'jsonb'::regtype and not a.attisdropped)`,
  );
  const found = new Map<string, Receipt>();
  for (const { sql } of tables) {
    const { rows } = await client.query({ text: sql, values: [job] });
    for (const { execution, receipt } of rows) found.set(execution, receipt);
  }
  return found;
}
