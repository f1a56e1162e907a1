// A manifest is lines of JSON, the last of which seals the others: their hashes, the root over them, and a signature of it.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { checkReceipt, keyId, type Receipt } from './receipts.ts';
import { leafHash, rootOf } from './tree.ts';

export interface Key {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/**
 * Reads an Ed25519 key in PEM, or makes one at first use in a file only its owner may read.
 *
 * @throws Error when the file is no such key.
 */
export function openKey(file: string): Key {
  if (!fs.existsSync(file)) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const { privateKey } = generateKeyPairSync('ed25519');
    fs.writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  }
  const privateKey = createPrivateKey(fs.readFileSync(file));
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new Error(`${file} holds no Ed25519 key.`);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** The lines and their seal, as one text. */
export function seal(lines: readonly string[], key: Key): string {
  const leaves = lines.map(leafHash);
  const signature = sign(null, signed(rootOf(leaves), leaves.length), key.privateKey);
  return `${[...lines, sealLine(leaves, key.publicKey, signature)].join('\n')}\n`;
}

export interface Verdict {
  valid: boolean;
  /** The first thing that does not hold: which line, and what it is about; null when valid. */
  problem: string | null;
  lines: number;
  keyId: string | null;
  root: string | null;
  /** Receipts whose signature was checked. */
  receipts: number;
}

interface Seal {
  kind: 'seal';
  public_key: string;
  leaves: string[];
  root: string;
  signature: string;
}

/**
 * Checks a manifest without a database: every byte of it is in a line whose hash, in the tree and under the signature, holds.
 *
 * @param trusted Key it must be signed with; without it the signature is only known to be by the key in the seal.
 * @param receiptKey Key of the receipts, where it is another one.
 */
export function verifyManifest(text: string, trusted?: KeyObject, receiptKey?: KeyObject): Verdict {
  const verdict: Verdict = { valid: false, problem: null, lines: 0, keyId: null, root: null, receipts: 0 };
  const fail = (problem: string): Verdict => ({ ...verdict, problem });
  const all = text.split('\n');
  if (all.pop() !== '') return fail('the file does not end with a line end: it was cut or added to');
  const last = all.pop() ?? '';
  verdict.lines = all.length;
  const found = parsed<Seal>(last);
  if (found?.kind !== 'seal' || !Array.isArray(found.leaves))
    return fail('the last line is no seal: it was altered, or the file was cut');
  const leaves = all.map(leafHash);
  const wrong = leaves.findIndex((leaf, n) => leaf.toString('hex') !== found.leaves[n]);
  if (wrong >= 0) return fail(`line ${wrong + 1} was altered: ${nameOf(all[wrong] as string)}`);
  if (leaves.length !== found.leaves.length)
    return fail(`${found.leaves.length} lines were sealed and ${leaves.length} are there`);
  let publicKey: KeyObject;
  const signature = Buffer.from(String(found.signature), 'base64');
  try {
    publicKey = createPublicKey({ key: Buffer.from(String(found.public_key), 'base64'), type: 'spki', format: 'der' });
  } catch {
    return fail('the seal was altered: its public key is none');
  }
  const root = rootOf(leaves);
  Object.assign(verdict, { root: root.toString('hex'), keyId: keyId(publicKey) });
  if (found.root !== verdict.root) return fail('the seal was altered: its root is not that of the lines');
  if (!verify(null, signed(root, leaves.length), publicKey, signature))
    return fail('the signature does not match: the seal was altered, or made with another key');
  if (last !== sealLine(leaves, publicKey, signature)) return fail('the seal was altered');
  if (trusted && keyId(trusted) !== verdict.keyId)
    return fail(`it is signed with key ${verdict.keyId}, not with ${keyId(trusted)}`);
  const key = receiptKey ?? trusted ?? publicKey;
  for (const [n, line] of all.entries()) {
    const problem = receiptProblem(line, key, verdict);
    if (problem) return fail(`line ${n + 1}, ${nameOf(line)}: ${problem}`);
  }
  return { ...verdict, valid: true };
}

const signed = (root: Buffer, leaves: number) =>
  Buffer.from(`beacon job manifest 1\n${leaves}\n${root.toString('hex')}\n`);

function sealLine(leaves: readonly Buffer[], publicKey: KeyObject, signature: Buffer): string {
  const seal: Seal = {
    kind: 'seal',
    public_key: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    leaves: leaves.map((leaf) => leaf.toString('hex')),
    root: rootOf(leaves).toString('hex'),
    signature: signature.toString('base64'),
  };
  return JSON.stringify(seal);
}

function parsed<T>(line: string): T | undefined {
  try {
    return JSON.parse(line) as T;
  } catch {
    return undefined;
  }
}

/** What a line is about, as far as an altered one still says. */
function nameOf(line: string): string {
  const kind = /^\{"kind":"([a-z]+)"/.exec(line)?.[1] ?? 'unknown kind';
  const id = /"(?:execution|question_id|model|job_id)":"?([^",]+)/.exec(line)?.[1];
  return id === undefined ? kind : `${kind} ${id}`;
}

interface CellLine {
  kind: string;
  question_sha256: string | null;
  answer_sha256: string | null;
  receipt: Receipt | null;
}

function receiptProblem(line: string, key: KeyObject, verdict: Verdict): string | undefined {
  const cell = parsed<CellLine>(line);
  if (!cell?.receipt) return undefined;
  const { problem, signed } = checkReceipt(cell.receipt, cell, key);
  if (signed) verdict.receipts += 1;
  return problem;
}
