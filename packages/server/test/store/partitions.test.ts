import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';

test('a migrated database has partitions for today and the days ahead', async () => {
  const { client } = await testDatabase();
  const { rows } = await client.query(
    `select count(*)::int as n from pg_inherits where inhparent = 'trace_spans'::regclass`,
  );
  assert.equal(rows[0].n, 1 + 1 + 1 + 7);
});
