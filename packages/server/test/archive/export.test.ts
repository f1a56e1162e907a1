// Days out of the database and back: the files hold what the tables held, and nothing goes before they do.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { exportDay } from '../../src/maintenance/days.ts';
import { readTraces } from '../../src/otlp/read-back.ts';
import { run } from '../cli/run.ts';
import { otlpServer } from '../receivers/server.ts';
import { int, request, span, text } from '../receivers/spans.ts';

const DAY = '2026-01-01';
const TRACE = 'ab'.repeat(16);
const database = await testDatabase();
const { client } = database;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-export-'));
after(() => fs.rmSync(folder, { recursive: true }));
const otlp = await otlpServer(database);
await client.query('select ensure_partition($1::date)', [DAY]);
await client.query('alter table trace_spans add column added_later double precision[]');

const at = (ns: number) => String(BigInt(Date.parse(DAY)) * 1_000_000n + BigInt(ns));
const sent = Array.from({ length: 40 }, (_, n) =>
  span({
    traceId: n % 2 === 0 ? TRACE : 'cd'.repeat(16),
    name: `step ${n}\n"x"`,
    startTimeUnixNano: at(n * 1_001),
    endTimeUnixNano: at(n * 1_002_003 + 7_000_000),
    attributes: [
      int('big', '9223372036854775807'),
      text('zeichen', 'ä\u2028€😀'),
      { key: 'd', value: { doubleValue: 1e-7 * n } },
    ],
    events: [{ timeUnixNano: at(5), name: 'retry', attributes: [int('n', n)] }],
    links: [{ traceId: 'ef'.repeat(16), spanId: 'aa'.repeat(8) }],
  }),
);
assert.equal(
  (await otlp.post(request(sent, { attributes: [text('service.name', 'shop'), text('host', 'h1')] }))).status,
  200,
);
await client.query(`update trace_spans set added_later = array[1e300, 'NaN', null]`);
await client.query(`update trace_spans set duration_ms = 1e-7 where operation like 'step 7%'`);
// Half of the day in the archive, half not yet.
await client.query(`select archive_spans('trace_spans_20260101', 25)`);

const beacon = (...args: string[]) => run(['archive', ...args], { DATABASE_URL: database.url });
const count = async (from: string) => Number((await client.query(`select count(*)::int as n from ${from}`)).rows[0].n);

async function everything() {
  const { rows } = await client.query(
    `select to_jsonb(s)::text as span from spans_of(array(select t.trace_id from traces t)) s order by s.trace_id, s.span_id`,
  );
  const { found } = await readTraces(client, [TRACE], 1e6);
  return { rows, otlp: found.get(TRACE)?.json() };
}

const before = await everything();

test('a day that is not exported is not dropped where that is asked for, and one that is goes', async () => {
  await client.query(`insert into settings values ('archive_export_required', 'on')`);
  await client.query('select drop_expired()');
  assert.equal((await everything()).rows.length, 40);
  const { out, code } = await beacon('export', '--to', folder, '--day', DAY);
  assert.equal(code, 0, out);
  assert.match(out, /^2026-01-01 {2}40 spans {2}2 files/);
  await otlp.post(request([span({ startTimeUnixNano: at(1), endTimeUnixNano: at(2) })]));
  await client.query('select drop_expired()');
  assert.equal(await count('trace_spans'), 16, 'one that came later is in no file');
  await beacon('export', '--to', folder, '--day', DAY);
  const { rows } = await client.query('select drop_expired() as done');
  assert.deepEqual(rows[0].done.partitions_dropped, ['trace_spans_20260101']);
  for (const table of ['trace_spans', 'archive_chunks', 'archive_columns', 'traces'])
    assert.equal(await count(table), 0, table);
});

test('restored, once or twice, it is what it was, and the same OTLP', async () => {
  await client.query('delete from trace_resources');
  assert.match((await beacon('restore', '--from', folder, '--day', DAY)).out, /^41 spans/);
  assert.match((await beacon('restore', '--from', folder, '--day', DAY)).out, /^0 spans/);
  await client.query(`delete from trace_spans where operation = 'charge card'`);
  await client.query('delete from traces where trace_id not in (select trace_id from trace_spans)');
  const after = await everything();
  for (const [n, each] of before.rows.entries()) assert.deepEqual(after.rows[n], each);
  assert.equal(after.otlp, before.otlp);
});

test('a file that was changed is not restored, and an export that was interrupted is none', async () => {
  const day = path.join(folder, `day=${DAY}`);
  const file = path.join(day, 'spans-00000.parquet');
  const whole = fs.readFileSync(file);
  const changed = Buffer.from(whole);
  const place = changed.indexOf('shop');
  changed.write('Shop', place);
  fs.writeFileSync(file, changed);
  const { code, err } = await beacon('restore', '--from', folder, '--day', DAY);
  assert.equal(code, 5, err);
  assert.match(err, /does not hold what its manifest says/);
  fs.writeFileSync(file, whole);
  fs.rmSync(path.join(day, 'manifest.json'));
  assert.match((await beacon('list', '--from', folder)).out, /holds no exported day/);
  assert.equal((await beacon('restore', '--from', folder, '--day', DAY)).code, 4);
});

test('what cannot be written is an error, and the day does not count as exported', async () => {
  await client.query('delete from archive_exports');
  const blocked = path.join(folder, 'a file');
  fs.writeFileSync(blocked, '');
  await assert.rejects(exportDay(client, blocked, DAY));
  assert.equal(await count('archive_exports'), 0);
  assert.equal((await beacon('export', '--to', folder, '--day', 'yesterday')).code, 2);
});
