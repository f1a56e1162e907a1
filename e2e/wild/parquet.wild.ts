// Exported days are read by DuckDB as its user would: a glob over the folder, the day as a column, attributes as JSON.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { exportDay } from '@project-beacon/server/maintenance/days.ts';
import { testDatabase } from '@project-beacon/testkit';
import { project } from './project.ts';

const { client } = await testDatabase();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-export-'));
after(() => fs.rmSync(folder, { recursive: true }));
const wild = await project(['@duckdb/node-api'], { type: 'module' });

test('DuckDB counts, groups and filters what was exported', async () => {
  await client.query(`select beacon.ensure_partition('2026-01-01'), beacon.ensure_partition('2026-01-02')`);
  await client.query(
    `insert into beacon.trace_spans (trace_id, span_id, service, operation, kind, status, started_at, completed_at, duration_ms, metadata)
     select md5(n::text)::uuid, decode(left(md5(n::text), 16), 'hex'), 'svc-' || n % 3, 'work', 'server', 'completed',
       '2026-01-01 12:00:00.123456+00'::timestamptz + n * interval '12 hours', '2026-01-02', n + 0.25, jsonb_build_object('user.id', n)
     from generate_series(0, 2) n`,
  );
  for (const day of ['2026-01-01', '2026-01-02']) await exportDay(client, folder, day);
  wild.write(
    'read.js',
    `import { DuckDBInstance } from '@duckdb/node-api';
     const connection = await (await DuckDBInstance.create()).connect();
     const reader = await connection.runAndReadAll(\`
       select day::text as day, service, sum(duration_ms) as ms, min(started_at at time zone 'UTC')::text as first,
         max((metadata::json ->> 'user.id')::int) as largest
       from read_parquet('${folder}/day=*/*.parquet', hive_partitioning = true) group by all order by first\`);
     console.log(JSON.stringify(reader.getRowObjectsJson()));`,
  );
  const { code, output } = await wild.node(['read.js']);
  assert.equal(code, 0, output);
  assert.deepEqual(JSON.parse(output), [
    { day: '2026-01-01', service: 'svc-0', ms: 0.25, first: '2026-01-01 12:00:00.123456', largest: 0 },
    { day: '2026-01-02', service: 'svc-1', ms: 1.25, first: '2026-01-02 00:00:00.123456', largest: 1 },
    { day: '2026-01-02', service: 'svc-2', ms: 2.25, first: '2026-01-02 12:00:00.123456', largest: 2 },
  ]);
});
