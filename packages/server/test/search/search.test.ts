import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import fc from 'fast-check';
import { parseFilter } from '../../src/filter/parse.ts';
import { type Answer, explainSql, readOnly, runQuery } from '../../src/queries/run.ts';
import { spans as listSpans, search } from '../../src/search/queries.ts';
import { searchTraces } from '../../src/search/traces.ts';
import { createPool } from '../../src/store/connect.ts';
import { settle, store, type TestSpan, traceId } from '../queries/store.ts';
import { FILTERS, pick, storeVaried } from '../queries/varied.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 2 });
after(() => pool.end());

const HOUR = 3_600_000;
const now = Date.now();

/** All pages of a search, as trace ids in their order. */
async function pages(params: Record<string, unknown>, between: (page: number) => Promise<void> = async () => {}) {
  const ids: string[] = [];
  let after: string | null | undefined;
  for (let page = 1; after !== null; page++) {
    const answer = await runQuery(pool, search, { ...params, ...(after ? { after } : {}) });
    ids.push(...answer.rows.map((row) => row.trace_id as string));
    after = answer.next;
    if (after) await between(page);
  }
  return ids;
}

/** The same by the plain statement, which looks at every span. */
async function plainly(params: Record<string, unknown>): Promise<string[]> {
  const call = explainSql(search, { ...params, limit: 1000 });
  assert.ok(call);
  return (await client.query(call.text, call.values)).rows.map((row) => row.trace_id);
}

const hex = (uuid: string) => uuid.replaceAll('-', '');

const spans = await storeVaried(client, now);

test('a filter finds the same traces by chunks and span by span, in each order', async () => {
  let found = 0;
  for (const q of FILTERS) {
    for (const order of ['newest', 'slowest', 'errors']) {
      const expected = await plainly({ q, order });
      const got = (await runQuery(pool, search, { q, order, limit: 1000 })).rows.map((row) => row.trace_id);
      assert.deepEqual(got, expected, `${q}, ${order}`);
      found += got.length;
    }
  }
  assert.ok(found > 500, `the filters are about something: ${found}`);
});

test('pages put together are the whole, whatever the order and the filter', async () => {
  for (const params of [
    {},
    { q: 'n>=20' },
    { q: 'tags=t3' },
    { order: 'slowest' },
    { order: 'errors', q: 'has:n' },
    { service: 'pay' },
    { status: 'failed' },
  ]) {
    assert.deepEqual(await pages({ ...params, limit: 3 }), await plainly(params), JSON.stringify(params));
  }
});

test('every trace that is found by its id is found by everything its spans say', async () => {
  const values = (span: TestSpan): string[] => {
    const quote = (value: unknown) => `"${String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
    const known = {
      service: span.service,
      operation: span.operation,
      status: span.status,
      kind: span.kind,
      job: span.job,
      model: span.model,
      error: span.error,
    };
    return [
      `trace=${span.trace}`,
      ...(span.execution ? [`execution=${span.execution}`] : []),
      ...Object.entries(known).flatMap(([key, value]) => (value ? [`${key}=${quote(value)}`] : [])),
      ...Object.entries(span.attributes ?? {}).flatMap(([key, value]) =>
        Array.isArray(value) ? value.map((each) => `${quote(key)}=${quote(each)}`) : [`${quote(key)}=${quote(value)}`],
      ),
    ];
  };
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...spans), fc.nat(), fc.nat(), async (span, first, second) => {
      const all = values(span);
      const q = `${pick(all, first)} ${pick(all, second)}`;
      const { rows } = await runQuery(pool, search, { q, limit: 1000 });
      assert.ok(
        rows.some((row) => hex(String(row.trace_id)) === span.trace),
        q,
      );
    }),
    { numRuns: 60 },
  );
});

test('spans that are open, lost or new are found before and after they end', async () => {
  const trace = traceId();
  await store(client, [{ trace, at: now - 60_000, status: 'started', ms: null, attributes: { 'late.start': 1 } }]);
  const ids = async (q: string) => (await runQuery(pool, search, { q })).rows.map((row) => hex(String(row.trace_id)));
  assert.deepEqual(await ids('late.start=1'), [trace]);
  await store(
    client,
    Array.from({ length: 8 }, () => ({ trace: traceId(), at: now - 50_000, attributes: { 'late.other': 1 } })),
  );
  await settle(client);
  await client.query(
    `update beacon.trace_spans set status = 'completed', duration_ms = 5, metadata = metadata || '{"late.end": 2}' where metadata ? 'late.start'`,
  );
  await client.query(
    'select beacon.note_spans(array[$1::uuid], array(select s.created_at from beacon.trace_spans s where s.trace_id = $1), false)',
    [trace],
  );
  assert.deepEqual(await ids('late.end=2'), [trace]);
  await settle(client);
  assert.deepEqual(await ids('late.end=2'), [trace]);
  assert.equal((await ids('late.other=1')).length, 8);
});

test('a trace belongs to a time when a span of it ran then, however long ago it began', async () => {
  const [jobTrace, workTrace, quietTrace] = [traceId(), traceId(), traceId()];
  const longAgo = now - 2 * HOUR;
  const common = { service: 'long', parent: 'a'.repeat(16) };
  await store(client, [
    { ...common, trace: jobTrace, at: longAgo, ms: 3_000, parent: null },
    { ...common, trace: jobTrace, at: now - 60_000, ms: 1_000, status: 'failed', attributes: { 'of.long': 'step' } },
    // One span that took two hours.
    { ...common, trace: workTrace, at: longAgo + 1_000, ms: 2 * HOUR - 61_000, status: 'failed', parent: null },
    { ...common, trace: quietTrace, at: longAgo + 2_000, ms: 3_000, status: 'failed', parent: null },
    { ...common, trace: quietTrace, at: now - 50_000, ms: 10 },
  ]);
  const ids = async (params: Record<string, unknown>) => {
    const found = await pages({ from: '1h', limit: 2, ...params });
    assert.deepEqual(found, await plainly({ from: '1h', ...params }), JSON.stringify(params));
    return found.map((id) => hex(String(id)));
  };
  assert.deepEqual(await ids({ service: 'long' }), [quietTrace, workTrace, jobTrace]);
  assert.deepEqual(await ids({ q: 'service=long' }), [quietTrace, workTrace, jobTrace]);
  assert.deepEqual(
    await ids({ q: 'service=long status=failed' }),
    [workTrace, jobTrace],
    'what failed then, not before',
  );
  assert.deepEqual(await ids({ q: 'of.long=step' }), [jobTrace]);
  assert.deepEqual(
    await ids({ q: 'service=long', order: 'slowest' }),
    [quietTrace, jobTrace, workTrace].sort(byLength),
  );
  assert.deepEqual(await ids({ q: 'service=long', from: '90m', to: '30m' }), [workTrace]);
  assert.deepEqual(await ids({ q: 'of.long=step', from: '90m', to: '30m' }), []);
  function byLength(a: string, b: string): number {
    const ms = { [jobTrace]: 2 * HOUR - 59_000, [workTrace]: 2 * HOUR - 61_000, [quietTrace]: 2 * HOUR - 51_990 };
    return (ms[b] as number) - (ms[a] as number);
  }
});

test('paging neither skips nor repeats what was there at the first page while rows arrive', async () => {
  const there = await pages({ limit: 1000 });
  const inTrace = (trace: string, at: number): TestSpan => ({ trace: hex(trace), at, attributes: { arrived: true } });
  const startOf = new Map(
    (await client.query('select trace_id, started_at from beacon.traces')).rows.map((row) => [
      row.trace_id,
      row.started_at.getTime(),
    ]),
  );
  const seen = await pages({ limit: 5 }, async (page) => {
    await store(client, [
      // New ones, newer and older than where the page ended; one that was told and now begins earlier than that; one
      // that was not told yet and now begins earlier still, and one with a late end.
      { trace: traceId(), at: now - 1_000 },
      { trace: traceId(), at: now - 21 * HOUR + page * 1_000 },
      inTrace(there[0] as string, now - 15 * HOUR - page * 60_000),
      inTrace(there[page * 5 - 1] as string, now - 17 * HOUR - page * 60_000),
      ...(there[page * 5 + 6]
        ? [inTrace(there[page * 5 + 6] as string, startOf.get(there[page * 5 + 6]) - 2 * HOUR)]
        : []),
      ...(there[page * 5 + 2] ? [inTrace(there[page * 5 + 2] as string, now)] : []),
    ]);
  });
  assert.equal(new Set(seen).size, seen.length, 'none twice');
  assert.deepEqual(
    there.filter((id) => !seen.includes(id)),
    [],
    'none skipped',
  );
});

test('spans come in pages too: all that were there, none twice, while others arrive', async () => {
  for (const params of [{}, { q: 'n>=30' }, { job_id: 'night' }]) {
    const whole = (await runQuery(pool, listSpans, { ...params, limit: 1000 })).rows;
    const seen: unknown[] = [];
    let after: string | null = '';
    while (after !== null) {
      const answer: Answer = await runQuery(pool, listSpans, { ...params, limit: 7, ...(after ? { after } : {}) });
      seen.push(...answer.rows.map((row) => row.span_id));
      after = answer.next;
      await store(client, [{ trace: traceId(), at: now - 10 * HOUR, attributes: { n: 99 }, job: null }]);
    }
    assert.deepEqual(
      seen,
      whole.map((row) => row.span_id),
      JSON.stringify(params),
    );
    assert.ok(whole.length > 7 && !('_created_at' in (whole[0] ?? {})));
  }
});

test('a search that runs out of time says how far it looked, and tells what it has seen', async () => {
  const q = parseFilter('has:n');
  const from = new Date(now - 24 * HOUR).toISOString();
  const scope = { limit: 1000, from, to: null, after: null, distributed: false, firstPageAt: new Date().toISOString() };
  const found = await readOnly(pool, {}, ({ client: reader }) =>
    searchTraces(reader, { q, order: 'slowest' }, scope, 0),
  );
  assert.match(found.stoppedAt ?? '', /^20\d\d-/);
  const whole = await plainly({ q: 'has:n', order: 'slowest' });
  const told = new Set(found.rows.map((row) => row.trace_id));
  assert.ok(told.size > 0 && told.size < whole.length, `${told.size} of ${whole.length}`);
  const inOrder = whole.filter((id) => told.has(id));
  assert.deepEqual([...told], inOrder);
});

test('a cursor of something else is refused', async () => {
  const { next } = await runQuery(pool, search, { limit: 1 });
  await assert.rejects(
    runQuery(pool, search, { after: next, order: 'slowest' }),
    /cursor of a question in another order/,
  );
  await assert.rejects(runQuery(pool, search, { after: 'nonsense' }), /is not a cursor for this query/);
  await assert.rejects(runQuery(pool, search, { q: 'status=broken' }), /character 8/);
});
