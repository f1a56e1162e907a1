// The first page, newest first, of what came in order and of what did not: by the last chunks, trace by trace, and by the
// index, always the rows of the plain statement.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { explainSql, runQuery } from '../../src/queries/run.ts';
import { search, traceIds } from '../../src/search/queries.ts';
import { createPool } from '../../src/store/connect.ts';
import { store, type TestSpan, traceId } from '../queries/store.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 2 });
after(() => pool.end());

const MINUTE = 60_000;
const now = Date.now();
/** More than are looked at before the index is. */
const CHUNKS = 90;

/** Two traces a chunk of two spans each; the chunk begins at `at`. */
async function storeChunk(n: number, at: (trace: number) => number): Promise<void> {
  const spans = [0, 1].flatMap((i): TestSpan[] => {
    const k = 2 * n + i;
    const trace = traceId();
    const start = at(i);
    return [
      { trace, at: start, service: k % 3 ? 'shop' : 'mail', ms: 5 + (k % 40), attributes: { tenant: `t${k % 7}` } },
      {
        trace,
        at: start + 2,
        service: k % 5 ? 'pay' : 'shop',
        ms: k % 9 === 0 ? 400 : 3,
        status: k % 11 === 0 ? 'failed' : 'completed',
        attributes: { tenant: `t${(k + 1) % 7}`, ...(k % 60 === 7 ? { rare: 'needle' } : {}) },
      },
    ];
  });
  await store(client, spans);
}

for (let n = 0; n < CHUNKS; n++) await storeChunk(n, (i) => now - 300 * MINUTE + n * MINUTE + i * 20_000);
// As an import sends them: each chunk has something of everywhere.
for (let n = 0; n < CHUNKS; n++) await storeChunk(n, (i) => now - 120 * MINUTE + ((n * 37 + i * 53) % 90) * MINUTE + n);

const FILTERS = [
  'service=shop',
  'tenant=t3',
  'service=pay tenant=t3',
  'rare=needle',
  'service=shop rare=needle',
  'duration>=300',
  'service=pay status=failed',
  'tenant!=t3',
  'nothing=here',
];
const TIMES = {
  'what came in order': {
    from: new Date(now - 301 * MINUTE).toISOString(),
    to: new Date(now - 200 * MINUTE).toISOString(),
  },
  'a part of it': { from: new Date(now - 290 * MINUTE).toISOString(), to: new Date(now - 215 * MINUTE).toISOString() },
  'what came in no order': { from: new Date(now - 121 * MINUTE).toISOString() },
  'a part of that': { from: new Date(now - 100 * MINUTE).toISOString(), to: new Date(now - 70 * MINUTE).toISOString() },
  'all of it': { from: new Date(now - 301 * MINUTE).toISOString() },
};

async function isPlain(time: { from: string; to?: string }): Promise<void> {
  let found = 0;
  for (const q of FILTERS) {
    const call = explainSql(search, { q, ...time, limit: 1000 });
    assert.ok(call);
    const all = (await client.query(call.text, call.values)).rows.map((row) => row.trace_id as string);
    for (const limit of [1, 4, 20, 100]) {
      const { rows } = await runQuery(pool, search, { q, ...time, limit });
      assert.deepEqual(
        rows.map((row) => row.trace_id),
        all.slice(0, limit),
        `${q}, ${limit}`,
      );
      const ids = await runQuery(pool, traceIds, { q, ...time, limit });
      assert.deepEqual(
        ids.rows.map((row) => row.trace_id),
        all.slice(0, limit),
        `ids of ${q}, ${limit}`,
      );
    }
    found += all.length;
  }
  assert.ok(found > 20, `the filters are about something: ${found}`);
}

for (const [name, time] of Object.entries(TIMES)) {
  test(`the first page of ${name} is that of the plain statement`, () => isPlain(time));
}

test('it is when the first half has gone into the archive', async () => {
  await client.query(`insert into beacon.settings values ('archive_after_days', 'off'), ('retention_days', '100000')`);
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'beacon.trace_spans'::regclass order by c.relname`,
  );
  let archived = 0;
  for (const { name } of rows) {
    archived += Number((await client.query('select beacon.archive_spans($1, 150) as n', [name])).rows[0].n);
  }
  assert.ok(archived > 100, `${archived} spans are in the archive`);
  await isPlain(TIMES['all of it']);
  await isPlain(TIMES['a part of it']);
});
