// What the baseline is made of where there is more than executions.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { throwawayServer } from '@project-beacon/testkit';
import pg from 'pg';
import { THRESHOLDS } from '../../src/preflight/check.ts';
import { baselineCheck, measureBaseline } from '../../src/preflight/database-checks.ts';
import { createPool } from '../../src/store/connect.ts';
import { migrateUp } from '../../src/store/migrate.ts';
import { readSet, SQL_DIR } from '../../src/store/migrations.ts';
import { workDatabase } from '../doctor/app.ts';

test('2 baseline: the slowest statements are kept where pg_stat_statements is', async () => {
  const server = await throwawayServer({ shared_preload_libraries: 'pg_stat_statements' });
  after(() => server.discard());
  const client = new pg.Client({ connectionString: server.adminUrl });
  await client.connect();
  await migrateUp(client, [readSet('beacon', SQL_DIR)]);
  await client.query('create extension pg_stat_statements schema public');
  await client.query('select pg_sleep(0.01)');
  await client.end();
  const pool = createPool(server.adminUrl, { applicationName: 'test' });
  const baseline = await measureBaseline({ pool, thresholds: THRESHOLDS });
  await pool.end();
  assert.equal(baseline.slowest_statements.length, 5);
  assert.match(JSON.stringify(baseline.slowest_statements), /"statement":.*"mean_exec_time":/);
  assert.match(baselineCheck(baseline).numbers, /5 slowest statements kept/);
});

test('executions that are alike in stretches say less than their number', async () => {
  const { client } = await workDatabase();
  await client.query(`alter table app.work add duration_ms float8;
    insert into app.work (duration_ms, created_at)
    select case when n <= 100 then 50 else 150 end, now() - interval '1 hour' + n * interval '1 second' from generate_series(1, 200) n`);
  const { rows } = await client.query(
    `select timed::int, average_ms, sqrt(variance / timed) as error from beacon.preflight_baseline(now() - interval '1 day', now())`,
  );
  // Independent ones would have 3.5 ms.
  assert.deepEqual([rows[0].timed, rows[0].average_ms, Math.round(rows[0].error)], [200, 100, 11]);
});
