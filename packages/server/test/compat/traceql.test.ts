// Hundreds of queries, answered twice: over HTTP from the database, and by the plainest evaluator one can write.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { tempoRoutes } from '../../src/compat/tempo/routes.ts';
import { serve } from '../http/server.ts';
import { otlpServer } from '../receivers/server.ts';
import type { Json } from '../receivers/spans.ts';
import { condition, dice, type NaiveSpan, search, traces } from './naive.ts';

const database = await testDatabase();
const otlp = await otlpServer(database);
const server = await serve(database, {}, (app, pool) => tempoRoutes(app, pool, { prefix: '/tempo' }));
const STEP_MS = 10_000;
const END_MS = Math.floor(Date.now() / STEP_MS) * STEP_MS;
const START_MS = END_MS - 600_000;
const all = traces(120, START_MS + 5_000);
const posted = await otlp.post({ resourceSpans: all.flatMap(({ spans }) => spans.map((span) => span.otlp)) });
assert.equal(posted.status, 200);
const ask = async (path: string, params: Record<string, string>) => {
  const times = { start: String(START_MS / 1_000), end: String(END_MS / 1_000) };
  return server.ask(`/tempo/api/${path}?${new URLSearchParams({ ...times, ...params })}`);
};

/** Queries at once: the database is asked by several readers, too. */
async function inTurns<T>(items: T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

test('300 searches find the same spans', async () => {
  const roll = dice(11);
  const queries = Array.from({ length: 300 }, () => search(roll));
  let found = 0;
  await inTurns(queries, 4, async ({ text, sets }) => {
    const { status, body } = await ask('search', { q: text, limit: '1000', spss: '100' });
    assert.equal(status, 200, `${text}: ${body.message}`);
    const ids = (spans: Json[], key: string) => spans.map((span) => span[key] as string).sort();
    const actual = body.traces.map(({ traceID, spanSets }: Json) => [
      traceID,
      (spanSets as Array<{ spans: Json[] }>).map(({ spans }) => ids(spans, 'spanID')).sort(),
    ]);
    const expected = all.flatMap((trace) => {
      const found = sets(trace)
        .map((spans) => ids(spans as unknown as Json[], 'id'))
        .sort();
      return found.length > 0 ? [[trace.id, found]] : [];
    });
    const byId = (list: Array<[string, unknown]>) => list.sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(byId(actual), byId(expected as Array<[string, unknown]>), text);
    found += expected.length;
  });
  assert.ok(found > 3_000, `${found} traces: queries that find nothing prove nothing`);
});

test('150 measures count the same, whether the database counts or the spans are read', async () => {
  const roll = dice(23);
  const cases = Array.from({ length: 150 }, () => {
    const of = condition(roll, 1);
    const by = ['', 'resource.service.name', 'status', 'kind', 'name', 'span.str', 'span.num', '.zone'][
      roll(8)
    ] as string;
    const name = ['rate', 'count_over_time', 'min_over_time', 'max_over_time', 'sum_over_time', 'avg_over_time'][
      roll(6)
    ] as string;
    const attribute = roll(2) === 0 ? 'duration' : 'span.num';
    return { of, by, name, attribute };
  });
  const label = (by: string, span: NaiveSpan): unknown => {
    if (by === 'status' || by === 'kind' || by === 'name') return span[by];
    if (by === 'resource.service.name') return span.service;
    if (by === '.zone') return span.attributes.zone ?? span.resource.zone;
    return by === '' ? '' : span.attributes[by.slice('span.'.length)];
  };
  await inTurns(cases, 4, async ({ of, by, name, attribute }) => {
    const isCount = name === 'rate' || name === 'count_over_time';
    const q = `{ ${of.text} } | ${name}(${isCount ? '' : attribute})${by && ` by (${by})`}`;
    const { status, body } = await ask('metrics/query_range', { q, step: '10s' });
    assert.equal(status, 200, `${q}: ${body.message}`);
    assert.equal(body.message, undefined, q);
    const expected = new Map<string, number[]>();
    for (const trace of all) {
      for (const span of trace.spans.filter((each) => of.holds(each, trace))) {
        const value = attribute === 'duration' ? span.durationNs / 1e9 : (span.attributes.num as number | undefined);
        if (!isCount && value === undefined) continue;
        // A slot ends with its last nanosecond and is named by its end.
        const end = Number(-(-span.startNs / BigInt(STEP_MS * 1e6))) * STEP_MS;
        const slot = span.startNs % BigInt(STEP_MS * 1e6) === 0n ? end : end + STEP_MS;
        const key = `${JSON.stringify(label(by, span) ?? null)} ${slot}`;
        expected.set(key, [...(expected.get(key) ?? []), value ?? 1]);
      }
    }
    const total = (values: number[]) => values.reduce((a, b) => a + b, 0);
    const result = (values: number[]): number =>
      ({
        rate: values.length / (STEP_MS / 1_000),
        count_over_time: values.length,
        min_over_time: Math.min(...values),
        max_over_time: Math.max(...values),
        sum_over_time: total(values),
        avg_over_time: total(values) / values.length,
      })[name] as number;
    const actual = new Map<string, number>();
    for (const { labels, samples } of body.series) {
      const [{ value }] = labels;
      const shown = by === '' ? '' : value.intValue !== undefined ? Number(value.intValue) : value.stringValue;
      const key = JSON.stringify(shown === 'nil' ? null : shown);
      for (const { timestampMs, value } of samples) {
        if (!isCount || value !== 0) actual.set(`${key} ${timestampMs}`, value);
      }
    }
    assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort(), q);
    for (const [key, values] of expected) {
      const difference = Math.abs((actual.get(key) as number) - result(values));
      assert.ok(
        difference <= 1e-9 * Math.max(1, result(values)),
        `${q}: ${key} is ${actual.get(key)}, not ${result(values)}`,
      );
    }
  });
});

test('conditions on events that must all hold are of one event, on attributes of one span', async () => {
  const count = async (q: string) => (await ask('search', { q, limit: '1000' })).body.traces.length;
  const both = all.filter(({ spans }) =>
    spans.some(({ events }) => events.some(({ name, attributes }) => name === 'e1' && attributes.size === 2)),
  ).length;
  const apart = all.filter(({ spans }) =>
    spans.some(
      ({ events }) =>
        events.some(({ name }) => name === 'e1') && events.some(({ attributes }) => attributes.size === 2),
    ),
  ).length;
  assert.ok(both < apart);
  assert.equal(await count('{ event:name = "e1" && event.size = 2 }'), both);
});

test('quantiles are those of powers of two, and histograms count them', async () => {
  const spans = all.flatMap((trace) => trace.spans);
  const bucket = ({ durationNs }: NaiveSpan) => 2 ** Math.ceil(Math.log2(durationNs)) / 1e9;
  const histogram = await ask('metrics/query', { q: '{} | histogram_over_time(duration)' });
  const counts = Object.fromEntries(
    histogram.body.series.map(({ labels, value }: Json) => [
      (labels as Json[]).find(({ key }) => key === '__bucket') &&
        ((labels as Json[])[0] as { value: Json }).value.doubleValue,
      value,
    ]),
  );
  const expected: Record<string, number> = {};
  for (const span of spans) expected[bucket(span)] = (expected[bucket(span)] ?? 0) + 1;
  assert.deepEqual(counts, expected);
  const { body } = await ask('metrics/query', { q: '{} | quantile_over_time(duration, .5, 1)' });
  const value = (p: number) =>
    body.series.find(({ labels }: Json) => (labels as Array<{ value: Json }>)[0]?.value.doubleValue === p).value;
  assert.equal(value(1), Math.max(...spans.map(bucket)));
  const sorted = spans.map(({ durationNs }) => durationNs / 1e9).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] as number;
  assert.ok(value(0.5) > median / 2 && value(0.5) < median * 2, `${value(0.5)} is not near ${median}`);
});

test('series are ranked, filtered, scaled and joined', async () => {
  const instant = async (q: string) => {
    const { status, body } = await ask('metrics/query', { q });
    assert.equal(status, 200, `${q}: ${body.message}`);
    return body.series.map(({ labels, value }: Json) => [
      ...(labels as Array<{ value: Json }>).map(({ value: of }) => of.stringValue),
      value,
    ]);
  };
  const counted: Array<[string, number]> = await instant('{} | count_over_time() by (resource.service.name)');
  assert.deepEqual(
    counted.map(([service]) => service),
    ['cart', 'db', 'pay'],
  );
  const [most] = [...counted].sort(([, a], [, b]) => b - a);
  const [least] = [...counted].sort(([, a], [, b]) => a - b);
  const of = '{} | count_over_time() by (resource.service.name)';
  assert.deepEqual(await instant(`${of} | topk(1)`), [most]);
  assert.deepEqual(await instant(`${of} | bottomk(1)`), [least]);
  assert.deepEqual(await instant(`${of} >= ${most?.[1]}`), [most]);
  assert.deepEqual(await instant(`${of} > 100000`), []);
  assert.deepEqual(
    await instant(`2 * (${of}) + 1`),
    counted.map(([service, n]) => [service, 2 * n + 1]),
  );
  const share = await instant(`(${of}) / ({} | count_over_time())`);
  const total = counted.reduce((sum, [, n]) => sum + n, 0);
  assert.deepEqual(
    share,
    counted.map(([service, n]) => [service, n / total]),
  );
  const errors = await instant('({status=error} | count_over_time()) / ({} | count_over_time()) * 100');
  assert.equal(errors[0][0], '(count_over_time / count_over_time)');
});

test('compare tells what the selected spans have in common', async () => {
  const { body } = await ask('metrics/query_range', { q: '{} | compare({status=error}, 3)', step: '10m' });
  const sum = (type: string, key: string, value: string) => {
    const found = body.series.find(
      ({ labels }: { labels: Array<{ key: string; value: Json }> }) =>
        labels[0]?.value.stringValue === type && labels[1]?.key === key && labels[1]?.value.stringValue === value,
    );
    return found?.samples.reduce((total: number, sample: Json) => total + (sample.value as number), 0);
  };
  const spans = all.flatMap((trace) => trace.spans);
  const failed = spans.filter(({ status }) => status === 'error');
  assert.equal(
    sum('selection', 'resource.service.name', 'pay'),
    failed.filter(({ service }) => service === 'pay').length,
  );
  assert.equal(
    sum('baseline', 'resource.service.name', 'pay'),
    spans.filter(({ service, status }) => service === 'pay' && status !== 'error').length,
  );
  assert.equal(sum('selection_total', 'kind', 'nil'), failed.length);
});

test('exemplars lead to a trace, and the hint says how many', async () => {
  const exemplars = async (q: string, params = {}) => {
    const { body } = await ask('metrics/query_range', { q, step: '10s', ...params });
    return body.series.flatMap((series: Json) => (series.exemplars ?? []) as Json[]);
  };
  assert.deepEqual(await exemplars('{} | rate()'), []);
  const some = await exemplars('{status=error} | rate()', { exemplars: '5' });
  assert.ok(some.length > 0 && some.length <= 5);
  const ids = some.map(
    ({ labels }: Json) =>
      (labels as Array<{ key: string; value: Json }>).find(({ key }) => key === 'trace:id')?.value.stringValue,
  );
  const failing = new Set(
    all.filter(({ spans }) => spans.some(({ status }) => status === 'error')).map(({ id }) => id),
  );
  for (const id of ids) assert.ok(failing.has(id), id);
  assert.ok((await exemplars('{} >> {} | rate() with(exemplars=3)')).length <= 3);
});
