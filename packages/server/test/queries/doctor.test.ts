import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { doctorRows } from '../../src/doctor/rows.ts';
import { doctor, provideDoctor, runDoctor } from '../../src/queries/actions.ts';
import type { Query } from '../../src/queries/query.ts';
import { runQuery } from '../../src/queries/run.ts';
import { createPool } from '../../src/store/connect.ts';

const { url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 2 });
after(() => pool.end());
const ask = (operation: Query, params: Record<string, unknown> = {}) => runQuery(pool, operation, params);

test('a process without the doctor says where he is', async () => {
  await assert.rejects(ask(doctor), { code: 'unavailable', message: /not part of this process/ });
});

test('who asks often gets the last examination, and who wants a new one a new one', async () => {
  const looked: Array<string | undefined> = [];
  provideDoctor(async ({ databaseUrl, url: service }) => {
    looked.push(service);
    return doctorRows(databaseUrl, service === undefined ? [] : [{ url: service }]);
  });
  const [first, second] = [await ask(doctor), await ask(doctor)];
  assert.equal(looked.length, 1);
  assert.deepEqual(second.rows, first.rows);
  assert.ok(first.rows.some(({ hop, state }) => hop === 'committed' && state === 'good'));
  await ask(runDoctor);
  assert.equal(looked.length, 2);
  const asked = await ask(doctor, { url: 'http://127.0.0.1:1' });
  assert.equal(looked.at(-1), 'http://127.0.0.1:1');
  assert.match(String(asked.rows[0]?.what), /127\.0\.0\.1:1/);
});

test('the server asks this machine only', async () => {
  for (const service of [
    'http://example.com',
    'http://169.254.169.254/latest',
    'file:///etc/passwd',
    'http://127.0.0.1.example.com',
  ]) {
    await assert.rejects(ask(doctor, { url: service }), { name: 'ZodError' }, service);
  }
});

test('what is cut is said', async () => {
  const { rows, truncated } = await ask(doctor, { limit: 1 });
  assert.equal(rows.length, 1);
  assert.match(truncated ?? '', /Showing the first 1 of \d+ findings/);
});
