// Tempo's API, asked as Grafana's Tempo data source asks it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { tempoError, tempoRoutes } from '../../src/compat/tempo/routes.ts';
import { httpApp } from '../../src/http/app.ts';
import { TRACES } from '../../src/otlp/messages.ts';
import { unpack } from '../../src/otlp/unpack.ts';
import { Gate } from '../../src/receivers/token.ts';
import { bareGet, serve, serveApp } from '../http/server.ts';
import { otlpServer } from '../receivers/server.ts';
import { int, type Json, span, text } from '../receivers/spans.ts';

const database = await testDatabase();
const otlp = await otlpServer(database);
const server = await serve(database, {}, (app, pool) => tempoRoutes(app, pool, { prefix: '/tempo' }));
const get = async (path: string) => (await server.ask(`/tempo${path}`)).body;

const traceId = '0af7651916cd43dd8448eb211c80319c';
const START = BigInt(Date.now() - 60_000) * 1_000_000n;
const at = (ms: number, length: number) => ({
  startTimeUnixNano: `${START + BigInt(ms) * 1_000_000n}`,
  endTimeUnixNano: `${START + BigInt(ms + length) * 1_000_000n}`,
});
const root = span({
  traceId,
  name: 'GET /cart',
  kind: 2,
  ...at(0, 600),
  attributes: [text('http.method', 'GET'), int('http.status_code', 500)],
  events: [{ timeUnixNano: `${START}`, name: 'cache.miss', attributes: [text('cache.key', 'cart:42')] }],
  status: { code: 2, message: 'upstream failed' },
});
const child = span({
  traceId,
  parentSpanId: root.spanId,
  name: 'SELECT',
  kind: 3,
  ...at(10, 50),
  events: [{ timeUnixNano: `${START}`, name: 'plan', attributes: [text('plan.text', 'x'.repeat(2_000))] }],
});
const resource = (name: string) => ({ attributes: [text('service.name', name), text('cluster', 'eu 1')] });
const posted = await otlp.post({
  resourceSpans: [
    { resource: resource('shop-frontend'), scopeSpans: [{ scope: { name: 'shop' }, spans: [root] }] },
    { resource: resource('database'), scopeSpans: [{ scope: { name: 'pg' }, spans: [child] }] },
  ],
});
assert.equal(posted.status, 200);
await draw(database.client, 'other ping |=|');

test('the data source is tested by its echo and its version', async () => {
  const echo = await server.ask('/tempo/api/echo');
  assert.deepEqual([echo.status, echo.body], [200, 'echo']);
  const { version } = await get('/api/status/buildinfo');
  assert.match(version, /^\d+\.\d+\.\d+$/);
});

test('a trace by id is protobuf or JSON, as the caller accepts it, in both versions', async () => {
  const bytes = async (path: string) => {
    const response = await fetch(`${server.url}/tempo${path}`, { headers: { accept: 'application/protobuf' } });
    assert.equal(response.headers.get('content-type'), 'application/protobuf');
    return Buffer.from(await response.arrayBuffer());
  };
  const v1 = await bytes(`/api/traces/${traceId}?start=1&end=2`);
  const trace = unpack(TRACES, v1) as { resourceSpans: Json[] };
  assert.equal(trace.resourceSpans.length, 2);
  const v2 = await bytes(`/api/v2/traces/${traceId}`);
  assert.equal(v2[0], 0x0a, 'field 1, a message');
  const header = 1 + (v2.subarray(1).findIndex((byte) => byte < 0x80) + 1);
  assert.deepEqual(v2.subarray(header), v1, 'the trace is wrapped');
  const json = await get(`/api/v2/traces/${traceId}`);
  assert.deepEqual(Object.keys(json), ['trace', 'metrics']);
  assert.deepEqual((await get(`/api/traces/${traceId}`)).resourceSpans, json.trace.resourceSpans);
  assert.equal(json.trace.resourceSpans[0].scopeSpans[0].spans[0].traceId, traceId);
  const packed = await bareGet(`${server.url}/tempo/api/traces/${traceId}`, {
    accept: 'application/protobuf',
    'accept-encoding': 'gzip',
  });
  assert.equal(packed.resume().headers['content-encoding'], 'gzip');
  const shortened = await server.ask(`/tempo/api/v2/traces/${traceId.slice(1)}`);
  assert.equal(shortened.status, 200, 'zeros in front may be missing');
  for (const version of ['', '/v2']) {
    const missing = await server.ask(`/tempo/api${version}/traces/${'ab'.repeat(16)}`);
    assert.deepEqual([missing.status, missing.body.code], [404, 'not_found']);
    assert.ok(missing.body.message, 'Grafana shows the message');
    assert.equal((await server.ask(`/tempo/api${version}/traces/xyz`)).status, 400);
  }
});

test('tags come by scope, and flat for the first version', async () => {
  const { scopes } = await get('/api/v2/search/tags?limit=5000');
  const of = (name: string) => scopes.find((scope: Json) => scope.name === name)?.tags;
  assert.deepEqual(of('resource'), ['cluster', 'service.name']);
  assert.deepEqual(of('span'), ['http.method', 'http.status_code']);
  assert.ok(of('event').includes('cache.key'));
  assert.ok(of('intrinsic').includes('status') && of('intrinsic').includes('traceDuration'));
  const only = await get('/api/v2/search/tags?scope=resource');
  assert.deepEqual(
    only.scopes.map(({ name }: Json) => name),
    ['resource'],
  );
  const { tagNames } = await get('/api/search/tags');
  assert.ok(tagNames.includes('http.method') && tagNames.includes('service.name'));
});

test('values of a tag, however it is written', async () => {
  const values = async (tag: string) => (await get(`/api/v2/search/tag/${tag}/values?limit=5000`)).tagValues;
  const services = [
    { type: 'string', value: 'database' },
    { type: 'string', value: 'other' },
    { type: 'string', value: 'shop-frontend' },
  ];
  for (const tag of ['resource.service.name', '.service.name', 'service.name', 'resource%252Eservice%252Ename']) {
    const found = await values(tag);
    assert.deepEqual(
      found.sort((a: Json, b: Json) => (`${a.value}` < `${b.value}` ? -1 : 1)),
      services,
      tag,
    );
  }
  assert.deepEqual(await values('span.http.status_code'), [{ type: 'int', value: '500' }]);
  assert.deepEqual(await values('.http.method'), [{ type: 'string', value: 'GET' }]);
  assert.deepEqual(await values('event.cache.key'), [{ type: 'string', value: 'cart:42' }]);
  assert.deepEqual(
    (await values('status')).map(({ value }: Json) => value),
    ['error', 'ok', 'unset'],
  );
  assert.deepEqual((await values('name')).map(({ value }: Json) => value).sort(), ['GET /cart', 'SELECT', 'ping']);
  assert.deepEqual(await values('span.nothing'), []);
  assert.deepEqual((await get('/api/search/tag/http.method/values')).tagValues, ['GET']);
  assert.equal((await server.ask('/tempo/api/v2/search/tag/http.method')).status, 404);
});

const seconds = Number(START / 1_000_000_000n);
/** What Grafana's search form and its editor send; each finds the trace. */
const FOUND = [
  '{resource.service.name="shop-frontend"}',
  '{ resource.service.name = "shop-frontend" && name = "GET /cart" && status = error && duration > 100ms }',
  '{.http.method="GET" && span.http.status_code>=500}',
  '{resource.cluster="eu 1" && kind=client}',
  '{event.cache.key="cart:42" && event:name="cache.miss"}',
  '{instrumentation:name="shop" && statusMessage="upstream failed"}',
  '{span.http.method != nil && resource.service.name=~"nobody|shop-frontend"}',
  '{resource.service.name=~".*front.*"}',
  '{name="SELECT" || name="nothing"}',
  '{(name="nothing" || status=error) && (duration<1s || duration>2s)}',
  '{traceDuration>500ms && rootServiceName="shop-frontend" && rootName=~"GET /cart|POST /cart"}',
  '{name!="ping" && nestedSetParent<0}',
  `{trace:id="${traceId}"}`,
  '{resource.service.name!~"other|nobody" && status!=ok && name="GET /cart"}',
];
for (const q of FOUND) {
  test(`TraceQL ${q} finds it`, async () => {
    const query = new URLSearchParams({ q, limit: '20', spss: '10', start: `${seconds - 60}`, end: `${seconds + 60}` });
    const { traces, metrics } = await get(`/api/search?${query}`);
    assert.deepEqual(
      traces.map(({ traceID }: Json) => traceID),
      [traceId],
    );
    assert.ok(metrics.inspectedTraces >= 1);
  });
}

const NOT_FOUND = [
  '{resource.service.name="nobody"}',
  '{name="SELECT" && status=error}',
  '{traceDuration>2s}',
  '{.http.method="POST" || duration>10m}',
  '{rootName="SELECT"}',
  '{span.http.method = nil && name="GET /cart"}',
];
for (const q of NOT_FOUND) {
  test(`TraceQL ${q} finds nothing`, async () => {
    assert.deepEqual((await get(`/api/search?q=${encodeURIComponent(q)}`)).traces, []);
  });
}

test('what is no TraceQL is a 400 with a sentence and a position, wherever it is asked', async () => {
  for (const path of ['search', 'metrics/query_range', 'metrics/query']) {
    const { status, body } = await server.ask(`/tempo/api/${path}?q=${encodeURIComponent('{ name= }')}`);
    assert.deepEqual([status, body.code], [400, 'usage'], path);
    assert.match(
      body.message,
      /^The TraceQL query is wrong at character 9: "\}" stands where a field or a value should\./,
    );
  }
  const asked = async (path: string, q: string) => server.ask(`/tempo/api/${path}?q=${encodeURIComponent(q)}`);
  assert.match((await asked('search', '{} | rate()')).body.message, /asks for metrics/);
  assert.match((await asked('metrics/query_range', '{}')).body.message, /asks for traces/);
  const grouped = await asked('search', '({} | by(span:id)) >> {}');
  assert.deepEqual([grouped.status, grouped.body.code], [400, 'usage']);
  assert.match(grouped.body.message, /one set of spans on either side/);
});

test('a found trace has what Grafana shows: root, start, duration, the spans that matched', async () => {
  const { traces } = await get(`/api/search?q=${encodeURIComponent('{status=error}')}`);
  assert.equal(traces.length, 1);
  const [{ spanSets, spanSet, serviceStats, ...trace }] = traces;
  assert.deepEqual(serviceStats, { 'shop-frontend': { spanCount: 1, errorCount: 1 }, database: { spanCount: 1 } });
  assert.deepEqual(trace, {
    traceID: traceId,
    rootServiceName: 'shop-frontend',
    rootTraceName: 'GET /cart',
    startTimeUnixNano: String(START),
    durationMs: 600,
  });
  assert.deepEqual(spanSets, [spanSet]);
  assert.equal(spanSet.matched, 1);
  assert.deepEqual(spanSet.spans, [
    {
      spanID: root.spanId,
      name: 'GET /cart',
      startTimeUnixNano: String(START),
      durationNanos: '600000000',
      attributes: [{ key: 'status', value: { stringValue: 'error' } }],
    },
  ]);
  const all = await get('/api/search?q=%7B%7D&limit=1&spss=1');
  assert.equal(all.traces.length, 1);
  assert.equal(all.traces[0].spanSet.spans.length, 1);
});

test('searching by tags and durations, as before TraceQL', async () => {
  const find = async (params: Record<string, string>) =>
    (await get(`/api/search?${new URLSearchParams(params)}`)).traces.map(({ traceID }: Json) => traceID);
  assert.deepEqual(await find({ tags: 'service.name=frontend' }), [traceId], 'values are matched within');
  assert.deepEqual(await find({ tags: 'cluster="eu 1" http.method=GE', limit: '20' }), [traceId]);
  assert.deepEqual(await find({ tags: 'name="GET /" error=true root.service.name=shop' }), [traceId]);
  assert.deepEqual(await find({ tags: 'service.name=frontend', minDuration: '500ms', maxDuration: '1.5s' }), [traceId]);
  assert.deepEqual(await find({ tags: 'service.name=frontend', minDuration: '700ms' }), []);
  assert.deepEqual(await find({ start: `${seconds - 7_200}`, end: `${seconds - 3_600}` }), []);
  assert.equal((await find({ limit: '1' })).length, 1);
  for (const query of ['tags=service.name', 'minDuration=long', 'start=now', 'limit=all', 'q=%7B%7D&tags=a%3Db']) {
    assert.equal((await server.ask(`/tempo/api/search?${query}`)).status, 400, query);
  }
  assert.deepEqual(await find({ tags: 'service.name=Frontend' }), [], 'the case counts');
});

test('on a port of its own the same is at the root, behind the same token', async () => {
  const own = await serveApp(database, async (options, pool) => {
    const app = await httpApp({ ...options, guard: new Gate({ token: 't' }), sendError: tempoError });
    tempoRoutes(app, pool, { prefix: '' });
    return app;
  });
  const refused = await own.ask('/api/echo');
  assert.deepEqual([refused.status, refused.body.code], [401, 'unauthenticated']);
  assert.equal((await own.ask('/api/echo', { headers: { authorization: 'Bearer t' } })).body, 'echo');
});
