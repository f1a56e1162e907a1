// Receipts: who answered, when, with what, in which trace; signed, so that a row changed afterwards is found out.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Claim } from './executions.ts';
import type { Output } from './router-client.ts';

/** Version 1 ended with `trace_id`; 2 adds the attempt and what served it. */
export interface Receipt extends Partial<Served> {
  version: 1 | 2;
  execution_id: number;
  job_id: number;
  model: string;
  region: string;
  /** Provider that answered. */
  answered_by: string;
  /** True where no real model ran. */
  simulated: boolean;
  answered_at: string;
  /** Of the question's UTF-8 text, hexadecimal. */
  question_sha256: string;
  /** Of the answer's UTF-8 text, hexadecimal. */
  output_sha256: string;
  /** 32 hexadecimal digits; null when tracing was off. */
  trace_id: string | null;
  /** First 16 hexadecimal digits of the SHA-256 of the public key (SPKI, DER). */
  key_id: string;
  /** Ed25519 over the JSON of every other field, keys in alphabetical order; base64. */
  signature: string;
}

/** What served the attempt, as the provider says; null where it does not. */
interface Served
  extends Pick<
    Output,
    | 'served_region'
    | 'response_model'
    | 'system_fingerprint'
    | 'quantisation'
    | 'finish_reason'
    | 'input_tokens'
    | 'output_tokens'
    | 'cached_tokens'
    | 'reasoning_tokens'
    | 'first_chunk_ms'
    | 'chunks_per_s'
  > {
  /** 1 for the first. */
  attempt: number;
}

export interface ReceiptKey {
  id: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/**
 * Reads the key, or creates it at first use in a file only its owner may read.
 *
 * @throws Error when the file is not an Ed25519 key in PEM.
 */
export function openReceiptKey(file: string): ReceiptKey {
  if (!fs.existsSync(file)) createKeyFile(file);
  const privateKey = createPrivateKey(fs.readFileSync(file));
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`${file} holds no Ed25519 key.`);
  const publicKey = createPublicKey(privateKey);
  return { privateKey, publicKey, id: keyId(publicKey) };
}

function keyId(publicKey: KeyObject): string {
  return sha256(publicKey.export({ type: 'spki', format: 'der' })).slice(0, 16);
}

export function issueReceipt(key: ReceiptKey, held: Claim, output: Output, traceId: string | null): Receipt {
  const unsigned: Omit<Receipt, 'signature'> = {
    version: 2,
    execution_id: Number(held.executionId),
    job_id: Number(held.jobId),
    model: held.model,
    region: held.region,
    answered_by: output.provider,
    simulated: output.simulated,
    answered_at: new Date().toISOString(),
    question_sha256: sha256(held.question),
    output_sha256: sha256(output.answer),
    trace_id: traceId,
    key_id: key.id,
    attempt: held.attempt,
    served_region: output.served_region,
    response_model: output.response_model,
    system_fingerprint: output.system_fingerprint,
    quantisation: output.quantisation,
    finish_reason: output.finish_reason,
    input_tokens: output.input_tokens,
    output_tokens: output.output_tokens,
    cached_tokens: output.cached_tokens,
    reasoning_tokens: output.reasoning_tokens,
    first_chunk_ms: output.first_chunk_ms,
    chunks_per_s: output.chunks_per_s,
  };
  return { ...unsigned, signature: sign(null, signedBytes(unsigned), key.privateKey).toString('base64') };
}

export interface Verdict {
  valid: boolean;
  /** What does not hold; empty when valid. */
  problems: string[];
}

/**
 * Checks a receipt against the key it ought to be signed with and, where given, against what it is about.
 */
export function verifyReceipt(
  receipt: Receipt,
  publicKey: KeyObject,
  about: { executionId?: number; question?: string; answer?: string } = {},
): Verdict {
  const { signature, ...unsigned } = receipt;
  const problems: string[] = [];
  const expected = keyId(publicKey);
  if (receipt.key_id !== expected) problems.push(`signed with key ${receipt.key_id}, not with ${expected}`);
  else if (!verify(null, signedBytes(unsigned), publicKey, Buffer.from(String(signature), 'base64')))
    problems.push('the signature does not match: the receipt was changed after it was signed');
  if (about.executionId !== undefined && about.executionId !== receipt.execution_id)
    problems.push(`it is the receipt of execution ${receipt.execution_id}`);
  if (about.question !== undefined && sha256(about.question) !== receipt.question_sha256)
    problems.push('the question is not the one that was answered');
  if (about.answer !== undefined && sha256(about.answer) !== receipt.output_sha256)
    problems.push('the output is not the one that was signed');
  return { valid: problems.length === 0, problems };
}

/** jsonb forgets the order of keys, so the order that is signed is the alphabet's. */
function signedBytes(unsigned: object): Buffer {
  return Buffer.from(JSON.stringify(unsigned, Object.keys(unsigned).sort()));
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function createKeyFile(file: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const { privateKey } = generateKeyPairSync('ed25519');
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  try {
    // Whole or not at all, and never over the key of a runner that was faster.
    fs.linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    fs.unlinkSync(draft);
  }
}
