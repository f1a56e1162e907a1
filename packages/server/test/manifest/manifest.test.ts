// A manifest of a job verifies offline; one altered byte anywhere is found, and the line it is in is named.
import assert from 'node:assert/strict';
import { createHash, sign } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { keyId, openKey, seal, verifyManifest } from '../../src/manifest/seal.ts';
import { run } from '../cli/run.ts';

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
