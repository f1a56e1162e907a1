// `beacon job-export`: a job as a file for a paper, and a signed manifest of that file.
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Command } from 'commander';
import { manifestLines } from '../../manifest/build.ts';
import { exportJob, FORMATS, type Format } from '../../manifest/export.ts';
import { openKey, seal } from '../../manifest/seal.ts';
import { BeaconError } from '../../store/errors.ts';
import { VERSION } from '../../version.ts';
import { type Context, printJson, verb, withReader } from '../verb.ts';
import { KEY, keyFile } from './manifest.ts';

export function jobExportVerb(): Command {
  return verb(
    'job-export',
    'Writes a job as a file, a row a cell: question, answer, validity, regions, model, tokens, times, cost, scores, receipt, verdict.',
  )
    .argument('<job>')
    .option('--format <format>', `${FORMATS.join(', ')} (default: by the end of --out, else jsonl)`)
    .option('--out <file>', 'file to write (default: stdout)')
    .option(
      '--manifest <file>',
      'writes a signed manifest too, in which the hash of the file stands (see job-manifest)',
    )
    .option('--key <file>', `key of receipts and manifest (default: RECEIPT_KEY_FILE, else ${KEY})`)
    .action(withReader(exported));
}

async function exported({ pool, options, print }: Context, job: string): Promise<number> {
  const out = options.out as string | undefined;
  const format = formatOf(options.format as string | undefined, out);
  const manifest = options.manifest as string | undefined;
  if (manifest !== undefined && out === undefined)
    throw new BeaconError('usage', '--manifest needs --out: it names the file it is about.', 'See --help.');
  const file = keyFile(options);
  // A manifest is signed; an export alone needs no key, and must not make one.
  const key = manifest !== undefined || fs.existsSync(file) ? openKey(file) : undefined;
  const client = await pool.connect();
  try {
    const { bytes, rows, sha256 } = await exportJob(client, job, format, key?.publicKey);
    if (out === undefined) process.stdout.write(bytes);
    else fs.writeFileSync(out, bytes);
    if (manifest !== undefined && key) {
      const about = { kind: 'export', file: path.basename(out ?? ''), format, rows, bytes: bytes.length, sha256 };
      fs.writeFileSync(manifest, seal([...(await manifestLines(client, job, VERSION)), JSON.stringify(about)], key));
    }
    if (options.json && out !== undefined)
      printJson({ job_id: job, file: out, format, rows, sha256, manifest: manifest ?? null });
    else if (out !== undefined) {
      print(`Wrote ${rows} rows to ${out}, SHA-256 ${sha256}.`);
      if (manifest !== undefined) print(`\`beacon verify ${manifest} --export ${out}\` checks both.`);
    }
    return 0;
  } finally {
    client.release();
  }
}

function formatOf(given: string | undefined, out: string | undefined): Format {
  const wanted = given ?? (out === undefined ? 'jsonl' : path.extname(out).slice(1));
  const format = FORMATS.find((each) => each === wanted);
  if (format) return format;
  if (given === undefined) return 'jsonl';
  throw new BeaconError('usage', `--format must be ${FORMATS.join(', ')} (got "${given}").`, 'See --help.');
}
