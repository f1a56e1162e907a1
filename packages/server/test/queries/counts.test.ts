import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { attributeKeys, attributeValues } from '../../src/queries/attributes.ts';
import { differences, heatmap, series } from '../../src/queries/charts.ts';
import type { Query } from '../../src/queries/query.ts';
import { runQuery } from '../../src/queries/run.ts';
import { dependencies, operations, services } from '../../src/queries/services.ts';
import { span } from '../../src/queries/span.ts';
import { createPool } from '../../src/store/connect.ts';
import { settle, store, type TestSpan, traceId } from './store.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 2 });
after(() => pool.end());
const rowsOf = async (of: Query, params: Record<string, unknown> = {}) => (await runQuery(pool, of, params)).rows;

const MINUTE = 60_000;
const now = Date.now();

// An hour of a shop, then one minute of trouble: checkouts of team "pro" take 800 ms and fail.
const spans: TestSpan[] = [];
for (let n = 0; n < 120; n++) {
  const trace = traceId();
  const bad = n >= 100 && n % 2 === 0;
  const at = now - 65 * MINUTE + n * (MINUTE / 2);
  const ids = ['a', 'b', 'c'].map((letter) => letter.repeat(16));
  const tier = bad ? 'pro' : n % 4 === 0 ? 'pro' : 'free';
  const status = bad ? 'failed' : 'completed';
  const common = { trace, status, error: bad ? '503' : null };
  spans.push(
    {
      ...common,
      span: ids[0] as string,
      service: 'web',
      operation: 'POST /checkout',
      kind: 'server',
      at,
      ms: bad ? 800 : 20,
      attributes: { tier, n, 'http.route': '/checkout' },
    },
    {
      ...common,
      span: ids[1] as string,
      parent: ids[0] as string,
      service: 'web',
      operation: 'POST',
      kind: 'client',
      at: at + 1,
      ms: bad ? 790 : 15,
      attributes: { tier },
    },
    {
      ...common,
      span: ids[2] as string,
      parent: ids[1] as string,
      service: 'pay',
      operation: 'charge',
      kind: 'server',
      at: at + 2,
      ms: bad ? 780 : 10,
      attributes: { tier },
    },
  );
}
const open = traceId();
spans.unshift({
  trace: open,
  service: 'web',
  operation: 'GET /slow',
  at: now - 10 * MINUTE,
  status: 'started',
  ms: null,
});
for (let from = 0; from < spans.length; from += 10) await store(client, spans.slice(from, from + 10));

const QUESTIONS: Array<[Query, Record<string, unknown>]> = [
  [services, {}],
  [operations, {}],
  [operations, { service: 'pay' }],
  [series, { from: '2h' }],
  [series, { from: '2h', service: 'web', operation: 'POST' }],
  [heatmap, { from: '2h' }],
  [heatmap, { from: '2h', spans: 'all', columns: '5' }],
];

test('counts made in advance are those of the spans themselves', async () => {
  const ask = () => Promise.all(QUESTIONS.map(([of, params]) => rowsOf(of, params)));
  await client.query('select beacon.name_services()');
  const before = await ask();
  const { rows: unfolded } = await client.query('select count(*)::int as rows from beacon.span_deltas');
  assert.equal(unfolded[0].rows, 37, 'one a transaction');
  await client.query('select beacon.fold_deltas(30)');
  assert.deepEqual(await ask(), before, 'some of it folded');
  await settle(client, 40);
  const { rows } = await client.query(
    'select (select count(*)::int from beacon.span_deltas) as waiting, count(*)::int as chunks from beacon.span_chunks',
  );
  assert.equal(rows[0].waiting, 0);
  assert.ok(rows[0].chunks < 37, 'small chunks are put together');
  const after = await ask();
  const { rows: one } = await client.query('select beacon.settle_baselines() as settled');
  assert.ok(one[0].settled >= 0);
  for (const [i, [{ name }, params]] of QUESTIONS.entries())
    assert.deepEqual(after[i], before[i], `${name} ${JSON.stringify(params)}`);
  const [web] = after[0] as Record<string, unknown>[];
  assert.deepEqual([web?.service, web?.spans, web?.traces, web?.errors], ['web', 241, 121, 20]);
  assert.equal(new Set(after[0]?.map((row) => row.color)).size, 2);
});

test('a service keeps its colour when others come', async () => {
  const colors = async () => new Map((await rowsOf(services)).map((row) => [row.service, row.color]));
  const before = await colors();
  await store(client, [{ trace: traceId(), service: 'aaa', at: now - MINUTE }]);
  const unnamed = await colors();
  await client.query('select beacon.name_services()');
  const named = await colors();
  for (const [name, color] of before) assert.equal(named.get(name), color);
  assert.equal(named.get('aaa'), unnamed.get('aaa'), 'the number it is about to get');
  assert.equal(new Set(named.values()).size, named.size);
});

test('dependencies are the calls that crossed from one service into another', async () => {
  const edges = await rowsOf(dependencies, { from: '2h' });
  assert.deepEqual(
    edges.map((row) => [row.caller, row.callee, row.calls, row.errors]),
    [['web', 'pay', 120, 10]],
  );
  await store(client, [
    { trace: open, span: '1'.repeat(16), service: 'pay', at: now - 9 * MINUTE, ms: 3 },
    {
      trace: open,
      span: '2'.repeat(16),
      parent: '1'.repeat(16),
      service: 'bank',
      at: now - 9 * MINUTE,
      ms: 2,
      kind: 'server',
    },
    { trace: open, span: '3'.repeat(16), service: 'bank', at: now - 9 * MINUTE, ms: 2, kind: 'client' },
    { trace: open, span: '3'.repeat(16), service: 'vault', at: now - 9 * MINUTE + 1, ms: 1, kind: 'server' },
  ]);
  const names = async (params: Record<string, unknown>) =>
    (await rowsOf(dependencies, { from: '2h', ...params })).map((row) => `${row.caller} ${row.callee}`).toSorted();
  assert.deepEqual(await names({}), ['bank vault', 'pay bank', 'web pay']);
  assert.deepEqual(await names({ service: 'web' }), ['web pay']);
  assert.deepEqual(await names({ service: 'web', hops: '2' }), ['pay bank', 'web pay']);
  assert.deepEqual(await names({ service: 'vault', hops: '2' }), ['bank vault', 'pay bank']);
});

test('the heatmap counts every span once, those without an end in a class of their own', async () => {
  const all = await rowsOf(heatmap, { from: '2h', spans: 'all' });
  const { rows } = await client.query(
    `select count(*)::int as n, count(*) filter (where status = 'failed')::int as failed from beacon.trace_spans`,
  );
  const sum = (key: string) => all.reduce((total, row) => total + Number(row[key]), 0);
  assert.deepEqual([sum('count'), sum('errors')], [rows[0].n, rows[0].failed]);
  assert.equal(all.filter((row) => row.bucket_ms_from === null).length, 1);
  const slow = await rowsOf(heatmap, { from: '2h', q: 'operation=charge duration>500ms' });
  assert.equal(
    slow.reduce((total, row) => total + Number(row.count), 0),
    10,
  );
  for (const row of slow) assert.ok(Number(row.bucket_ms_from) <= 780 && Number(row.bucket_ms_to) > 780);
});

test('differences name what the selection has and the rest has not, over all spans', async () => {
  const rows = await rowsOf(differences, { from: '2h', min_ms: '500' });
  const by = new Map(rows.map((row) => [`${row.key}=${row.value}`, row]));
  const tier = by.get('tier=pro');
  assert.deepEqual(
    [tier?.selected, tier?.selected_total, tier?.rest, tier?.rest_total, tier?.selected_pct],
    [10, 10, 25, 115, 100],
  );
  assert.equal(by.get('status=failed')?.difference, 100);
  assert.equal(by.get('http.route=/checkout')?.selected_pct, 100);
  assert.ok(Number(by.get('status=failed')?.difference) > Number(tier?.difference));
  assert.deepEqual(await rowsOf(differences, { from: '2h', min_ms: '100000' }), []);
  assert.deepEqual(
    (await rowsOf(differences, { from: '2h', status: 'error', q: 'service=pay' })).map((row) => row.selected_total)[0],
    10,
  );
});

test('series say how many, how many failed, how long', async () => {
  const rows = await rowsOf(series, { from: '2h', service: 'pay', operation: 'charge' });
  assert.equal(
    rows.reduce((total, row) => total + Number(row.calls), 0),
    120,
  );
  assert.equal(
    rows.reduce((total, row) => total + Number(row.errors), 0),
    10,
  );
  const steps = rows.map((row) => Date.parse(String(row.at)));
  assert.ok(
    steps.every((at) => at % (2 * MINUTE) === 0),
    'columns of two minutes',
  );
  assert.ok(Math.abs(Number(rows[0]?.p50_ms) - 10) < 1);
  assert.ok(Math.max(...rows.map((row) => Number(row.p99_ms))) > 600);
  const filtered = await rowsOf(series, { from: '2h', q: 'operation=charge service=pay' });
  assert.deepEqual(
    filtered.map(({ calls, p50_ms }) => [calls, p50_ms]),
    rows.map(({ calls, p50_ms }) => [calls, p50_ms]),
  );
});

test('completion knows keys and values of every place', async () => {
  const keys = (await rowsOf(attributeKeys, { prefix: 't' })).map((row) => [row.key, row.place]);
  assert.deepEqual(keys, [['tier', 'span']]);
  const values = (await rowsOf(attributeValues, { key: 'tier' })).map((row) => [row.value, row.count]);
  assert.deepEqual(values, [
    ['free', 255],
    ['pro', 105],
  ]);
  assert.ok(
    (await rowsOf(attributeValues, { key: 'operation', prefix: 'ch' })).some(
      (row) => row.value === 'charge' && row.place === 'column',
    ),
  );
  const cut = await runQuery(pool, attributeValues, { key: 'n', limit: '5' });
  assert.match(cut.truncated ?? '', /Showing the first 5 rows.*raise limit/);
});

test('a span comes with all it has, and with how long others took', async () => {
  const slow = spans.findIndex(({ ms }) => ms === 800);
  const found = await rowsOf(span, { trace_id: spans[slow]?.trace, span_id: 'a'.repeat(16) });
  assert.equal(found.length, 1);
  const row = found[0] as Record<string, unknown>;
  assert.deepEqual([row.operation, row.duration_ms, row.error_type], ['POST /checkout', 800, '503']);
  assert.equal((row.attributes as Record<string, unknown>).tier, 'pro');
  assert.ok(Number(row.peer_count) >= 99, `${row.peer_count}`);
  assert.ok(Math.abs(Number(row.peer_p50_ms) - 20) < 2, `${row.peer_p50_ms}`);
  assert.ok(Number(row.slower_than_pct) > 90);
  const histogram = row.peer_histogram as Array<{ count: number }>;
  assert.equal(
    histogram.reduce((total, each) => total + each.count, 0),
    row.peer_count,
  );
  await assert.rejects(rowsOf(span, { trace_id: '0'.repeat(32), span_id: 'a'.repeat(16) }), { code: 'not_found' });
});

test('calls between services are those of the spans, whether a trace has settled, has not, or got spans since', async () => {
  const known: Array<{ trace: string; span: string }> = [];
  const names = ['north', 'south', 'east', 'west'];
  const counted = async () => {
    const rows = await rowsOf(dependencies, { from: '3h' });
    return rows
      .filter(({ caller }) => names.includes(`${caller}`))
      .map((row) => `${row.caller} ${row.callee} ${row.calls} ${row.errors}`)
      .toSorted();
  };
  const stored = async () => {
    const { rows } = await client.query(
      `select p.service || ' ' || c.service || ' ' || count(*) || ' ' || count(*) filter (where c.status = 'failed') as edge
       from beacon.trace_spans c join beacon.trace_spans p on p.trace_id = c.trace_id and p.service <> c.service
       cross join lateral (select from (values (p.span_id = c.parent_span_id),
         (p.span_id = c.span_id and c.kind = 'server' and p.kind = 'client')) v (is_call) where v.is_call) call
       where p.service = any($1) group by p.service, c.service`,
      [names],
    );
    return rows.map(({ edge }) => edge as string).toSorted();
  };
  for (let round = 0; round < 12; round++) {
    const batch = Array.from({ length: 20 }, (_, n) => {
      const at = (round * 20 + n) * 7919;
      const parent = at % 3 === 0 ? undefined : known[at % Math.max(1, known.length)];
      // Sometimes a child comes first, and its parent later.
      const missing = at % 5 === 1 ? `${(at % 9) + 1}`.repeat(16) : undefined;
      const trace = parent?.trace ?? traceId();
      const span = at % 7 === 0 ? `${(at % 9) + 1}`.repeat(16) : traceId().slice(0, 16);
      known.push({ trace, span });
      return {
        trace,
        span,
        parent: missing ?? parent?.span ?? null,
        service: names[at % 4] as string,
        kind: at % 2 === 0 ? 'server' : 'client',
        status: at % 6 === 0 ? 'failed' : 'completed',
        at: now - 30 * MINUTE + (at % 1_000_000),
        ms: 1 + (at % 500),
      };
    });
    await store(client, batch);
    assert.deepEqual(await counted(), await stored(), `round ${round}`);
    if (round % 3 !== 2) continue;
    await client.query(`select set_config('beacon.clock', (now() + interval '3 minutes')::text, false)`);
    await client.query('select beacon.count_late_calls(), beacon.settle_baselines()');
    await client.query(`select set_config('beacon.clock', '', false)`);
    assert.deepEqual(await counted(), await stored(), `round ${round}, settled`);
  }
  const { rows } = await client.query('select count(*)::int as calls from beacon.service_calls');
  assert.ok(rows[0].calls > 20);
});

test('completion says when it has not looked at all spans of the time', async () => {
  const time = {
    from: new Date(now - 20 * 60 * MINUTE).toISOString(),
    to: new Date(now - 19 * 60 * MINUTE).toISOString(),
  };
  const add = (count: number) =>
    client.query(
      `insert into beacon.trace_spans (trace_id, span_id, service, operation, status, started_at, completed_at, duration_ms, metadata)
       select gen_random_uuid(), decode(lpad(to_hex(n), 16, '0'), 'hex'), 'many', 'work', 'completed', $1::timestamptz + interval '1 minute',
         $1::timestamptz + interval '1 minute', 0, '{"k": 1}' from generate_series(1, $2::integer) n`,
      [time.from, count],
    );
  const said = async () => (await runQuery(pool, attributeKeys, time)).truncated;
  await add(4_999);
  assert.equal(await said(), null);
  await add(1);
  assert.match(`${await said()}`, /^Only the newest 5,000 spans of this time were looked at/);
});
