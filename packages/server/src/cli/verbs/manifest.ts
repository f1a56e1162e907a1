// `beacon job-manifest` and `beacon verify`: a proof of what a job answered, and its check without a database.
import { createHash, createPublicKey } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Command } from 'commander';
import { manifestLines } from '../../manifest/build.ts';
import { openKey, seal, type Verdict, verifyManifest } from '../../manifest/seal.ts';
import { BeaconError } from '../../store/errors.ts';
import { VERSION } from '../../version.ts';
import { action, type Context, print, printJson, type VerbOptions, verb, withDatabase } from '../verb.ts';

export const KEY = path.join('.beacon', 'receipt-key.pem');

export function manifestVerb(): Command {
  return verb(
    'job-manifest',
    'Writes a signed manifest of a job: questions, rules, prices, code version, and every execution with its receipt.',
  )
    .argument('<job>')
    .option('--out <file>', 'file to write (default: stdout)')
    .option('--key <file>', `Ed25519 key in PEM, made at first use (default: RECEIPT_KEY_FILE, else ${KEY})`)
    .action(withDatabase(manifest));
}

async function manifest({ pool, options }: Context, job: string): Promise<number> {
  const client = await pool.connect();
  try {
    const lines = await manifestLines(client, job, VERSION);
    if (!lines.some((line) => line.startsWith('{"kind":"execution"')))
      throw new BeaconError('not_found', `There is no job ${job}.`, '`beacon jobs --from 30d` lists jobs.');
    const text = seal(lines, openKey(keyFile(options)));
    if (options.out === undefined) process.stdout.write(text);
    else {
      fs.writeFileSync(options.out as string, text);
      print(`Wrote ${lines.length} lines to ${options.out}; \`beacon verify ${options.out}\` checks them.`);
    }
    return 0;
  } finally {
    client.release();
  }
}

export function verifyVerb(): Command {
  return verb(
    'verify',
    'Checks a manifest of a job offline; names the first line that was altered. Exit code 1: it was.',
  )
    .argument('<file>')
    .option('--key <file>', 'key it must be signed with, public or private, in PEM (default: any; its id is printed)')
    .option('--receipt-key <file>', 'key of the receipts, where it is another one')
    .option('--export <file>', 'file of `job-export --manifest`, whose hash must be the one that is signed')
    .action(action(verify));
}

async function verify(options: VerbOptions, file: string): Promise<number> {
  const read = (name: string) => {
    try {
      return fs.readFileSync(name, 'utf8');
    } catch (error) {
      throw new BeaconError(
        'not_found',
        `${name} cannot be read: ${(error as Error).message}.`,
        'Name the file of a manifest, or of a key.',
      );
    }
  };
  const key = (name: unknown) => (typeof name === 'string' ? createPublicKey(read(name)) : undefined);
  const text = read(file);
  // A byte that is no text would be read as the same sign, whichever it is.
  const isText = Buffer.from(text).equals(fs.readFileSync(file));
  const verdict = verifyManifest(isText ? text : '', key(options.key), key(options.receiptKey));
  if (verdict.valid && options.export !== undefined) checkExport(verdict, text, options.export as string);
  const { valid, problem, lines, keyId, root, receipts } = verdict;
  if (options.json) printJson({ valid, problem, lines, key_id: keyId, root, receipts });
  else if (!valid) print(`NOT VALID: ${isText ? problem : 'it holds bytes that are not UTF-8, so it was altered'}.`);
  else {
    const trust = options.key ? '' : ' Whether that key is to be trusted was not checked: --key names one.';
    print(`Valid: ${lines} lines and ${receipts} receipts, signed with key ${keyId}, root ${root}.${trust}`);
  }
  return valid ? 0 : 1;
}

function checkExport(verdict: Verdict, text: string, file: string): void {
  const signed = text.split('\n').find((line) => line.startsWith('{"kind":"export"'));
  const hash = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  if (signed !== undefined && (JSON.parse(signed) as { sha256: string }).sha256 === hash) return;
  verdict.valid = false;
  verdict.problem =
    signed === undefined ? 'it is not the manifest of an export' : `${file} is not the file that was signed`;
}

export function keyFile(options: VerbOptions): string {
  return (options.key as string | undefined) ?? process.env.RECEIPT_KEY_FILE ?? KEY;
}
