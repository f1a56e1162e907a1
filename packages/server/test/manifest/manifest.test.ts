// A manifest of a job verifies offline; one altered byte anywhere is found, and the line it is in is named.
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { createHash, sign } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { keyId } from '../../src/manifest/receipts.ts';
import { openKey, seal, verifyManifest } from '../../src/manifest/seal.ts';
import { parseCsv } from '../../src/queries/csv.ts';
import { run } from '../cli/run.ts';
import { serve } from '../http/server.ts';

const { client, url } = await testDatabase();
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-manifest-'));
after(() => fs.rmSync(dir, { recursive: true, force: true }));
const keyFile = path.join(dir, 'key.pem');
const file = path.join(dir, 'manifest.jsonl');
const key = openKey(keyFile);
const beacon = (...args: string[]) => run(args, { DATABASE_URL: url, RECEIPT_KEY_FILE: keyFile });
const hex = (text: string) => createHash('sha256').update(text).digest('hex');

await client.query(
  `create table public.runs (id bigint primary key, job_id text, model text, region text, question text, status text, created_at timestamptz
     not null default now(), output jsonb, receipt_data jsonb);
   insert into beacon.trace_records (name, relation, id_column, job_column, model_column, region_column, status_column, created_column,
     question_column, output_column)
   values ('runs', 'public.runs', 'id', 'job_id', 'model', 'region', 'status', 'created_at', 'question', 'output')`,
);
for (const n of [1, 2, 3]) {
  const unsigned = {
    ...{ version: 2, execution_id: n, question_sha256: hex(`Question ${n}?`), output_sha256: hex(`Answer ${n}`) },
    key_id: keyId(key.publicKey),
  };
  const bytes = Buffer.from(JSON.stringify(unsigned, Object.keys(unsigned).sort()));
  await client.query(`insert into public.runs values ($1, 'j', 'm', 'east', $2, 'completed', now(), $3, $4)`, [
    ...[n, `Question ${n}?`, { answer: `Answer ${n}` }],
    { ...unsigned, signature: sign(null, bytes, key.privateKey).toString('base64') },
  ]);
}

test('a manifest holds what a job was, and verifies without a database', async () => {
  const made = await beacon('job-manifest', 'j', '--out', file);
  assert.equal(made.code, 0, made.err);
  const checked = await run(['verify', file, '--key', keyFile], { DATABASE_URL: 'postgresql://127.0.0.1:1/none' });
  assert.equal(checked.code, 0, checked.out + checked.err);
  assert.match(checked.out, /^Valid: 8 lines and 3 receipts, signed with key [0-9a-f]{16}, root [0-9a-f]{64}\.$/m);
  const kinds = fs
    .readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).kind);
  assert.deepEqual(kinds, ['job', 'rules', ...Array(3).fill('question'), ...Array(3).fill('execution'), 'seal']);
  assert.equal((await beacon('job-manifest', 'none')).code, 4);
});

test('one altered byte anywhere is found, and the line is named', () => {
  const text = fs.readFileSync(file, 'utf8');
  const bytes = Buffer.from(text);
  let line = 1;
  const lines = text.split('\n');
  for (let at = 0; at < bytes.length; at++) {
    const altered = Buffer.from(bytes);
    altered[at] = bytes[at] === 0x20 ? 0x09 : (bytes[at] as number) ^ 1;
    const { valid, problem } = verifyManifest(altered.toString());
    assert.equal(valid, false, `byte ${at} of line ${line}`);
    if (bytes[at] === 0x0a) line += 1;
    else if (line < lines.length - 1)
      assert.match(String(problem), new RegExp(`^line ${line} was altered`), `byte ${at}`);
  }
  const changed = text.replace('"execution":"2"', '"execution":"9"');
  assert.match(String(verifyManifest(changed).problem), /^line 7 was altered: execution 9$/);
  assert.match(
    String(verifyManifest(lines.filter((_, n) => n !== 6).join('\n')).problem),
    /^line 7 was altered: execution 3$/,
  );
  assert.match(String(verifyManifest(`${text}\n`).problem), /no seal/);
});

test('who seals a changed answer anew is found out by the receipt, and who has no key by the key', () => {
  const lines = fs.readFileSync(file, 'utf8').trim().split('\n').slice(0, -1);
  const forged = lines.map((line) => line.replace(hex('Answer 2'), hex('Answer 7')));
  forged[6] = (lines[6] as string).replace(
    `"answer_sha256":"${hex('Answer 2')}"`,
    `"answer_sha256":"${hex('Answer 7')}"`,
  );
  const other = openKey(path.join(dir, 'other.pem'));
  assert.match(
    String(verifyManifest(seal(forged, other)).problem),
    /^line 7, execution 2: its answer is not the one its receipt signs$/,
  );
  assert.match(
    String(verifyManifest(seal(lines, other), key.publicKey).problem),
    /^it is signed with key [0-9a-f]+, not with/,
  );
  const both = lines.map((line, n) => (n === 6 ? line.replaceAll(hex('Answer 2'), hex('Answer 7')) : line));
  assert.match(
    String(verifyManifest(seal(both, other), undefined, key.publicKey).problem),
    /^line 7, execution 2: the signature of its receipt does not match$/,
  );
});

test('ten thousand executions verify within five seconds', (t) => {
  const [template] = fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"kind":"execution"')) as [string];
  const text = seal(
    Array.from({ length: 10_000 }, (_, n) => template.replace('"execution":"1"', `"execution":"${n}"`)),
    key,
  );
  // Time of this process, not of a busy machine.
  const started = process.cpuUsage();
  assert.equal(verifyManifest(text, key.publicKey).valid, true);
  const { user, system } = process.cpuUsage(started);
  const took = (user + system) / 1000;
  t.diagnostic(`${Math.round(took)} ms`);
  assert.ok(took < 5_000, `${took} ms`);
});

test('a job is exported as JSON lines, CSV and Parquet with the same rows, its receipts verified, and a manifest of the file', async () => {
  await client.query(
    `insert into beacon.answers (execution_id, job_id, model_id, region, served_region, question_id, question, status, answer, answer_chars,
       answer_group, input_tokens, output_tokens, latency_ms, first_chunk_ms, system_fingerprint, started_at, finished_at, source)
     select n, 'j', 'm', 'east', 'west', 'q' || n, 'Question ' || n || '?', 'completed', 'Answer ' || n, 8, n, 1000000, 2, 12.5, 3.25, 'fp',
       '2026-11-02T03:04:05.123456Z', '2026-11-02T03:04:06Z', 'runner' from generate_series(1, 3) n;
     insert into beacon.answers (execution_id, job_id, model_id, region, question_id, question, status, error_type, verdict, started_at,
       finished_at, source) values (4, 'j', 'm', 'east', 'q4', 'A "quoted", one' || chr(10) || 'of two lines', 'failed', 'timeout', 'NETWORK_TIMEOUT', now(), now(), 'runner');
     select beacon.score(1, 'correct', 1, 'rule:exact'), beacon.import_prices(
       '[{"model": "m", "valid_from": "2026-01-01", "input": 2, "output": 0}]', 'test')`,
  );
  const out = (format: string) => path.join(dir, `job.${format}`);
  for (const format of ['jsonl', 'csv', 'parquet']) {
    const made = await beacon('job-export', 'j', '--out', out(format), '--manifest', `${out(format)}.manifest`);
    assert.equal(made.code, 0, made.err);
    const checked = await beacon('verify', `${out(format)}.manifest`, '--key', keyFile, '--export', out(format));
    assert.equal(checked.code, 0, checked.out);
  }
  const rows = fs
    .readFileSync(out('jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const [first, , , failed] = rows;
  assert.deepEqual(
    [first.region, first.served_region, first.answer, first.cost, first.currency, first.latency_ms, first.started_at],
    ['east', 'west', 'Answer 1', 2, 'USD', 12.5, '2026-11-02T03:04:05.123456Z'],
  );
  assert.deepEqual(first.scores, [{ name: 'correct', value: 1, source: 'rule:exact' }]);
  assert.deepEqual([first.receipt_verified, first.receipt_id.length, first.receipt.version], [true, 16, 2]);
  assert.deepEqual(
    [failed.validity, failed.reason, failed.verdict, failed.answer, failed.cost, failed.receipt_id],
    ['infrastructure', 'NETWORK_TIMEOUT', 'NETWORK_TIMEOUT', null, null, null],
  );
  const csv = parseCsv(fs.readFileSync(out('csv'), 'utf8'));
  const bytes = fs.readFileSync(out('parquet'));
  const parquet = await parquetReadObjects({
    file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
    parsers: { timestampFromMicroseconds: (micros: bigint) => micros as unknown as Date },
  });
  for (const [n, row] of rows.entries()) {
    for (const [name, value] of Object.entries(row)) {
      const text = value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
      assert.equal(csv[n]?.[name], text, name);
      const read = parquet[n]?.[name] ?? null;
      if (name === 'started_at') assert.equal(Number(read), Date.parse(text) * 1000 + Number(text.slice(-4, -1)), name);
      else if (name !== 'finished_at') assert.equal(read === null ? '' : String(read), text, name);
    }
  }
  fs.appendFileSync(out('csv'), 'x');
  const altered = await beacon('verify', `${out('csv')}.manifest`, '--export', out('csv'));
  assert.deepEqual(
    [altered.code, /NOT VALID: .*job\.csv is not the file that was signed/.test(altered.out)],
    [1, true],
  );
  assert.equal((await beacon('job-export', 'none')).code, 4);
  assert.equal((await beacon('job-export', 'j', '--format', 'xml')).code, 2);

  const server = await serve({ url });
  const response = await fetch(`${server.url}/api/v1/job-export?job_id=j&format=csv`);
  assert.equal(response.headers.get('content-type'), 'text/csv; charset=utf-8');
  assert.equal(parseCsv(await response.text()).length, 4);
  assert.equal((await fetch(`${server.url}/api/v1/job-export?job_id=none`)).status, 404);
});

test('any byte altered to any other, in prices, rules, questions, receipts, scores or the seal, is found in its line', () => {
  const bytes = fs.readFileSync(path.join(dir, 'job.csv.manifest'));
  const lines = bytes.toString().trimEnd().split('\n');
  const starts = lines.map((_, n) =>
    Buffer.byteLength(
      lines
        .slice(0, n)
        .map((line) => `${line}\n`)
        .join(''),
    ),
  );
  const kinds = new Set(lines.map((line) => JSON.parse(line).kind));
  assert.deepEqual([...kinds].sort(), ['execution', 'export', 'job', 'price', 'question', 'rules', 'seal']);
  fc.assert(
    fc.property(
      fc.nat(lines.length - 1),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.integer({ min: 1, max: 255 }),
      (n, at, by) => {
        const where = (starts[n] as number) + Math.floor(at * Buffer.byteLength(lines[n] as string));
        const altered = Buffer.from(bytes);
        altered[where] = (bytes[where] as number) ^ by;
        // What is not UTF-8 any more is refused before it is read as text.
        if (!isUtf8(altered)) return;
        const { valid, problem } = verifyManifest(altered.toString());
        assert.equal(valid, false, `byte ${where}`);
        // A new line end, or a seal that is none, moves what follows.
        if (n < lines.length - 1)
          assert.match(String(problem), new RegExp(`^line ${n + 1} was altered`), `byte ${where}`);
      },
    ),
    { numRuns: 2000 },
  );
});
