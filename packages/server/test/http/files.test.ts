// A trace as one file, out and in; and the files of the web interface.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { draw, testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { encodeMessage } from '../../src/otlp/encode.ts';
import { TRACES } from '../../src/otlp/messages.ts';
import type { OtlpTraces } from '../../src/otlp/traces.ts';
import { unpack } from '../../src/otlp/unpack.ts';
import { otlpServer } from '../receivers/server.ts';
import { int, request, span, text } from '../receivers/spans.ts';
import { bareGet, folder, serve } from './server.ts';

const database = await testDatabase();
const otlp = await otlpServer(database);
const server = await serve(database, { importer: otlp.ingest });
const elsewhere = await testDatabase();
const otherOtlp = await otlpServer(elsewhere);
const other = await serve(elsewhere, { importer: otherOtlp.ingest });

const traceId = 'aa'.repeat(16);
const sent = request([
  span({
    traceId,
    attributes: [
      text('http.method', 'GET'),
      int('big', '9007199254740993'),
      { key: 'ratio', value: { doubleValue: 1 } },
    ],
  }),
  span({
    traceId,
    name: 'child',
    events: [{ timeUnixNano: '1790000000000000001', name: 'retry', attributes: [int('n', 2)] }],
  }),
]);
assert.equal((await otlp.post(sent)).status, 200);

test('an exported trace, imported elsewhere and exported again, is the same to the last digit', async () => {
  const out = await fetch(`${server.url}/api/v1/export?trace_id=${traceId}`);
  assert.equal(out.status, 200);
  assert.match(out.headers.get('content-type') ?? '', /^application\/json/);
  assert.equal(out.headers.get('content-disposition'), `attachment; filename="trace-${traceId}.json"`);
  const file = await out.text();
  assert.match(file, /9007199254740993/);
  const taken = await other.post('/api/v1/import', file);
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
  assert.deepEqual(taken.body, { trace_ids: [traceId], spans: 2, rejected: 0, message: '' });
  assert.equal(await (await fetch(`${other.url}/api/v1/export?trace_id=${traceId}`)).text(), file);
  const again = await other.post('/api/v1/import', file);
  assert.equal(again.body.rejected, 0);
  const { rows } = await elsewhere.client.query('select count(*)::int as n from trace_spans');
  assert.equal(rows[0].n, 2, 'nothing is stored twice');
});

test('the log records of a trace go out as OTLP and come in elsewhere as they were', async () => {
  const record = (changes: object) => ({
    timeUnixNano: '1790000000000000123',
    severityNumber: 17,
    severityText: 'ERROR',
    traceId,
    spanId: 'ab'.repeat(8),
    eventName: 'gen_ai.evaluation.result',
    body: { kvlistValue: { values: [text('said', 'no'), int('n', 3)] } },
    attributes: [text('gen_ai.evaluation.name', 'relevance'), { key: 'score', value: { doubleValue: 0.5 } }],
    flags: 1,
    ...changes,
  });
  const resource = { attributes: [text('service.name', 'checkout')] };
  const logRecords = [
    record({}),
    record({ timeUnixNano: '1790000000000000124', spanId: '', body: { stringValue: 'x' } }),
  ];
  const logs = { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'lib', version: '1' }, logRecords }] }] };
  assert.equal((await otlp.post(logs, {}, '/v1/logs')).status, 200);
  const stored = async (of: typeof database) =>
    (await of.client.query('select * from trace_logs order by recorded_at, recorded_ns')).rows.map((row) => ({
      ...row,
      created_at: null,
    }));
  const url = `${server.url}/api/v1/export?trace_id=${traceId}&signal=logs`;
  for (const type of ['application/json', 'application/x-protobuf']) {
    const out = await fetch(url, { headers: { accept: type } });
    assert.match(out.headers.get('content-disposition') ?? '', /"logs-a/);
    const target = await testDatabase();
    const receiver = await otlpServer(target);
    const body = Buffer.from(await out.arrayBuffer());
    assert.equal((await receiver.post(body, { 'content-type': type }, '/v1/logs')).status, 200);
    assert.deepEqual(await stored(target), await stored(database));
  }
  assert.equal((await server.ask(`/api/v1/export?trace_id=${traceId}&signal=metrics`)).status, 400);
});

test('the same as protobuf, packed', async () => {
  const headers = { accept: 'application/x-protobuf' };
  const out = await fetch(`${server.url}/api/v1/export?trace_id=${traceId}`, { headers });
  assert.equal(out.headers.get('content-type'), 'application/x-protobuf');
  assert.match(out.headers.get('content-disposition') ?? '', /\.pb"$/);
  const file = Buffer.from(await out.arrayBuffer());
  assert.equal(JSON.stringify(unpack(TRACES, file)).includes('9007199254740993'), true);
  const target = await testDatabase();
  const targetOtlp = await otlpServer(target);
  const third = await serve(target, { importer: targetOtlp.ingest });
  const taken = await third.ask('/api/v1/import', {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' },
    body: new Uint8Array(gzipSync(file)),
  });
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
  const back = await fetch(`${third.url}/api/v1/export?trace_id=${traceId}`, { headers });
  assert.deepEqual(Buffer.from(await back.arrayBuffer()), file);
});

test('a trace in JSON as Tempo gives it, by either version of its API, is the same trace', async () => {
  const trace = '0123456789abcdef0123456789abcdef';
  const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
  const mapped = (spanId: string, parentSpanId: string | undefined) => ({
    traceId: base64(trace),
    spanId: base64(spanId),
    ...(parentSpanId && { parentSpanId: base64(parentSpanId) }),
    name: 'GET /cart',
    kind: 'SPAN_KIND_SERVER',
    startTimeUnixNano: '1790000000000000000',
    endTimeUnixNano: '1790000000100000000',
    status: { code: 'STATUS_CODE_ERROR' },
  });
  const [root, child] = ['00000000000000aa', '00000000000000bb'];
  const resource = { attributes: [text('service.name', 'shop')] };
  const spans = [{ resource, scopeSpans: [{ spans: [mapped(root, undefined), mapped(child, root)] }] }];
  for (const file of [{ batches: spans }, { trace: { resourceSpans: spans }, metrics: {} }]) {
    const taken = await other.post('/api/v1/import', JSON.stringify(file));
    assert.deepEqual(taken.body, { trace_ids: [trace], spans: 2, rejected: 0, message: '' });
  }
  const { rows } = await elsewhere.client.query(
    `select encode(span_id, 'hex') as id, encode(parent_span_id, 'hex') as parent, kind, status from trace_spans
     where trace_id = $1 order by span_id`,
    [trace],
  );
  const same = { kind: 'server', status: 'failed' };
  assert.deepEqual(rows, [
    { id: root, parent: null, ...same },
    { id: child, parent: root, ...same },
  ]);
});

test('a trace too large to be read at once is exported whole', async () => {
  const large = 'cc'.repeat(16);
  await database.client.query(
    `insert into beacon.trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at, duration_ms)
     select $1, int8send(n::bigint * 7919), case when n > 0 then int8send(0::bigint) end, 'app', 'step ' || n % 10, 'internal', 'completed',
       now() - make_interval(secs => n % 977), 1
     from generate_series(0, 20000) n`,
    [large],
  );
  await database.client.query('select beacon.recount_traces(array[$1]::uuid[])', [large]);
  const address = `${server.url}/api/v1/export?trace_id=${large}`;
  const json = await (await fetch(address)).json();
  const protobuf = await fetch(address, { headers: { accept: 'application/x-protobuf' } });
  for (const file of [json, unpack(TRACES, Buffer.from(await protobuf.arrayBuffer()))] as OtlpTraces[]) {
    const ids = file.resourceSpans.flatMap((of) =>
      of.scopeSpans.flatMap(({ spans }) => spans.map(({ spanId }) => spanId)),
    );
    assert.deepEqual([ids.length, new Set(ids).size], [20_001, 20_001]);
  }
});

test('the newest trace of an execution is exported, and one that is not there is a problem', async () => {
  const drawn = await draw(database.client, 'runner execution.run |==|', { execution: 77 });
  const { body } = await server.ask('/api/v1/export?execution_id=77');
  assert.equal(body.resourceSpans[0].scopeSpans[0].spans[0].traceId, drawn.traceId);
  for (const [query, status] of [
    ['execution_id=78', 404],
    [`trace_id=${'bb'.repeat(16)}`, 404],
    ['', 400],
    [`trace_id=${traceId}&execution_id=77`, 400],
    ['trace_id=xyz', 400],
  ] as const) {
    assert.equal((await server.ask(`/api/v1/export?${query}`)).status, status, query);
  }
});

test('a trace at rest has an ETag that changes with it; one that is open has none', async () => {
  const first = await server.ask(`/api/v1/export?trace_id=${traceId}`);
  const etag = first.headers.get('etag') as string;
  assert.match(etag, /^W\/"/);
  const same = await server.ask(`/api/v1/export?trace_id=${traceId}`, { headers: { 'if-none-match': `"x", ${etag}` } });
  assert.deepEqual([same.status, same.body], [304, '']);
  await otlp.post(request([span({ traceId, name: 'late' })]));
  const changed = await server.ask(`/api/v1/export?trace_id=${traceId}`, { headers: { 'if-none-match': etag } });
  assert.equal(changed.status, 200);
  const { traceId: open } = await draw(database.client, 'runner still.running |==>|');
  assert.equal((await server.ask(`/api/v1/export?trace_id=${open}`)).headers.get('etag'), null);
});

test('what is not a trace file is refused with a sentence, and a bad span by name', async () => {
  for (const [body, why] of [
    ['{"rows": []}', /neither resourceSpans nor data/],
    ['{"resourceSpans"', /is not valid JSON/],
    ['hello', /neither JSON nor protobuf/],
    ['{"data":[{"traceID":"1","spans":[{"startTime":"soon"}],"processes":{}}]}', /not as Jaeger writes/],
  ] as const) {
    const { status, body: problem } = await server.post('/api/v1/import', body);
    assert.deepEqual([status, problem.code], [400, 'usage'], body);
    assert.match(problem.detail, why);
  }
  const mixed = await server.post(
    '/api/v1/import',
    request([span({ name: 'good' }), span({ name: 'the bad one', spanId: 'ab' })]),
  );
  assert.deepEqual([mixed.status, mixed.body.rejected, mixed.body.spans], [200, 1, 2]);
  assert.match(mixed.body.message, /the bad one/);
});

test('a file that unpacks to more than is taken is refused', async () => {
  const small = await otlpServer(database, { maxRequestBytes: 100_000 });
  const narrow = await serve(database, { importer: small.ingest });
  const bomb = gzipSync(Buffer.from(`{"resourceSpans":[],"x":"${'0'.repeat(10_000_000)}"}`));
  assert.ok(bomb.length < 100_000);
  const { status } = await narrow.ask('/api/v1/import', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: new Uint8Array(bomb),
  });
  assert.equal(status, 413);
});

test('room is reserved for what arrives of a body, and given back whatever becomes of it', async () => {
  const narrow = await otlpServer(database, { maxQueueBytes: 100_000 });
  const taking = await serve(database, { importer: narrow.ingest });
  const filling = narrow.ingest.reserve('');
  filling.grow(90_000);
  const file = JSON.stringify({ resourceSpans: [], padding: 'x'.repeat(50_000) });
  const full = await taking.post('/api/v1/import', file);
  assert.deepEqual([full.status, full.body.code], [429, 'busy']);
  assert.equal(full.headers.get('retry-after'), '1');
  filling.release();
  assert.equal((await taking.post('/api/v1/import', file)).status, 200);
  assert.equal((await taking.post('/api/v1/import', '{}')).status, 400);
  const gone = new AbortController();
  const broken = fetch(`${taking.url}/api/v1/import`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"resourceSpans"')),
    }),
    duplex: 'half',
    signal: gone.signal,
  } as RequestInit).catch((error: Error) => error.name);
  await until('its room is reserved', () => narrow.ingest.gauges().queueBytes > 0);
  gone.abort();
  assert.equal(await broken, 'AbortError');
  await until('its room is free again', () => narrow.ingest.gauges().queueBytes === 0);
});

test('a server that takes no spans takes no files', async () => {
  const reader = await serve(database);
  const { status, body } = await reader.post('/api/v1/import', JSON.stringify(sent));
  assert.deepEqual([status, body.code], [403, 'forbidden']);
  assert.match(body.hint, /--no-otlp/);
});

test('protobuf of nothing is an empty file, and is refused', async () => {
  const empty = encodeMessage(TRACES, {}).bytes;
  const headers = { 'content-type': 'application/x-protobuf' };
  const { status } = await server.ask('/api/v1/import', { method: 'POST', headers, body: new Uint8Array(empty) });
  assert.equal(status, 400);
});

test('the interface is served with its page for every path of its own, and nothing else of the disk', async () => {
  const dir = folder({
    'index.html': '<!doctype html><title>Beacon</title>',
    'main-3MWBX6QH.js': 'export {};',
    'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  });
  fs.writeFileSync(path.join(path.dirname(dir), `${path.basename(dir)}-secret.txt`), 'secret');
  const web = await serve(database, { web: dir });
  const page = { headers: { accept: 'text/html,application/xhtml+xml' } };
  for (const url of ['/', '/index.html', '/jobs/472', '/trace/abc?span=1', '/findings']) {
    const { status, body, headers } = await web.ask(url, page);
    assert.deepEqual([url, status, body], [url, 200, '<!doctype html><title>Beacon</title>']);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(
      policy,
      /default-src 'none'; script-src 'self'; style-src 'self';.*connect-src 'self'.*frame-ancestors 'none'/,
    );
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    assert.equal(headers.get('cache-control'), 'no-cache');
  }
  const script = await web.ask('/main-3MWBX6QH.js');
  assert.equal(script.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  assert.match(script.headers.get('content-type') ?? '', /javascript/);
  assert.equal((await web.ask('/logo.svg')).headers.get('cache-control'), 'no-cache');

  for (const url of ['/api/v1/nothing', '/missing-ABCDEFGH.js', '/jobs/472', '/tempo/api/nothing']) {
    const { status, body } = await web.ask(url, { headers: { accept: 'application/json' } });
    assert.deepEqual([url, status, body.code], [url, 404, 'not_found']);
  }
  assert.equal((await web.ask('/api/v1/nothing', page)).status, 404, 'an address of the API is no page');
  for (const url of [
    '/../x-secret.txt',
    `/..%2f${path.basename(dir)}-secret.txt`,
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..\\x',
  ]) {
    const response = await bareGet(web.url + url, {});
    let said = '';
    for await (const chunk of response) said += chunk;
    assert.ok((response.statusCode ?? 0) >= 400, url);
    assert.doesNotMatch(said, /^secret|root:/);
  }
});

test('an interface that is not built says so in a sentence, and is served once it is', async () => {
  const dir = folder({});
  const web = await serve(database, { web: dir });
  const { status, body, headers } = await web.ask('/', { headers: { accept: 'text/html' } });
  assert.equal(status, 200);
  assert.match(headers.get('content-type') ?? '', /^text\/plain/);
  assert.match(body, /npm run build:web/);
  assert.equal((await web.ask('/jobs', { headers: { accept: 'text/html' } })).status, 404);
  fs.writeFileSync(path.join(dir, 'index.html'), '<p>built</p>');
  assert.equal((await web.ask('/', { headers: { accept: 'text/html' } })).body, '<p>built</p>');
});
