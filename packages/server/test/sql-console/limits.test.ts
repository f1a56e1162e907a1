import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { askSql } from '../../src/sql-console/console.ts';
import { createPool } from '../../src/store/connect.ts';

const { client, url, adminUrl } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 2 });
after(() => pool.end());

const LIMITS = { rows: 10, bytes: 10_000, timeoutMs: 10_000 };
const ask = (sql: string, limits: Partial<typeof LIMITS> = {}, signal = new AbortController().signal) =>
  askSql(pool, sql, { ...LIMITS, ...limits }, signal);

async function running(): Promise<number> {
  const { rows } = await client.query(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = 'test' and state <> 'idle'`,
  );
  return rows[0].n;
}

test('more rows than allowed are cut, and that is said', async () => {
  const cut = await ask('select * from generate_series(1, 1000) n');
  assert.equal(cut.rows.length, 10);
  assert.match(cut.truncated ?? '', /Showing the first 10 rows.*raise limit/);
  assert.equal((await ask('select * from generate_series(1, 10) n')).truncated, null);
});

test('more bytes than allowed are cut at a row, and that is said', async () => {
  const cut = await ask(`select repeat('x', 3000) as x from generate_series(1, 10)`);
  assert.equal(cut.rows.length, 3);
  assert.deepEqual(cut.columns, [{ name: 'x', type: 'text' }]);
  assert.match(cut.truncated ?? '', /Showing the first 3 rows.*larger than/);
});

test('a row that is too large alone is refused, and its bytes never fill the memory', async () => {
  await assert.rejects(ask(`select repeat('x', 20000)`), { code: 'usage', message: /single row is larger/ });
  const before = process.memoryUsage().rss;
  await assert.rejects(ask(`select repeat('x', 100000000)`), { code: 'usage', message: /single row is larger/ });
  assert.ok(process.memoryUsage().rss - before < 50e6, 'the value was not read');
  assert.equal((await ask('select 1 as n')).rows[0]?.n, 1);
});

test('a statement that takes too long is stopped, whatever it does', async () => {
  for (const sql of [
    'select count(*) from generate_series(1, 100000000000)',
    'select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b',
    'with recursive r as (select 1 as n union all select n + 1 from r) select count(*) from r',
    `select max(length(repeat('x', n))) from generate_series(1, 100000000) n`,
  ]) {
    await assert.rejects(ask(sql, { timeoutMs: 200 }), { code: 'statement_timeout', message: /0\.2 s/ }, sql);
  }
  assert.equal(await running(), 0);
});

test('when the one who asked goes away, the statement ends in the database too', async () => {
  const abort = new AbortController();
  const asked = ask('select count(*) from generate_series(1, 100000000000)', {}, abort.signal);
  asked.catch(() => {});
  await until('it runs', async () => (await running()) === 1);
  abort.abort(new Error('gone'));
  await assert.rejects(asked, /gone/);
  assert.equal(await running(), 0);
  await assert.rejects(ask('select 1', {}, AbortSignal.abort(new Error('gone before'))), /gone before/);
  assert.equal((await ask('select 1 as n')).rows[0]?.n, 1);
});

test('an installation with a role for readers has its rights too', async () => {
  const admin = createPool(adminUrl, { applicationName: 'test admin', max: 1 });
  const role = `reader_${process.pid}`;
  const owner = new URL(url).username;
  await admin.query(`create role ${role} nologin`);
  await admin.query(`grant ${role} to ${owner}; grant usage on schema beacon to ${role};
    grant select on all tables in schema beacon to ${role}; revoke select on beacon.preflights from ${role};
    insert into beacon.settings values ('sql_role', '${role}')`);
  try {
    assert.deepEqual((await ask('select current_user::text as who')).rows, [{ who: role }]);
    assert.deepEqual((await ask('select type from identify_root_cause(404)')).rows, [{ type: 'UNTRACED' }]);
    await assert.rejects(ask('select * from preflights'), {
      code: 'forbidden',
      message: /permission denied for table preflights/,
    });
    const { rows } = await pool.query('select current_user::text as who');
    assert.equal(rows[0].who, owner);
  } finally {
    await admin.query(`delete from beacon.settings where name = 'sql_role'; drop owned by ${role}; drop role ${role}`);
    await admin.end();
  }
});

test('a database that is not migrated says so', async () => {
  const empty = await testDatabase(false);
  const other = createPool(empty.url, { applicationName: 'test' });
  after(() => other.end());
  await assert.rejects(askSql(other, 'select 1', LIMITS, new AbortController().signal), { code: 'not_migrated' });
});

test('what is wrong with a text, a path or its depth is an error of the statement', async () => {
  for (const sql of [
    `select xpath('bad((', '<a/>')`,
    `select xpath('/a', '<a')`,
    `select 'a & & b'::tsquery`,
    `select to_tsquery('a &&& |')`,
    `select repeat('[', 100000)::jsonb`,
    `select array_fill(1, array[2000000000])`,
    `select 'x' ~ '('`,
    `select repeat('x', 2000000000)`,
  ]) {
    await assert.rejects(ask(sql), { code: 'usage' }, sql);
  }
});
