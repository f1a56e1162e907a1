import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSchema, renderReference, renderSchemaSql } from '@project-beacon/server';
import { testDatabase } from '@project-beacon/testkit';

const { client } = await testDatabase();
const schema = await describeSchema(client);

test('the description holds the published contract, and every part of it has a comment', () => {
  const named = [...schema.tables, ...schema.views, ...schema.types, ...schema.functions];
  for (const name of ['trace_spans', 'trace_waterfall', 'trace_coverage', 'identify_root_cause', 'critical_path']) {
    assert.ok(
      named.some((each) => each.name === name),
      `${name} is missing`,
    );
  }
  assert.deepEqual(
    named.filter(({ comment }) => comment === null).map(({ name }) => name),
    [],
  );
});

test('partitions of the day are no part of it', () => {
  const partitions = schema.tables.filter(({ name }) => name.startsWith('trace_spans_'));
  assert.deepEqual(partitions, []);
  assert.equal(schema.tables.find(({ name }) => name === 'trace_spans')?.partitionedBy, 'RANGE (started_at)');
});

test('the listing of tables is SQL that PostgreSQL accepts', async () => {
  const tables = renderSchemaSql({ ...schema, views: [], functions: [], types: [] });
  await client.query('begin');
  await client.query('alter schema beacon rename to beacon_before; create schema beacon;');
  await client.query(tables);
  const { rows } = await client.query(`select count(*)::integer as n from pg_class
    where relnamespace = 'beacon'::regnamespace and relkind in ('r', 'p')`);
  await client.query('rollback');
  assert.equal(rows[0].n, schema.tables.length);
});

test('the reference names columns, comments and results, and keeps table cells in one line', () => {
  const reference = renderReference(schema);
  assert.match(reference, /### `critical_path\(of_trace uuid\)`/);
  assert.match(reference, /\| `duration_ms` \| double precision \| Milliseconds/);
  for (const line of reference.split('\n').filter((each) => each.startsWith('|'))) assert.match(line, /\|$/);
});
