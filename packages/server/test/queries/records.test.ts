import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { examineData } from '../../src/doctor/database.ts';
import { jobCells } from '../../src/queries/job-cells.ts';
import { jobMatrix, jobs } from '../../src/queries/jobs.ts';
import type { Query } from '../../src/queries/query.ts';
import { runQuery } from '../../src/queries/run.ts';
import { coverage, health } from '../../src/queries/state.ts';
import { createPool } from '../../src/store/connect.ts';
import { run } from '../cli/run.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 2 });
after(() => pool.end());
const ask = (of: Query, params: Record<string, unknown> = {}) => runQuery(pool, of, params);

await client.query(`
  create schema app;
  create table app.works (id bigint, job text, status text, made timestamptz default now());
  create table app.moved (id bigint, job text, status text, made timestamptz default now());
  insert into app.works values (1, 'a', 'completed'), (2, 'a', 'failed');
  insert into app.moved values (11, 'b', 'failed');
  insert into beacon.trace_records (name, relation, id_column, job_column, status_column, created_column) values
    ('moved', 'app.moved', 'id', 'job', 'status', 'made'), ('works', 'app.works', 'id', 'job', 'status', 'made')`);
await draw(client, 'app work |==|', { execution: 1, job: 'a' });

/** Whatever is asked while the change holds; then it is taken back. */
async function changed(change: string, back: string, work: () => Promise<void>): Promise<void> {
  await client.query(change);
  await work().finally(() => client.query(back));
}

for (const { what, change, back, says, fix } of [
  {
    what: 'whose id was renamed',
    change: 'alter table app.moved rename id to execution_id',
    back: 'alter table app.moved rename execution_id to id',
    says: /app\.moved has no column id any more/,
    fix: /update beacon\.trace_records set id_column = '<its name now>' where name = 'moved'/,
  },
  {
    what: 'whose time was dropped',
    change: 'alter table app.moved drop made',
    back: 'alter table app.moved add made timestamptz default now()',
    says: /app\.moved has no column made any more/,
    fix: /set created_column/,
  },
  {
    what: 'that was dropped',
    change: 'alter table app.moved rename to elsewhere',
    back: 'alter table app.elsewhere rename to moved',
    says: /app\.moved is not there any more/,
    fix: /delete from beacon\.trace_records where name = 'moved'/,
  },
  {
    what: 'that may not be read',
    change: 'revoke select on app.moved from current_user',
    back: 'grant select on app.moved to current_user',
    says: /may not read the column id of the registered table app\.moved/,
    fix: /grant select on app\.moved to/,
  },
]) {
  test(`a registered table ${what} takes nothing of the others with it, and is named with what to do`, async () => {
    await changed(change, back, async () => {
      const covered = await ask(coverage);
      assert.deepEqual(
        covered.rows.map((row) => [row.records, row.executions, row.traced]),
        [['works', 2, 1]],
      );
      const listed = await ask(jobs);
      assert.deepEqual(
        listed.rows.map((row) => [row.job_id, row.executions]),
        [['a', 2]],
      );
      const matrix = await ask(jobMatrix, { job_id: 'a' });
      assert.equal(matrix.rows.length, 2);
      for (const { truncated } of [covered, listed, matrix, await ask(jobCells, { job_id: 'a' })]) {
        assert.match(truncated ?? '', says);
        assert.match(truncated ?? '', fix);
      }
      await assert.rejects(ask(jobMatrix, { job_id: 'b' }), ({ hint }: { hint: string }) => says.test(hint));
      const state = (await ask(health)).rows.find(({ item }) => item === 'records_unreadable');
      assert.equal(state?.state, 'warn');
      assert.match(String(state?.detail), says);
      const note = (await examineData(pool, true)).find(({ summary }) => says.test(summary));
      assert.match(note?.fix ?? '', fix);
      const { rows } = await client.query(`
        select (select untraced from beacon.untraced_since(now() - interval '1 day')) as untraced,
          (select executions from beacon.preflight_baseline(now() - interval '1 day', now() + interval '1 day')) as completed`);
      assert.deepEqual(rows, [{ untraced: '1', completed: '1' }]);
    });
  });
}

test('without its column for the status a table still tells what it can, and what is missing is named', async () => {
  await changed(
    'alter table app.moved rename status to state',
    'alter table app.moved rename state to status',
    async () => {
      const covered = await ask(coverage);
      assert.deepEqual([covered.rows.length, covered.truncated], [2, null], 'coverage needs no status');
      const listed = await ask(jobs);
      assert.equal(listed.rows.length, 2);
      assert.match(
        listed.truncated ?? '',
        /no column status any more, so all of it counts as completed.*set status_column/,
      );
      const { rows } = await client.query(`select untraced from beacon.untraced_since(now() - interval '1 day')`);
      assert.equal(rows[0].untraced, '1', 'what may not have begun is not said to lack a trace');
      const { out, err } = await run(['backfill', '--json'], { DATABASE_URL: url });
      assert.deepEqual(JSON.parse(out), { made: 1 }, 'nor is one made for it');
      assert.match(err, /^Left out: .*no column status any more; .*set status_column/);
    },
  );
});

test('where everything registered is there nothing is said', async () => {
  for (const each of [coverage, jobs]) assert.equal((await ask(each)).truncated, null);
  const state = (await ask(health)).rows.find(({ item }) => item === 'records_unreadable');
  assert.equal(state?.state, 'ok');
});
