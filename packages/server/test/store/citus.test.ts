// Spans and logs on the workers of a cluster: on a real one where TEST_CITUS_URL names it (`npm run test:citus`), and what is
// said where there is none.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { examineCluster } from '../../src/doctor/cluster.ts';
import { runQuery } from '../../src/queries/run.ts';
import { QUERIES } from '../../src/registry.ts';
import { askSql } from '../../src/sql-console/console.ts';
import { distribute, isDistributed, prepareCluster, undistribute } from '../../src/store/citus.ts';
import { createPool } from '../../src/store/connect.ts';
import { explainDatabaseError } from '../../src/store/errors.ts';
import { readSet, SQL_DIR } from '../../src/store/migrations.ts';

const skip = process.env.TEST_CITUS_URL ? false : 'no cluster: npm run test:citus -- <url>';
const database = await testDatabase();
const { client } = database;
const pool = createPool(database.url, { applicationName: 'test', max: 3 });
after(() => pool.end());
const health = QUERIES.find(({ name }) => name === 'health') as (typeof QUERIES)[number];

test('where there is no Citus, distributing says what is missing and changes nothing', { skip: !skip }, async () => {
  await assert.rejects(prepareCluster(client), /has no Citus/);
  assert.equal(await isDistributed(client), false);
  assert.deepEqual(await examineCluster(pool), []);
});

test('what a worker says is not taken for a database that is not migrated', () => {
  const at = 'postgresql://app@coordinator/app';
  const error = (code: string, message: string, where: string) => Object.assign(new Error(message), { code, where });
  const missing = error(
    '42P01',
    'relation "beacon.settings" does not exist',
    'PL/pgSQL function setting(text,text)\nwhile executing command on 10.0.0.5:5432',
  );
  const refused = explainDatabaseError(missing, at);
  assert.deepEqual([refused.code, /The worker 10\.0\.0\.5:5432/.test(refused.message)], ['internal', true]);
  const away = error('08006', 'connection to the remote node app@10.0.0.5:5432 failed with the following error: x', '');
  assert.deepEqual(
    [explainDatabaseError(away, at).code, explainDatabaseError(away, at).hint.slice(0, 9)],
    ['database_unreachable', 'Start it:'],
  );
});

test('spans are brought back from the workers and spread again, and none is lost on the way', { skip }, async () => {
  assert.equal(await isDistributed(client), true);
  const { traceId } = await draw(client, 'runner execution.run |==x| error=ECONNREFUSED', { execution: 1 });
  const stored = async () =>
    (await client.query('select count(*)::integer as n from trace_spans where trace_id = $1', [traceId])).rows[0].n;
  const sizes = async () => (await runQuery(pool, health, {})).rows.find(({ item }) => item === 'storage')?.value;
  assert.equal(await undistribute(client, [readSet('beacon', SQL_DIR)], {}), true);
  assert.deepEqual([await isDistributed(client), await stored()], [false, 1]);
  // Functions that give back its rows went with the old table.
  const read = await client.query('select count(*)::integer as n from spans_of(array[$1::uuid])', [traceId]);
  assert.equal(read.rows[0].n, 1);
  const workers = await prepareCluster(client);
  assert.equal(await distribute(client, workers, { shards: workers.length }), true);
  assert.deepEqual([await isDistributed(client), await stored()], [true, 1]);
  assert.equal(await distribute(client, workers, {}), false);
  const { rows: compiling } = await client.query(
    `select distinct c.result from run_command_on_workers($$select setconfig from pg_db_role_setting s
      join pg_database d on d.oid = s.setdatabase where d.datname = current_database() and s.setrole = current_user::regrole$$) c`,
  );
  assert.match(compiling[0].result, /jit=off/, 'workers compile nothing for this role');
  const { rows: here } = await client.query(
    `select sum(pg_total_relation_size(i.inhrelid)) as bytes from pg_inherits i where i.inhparent = 'trace_spans'::regclass`,
  );
  const bytes = await sizes();
  assert.ok(
    Number(bytes) > 1.5 * here[0].bytes,
    `two shards are counted, not the coordinator's empty tables: ${bytes}`,
  );
});

test('the SQL console keeps the order of a statement', { skip }, async () => {
  const started = Date.now() - 60_000;
  for (let i = 0; i < 20; i++) {
    await draw(client, 'a b |==| c=d', { at: new Date(started + i * 1_000) });
  }
  const limits = { rows: 5, bytes: 1_000_000, timeoutMs: 10_000 };
  const statement = 'select started_at from trace_spans order by started_at desc';
  const { rows } = await askSql(pool, statement, limits, new AbortController().signal);
  const { rows: newest } = await client.query(`${statement} limit 5`);
  assert.deepEqual(
    rows.map((row) => Date.parse(String(row.started_at))),
    newest.map((row) => row.started_at.getTime()),
  );
});

test('the doctor says that all workers answer', { skip }, async () => {
  const [finding, ...more] = await examineCluster(pool);
  assert.deepEqual([finding?.state, more], ['good', []], JSON.stringify(finding));
});
