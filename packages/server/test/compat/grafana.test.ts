// What Grafana sends to Tempo, as its source has it: Traces Drilldown 2.1.0 (every query it builds, with its variables filled
// in), and the Tempo data source of Grafana 11 to 13 (imitated after Tempo's description of its API).
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { tempoRoutes } from '../../src/compat/tempo/routes.ts';
import { serve } from '../http/server.ts';
import { otlpServer } from '../receivers/server.ts';
import { int, type Json, span, text } from '../receivers/spans.ts';

const database = await testDatabase();
const otlp = await otlpServer(database);
const server = await serve(database, {}, (app, pool) => tempoRoutes(app, pool, { prefix: '/tempo' }));

const END_S = Math.floor(Date.now() / 1_000);
const START_S = END_S - 1_800;
const traceId = (n: number) => (0xd411_0000 + n).toString(16).padStart(32, '0');
/** Thirty requests; every third fails in the database, with an exception as event. */
const spans = Array.from({ length: 30 }, (_, n) => {
  const start = BigInt(START_S + 60 + n * 50) * 1_000_000_000n;
  const times = { startTimeUnixNano: String(start), endTimeUnixNano: String(start + BigInt(n + 1) * 10_000_000n) };
  const isFailed = n % 3 === 0;
  const root = span({
    traceId: traceId(n),
    name: n % 2 === 0 ? 'GET /cart' : 'GET /pay',
    kind: 2,
    ...times,
    attributes: [int('http.status_code', isFailed ? 500 : 200)],
    status: { code: isFailed ? 2 : 0 },
  });
  const query = span({
    traceId: traceId(n),
    parentSpanId: root.spanId,
    name: 'SELECT',
    kind: 3,
    ...times,
    attributes: [text('db.system.name', 'postgresql')],
    status: { code: isFailed ? 2 : 0 },
    events: isFailed
      ? [
          {
            timeUnixNano: String(start),
            name: 'exception',
            attributes: [text('exception.message', 'deadlock'), text('exception.type', 'DatabaseError')],
          },
        ]
      : [],
  });
  return { root, query };
});
const of = (name: string, list: Json[]) => ({
  resource: { attributes: [text('service.name', name), text('cluster', 'eu')] },
  scopeSpans: [{ scope: { name: 'shop' }, spans: list }],
});
const posted = await otlp.post({
  resourceSpans: [
    of(
      'shop',
      spans.map(({ root }) => root),
    ),
    of(
      'orders',
      spans.map(({ query }) => query),
    ),
  ],
});
assert.equal(posted.status, 200);

const ask = async (path: string, params: Record<string, string> = {}) => {
  const query = new URLSearchParams({ start: String(START_S), end: String(END_S), ...params });
  const { status, body } = await server.ask(`/tempo${path}?${query}`);
  assert.equal(status, 200, `${path} ${params.q}: ${body.message}`);
  return body;
};
const range = (q: string) => ask('/api/metrics/query_range', { q, step: '60s', exemplars: '100' });
const find = (q: string, limit = 200) => ask('/api/search', { q, limit: String(limit), spss: '10' });
const label = (series: Json, key: string) =>
  (series.labels as Array<{ key: string; value: Json }>).find((each) => each.key === key)?.value;
const total = (series: Json) => (series.samples as Array<{ value: number }>).reduce((sum, { value }) => sum + value, 0);

/** The primary signals of Drilldown, and how many spans each has here. */
const SIGNALS: Array<[signal: string, spans: number]> = [
  ['nestedSetParent<0', 30],
  ['true', 60],
  ['kind=server', 30],
  ['kind=consumer', 0],
  ['span.db.system.name!=""', 30],
];
for (const [signal, count] of SIGNALS) {
  test(`Drilldown's panels count the spans of ${signal}`, async () => {
    const { series } = await range(`{${signal} && true} | rate() `);
    assert.equal(Math.round(total(series[0]) * 60), count);
    const errors = await range(`{${signal} && true && status=error} | rate() `);
    assert.equal(Math.round(total(errors.series[0]) * 60), Math.floor(count / 3));
    const durations = await range(`{${signal} && true} | quantile_over_time(duration, 0.9) `);
    assert.equal(durations.series.length, count > 0 ? 1 : 0);
    const heat = await range(`{${signal} && true} | histogram_over_time(duration) with(sample=true)`);
    assert.equal(
      heat.series.reduce((sum: number, each: Json) => sum + total(each), 0),
      count,
    );
    for (const each of heat.series) assert.equal(typeof label(each, '__bucket')?.doubleValue, 'number');
  });
}

test("Drilldown's breakdown groups by an attribute and by the root", async () => {
  const byStatus = await range(
    '{nestedSetParent<0 && span.http.status_code != nil} | rate() by(span.http.status_code)',
  );
  assert.deepEqual(byStatus.series.map((each: Json) => label(each, 'span.http.status_code')?.intValue).sort(), [
    '200',
    '500',
  ]);
  const byRoot = await range('{true && rootName != nil} | rate() by(rootName)');
  assert.deepEqual(
    byRoot.series.map((each: Json) => label(each, 'rootName')?.stringValue),
    ['GET /cart', 'GET /pay'],
  );
  const tile = await range('{nestedSetParent<0 && resource.service.name="shop"} | rate() by(resource.service.name)');
  assert.equal(Math.round(total(tile.series[0]) * 60), 30);
});

test("Drilldown's comparison has a baseline and a selection, with totals", async () => {
  const times = `${START_S}000000000, ${END_S}000000000`;
  for (const q of [
    '{nestedSetParent<0 && true} | compare({status = error}, 10)',
    `{nestedSetParent<0 && true} | compare({duration >= 100ms && duration <= 1s}, 10, ${times})`,
  ]) {
    const { series } = await range(q);
    const kinds = new Set(series.map((each: Json) => label(each, '__meta_type')?.stringValue));
    assert.deepEqual([...kinds].sort(), ['baseline', 'baseline_total', 'selection', 'selection_total']);
  }
});

test("Drilldown's exceptions come with what select() names", async () => {
  const { traces } = await find(
    '{nestedSetParent<0 && status = error} | select(resource.service.name, event.exception.message,event.exception.stacktrace,event.exception.type) with(most_recent=true)',
    400,
  );
  assert.equal(traces.length, 10);
  const all = await find(
    '{true && status = error} | select(resource.service.name, event.exception.message,event.exception.stacktrace,event.exception.type) with(most_recent=true)',
    400,
  );
  const attributes = all.traces.flatMap(({ spanSets }: { spanSets: Array<{ spans: Json[] }> }) =>
    spanSets.flatMap((set) => set.spans.flatMap((each) => each.attributes as Json[])),
  );
  const values = (key: string) =>
    attributes.filter((each: Json) => each.key === key).map(({ value }: Json) => (value as Json).stringValue);
  assert.deepEqual(new Set(values('exception.message')), new Set(['deadlock']));
  assert.equal(values('exception.type').length, 10);
});

test("Drilldown's structure has the nested sets of roots and what is below them", async () => {
  const { traces } = await find(
    '({nestedSetParent<0 && true} &>> { kind = client }) || ({nestedSetParent<0 && true}) | select(status, resource.service.name, name, nestedSetParent, nestedSetLeft, nestedSetRight)',
  );
  assert.equal(traces.length, 30);
  for (const { spanSets } of traces) {
    const sets = spanSets[0].spans.map(({ name, attributes }: { name: string; attributes: Json[] }) => {
      const number = (key: string) =>
        Number((attributes.find((each) => each.key === key) as { value: Json }).value.intValue);
      return [name, number('nestedSetParent'), number('nestedSetLeft'), number('nestedSetRight')];
    });
    const byLeft = sets.sort((a: number[], b: number[]) => (a[2] as number) - (b[2] as number));
    assert.deepEqual(
      byLeft.map(([, ...numbers]: unknown[]) => numbers),
      [
        [-1, 1, 4],
        [1, 2, 3],
      ],
    );
  }
});

test('the data source tests itself, searches, completes and shows a trace', async () => {
  assert.equal(await ask('/api/echo'), 'echo');
  assert.match((await ask('/api/status/buildinfo')).version, /^2\./);
  assert.equal(await ask('/ready'), 'ready\n');
  const { traces } = await find('{resource.service.name="shop" && name="GET /cart" && duration>100ms}', 20);
  assert.equal(traces.length, 10);
  const tags = await ask('/api/v2/search/tags', { limit: '5000' });
  assert.ok(
    tags.scopes.some(
      ({ name, tags: of }: { name: string; tags: string[] }) => name === 'span' && of.includes('db.system.name'),
    ),
  );
  const narrowed = await ask('/api/v2/search/tags', { scope: 'span', q: '{resource.service.name="shop"}' });
  assert.deepEqual(narrowed.scopes, [{ name: 'span', tags: ['http.status_code'] }]);
  const values = (tag: string, q = '') => ask(`/api/v2/search/tag/${tag}/values`, q ? { q } : {});
  assert.deepEqual((await values('span.http.status_code', '{status=error}')).tagValues, [
    { type: 'int', value: '500' },
  ]);
  assert.deepEqual((await values('name', '{resource.service.name="orders"}')).tagValues, [
    { type: 'string', value: 'SELECT' },
  ]);
  assert.deepEqual((await values('event.exception.type')).tagValues, [{ type: 'string', value: 'DatabaseError' }]);
  assert.equal(
    (await values('resource.service.name', '{ name = "unfinis')).tagValues.length,
    2,
    'a filter that is being typed',
  );
  const elsewhere = await server.ask(
    `/tempo/api/v2/search/tag/name/values?start=${START_S - 7_200}&end=${START_S - 3_600}`,
  );
  assert.deepEqual(elsewhere.body.tagValues, [], 'the range counts');
  const instant = await ask('/api/metrics/query', {
    q: '{status=error} | count_over_time() by (resource.service.name)',
  });
  assert.deepEqual(
    instant.series.map(({ value }: Json) => value),
    [10, 10],
  );
  const trace = await server.ask(`/tempo/api/v2/traces/${traceId(1)}?start=${START_S}&end=${END_S}`);
  assert.equal(trace.body.trace.resourceSpans.length, 2);
});

test('every panel of the dashboard we ship has something to show', async () => {
  const file = path.join(import.meta.dirname, '../../../../examples/grafana/dashboards/beacon.json');
  const { panels } = JSON.parse(fs.readFileSync(file, 'utf8')) as {
    panels: Array<{ title: string; type: string; targets: Array<{ query: string }> }>;
  };
  assert.equal(panels.length, 7);
  for (const { title, type, targets } of panels) {
    const q = targets[0]?.query as string;
    if (type === 'table') assert.equal((await find(q)).traces.length > 0, !/1s/.test(q), title);
    else assert.ok((await range(q)).series.length > 0, title);
  }
});
