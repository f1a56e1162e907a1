// The SQL console over HTTP: by POST only, and the statement ends with the request.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { serve } from './server.ts';

const database = await testDatabase();
const server = await serve(database);

const LONG = 'select count(*) as endless from generate_series(1, 100000000000)';

async function running(): Promise<boolean> {
  const { rows } = await database.client.query(
    `select from pg_stat_activity where datname = current_database() and state = 'active' and query like '%as endless%' and pid <> pg_backend_pid()`,
  );
  return rows.length > 0;
}

test('an answer has its columns with their types beside the rows', async () => {
  const { status, body } = await server.post('/api/v1/sql', { statement: 'select 1 as n, now() as at', limit: 5 });
  assert.equal(status, 200);
  assert.deepEqual(body.columns, [
    { name: 'n', type: 'integer' },
    { name: 'at', type: 'timestamp with time zone' },
  ]);
  assert.equal(body.rows[0].n, 1);
  assert.equal(body.truncated, null);
});

test('what is refused is 403, what is wrong 400, what takes too long 504, each in words', async () => {
  const asked = async (statement: string) => {
    const { status, body } = await server.post('/api/v1/sql', { statement, timeout_s: 0.2 });
    return [status, body.code, body.detail];
  };
  assert.deepEqual(await asked('select * from pg_authid'), [
    403,
    'forbidden',
    'Refused: the relation pg_catalog.pg_authid.',
  ]);
  assert.deepEqual(await asked('select nosuch'), [400, 'usage', 'column "nosuch" does not exist (line 1, column 8)']);
  assert.deepEqual((await asked(LONG)).slice(0, 2), [504, 'statement_timeout']);
  assert.equal((await server.ask(`/api/v1/sql?statement=${encodeURIComponent('select 1')}`)).status, 404);
});

test('a client that goes away takes its statement with it', async () => {
  const abort = new AbortController();
  const asked = fetch(`${server.url}/api/v1/sql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ statement: LONG, timeout_s: 60 }),
    signal: abort.signal,
  });
  asked.catch(() => {});
  await until('it runs', running);
  abort.abort();
  await assert.rejects(asked);
  await until('it has ended', async () => !(await running()));
});
