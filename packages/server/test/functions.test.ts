import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';

const db = await testDatabase();

test('every published query answers on an empty database', async () => {
  for (const sql of [
    'SELECT * FROM trace_spans ORDER BY created_at DESC LIMIT 5',
    'SELECT * FROM trace_waterfall WHERE execution_id = 1',
    'SELECT * FROM diagnose_execution_trace(1)',
    'SELECT * FROM find_similar_traces(1, 5)',
    'SELECT * FROM trace_coverage',
    `SELECT * FROM critical_path('00000000-0000-0000-0000-000000000001')`,
    `SELECT * FROM compare_traces('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002')`,
    `SELECT * FROM rank_root_causes(now() - interval '1 hour', now(), now() - interval '2 hours', now() - interval '1 hour')`,
  ]) {
    assert.deepEqual((await db.client.query(sql)).rows, [], sql);
  }
  const { rows } = await db.client.query('SELECT * FROM identify_root_cause(1)');
  assert.equal(rows[0].type, 'UNTRACED');
  const health = await db.client.query('SELECT * FROM trace_spans_health');
  assert.ok(health.rows.some((row) => row.item === 'partitions_ahead' && row.state === 'ok'));
});

test('the body of every function passes the validator', async () => {
  const { rows } = await db.client.query(
    `select oid, pg_get_functiondef(oid) as definition from pg_proc where pronamespace = 'beacon'::regnamespace`,
  );
  assert.ok(rows.length > 40);
  // On a cluster the functions are there already, and no function may be made anew whose type is made of a table.
  await db.client.query('set check_function_bodies = on; set citus.enable_ddl_propagation = off');
  for (const { definition } of rows) await db.client.query(definition);
});
