// Jaeger's query API, asked as Grafana's Jaeger data source and scripts ask it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { jaegerError, jaegerRoutes } from '../../src/compat/jaeger/routes.ts';
import { httpApp } from '../../src/http/app.ts';
import { Gate } from '../../src/receivers/token.ts';
import { serveApp } from '../http/server.ts';
import { otlpServer } from '../receivers/server.ts';
import { int, type Json, request, span, text } from '../receivers/spans.ts';

const database = await testDatabase();
const otlp = await otlpServer(database);
const jaeger = await serveApp(database, async (options, pool) => {
  const app = await httpApp({ ...options, sendError: jaegerError });
  jaegerRoutes(app, pool);
  return app;
});
const get = async (path: string) => (await jaeger.ask(path)).body;

const traceId = '00000000000000004bf92f3577b34da6';
const START = BigInt(Date.now() - 60_000) * 1_000_000n;
const at = (ms: number, length: number) => ({
  startTimeUnixNano: `${START + BigInt(Math.round(ms * 1e6))}`,
  endTimeUnixNano: `${START + BigInt(Math.round((ms + length) * 1e6))}`,
});
const root = span({
  traceId,
  spanId: '00f067aa0ba902b7',
  name: 'GET /cart',
  kind: 2,
  ...at(0, 100),
  attributes: [
    text('http.method', 'GET'),
    int('http.status_code', 500),
    { key: 'ratio', value: { doubleValue: 0.5 } },
    { key: 'ok', value: { boolValue: false } },
  ],
  events: [{ timeUnixNano: `${START + 5_000_000n}`, name: 'cache.miss', attributes: [text('cache.key', 'cart:42')] }],
  links: [{ traceId: 'cd'.repeat(16), spanId: 'ef'.repeat(8), attributes: [text('link.reason', 'retry of')] }],
  status: { code: 2, message: 'upstream failed' },
  traceState: 'vendor=1',
});
const child = span({
  traceId,
  spanId: '00f067aa0ba902b8',
  parentSpanId: root.spanId,
  name: 'SELECT',
  kind: 3,
  ...at(10, 50),
});
assert.equal(
  (
    await otlp.post({
      resourceSpans: [
        {
          resource: { attributes: [text('service.name', 'frontend'), text('deployment.environment', 'staging')] },
          scopeSpans: [
            { scope: { name: 'shop', version: '1.2', attributes: [text('scope.attr', 'yes')] }, spans: [root] },
          ],
        },
        {
          resource: { attributes: [text('service.name', 'database')] },
          scopeSpans: [{ scope: { name: 'pg' }, spans: [child] }],
        },
      ],
    })
  ).status,
  200,
);

test('services and operations, as Grafana lists them', async () => {
  const services = await get('/api/services');
  assert.deepEqual(services, { data: ['database', 'frontend'], total: 2, limit: 0, offset: 0, errors: null });
  const operations = await get('/api/services/frontend/operations');
  assert.deepEqual([operations.data, operations.errors], [['GET /cart'], null]);
  const kinds = await get('/api/operations?service=frontend&spanKind=server');
  assert.deepEqual(kinds.data, [{ name: 'GET /cart', spanKind: 'server' }]);
  assert.deepEqual((await get('/api/operations?service=frontend&spanKind=client')).data, []);
  assert.deepEqual((await get('/api/services/nobody/operations')).data, []);
  assert.deepEqual(await get('/api/v3/services'), { services: ['database', 'frontend'] });
  assert.deepEqual(await get('/api/v3/operations?service=database'), {
    operations: [{ name: 'SELECT', spanKind: 'client' }],
  });
});

test('a trace by id, whole, shortened or as a uuid, in the JSON of version 1', async () => {
  const { data, errors } = await get(`/api/traces/${traceId}`);
  assert.equal(errors, null);
  assert.equal(data.length, 1);
  const [trace] = data;
  assert.equal(trace.traceID, '4bf92f3577b34da6');
  assert.equal(trace.warnings, null);
  const first = trace.spans.find((each: Json) => each.spanID === root.spanId);
  const second = trace.spans.find((each: Json) => each.spanID === child.spanId);
  assert.deepEqual(trace.processes[first.processID], {
    serviceName: 'frontend',
    tags: [{ key: 'deployment.environment', type: 'string', value: 'staging' }],
  });
  assert.deepEqual(
    [first.operationName, first.startTime, first.duration, first.flags, first.warnings],
    ['GET /cart', Number(START / 1_000n), 100_000, 1, null],
  );
  assert.deepEqual(first.references, [{ refType: 'FOLLOWS_FROM', traceID: 'cd'.repeat(16), spanID: 'ef'.repeat(8) }]);
  assert.deepEqual(second.references, [{ refType: 'CHILD_OF', traceID: '4bf92f3577b34da6', spanID: root.spanId }]);
  // The order of attributes is not kept.
  assert.deepEqual(
    sorted(first.tags),
    sorted([
      { key: 'http.method', type: 'string', value: 'GET' },
      { key: 'http.status_code', type: 'int64', value: 500 },
      { key: 'ratio', type: 'float64', value: 0.5 },
      { key: 'ok', type: 'bool', value: false },
      { key: 'span.kind', type: 'string', value: 'server' },
      { key: 'otel.scope.name', type: 'string', value: 'shop' },
      { key: 'otel.scope.version', type: 'string', value: '1.2' },
      { key: 'scope.attr', type: 'string', value: 'yes' },
      { key: 'w3c.tracestate', type: 'string', value: 'vendor=1' },
      { key: 'otel.status_code', type: 'string', value: 'ERROR' },
      { key: 'otel.status_description', type: 'string', value: 'upstream failed' },
      { key: 'error', type: 'bool', value: true },
    ]),
  );
  assert.deepEqual(first.logs, [
    {
      timestamp: Number(START / 1_000n) + 5_000,
      fields: [
        { key: 'event', type: 'string', value: 'cache.miss' },
        { key: 'cache.key', type: 'string', value: 'cart:42' },
      ],
    },
  ]);
  for (const id of ['4bf92f3577b34da6', '00000000-0000-0000-4bf9-2f3577b34da6', traceId.toUpperCase()]) {
    assert.deepEqual((await get(`/api/traces/${id}?start=1&end=2`)).data, data, id);
  }
});

const sorted = (list: Json[]) => list.map((each) => JSON.stringify(each)).sort();
const tags = (object: object) => `tags=${encodeURIComponent(JSON.stringify(object))}`;
const FOUND = [
  'service=frontend',
  'service=frontend&operation=GET+%2Fcart&limit=20',
  'service=database&operation=SELECT',
  '',
  `service=frontend&${tags({ 'http.status_code': '500' })}`,
  `service=frontend&${tags({ 'http.method': 'GET', error: 'true' })}`,
  `${tags({ 'deployment.environment': 'staging' })}`,
  `${tags({ 'scope.attr': 'yes' })}`,
  `${tags({ 'cache.key': 'cart:42' })}`,
  `${tags({ 'link.reason': 'retry of' })}`,
  `${tags({ 'span.kind': 'server', 'otel.scope.name': 'shop', 'otel.status_description': 'upstream failed' })}`,
  'tag=http.method%3AGET&tag=error%3Atrue',
  'service=frontend&minDuration=90ms&maxDuration=1.5s',
  `service=frontend&start=${START / 1_000n - 1_000_000n}&end=${START / 1_000n + 1_000_000n}&lookback=1h`,
];
const NOT_FOUND = [
  'service=nobody',
  'service=database&operation=GET+%2Fcart',
  `service=database&${tags({ 'http.status_code': '500' })}`,
  `${tags({ 'http.method': 'GET', 'scope.attr': 'no' })}`,
  'service=frontend&minDuration=200ms',
  `service=frontend&start=${START / 1_000n + 10_000_000n}`,
];

for (const query of FOUND) {
  test(`it is found by ${decodeURIComponent(query) || 'nothing in particular'}`, async () => {
    const { data, errors } = await get(`/api/traces?${query}`);
    assert.deepEqual([data.map((trace: Json) => trace.traceID), errors], [['4bf92f3577b34da6'], null]);
    assert.equal(data[0].spans.length, 2, 'a trace comes whole');
  });
}
for (const query of NOT_FOUND) {
  test(`it is not found by ${decodeURIComponent(query)}`, async () => {
    assert.deepEqual((await get(`/api/traces?${query}`)).data, []);
  });
}

test('wrong parameters and missing traces are errors in the envelope', async () => {
  for (const [path, status, why] of [
    ['/api/traces?tags=http.method=GET', 400, /tags is no JSON object/],
    ['/api/traces?tag=http.method', 400, /must be key:value/],
    ['/api/traces?minDuration=soon', 400, /minDuration is "soon"/],
    ['/api/traces?start=yesterday', 400, /start is "yesterday"/],
    ['/api/traces?limit=many', 400, /limit is "many"/],
    ['/api/traces/xyz', 400, /is not a trace id/],
    ['/api/operations', 400, /service is missing/],
    ['/api/dependencies?endTs=x', 400, /endTs/],
    [`/api/traces/${'ab'.repeat(16)}`, 404, /trace not found/],
    ['/api/nothing', 404, /There is no GET/],
  ] as const) {
    const { status: got, body } = await jaeger.ask(path);
    assert.deepEqual([path, got, body.data, body.errors.length, body.errors[0].code], [path, status, null, 1, status]);
    assert.match(body.errors[0].msg, why);
  }
  const v3 = await jaeger.ask('/api/v3/traces?query.service_name=frontend');
  assert.deepEqual([v3.status, v3.body.error.httpCode, v3.body.error.grpcCode], [400, 400, 3]);
  const none = await jaeger.ask(`/api/v3/traces/${'ab'.repeat(16)}`);
  assert.deepEqual([none.status, none.body.error.httpCode], [404, 404]);
});

test('traces by several ids come with an error for each that is missing', async () => {
  const { data, errors } = await get(`/api/traces?traceID=4bf92f3577b34da6&traceID=${'ab'.repeat(16)}`);
  assert.equal(data.length, 1);
  assert.deepEqual(errors, [{ msg: 'trace not found', traceID: 'ab'.repeat(16) }]);
});

test('dependencies are edges with their calls', async () => {
  const { data } = await get(`/api/dependencies?endTs=${Date.now()}&lookback=604800000`);
  assert.deepEqual(data, [{ parent: 'frontend', child: 'database', callCount: 1 }]);
  assert.deepEqual((await get(`/api/dependencies?endTs=${Date.now() - 3_600_000}&lookback=1000`)).data, []);
});

test('version 3 answers OTLP in the wrapper of its gateway, in both spellings of the names', async () => {
  const iso = (ms: number) => new Date(Number(START / 1_000_000n) + ms).toISOString();
  const byId = await get(`/api/v3/traces/4bf92f3577b34da6?start_time=${iso(-1_000)}&end_time=${iso(1_000)}`);
  const spans = byId.result.resourceSpans.flatMap((each: Json) =>
    (each.scopeSpans as Json[]).flatMap((scope) => scope.spans),
  );
  assert.deepEqual(
    spans.map((each: Json) => [each.traceId, each.name]),
    [
      [traceId, 'GET /cart'],
      [traceId, 'SELECT'],
    ],
  );
  assert.equal(spans[0].startTimeUnixNano, String(START));
  const code = spans[0].attributes.find(({ key }: Json) => key === 'http.status_code');
  assert.equal(code.value.intValue, '500');
  for (const [service, min, max, attributes] of [
    ['query.service_name', 'query.start_time_min', 'query.start_time_max', 'query.attributes'],
    ['query.serviceName', 'query.startTimeMin', 'query.startTimeMax', 'query.attributes'],
  ]) {
    const query = new URLSearchParams({
      [service as string]: 'frontend',
      [attributes as string]: '{"http.method":"GET"}',
    });
    // The times are not encoded: Grafana does not.
    const found = await get(`/api/v3/traces?${query}&${min}=${iso(-1_000)}&${max}=${iso(1_000)}`);
    assert.deepEqual(found, byId);
  }
});

test('a trace of 10,008 spans comes back whole, and of repeated ids every span', async () => {
  const id = '5e'.repeat(16);
  const hex = (n: number) => n.toString(16).padStart(16, '0');
  const top = span({ traceId: id, spanId: hex(1), name: 'root', ...at(0, 9_000) });
  const many = Array.from({ length: 9_998 }, (_, i) =>
    span({
      traceId: id,
      spanId: hex(i + 2),
      parentSpanId: hex(1 + (i >> 3)),
      name: `step ${i % 50}`,
      ...at(1 + i / 2_000, 1),
    }),
  );
  const repeated = Array.from({ length: 9 }, (_, i) =>
    span({ traceId: id, spanId: hex(2), parentSpanId: hex(1), name: 'again', ...at(100 + i, 1) }),
  );
  const whole = [top, ...many, ...repeated];
  for (let i = 0; i < whole.length; i += 3_000) {
    assert.equal((await otlp.post(request(whole.slice(i, i + 3_000)))).status, 200);
  }
  const { data } = await get(`/api/traces/${id}`);
  assert.equal(data[0].spans.length, 10_008);
  assert.equal(data[0].spans.filter((each: Json) => each.spanID === hex(2)).length, 10);
  const searched = await get('/api/traces?service=checkout&operation=root');
  assert.equal(searched.data[0].spans.length, 10_008);
});

test('a clock that was wrong is corrected and said, unless the trace is asked for as it was', async () => {
  const drawn = await draw(
    database.client,
    `
front call           |     ==========     | kind=client
  back serve         |  ========          | kind=server
lone orphan.span     |  ==                | orphan
front running        |  ==>               |`,
  );
  const [trace] = (await get(`/api/traces/${drawn.traceId}`)).data;
  const named = (name: string) => trace.spans.find((each: Json) => each.operationName === name);
  assert.match(named('serve').warnings[0], /^clock corrected by [\d.]+ ms$/);
  assert.ok(named('serve').startTime >= named('call').startTime);
  assert.match(named('orphan.span').warnings[0], /orphan/);
  assert.match(named('running').warnings[0], /still open after/);
  assert.ok(named('running').duration > 0);
  assert.equal(named('call').warnings, null);
  const [raw] = (await get(`/api/traces/${drawn.traceId}?raw=true`)).data;
  const serve = raw.spans.find((each: Json) => each.operationName === 'serve');
  assert.deepEqual([serve.warnings, serve.startTime < named('call').startTime], [null, true]);
});

test('what was saved from it can be imported again, field by field', async () => {
  const { readTraceFile } = await import('../../src/otlp/file.ts');
  const saved = await get(`/api/traces/${traceId}`);
  const file = readTraceFile(Buffer.from(JSON.stringify(saved)));
  assert.deepEqual([file.encoding, file.spans, file.traceIds], ['json', 2, [traceId]]);
  const other = await testDatabase();
  const taking = await otlpServer(other);
  const reservation = taking.ingest.reserve('');
  assert.deepEqual(await taking.ingest.store(file.bytes, file.encoding, reservation), {
    received: 2,
    rejected: 0,
    message: '',
  });
  reservation.release();
  const second = await serveApp(other, async (options, pool) => {
    const app = await httpApp(options);
    jaegerRoutes(app, pool);
    return app;
  });
  const back = (await second.ask(`/api/traces/${traceId}`)).body.data[0];
  const plain = (trace: { spans: Json[] }) =>
    trace.spans.map((each) => ({ ...each, tags: sorted(each.tags as Json[]) }));
  assert.deepEqual(plain(back), plain(saved.data[0]));
});

test('it asks for the same token as everything else', async () => {
  const guarded = await serveApp(database, async (options, pool) => {
    const app = await httpApp({ ...options, guard: new Gate({ token: 't' }), sendError: jaegerError });
    jaegerRoutes(app, pool);
    return app;
  });
  const { status, body } = await guarded.ask('/api/services');
  assert.deepEqual([status, body.errors[0].code], [401, 401]);
  assert.equal((await guarded.ask('/api/services', { headers: { authorization: 'Bearer t' } })).status, 200);
});

test('summaries of version 3 tell what a list shows, by GET and by POST', async () => {
  const [from, to] = [-60_000, 60_000].map((ms) => new Date(Number(START / 1_000_000n) + ms).toISOString());
  const query = { service_name: 'frontend', start_time_min: from, start_time_max: to, search_depth: 5 };
  const params = new URLSearchParams(Object.entries(query).map(([name, value]) => [`query.${name}`, String(value)]));
  const { result } = await get(`/api/v3/trace-summaries?${params}`);
  const posted = await jaeger.post('/api/v3/trace-summaries', { query });
  assert.deepEqual(posted.body.result, result);
  const found = result.summaries.find((each: Json) => each.traceId === traceId);
  assert.equal(found.rootServiceName, 'frontend');
  assert.equal(found.rootOperationName, 'GET /cart');
  assert.equal(found.minStartTimeUnixNano, String(START));
  assert.equal(found.maxEndTimeUnixNano, String(START + 100_000_000n));
  assert.equal(found.errorSpanCount, 1);
  const services = found.services as Array<{ name: string; spanCount: number; errorSpanCount?: number }>;
  assert.deepEqual(services.find(({ name }) => name === 'frontend')?.errorSpanCount, 1);
  assert.equal(
    found.spanCount,
    services.reduce((sum, { spanCount }) => sum + spanCount, 0),
  );
  const traces = await jaeger.post('/api/v3/traces', { query });
  assert.equal(traces.status, 200);
  assert.equal((await jaeger.post('/api/v3/traces', { service_name: 'frontend' })).status, 400);
  const times = new URLSearchParams({ start_time: from as string, end_time: to as string });
  const { dependencies } = await get(`/api/v3/dependencies?${times}`);
  assert.ok(dependencies.some(({ parent, child }: Json) => parent === 'frontend' && child === 'database'));
  assert.equal((await jaeger.ask('/api/v3/dependencies')).status, 400);
});
