// node services/runner/src/verify.ts <execution id | receipt file> [--json]
// Exit code 0: valid. 1: not valid, or it could not be checked.
import { createPublicKey } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { type Receipt, type Verdict, verifyReceipt } from './receipt.ts';

const USAGE = `Usage: verify.ts <execution id | receipt file> [--json]
  An execution id is looked up in DATABASE_URL, and its output is checked as well.
  The key is RECEIPT_KEY_FILE (private or public, PEM); default .beacon/receipt-key.pem.`;

interface Checked {
  receipt: Receipt;
  about: { executionId?: number; question?: string; answer?: string };
}

const { values, positionals } = parseArgs({ options: { json: { type: 'boolean' } }, allowPositionals: true });
const [subject] = positionals;
try {
  if (subject === undefined) throw new Error(USAGE);
  const { receipt, about } = /^\d+$/.test(subject) ? await fromDatabase(subject) : fromFile(subject);
  const keyFile = process.env.RECEIPT_KEY_FILE ?? path.join('.beacon', 'receipt-key.pem');
  show(receipt, verifyReceipt(receipt, createPublicKey(fs.readFileSync(keyFile)), about));
} catch (error) {
  const message = (error as Error).message;
  if (values.json) console.log(JSON.stringify({ valid: false, problems: [message] }));
  else console.error(message);
  process.exitCode = 1;
}

async function fromDatabase(id: string): Promise<Checked> {
  if (!process.env.DATABASE_URL) throw new Error('DATABASE_URL is not set: no database to look the execution up in.');
  const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  try {
    const { rows } = await client.query(
      'select question, receipt_data, output_data from runner.executions where id = $1',
      [id],
    );
    if (rows.length === 0) throw new Error(`There is no execution ${id}.`);
    const { question, receipt_data: receipt, output_data: output } = rows[0];
    if (!receipt) throw new Error(`Execution ${id} has no receipt: only a completed one has.`);
    return { receipt, about: { executionId: Number(id), question, answer: output?.answer ?? '' } };
  } finally {
    await client.end();
  }
}

/** A receipt alone, or an execution as the API shows it. */
function fromFile(file: string): Checked {
  const json = JSON.parse(fs.readFileSync(file, 'utf8')) as Receipt & {
    receipt_data?: Receipt;
    output_data?: { answer: string };
    question?: string;
    id?: number;
  };
  if (!json.receipt_data) return { receipt: json, about: {} };
  const { receipt_data: receipt, output_data: output, question, id } = json;
  return {
    receipt,
    about: {
      ...(id !== undefined && { executionId: id }),
      ...(question !== undefined && { question }),
      ...(output && { answer: output.answer }),
    },
  };
}

function show(receipt: Receipt, { valid, problems }: Verdict): void {
  if (values.json) console.log(JSON.stringify({ valid, problems, receipt }));
  else {
    console.log(`Execution ${receipt.execution_id}: ${receipt.model} in ${receipt.region}`);
    console.log(`Answered by ${receipt.answered_by}${receipt.simulated ? ' (simulated)' : ''}, ${receipt.answered_at}`);
    const served = [receipt.served_region, receipt.response_model, receipt.system_fingerprint].filter(Boolean);
    if (served.length > 0) console.log(`Served from ${served.join(', ')}`);
    console.log(`Output SHA-256 ${receipt.output_sha256}`);
    console.log(`Trace ${receipt.trace_id ?? 'none: tracing was off'}`);
    console.log(valid ? `Valid: signed with key ${receipt.key_id}.` : `NOT VALID: ${problems.join('; ')}.`);
  }
  process.exitCode = valid ? 0 : 1;
}
