// The protocol's rules, over HTTP.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as net from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { RESPONSE, RPC_STATUS, TRACES } from '@project-beacon/server/otlp/messages.ts';
import { unpack } from '@project-beacon/server/otlp/unpack.ts';
import { testDatabase } from '@project-beacon/testkit';
import { otlpServer } from './server.ts';
import { int, type Json, request, span, text } from './spans.ts';

const database = await testDatabase();
const server = await otlpServer(database);
const { client } = database;

const protobuf = (spans: Json[]) => encodeMessage(TRACES, request(spans)).bytes;

async function stored(id: unknown) {
  return (await client.query(`select * from trace_spans where span_id = decode($1, 'hex')`, [id])).rows;
}

for (const [encoding, type] of [
  ['protobuf', 'application/x-protobuf'],
  ['json', 'application/json'],
] as const) {
  test(`a span sent as ${encoding} is in the table when the answer arrives, packed or not`, async () => {
    for (const packed of [false, true]) {
      const sent = span();
      const plain = encoding === 'json' ? Buffer.from(JSON.stringify(request([sent]))) : protobuf([sent]);
      const response = await server.post(packed ? gzipSync(plain) : plain, {
        'content-type': type,
        ...(packed && { 'content-encoding': 'gzip' }),
      });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), type);
      assert.equal(await response.text(), encoding === 'json' ? '{}' : '');
      const [row] = await stored(sent.spanId);
      assert.deepEqual(
        [row.service, row.operation, row.kind, row.status, row.duration_ms],
        ['checkout', 'charge card', 'server', 'completed', 12.345678],
      );
    }
  });
}

test('a chunked body is taken, and an empty request succeeds', async () => {
  const chunked = await new Promise<number>((resolve) => {
    const sending = http.request(`${server.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    });
    sending.on('response', (response) => resolve(response.statusCode!));
    for (const part of JSON.stringify(request([span()])).match(/.{1,50}/g)!) sending.write(part);
    sending.end();
  });
  assert.equal(chunked, 200);
  assert.equal((await server.post(Buffer.alloc(0))).status, 200);
  assert.equal((await server.post('{}')).status, 200);
  assert.equal((await server.post({ resourceSpans: [], unknownMember: 1 })).status, 200);
});

test('a bad span is rejected by name, and its neighbours are stored', async () => {
  const bad: [Json, RegExp][] = [
    [{ traceId: '00'.repeat(16) }, /its trace id is all zeros/],
    [{ spanId: '00'.repeat(8) }, /its span id is all zeros/],
    [{ traceId: 'abcd' }, /trace id has 2 bytes/],
    [{ spanId: '' }, /span id has 0 bytes/],
    [{ parentSpanId: 'ab' }, /parent span id has 1 bytes/],
    [{ startTimeUnixNano: 0, endTimeUnixNano: 0 }, /neither a start nor an end/],
    [{ attributes: [{ key: 'deep', value: deep(80) }] }, /nests deeper than 64/],
  ];
  const good = span();
  for (const [change, why] of bad) {
    const neighbour = span();
    const wrong = span({ name: 'the bad one', ...change });
    const response = await server.post(protobuf([good, wrong, neighbour]));
    assert.equal(response.status, 200);
    const { partialSuccess } = unpack(RESPONSE, Buffer.from(await response.arrayBuffer())) as { partialSuccess: Json };
    assert.equal(partialSuccess.rejectedSpans, '1');
    assert.match(String(partialSuccess.errorMessage), why);
    assert.match(String(partialSuccess.errorMessage), /the bad one/);
    assert.equal((await stored(neighbour.spanId)).length, 1);
  }
  const json = await server.post(
    request([span({ startTimeUnixNano: '99999999999999999999' }), span({ traceId: 'no hex' }), good]),
  );
  const answer = (await json.json()) as { partialSuccess: Json };
  assert.equal(answer.partialSuccess.rejectedSpans, '2');
  assert.match(
    String(answer.partialSuccess.errorMessage),
    /spans\[0\]\.startTimeUnixNano must be a whole number.*spans\[1\]\.traceId/,
  );
  assert.equal((await stored(good.spanId)).length, 1);
});

test('a span that is sent before it has ended is started, and its end completes it in place', async () => {
  for (const early of [{ endTimeUnixNano: undefined }, { endTimeUnixNano: '0' }]) {
    const last = span({ status: { code: 2, message: 'boom' }, attributes: [text('step', 'last')] });
    await server.post(request([{ ...last, ...early, status: {}, attributes: [text('step', 'first')] }]));
    const [open] = await stored(last.spanId);
    assert.deepEqual([open.status, open.completed_at, open.duration_ms], ['started', null, null]);
    await server.post(request([last]));
    const rows = await stored(last.spanId);
    assert.equal(rows.length, 1);
    assert.deepEqual([rows[0].status, rows[0].error_message, rows[0].metadata], ['failed', 'boom', { step: 'last' }]);
    assert.ok(rows[0].duration_ms > 0);
    const { rows: traces } = await client.query(
      'select span_count, error_count, open_count from beacon.traces where trace_id = $1',
      [last.traceId],
    );
    assert.deepEqual(traces, [{ span_count: 1, error_count: 1, open_count: 0 }]);
    // A snapshot that comes late changes nothing.
    await server.post(request([{ ...last, ...early, status: {} }]));
    assert.equal((await stored(last.spanId))[0].status, 'failed');
  }
});

function deep(levels: number): Json {
  return levels === 0 ? { stringValue: 'x' } : { arrayValue: { values: [deep(levels - 1)] } };
}

test('what PostgreSQL cannot hold is stored in a stated form', async () => {
  const start = 1_790_000_000_000_000_000n;
  const cases: [string, Json, (row: Json) => void][] = [
    [
      'end before start',
      { startTimeUnixNano: `${start}`, endTimeUnixNano: `${start - 5n}` },
      (row) => {
        assert.equal(row.duration_ms, 0);
        assert.equal((row.otel as Json).end_ns, `${start - 5n}`);
      },
    ],
    [
      'no end',
      { endTimeUnixNano: 0 },
      (row) => assert.deepEqual([row.status, row.completed_at, row.duration_ms], ['started', null, null]),
    ],
    ['no start', { startTimeUnixNano: 0 }, (row) => assert.equal((row.otel as Json).start_ns, '0')],
    [
      'time beyond bigint',
      { endTimeUnixNano: '18446744073709551615' },
      (row) => assert.equal((row.completed_at as Date).getUTCFullYear(), 2554),
    ],
    [
      'U+0000',
      { name: 'a\u0000b', attributes: [text('k\u0000', 'v\u0000')] },
      (row) => {
        assert.equal(row.operation, 'a\ufffdb');
        assert.deepEqual(row.metadata, { 'k\ufffd': 'v\ufffd' });
      },
    ],
    ['lone surrogate', { name: 'a\ud800b' }, (row) => assert.match(String(row.operation), /^a\ufffd+b$/)],
    ['zero parent', { parentSpanId: '00'.repeat(8) }, (row) => assert.equal(row.parent_span_id, null)],
    [
      '1 MB attribute',
      { attributes: [text('big', 'y'.repeat(1_000_000))] },
      (row) => assert.equal((row.metadata as { big: string }).big.length, 1_000_000),
    ],
    [
      '10,000 attributes',
      { attributes: Array.from({ length: 10_000 }, (_, i) => int(`key ${i}`, i)) },
      (row) => assert.equal(Object.keys(row.metadata as Json).length, 10_000),
    ],
    [
      'a key twice',
      { attributes: [int('twice', 1), int('twice', 2)] },
      (row) => assert.deepEqual(row.metadata, { twice: 2 }),
    ],
    [
      'a long name',
      { name: 'ü'.repeat(2_000) },
      (row) => {
        assert.equal(Buffer.byteLength(String(row.operation)) <= 1_024, true);
        assert.equal((row.otel as Json).name, 'ü'.repeat(2_000));
      },
    ],
    [
      'a job id too long for an index',
      { attributes: [text('beacon.job_id', 'j'.repeat(9_000))] },
      (row) => assert.equal(String(row.job_id).length, 2_000),
    ],
    ['deep, but not too deep', { attributes: [{ key: 'deep', value: deep(60) }] }, () => {}],
  ];
  for (const [what, change, check] of cases) {
    const sent = span(change);
    for (const body of [JSON.stringify(request([sent])), protobuf([sent])]) {
      const response = await server.post(body);
      assert.equal(response.status, 200, what);
      assert.ok((await response.arrayBuffer()).byteLength <= 2, `${what}: nothing rejected`);
      const [row] = await stored(sent.spanId);
      check(row);
      const isWhole = /deep|1 MB|10,000|bigint|no end/.test(what);
      assert.equal(
        (row.otel?.repairs ?? []).length > 0,
        !isWhole,
        `${what}: ${JSON.stringify(row.otel)?.slice(0, 200)}`,
      );
      await client.query('truncate trace_spans, traces, trace_executions');
    }
  }
});

test('invalid UTF-8 is replaced, and said', async () => {
  const sent = span({ name: 'NAME', attributes: [text('key', 'VALUE')] });
  const bytes = protobuf([sent]);
  for (const word of ['NAME', 'VALUE']) bytes[bytes.indexOf(word)] = 0xff;
  assert.equal((await server.post(bytes)).status, 200);
  const [row] = await stored(sent.spanId);
  assert.deepEqual([row.operation, row.metadata], ['\ufffdAME', { key: '\ufffdALUE' }]);
  assert.match(row.otel.repairs.join(), /invalid UTF-8/);
});

test('refusals are a google.rpc.Status in the encoding of the request', async () => {
  const json = async (response: Response) => (await response.json()) as { code: number; message: string };
  const malformed = await server.post(Buffer.from([0x0a, 0x7f, 0x01]));
  assert.equal(malformed.status, 400);
  const status = unpack(RPC_STATUS, Buffer.from(await malformed.arrayBuffer()));
  assert.equal(status.code, 3);
  assert.match(
    String(status.message),
    /not an ExportTraceServiceRequest: byte 1: a length of 127 where 1 bytes are left/,
  );
  const noJson = await server.post('{"resourceSpans": [');
  assert.equal(noJson.status, 400);
  assert.match((await json(noJson)).message, /not valid JSON/);
  const wrongType = await server.post('x', { 'content-type': 'text/plain' });
  assert.equal(wrongType.status, 415);
  assert.match((await json(wrongType)).message, /text\/plain.*application\/x-protobuf/);
  assert.equal((await server.post('{}', { 'content-encoding': 'br' })).status, 415);
  assert.equal((await server.post('no gzip', { 'content-encoding': 'gzip' })).status, 400);
  const metrics = await server.post('{}', {}, '/v1/metrics');
  assert.equal(metrics.status, 404);
  assert.match((await json(metrics)).message, /traces and their logs only; metrics.*not stored/);
  assert.match((await json(await server.post('{}', {}, '/v1/spans'))).message, /POST \/v1\/traces/);
  const get = await fetch(`${server.url}/v1/traces`);
  assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST']);
});

test('the size limit holds after unpacking', async () => {
  const small = await otlpServer(database, { maxRequestBytes: 100_000 });
  const big = JSON.stringify(request([span({ name: 'x'.repeat(200_000) })]));
  for (const [body, headers] of [
    [Buffer.from(big), { 'content-type': 'application/json' }],
    [gzipSync(big), { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ] as const) {
    const response = await small.post(body, headers);
    assert.equal(response.status, 413);
    assert.match(((await response.json()) as Json).message as string, /larger than 100000 bytes/);
  }
  assert.equal((await small.post(request([span()]))).status, 200);
  await small.stop();
});

test('what is too large is told so even while there is no room for anything', async () => {
  const full = await otlpServer(database, { maxRequestBytes: 100_000, maxQueueBytes: 10 });
  const held = full.ingest.reserve('');
  held.grow(10);
  assert.equal((await full.post(request([span()]))).status, 429);
  assert.equal((await full.post(Buffer.alloc(200_000))).status, 413);
  held.release();
  assert.equal((await full.post(request([span()]))).status, 200);
  await full.stop();
});

test('who speaks the wrong protocol is told so', async () => {
  const answer = await fetch(`http://127.0.0.1:${server.grpcPort}/v1/traces`, { method: 'POST' });
  assert.equal(answer.status, 400);
  assert.match(
    await answer.text(),
    new RegExp(`over gRPC is spoken on this port; OTLP over HTTP is on port ${new URL(server.url).port}`),
  );
  const tls = await talk(Number(new URL(server.url).port), Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]));
  assert.match(tls, /no TLS/);
  assert.match(
    await talk(Number(new URL(server.url).port), Buffer.from('hello there\r\n\r\n')),
    /no HTTP\/1\.1 request/,
  );
});

function talk(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    let said = '';
    socket.on('data', (data) => (said += data));
    socket.on('close', () => resolve(said));
    socket.on('error', reject);
  });
}

test('a token is asked for where there is one, and none is needed for health', async () => {
  const guarded = await otlpServer(database, { token: 'let-me-in' });
  assert.equal((await guarded.post('{}')).status, 401);
  assert.equal((await guarded.post('{}', { authorization: 'Bearer let-me-out' })).status, 401);
  assert.equal((await guarded.post('{}', { authorization: 'Bearer let-me-in' })).status, 200);
  const basic = (password: string) => `Basic ${Buffer.from(`public:${password}`).toString('base64')}`;
  const langfuse = '/api/public/otel/v1/traces';
  assert.equal((await guarded.post('{}', { authorization: basic('let-me-in') }, langfuse)).status, 200);
  assert.equal((await guarded.post('{}', { authorization: basic('let-me-out') }, langfuse)).status, 401);
  assert.equal((await guarded.post('{}', { authorization: 'Basic let-me-in' }, langfuse)).status, 401);
  assert.equal((await fetch(`${guarded.url}/health`)).status, 200);
  assert.deepEqual(guarded.warnings, []);
  await guarded.stop();
  await assert.rejects(otlpServer(database, { host: '0.0.0.0' }), /OTLP on 0\.0\.0\.0 would accept spans/);
});

test('health, readiness and metrics tell what happened', async () => {
  assert.equal((await fetch(`${server.url}/health`)).status, 200);
  assert.deepEqual(await (await fetch(`${server.url}/ready`)).json(), { ready: true, detail: 'spans are stored' });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /^beacon_ingest_spans_stored_total [1-9]/m);
  assert.match(metrics, /^beacon_ingest_spans_rejected_total\{reason="invalid_id"\} [1-9]/m);
  assert.match(metrics, /^beacon_ingest_requests_refused_total\{reason="malformed"\} [1-9]/m);
  assert.match(metrics, /^beacon_ingest_flush_seconds_count [1-9]/m);
});

test('Zipkin v2 spans are stored', async () => {
  const body = [
    {
      traceId: '463ac35c9f6413ad',
      id: 'a2fb4a1d1a96d312',
      name: 'get /',
      kind: 'SERVER',
      timestamp: 1_790_000_000_000_000,
      duration: 1_500,
      localEndpoint: { serviceName: 'front' },
      tags: { 'http.path': '/', error: 'oh no' },
    },
  ];
  assert.equal((await server.post(body, {}, '/api/v2/spans')).status, 202);
  const [row] = await stored('a2fb4a1d1a96d312');
  assert.deepEqual(
    [row.service, row.operation, row.status, row.duration_ms, row.error_message],
    ['front', 'get /', 'failed', 1.5, 'oh no'],
  );
  assert.equal((await server.post('{"not":"an array"}', {}, '/api/v2/spans')).status, 400);
});
