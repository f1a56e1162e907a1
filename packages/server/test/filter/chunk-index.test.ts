import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import fc from 'fast-check';
import { ALL_SPANS, sourceFor } from '../../src/filter/chunk-index.ts';
import { parseFilter } from '../../src/filter/parse.ts';
import { differences, heatmap, series } from '../../src/queries/charts.ts';
import type { Query } from '../../src/queries/query.ts';
import { explainSql, readOnly, runQuery } from '../../src/queries/run.ts';
import { spans } from '../../src/search/queries.ts';
import { newestSpans } from '../../src/search/spans.ts';
import { createPool } from '../../src/store/connect.ts';
import type { Row, SqlCall } from '../../src/store/values.ts';
import { rowsOf } from '../../src/store/values.ts';
import { store, traceId } from '../queries/store.ts';
import { FILTERS, storeVaried } from '../queries/varied.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 2 });
after(() => pool.end());

const HOUR = 3_600_000;
const now = Date.now();
await storeVaried(client, now);
const ago = (hours: number) => new Date(now - hours * HOUR).toISOString();

/** The same by the plain statement, which looks at every span. */
async function plainly(of: Query, params: Record<string, unknown>): Promise<Row[]> {
  const call = explainSql(of, params);
  assert.ok(call);
  const rows = await readOnly(pool, {}, ({ client: reader }) =>
    rowsOf(reader, unlimited(call), Number(call.values.at(-1))),
  );
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('_'))));
}

/** The statement as the runner takes it. */
function unlimited({ text, values }: SqlCall): SqlCall {
  return { text: text.replace(/\nlimit \$\d+$/, ''), values: values.slice(0, -1) };
}

async function same(of: Query, params: Record<string, unknown>): Promise<number> {
  const got = (await runQuery(pool, of, params)).rows;
  assert.deepEqual(got, await plainly(of, params), `${of.name} ${JSON.stringify(params)}`);
  return got.length;
}

const FILTERED: Query[] = [spans, heatmap, series, differences];
const EXTRA: Record<string, Record<string, unknown>> = {
  differences: { min_ms: 300, limit: 500 },
  spans: { limit: 30 },
};

test('every filter gives the same spans, heatmap, series and differences by chunks and span by span', async () => {
  const range = { from: ago(24), to: ago(-1) };
  let found = 0;
  for (const q of FILTERS) {
    for (const each of FILTERED) found += await same(each, { q, ...range, ...EXTRA[each.name] });
  }
  assert.ok(found > 2_000, `the filters are about something: ${found}`);
});

test('any two filters, in any part of the time, give the same by chunks and span by span', async () => {
  const filters = fc.uniqueArray(fc.constantFrom(...FILTERS), { minLength: 0, maxLength: 2 });
  const hours = fc.tuple(fc.nat(240), fc.nat(240)).map(([a, b]) => [Math.max(a, b) / 10, Math.min(a, b) / 10] as const);
  const some = <T>(...values: T[]) => fc.constantFrom(undefined, ...values);
  const asked = fc.record({
    which: fc.constantFrom(...FILTERED),
    filters,
    hours,
    population: some('root', 'all'),
    service: some('web', 'pay', 'none'),
    status: some('failed', 'started', 'lost'),
    min_ms: some(0, 100, 400),
    limit: fc.constantFrom(1, 3, 20, 500),
  });
  let found = 0;
  await fc.assert(
    fc.asyncProperty(asked, async ({ which, filters, hours, population, service, status, min_ms, limit }) => {
      const [from, to] = hours.map((each) => ago(each));
      const given: Record<string, Record<string, unknown>> = {
        spans: { service, status },
        heatmap: { spans: population },
        series: { service },
        differences: { spans: population, status, min_ms },
      };
      const params = { q: filters.join(' '), from, to, limit, ...given[which.name] };
      found += await same(which, JSON.parse(JSON.stringify(params)));
    }),
    // Always the same questions: whether they find something must not be a matter of luck.
    { numRuns: 200, seed: 8 },
  );
  assert.ok(found > 500, `there was something to find: ${found}`);
});

test('a filter says of a log record what it says of the same event', async () => {
  const attributes: Record<string, unknown>[] = [
    { a: 'x' },
    { a: 'X y' },
    { a: 5 },
    { a: 5.5 },
    { a: '7' },
    { a: true },
    { a: ['x', 5] },
    { a: { b: 1 } },
    { a: null },
    { b: 1 },
    { name: 'mine' },
    {},
  ];
  const at = now - 30 * 24 * HOUR;
  const both = attributes.flatMap((each, n) => [
    { trace: traceId(), at, operation: `event ${n}`, events: [{ name: 'said', time: '1', attributes: each }] },
    { trace: traceId(), at, operation: `log ${n}`, logs: [{ name: 'said', attributes: each }] },
  ]);
  await client.query(`select beacon.ensure_partition((now() - interval '30 days')::date)`);
  await store(client, both);
  const values = ['x', '5.0', '6', 'true', 'said', 'mine'];
  const terms = ['a', 'event.name'].flatMap((key) => [
    `has:${key}`,
    `-has:${key}`,
    ...['=', '!=', '~', '>', '>=', '<', '<='].flatMap((sign) => values.map((value) => `${key}${sign}${value}`)),
  ]);
  let found = 0;
  for (const q of terms) {
    const { rows } = await runQuery(pool, spans, { q, from: ago(31 * 24), to: ago(29 * 24), limit: 100 });
    const of = (kind: string) =>
      rows
        .flatMap(({ operation }) => (String(operation).startsWith(kind) ? String(operation).split(' ')[1] : []))
        .sort();
    assert.deepEqual(of('log'), of('event'), q);
    found += of('log').length;
  }
  assert.ok(found > 100, `the filters are about something: ${found}`);
});

test('a rare filter leads past most of the spans, a common one does not', async () => {
  const source = (q: string, hours = 24) =>
    readOnly(pool, {}, ({ client: reader }) => sourceFor(reader, parseFilter(q), { from: ago(hours), to: ago(0) }));
  for (const q of ['only.7="x y"', 'deep.key="v\\"14"', 'n=5', 'absent=1', 'has:only.3'])
    assert.notEqual(await source(q), ALL_SPANS, q);
  for (const q of ['has:n', 'n>5', 'refused', 'job=night']) assert.equal(await source(q), ALL_SPANS, q);
});

test('spans of a filter come in pages, all and none twice, and a search that runs out of time says how far it looked', async () => {
  for (const params of [{ q: 'flag=true' }, { q: 'tags=t3' }, { service: 'pay', to: ago(2) }]) {
    const seen: unknown[] = [];
    let next: string | null = '';
    while (next !== null) {
      const answer = await runQuery(pool, spans, { ...params, limit: 4, ...(next ? { after: next } : {}) });
      seen.push(...answer.rows.map((row) => row.span_id));
      next = answer.next;
    }
    const whole = await plainly(spans, { ...params, limit: 1000 });
    assert.ok(whole.length > 4);
    assert.deepEqual(
      seen,
      whole.map((row) => row.span_id),
      JSON.stringify(params),
    );
  }
  const scope = { limit: 1000, from: ago(24), to: ago(0), after: null, distributed: false, firstPageAt: ago(0) };
  const { rows, stoppedAt } = await readOnly(pool, {}, ({ client: reader }) =>
    newestSpans(reader, { q: parseFilter('has:n') }, scope, 0),
  );
  assert.match(stoppedAt ?? '', /^20\d\d-/);
  const whole = await plainly(spans, { q: 'has:n', from: ago(24), to: ago(0), limit: 1000 });
  assert.deepEqual(
    rows.map((row) => row.span_id),
    whole.slice(0, rows.length).map((row) => row.span_id),
  );
  assert.ok(rows.length < whole.length);
});
