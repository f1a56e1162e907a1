import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, createPublicKey } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { openReceiptKey } from '../src/receipt.ts';
import { migration, runnerDatabase } from './database.ts';
import { TestRouter } from './router.ts';
import { KEY_FILE, startRunner } from './service.ts';

const { url, client } = await runnerDatabase();
const router = new TestRouter();
const { api } = await startRunner({ DATABASE_URL: url, HYBRID_ROUTER_URL: await router.listen() });
const [execution] = await api.ended(await api.submit({ questions: ['What is 2+2?'] }));
const receipt = execution.receipt_data;
const folder = path.dirname(KEY_FILE);

function verify(subject: string, env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(import.meta.dirname, '../src/verify.ts'), subject, '--json'],
    { env: { ...process.env, DATABASE_URL: url, RECEIPT_KEY_FILE: KEY_FILE, ...env }, encoding: 'utf8' },
  );
  assert.equal(stderr, '');
  return { status, ...(JSON.parse(stdout) as { valid: boolean; problems: string[] }) };
}

function file(name: string, content: object): string {
  const where = path.join(folder, name);
  fs.writeFileSync(where, JSON.stringify(content));
  return where;
}

test('a receipt says who answered, when, and with what', () => {
  assert.equal(receipt.answered_by, 'test');
  assert.equal(receipt.simulated, true);
  assert.equal(receipt.output_sha256, createHash('sha256').update('4').digest('hex'));
  assert.ok(Math.abs(Date.parse(receipt.answered_at) - Date.now()) < 60_000);
});

test('the key is made once, for its owner only', () => {
  assert.equal(fs.statSync(KEY_FILE).mode & 0o777, 0o600);
  assert.equal(openReceiptKey(KEY_FILE).id, receipt.key_id);
  assert.deepEqual(
    fs.readdirSync(folder).filter((name) => name.includes('pem.')),
    [],
  );
});

test('the command verifies an execution, a receipt file, and an execution as the API shows it', () => {
  assert.deepEqual(verify(String(execution.id)).status, 0);
  assert.equal(verify(file('receipt.json', receipt)).status, 0);
  assert.equal(verify(file('execution.json', execution)).status, 0);
});

test('with the public key alone the command verifies as well', () => {
  const publicKey = createPublicKey(fs.readFileSync(KEY_FILE)).export({ type: 'spki', format: 'pem' });
  const where = path.join(folder, 'public.pem');
  fs.writeFileSync(where, publicKey);
  assert.equal(verify(String(execution.id), { RECEIPT_KEY_FILE: where }).status, 0);
});

for (const [what, change, problem] of [
  ['another provider', { answered_by: 'other' }, /changed after it was signed/],
  ['another time', { answered_at: '2020-01-01T00:00:00.000Z' }, /changed after it was signed/],
  ['an added field', { approved: true }, /changed after it was signed/],
  ['no signature', { signature: '' }, /changed after it was signed/],
  ['another key', { key_id: '0000000000000000' }, /signed with key 0000000000000000/],
] as const) {
  test(`a receipt with ${what} is not valid`, () => {
    const verdict = verify(file('changed.json', { ...receipt, ...change }));
    assert.deepEqual([verdict.status, verdict.valid], [1, false]);
    assert.match(verdict.problems.join(), problem);
  });
}

test('an output or a question changed in the database is found out', async () => {
  await client.query(`update runner.executions set output_data = jsonb_set(output_data, '{answer}', '"5"')`);
  assert.match(verify(String(execution.id)).problems.join(), /the output is not the one that was signed/);
  await client.query(`update runner.executions set question = 'What is 2+3?'`);
  assert.match(verify(String(execution.id)).problems.join(), /the question is not the one that was answered/);
});

test('what cannot be checked is not valid', () => {
  assert.match(verify('999999').problems.join(), /no execution 999999/);
  assert.match(verify('/nonexistent.json').problems.join(), /ENOENT/);
  assert.match(verify(String(execution.id), { DATABASE_URL: '' }).problems.join(), /DATABASE_URL is not set/);
});

test('the migration can be taken back', async () => {
  const other = await runnerDatabase();
  const before = await other.client.query(`select name from beacon.trace_records`);
  assert.deepEqual(before.rows, [{ name: 'executions' }]);
  await other.client.query(migration('down'));
  const { rows } = await other.client.query(
    `select to_regnamespace('runner') as schema, (select count(*)::int from beacon.trace_records) as records`,
  );
  assert.deepEqual(rows, [{ schema: null, records: 0 }]);
});
