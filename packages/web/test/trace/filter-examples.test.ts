// A filter means the same in the database and on the page.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FilterError } from '@project-beacon/server/filter/parse.ts';
import { runQuery } from '@project-beacon/server/queries/run.ts';
import { createPool } from '@project-beacon/server/store/connect.ts';
import { testDatabase } from '@project-beacon/testkit';
import { traceColumns } from '../../../server/src/layout/trace-columns.ts';
import { spans } from '../../../server/src/search/queries.ts';
import { store, traceId } from '../../../server/test/queries/store.ts';
import { filterOf } from '../../src/trace/filter.ts';
import { buildTrace } from '../../src/trace/model.ts';
import { type PackedTrace, unpack } from '../../src/trace/wire.ts';
import { EXAMPLES, SPANS } from './filter-examples.ts';

const database = await testDatabase();
const id = traceId();
const at = Date.now() - 60_000;
await store(
  database.client,
  SPANS.map((span, n) => ({ trace: id, at: at + n, ...span })),
);
const pool = createPool(database.url, { applicationName: 'test', max: 1 });
after(() => pool.end());
await database.client.query('begin');
const trace = buildTrace(unpack(JSON.parse((await traceColumns(database.client, id)) ?? '') as PackedTrace));
await database.client.query('commit');

for (const [q, expected] of EXAMPLES) {
  test(`${q || 'nothing'} selects the same spans in the database and on the page`, async () => {
    if (!Array.isArray(expected)) {
      assert.throws(
        () => filterOf(q),
        (error) => error instanceof FilterError && error.at === expected.at && expected.says.test(error.message),
      );
      await assert.rejects(runQuery(pool, spans, { q }), expected.says);
      return;
    }
    const wanted = [...expected].sort();
    const { rows } = await runQuery(pool, spans, { q, from: '1h' });
    assert.deepEqual(rows.map((row) => row.operation).sort(), wanted, 'in the database');
    const filter = filterOf(q);
    assert.deepEqual(filter.database, []);
    const matches = filter.test(trace);
    const shown = Array.from(trace.name, (name) => trace.names[name]!).filter((_, row) => matches[row]);
    assert.deepEqual(shown.sort(), wanted, 'on the page');
  });
}
