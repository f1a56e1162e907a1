// Spans that leave trace_spans for the archive: nothing of them is lost, nothing is doubled, and no reader notices.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import pg from 'pg';
import { readTraces } from '../../src/otlp/read-back.ts';
import { serve } from '../http/server.ts';
import { otlpServer } from '../receivers/server.ts';
import { int, type Json, request, span, text } from '../receivers/spans.ts';

const RECORDINGS = path.join(import.meta.dirname, '../../../../world/recordings');
/** The recordings are of this day. */
const DAY = '2026-01-01';
const PARTITION = 'trace_spans_20260101';
const START_NS = BigInt(Date.parse(DAY)) * 1_000_000n + 3_600_000_000_123n;

const database = await testDatabase();
const { client } = database;
const otlp = await otlpServer(database);
// Only what a test does happens.
await client.query(`insert into settings values ('archive_after_days', 'off'), ('retention_days', '100000')`);
await client.query('select ensure_partition($1::date)', [DAY]);
await client.query('alter table trace_spans add column added_later numeric[]');
const sent99 = counted();
for (const body of [...recorded(), unusual(), sent99]) assert.equal((await otlp.post(body)).status, 200);
await client.query(`update trace_spans set added_later = array[duration_ms::numeric, null] where kind = 'client'`);
await client.query('analyze trace_spans');

/** Recordings of some stacks, with ids of their own each. */
function recorded(): Json[] {
  const stacks = fs.readdirSync(RECORDINGS).filter((_, n) => n % 12 === 0);
  const files = stacks.flatMap((stack) =>
    fs.readdirSync(path.join(RECORDINGS, stack)).map((file) => path.join(RECORDINGS, stack, file)),
  );
  return files.flatMap((file, n) => {
    const own = (id: string) => n.toString(16).padStart(4, '0') + id.slice(4);
    const content = fs
      .readFileSync(file, 'utf8')
      .replace(/"(traceId|spanId|parentSpanId)":"([0-9a-f]{16,32})"/g, (_, key, id) => `"${key}":"${own(id)}"`);
    return (JSON.parse(content) as { traces: Json[] }).traces;
  });
}

/** What recordings have none of. */
function unusual(): Json {
  const traceId = 'ab'.repeat(16);
  const at = (ns: number) => String(START_NS + BigInt(ns));
  const times = { startTimeUnixNano: at(0), endTimeUnixNano: at(1) };
  const [a, b, c] = ['aa', 'bb', 'cc'].map((digits) => digits.repeat(8));
  return request([
    span({ ...times, traceId, spanId: a, parentSpanId: a, name: 'its own parent\nof two lines\t\\n' }),
    span({ ...times, traceId, spanId: b, parentSpanId: c, name: 'begins before its parent', flags: 257 }),
    span({
      traceId,
      spanId: c,
      parentSpanId: 'dd'.repeat(8),
      startTimeUnixNano: at(2_000),
      endTimeUnixNano: at(900_000_000_001),
    }),
    span({ ...times, traceId, endTimeUnixNano: at(-5), name: 'ends before it starts', traceState: 'a=1' }),
    span({ ...times, traceId, startTimeUnixNano: at(999), name: 'shares a span id', spanId: b }),
    span({
      ...times,
      traceId,
      attributes: [
        ...['0', '-0', '1.0', '10.50', '1e3', '007', '', '"', '\n', '\\n', 'null', '[]', '{"a":1}'].map((value, n) =>
          text(`t${n}`, value),
        ),
        int('big', '9223372036854775807'),
        int('minus', -17),
        { key: 'double', value: { doubleValue: 1.5e-7 } },
        { key: 'whole', value: { doubleValue: 3 } },
        { key: 'yes', value: { boolValue: true } },
        {
          key: 'list',
          value: { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'x' }, { arrayValue: { values: [] } }] } },
        },
        { key: 'bytes', value: { bytesValue: 'AAEC/w==' } },
        text('a "key" with, signs: *', 'a "value"'),
        text('*', 'star'),
      ],
      events: [
        { timeUnixNano: at(-7), name: 'before it', attributes: [text('exception.message', 'a\nb')] },
        { timeUnixNano: at(7), name: 'then', attributes: [] },
        { timeUnixNano: '0', name: 'without a time' },
      ],
      links: [{ traceId: 'ef'.repeat(16), spanId: a, attributes: [int('n', 1)] }],
    }),
  ]);
}

/** Attributes that are a text with a number at its end. */
function counted(): Json {
  return request(
    Array.from({ length: 300 }, (_, n) =>
      span({
        traceId: '99'.repeat(16),
        startTimeUnixNano: String(START_NS + BigInt(n)),
        endTimeUnixNano: String(START_NS + BigInt(n * 1_001)),
        attributes: [text('user', `u${100 + n * 7}`)],
      }),
    ),
  );
}

async function rows(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  return (await client.query(sql, values)).rows;
}

/** Everything of every span, and what readers make of it. */
async function everything() {
  const traces = (
    await rows('select distinct replace(t.trace_id::text, $1, $2) as id from traces t order by 1', ['-', ''])
  ).map(({ id }) => id as string);
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  const otlpOut = (await readTraces(pool, traces, 1e6)).found;
  await pool.end();
  return {
    spans: await rows(
      `select to_jsonb(s)::text as span from spans_of(array(select t.trace_id from traces t)) s
       order by s.trace_id, s.span_id, s.started_at, s.started_ns`,
    ),
    otlp: traces.map((id) => otlpOut.get(id)?.json()),
    waterfalls: await rows(
      `select t.trace_id, w.* from (select * from traces order by md5(trace_id::text) limit 20) t
       cross join lateral waterfall(t.trace_id, null) w order by t.trace_id, w.position`,
    ),
    verdicts: await rows(
      `select e.execution_id, d.* from (select distinct execution_id from trace_executions order by 1 limit 10) e
       cross join lateral diagnose_execution_trace(e.execution_id) d order by 1, d::text`,
    ),
  };
}

async function archiveAll(): Promise<number> {
  let moved = 0;
  for (;;) {
    const [{ n }] = (await rows('select archive_spans($1, 1500) as n', [PARTITION])) as [{ n: number }];
    if (n === 0) return moved;
    moved += n;
  }
}

const count = async (sql: string) => Number((await rows(`select count(*)::integer as n from ${sql}`))[0]?.n);

test('what goes into the archive comes out the same, in every column there is and for every reader', async () => {
  const before = await everything();
  const open = await count(`trace_spans where status = 'started'`);
  assert.ok(before.spans.length > 400, `${before.spans.length} spans`);
  assert.equal(await archiveAll(), before.spans.length - open);
  assert.equal(await count('trace_spans'), open);
  const after = await everything();
  for (const part of ['spans', 'otlp', 'waterfalls', 'verdicts'] as const)
    for (const [n, each] of before[part].entries()) assert.deepEqual(after[part][n], each, part);
  assert.deepEqual(
    Object.values(after).map(({ length }) => length),
    Object.values(before).map(({ length }) => length),
  );
});

test('undone, everything is in trace_spans again and nothing in the archive', async () => {
  const before = await everything();
  await client.query('select archive_undo(c.chunk_id) from archive_chunks c');
  for (const table of ['archive_chunks', 'archive_columns', 'archive_index'])
    assert.equal(await count(table), 0, table);
  assert.equal(await count('trace_spans'), before.spans.length);
  assert.equal(JSON.stringify(await everything()), JSON.stringify(before));
});

test('a server that is killed at any step of archiving leaves each span in one place', async () => {
  const before = await count('trace_spans');
  const blocker = new pg.Client({ connectionString: database.url });
  await blocker.connect();
  // Held by another session, each table stops the step where it gets there.
  for (const table of ['archive_columns', 'archive_index', 'archive_chunks']) {
    await blocker.query(`begin; lock table beacon.${table} in exclusive mode`);
    const victim = new pg.Client({ connectionString: database.url });
    await victim.connect();
    victim.on('error', () => {});
    const { pid } = (await victim.query('select pg_backend_pid() as pid')).rows[0];
    const killed = assert.rejects(victim.query('select beacon.archive_spans($1, 1500)', [PARTITION]));
    await until(
      'the step waits',
      async () => (await rows('select from pg_locks where pid = $1 and not granted', [pid])).length > 0,
    );
    await client.query('select pg_terminate_backend($1)', [pid]);
    await killed;
    await blocker.query('rollback');
    assert.equal(await count('trace_spans'), before, table);
    assert.equal(await count('archive_chunks'), 0, table);
  }
  await blocker.end();
});

test('a span that arrives again, or late, is found once', async () => {
  await archiveAll();
  const trace = `spans_of(array['${'99'.repeat(16)}'::uuid])`;
  const [late] = [
    span({ traceId: '99'.repeat(16), startTimeUnixNano: `${START_NS}`, endTimeUnixNano: `${START_NS + 1n}` }),
  ];
  assert.equal(await count(trace), 300);
  for (const body of [sent99, request([late])]) assert.equal((await otlp.post(body)).status, 200);
  assert.equal(await count(trace), 301, 'while it waits in trace_spans');
  assert.equal(await archiveAll(), 301);
  assert.equal(await count(trace), 301, 'when it has followed into the archive');
});

test('a search over the archive finds what it found before, by attributes, columns and words', async () => {
  await client.query('select archive_undo(c.chunk_id) from archive_chunks c');
  const server = await serve(database);
  const filters = [
    'user=u1500',
    'big=9223372036854775807',
    'minus=-17',
    'list=x',
    'db.system=redis',
    'status=failed kind=client',
    'exception.message~refused',
    'service=checkout "begins"',
    `trace=${'99'.repeat(16)}`,
  ];
  const ask = async () => {
    const answers = [];
    for (const q of filters)
      for (const verb of ['search', 'spans'])
        answers.push(
          (
            await server.ask(
              `/api/v1/${verb}?from=${DAY}T00:00:00Z&to=${DAY}T23:59:59Z&limit=50&q=${encodeURIComponent(q)}`,
            )
          ).body,
        );
    return answers;
  };
  const before = await ask();
  assert.ok(await archiveAll());
  const after = await ask();
  assert.ok(before.filter(({ rows: found }) => found.length > 0).length >= 10, 'most of them find something');
  for (const [n, { rows: found }] of before.entries()) {
    assert.deepEqual(after[n].rows, found, filters[Math.trunc(n / 2)]);
  }
});
