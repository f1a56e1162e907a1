// Log records over OTLP: stored when they belong to a trace, and read where events of a span are.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { LOGS, RESPONSE } from '@project-beacon/server/otlp/messages.ts';
import { unpack } from '@project-beacon/server/otlp/unpack.ts';
import { runQuery } from '@project-beacon/server/queries/run.ts';
import { span as spanQuery } from '@project-beacon/server/queries/span.ts';
import { testDatabase } from '@project-beacon/testkit';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
import pg from 'pg';
import { otlpServer } from './server.ts';
import { int, type Json, request, span, text } from './spans.ts';

const database = await testDatabase();
const server = await otlpServer(database);
const { client } = database;

const hex = (bytes: number) => randomBytes(bytes).toString('hex');

function record(changes: Json = {}): Json {
  return {
    timeUnixNano: `${BigInt(Date.now()) * 1_000_000n + 123_456n}`,
    severityNumber: 9,
    severityText: 'INFO',
    body: { stringValue: 'card charged' },
    traceId: hex(16),
    spanId: hex(8),
    ...changes,
  };
}

function logs(records: Json[], resource: Json[] = [text('service.name', 'checkout')]): Json {
  const scopeLogs = [{ scope: { name: 'shop.log', version: '2' }, logRecords: records }];
  return { resourceLogs: [{ resource: { attributes: resource }, scopeLogs }] };
}

const send = (body: Buffer | object, headers = {}) => server.post(body, headers, '/v1/logs');

async function stored(traceId: unknown): Promise<Json[]> {
  const { rows } = await client.query(
    `select l.*, encode(l.span_id, 'hex') as span, r.attributes as resource, r.scope_name from trace_logs l
     left join trace_resources r using (resource_id) where trace_id = $1 order by recorded_at, recorded_ns`,
    [traceId],
  );
  return rows;
}

for (const encoding of ['protobuf', 'json'] as const) {
  test(`a log record sent as ${encoding} is in the table when the answer arrives, packed or not`, async () => {
    for (const packed of [false, true]) {
      const sent = record({
        eventName: 'gen_ai.evaluation.result',
        attributes: [text('gen_ai.evaluation.name', 'relevance'), int('tokens', '9007199254740993'), int('score', 4)],
        flags: 1,
      });
      const plain =
        encoding === 'json' ? Buffer.from(JSON.stringify(logs([sent]))) : encodeMessage(LOGS, logs([sent])).bytes;
      const response = await send(packed ? gzipSync(plain) : plain, {
        'content-type': encoding === 'json' ? 'application/json' : 'application/x-protobuf',
        ...(packed && { 'content-encoding': 'gzip' }),
      });
      assert.equal(response.status, 200);
      assert.equal(await response.text(), encoding === 'json' ? '{}' : '');
      const [row] = await stored(sent.traceId);
      assert.deepEqual(
        [row!.span, row!.severity, row!.severity_text, row!.event_name, row!.body, row!.recorded_ns, row!.flags],
        [sent.spanId, 9, 'INFO', 'gen_ai.evaluation.result', 'card charged', 456, 1],
      );
      assert.deepEqual(row!.attributes, {
        'gen_ai.evaluation.name': 'relevance',
        tokens: '9007199254740993',
        score: 4,
      });
      assert.deepEqual([row!.resource, row!.scope_name], [{ 'service.name': 'checkout' }, 'shop.log']);
    }
  });
}

test('a record that belongs to no trace is refused in an answer that says so, and its neighbours are stored', async () => {
  const good = record({ spanId: '' });
  const answer = (await (
    await send(logs([record({ traceId: '' }), record({ traceId: '0'.repeat(32) }), good, record({ spanId: 'abcd' })]))
  ).json()) as { partialSuccess: Json };
  assert.equal(answer.partialSuccess.rejectedLogRecords, '3');
  assert.match(String(answer.partialSuccess.errorMessage), /2 log records.*no trace id/);
  assert.match(String(answer.partialSuccess.errorMessage), /span id/);
  assert.deepEqual(
    (await stored(good.traceId)).map(({ span }) => span),
    [null],
  );
  assert.deepEqual(server.ingest.counters.logsRejected, { no_trace: 2, invalid_id: 1 });
});

test('a record that is sent again is stored once, and counted', async () => {
  const sent = record();
  const other = { ...sent, body: { stringValue: 'card charged twice' } };
  for (const records of [[sent, other], [sent], [sent, sent]]) assert.equal((await send(logs(records))).status, 200);
  assert.equal((await stored(sent.traceId)).length, 2);
  assert.equal(server.ingest.counters.logsDuplicate, 3);
});

test('secrets are taken out of body, attributes, event name and resource, and counted', async () => {
  const secret = ['hunter', '2', 'xyzzy'].join('');
  const before = server.ingest.counters.redacted;
  const sent = record({
    eventName: `login password=${secret}`,
    body: { kvlistValue: { values: [text('password', secret), text('said', `postgres://app:${secret}@db/x`)] } },
    attributes: [text('db.password', secret), text('note', `password=${secret}`)],
  });
  const resource = [text('service.name', 'checkout'), text('api_key', secret)];
  assert.equal((await send(logs([sent], resource))).status, 200);
  const [row] = await stored(sent.traceId);
  const shown = JSON.stringify(row);
  assert.ok(!shown.includes(secret), shown);
  assert.ok(shown.includes('[redacted]'));
  assert.equal((row!.otel as Json).redacted, 5);
  assert.ok(server.ingest.counters.redacted - before >= 6, `${server.ingest.counters.redacted - before}`);
});

test('what PostgreSQL cannot hold is repaired, and a record without a time takes the one of its arrival', async () => {
  const sent = record({
    timeUnixNano: '0',
    body: { stringValue: 'a\u0000b' },
    attributes: [{ key: 'raw', value: { bytesValue: Buffer.from('abc').toString('base64') } }],
  });
  assert.equal((await send(logs([sent]))).status, 200);
  const [row] = await stored(sent.traceId);
  assert.equal(row!.body, 'a\ufffdb');
  assert.deepEqual(row!.attributes, { raw: 'YWJj' });
  assert.match(JSON.stringify(row!.otel), /U\+0000/);
  assert.ok(Math.abs((row!.recorded_at as Date).getTime() - Date.now()) < 60_000);
  const observed = record({ timeUnixNano: '0', observedTimeUnixNano: '1700000000000000000' });
  await send(logs([observed]));
  assert.equal(((await stored(observed.traceId))[0]!.recorded_at as Date).getTime(), 1_700_000_000_000);
});

test('the details of a span show its logs in their order, with time, severity and body', async () => {
  const own = span();
  await server.post(request([own]));
  const at = BigInt(own.startTimeUnixNano as string);
  const said = (offset: bigint, changes: Json) =>
    record({ traceId: own.traceId, spanId: own.spanId, timeUnixNano: `${at + offset}`, ...changes });
  await send(
    logs([
      said(2_000_001n, { eventName: 'exception', attributes: [text('exception.type', 'E')], body: undefined }),
      said(1_000_000n, { body: { stringValue: 'about to charge' } }),
    ]),
  );
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  const { rows } = await runQuery(pool, spanQuery, {
    trace_id: own.traceId as string,
    span_id: own.spanId as string,
  });
  await pool.end();
  assert.deepEqual(rows[0]!.logs, [
    { time: `${at + 1_000_000n}`, severity: 'INFO', body: 'about to charge', attributes: {} },
    { name: 'exception', time: `${at + 2_000_001n}`, severity: 'INFO', attributes: { 'exception.type': 'E' } },
  ]);
});

test('a body that is none is refused, and one that is too large', async () => {
  const bad = await send(Buffer.from([0x0a, 0x7f]));
  assert.equal(bad.status, 400);
  const large = await send(logs([record({ body: { stringValue: 'x'.repeat(5 << 20) } })]));
  assert.equal(large.status, 413);
  assert.match(JSON.stringify(await large.json()), /log/);
  const metrics = await server.post('{}', {}, '/v1/metrics');
  assert.equal(metrics.status, 404);
});

test('logs come over gRPC too', async () => {
  const rpc = new grpc.Client(`127.0.0.1:${server.grpcPort}`, grpc.credentials.createInsecure());
  const asIs = (bytes: Buffer) => bytes;
  const sent = record();
  const answered = await new Promise<Buffer>((resolve, reject) => {
    rpc.makeUnaryRequest(
      '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
      asIs,
      asIs,
      encodeMessage(LOGS, logs([sent, record({ traceId: '' })])).bytes,
      new grpc.Metadata(),
      (error, bytes) => (error ? reject(error) : resolve(bytes!)),
    );
  });
  rpc.close();
  // The partial success of logs has the field numbers of that of traces.
  const { partialSuccess } = unpack(RESPONSE, answered) as { partialSuccess: Json };
  assert.equal(partialSuccess.rejectedSpans, '1');
  assert.equal((await stored(sent.traceId)).length, 1);
});

test('with the database away logs are refused as something to send again', async () => {
  const proxy = await faultyProxy(database.url);
  const away = await otlpServer({ url: proxy.url });
  proxy.cut();
  const refused = await away.post(logs([record()]), {}, '/v1/logs');
  assert.equal(refused.status, 503);
  assert.ok(refused.headers.get('retry-after'));
  await away.stop();
  await proxy.close();
});

test('logs are counted in /metrics and in the row of the server', async () => {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /^beacon_ingest_logs_stored_total [1-9]/m);
  assert.match(metrics, /^beacon_ingest_logs_rejected_total\{reason="no_trace"\} 3$/m);
  await server.stop();
  const { rows } = await client.query(`select * from ingest where logs_rejected ->> 'no_trace' is not null`);
  assert.equal(rows.length, 1);
  assert.ok(Number(rows[0].logs_stored) > 0 && Number(rows[0].logs_duplicate) === 3);
  const health = await client.query(`select item, value from trace_spans_health where item ~ 'logs'`);
  assert.deepEqual(
    health.rows.map(({ item }) => item),
    ['ingest_logs_stored', 'ingest_logs_rejected_invalid_id', 'ingest_logs_rejected_no_trace'],
  );
});

test('an exception gives the same verdict as an event of its span and as a log record, whichever comes first', async () => {
  const receiver = await otlpServer(database);
  const failures: [type: string, message: string][] = [
    ['psycopg.OperationalError', 'connection to server failed: FATAL: too many connections for role "app"'],
    ['java.net.SocketTimeoutException', 'Read timed out'],
    ['httpx.ConnectError', '[Errno -3] Temporary failure in name resolution'],
    ['openai.RateLimitError', "Error code: 429 - {'error': {'code': 'rate_limit_exceeded'}}"],
  ];
  let execution = 7_000;
  for (const [type, message] of failures) {
    const found: unknown[] = [];
    for (const how of ['event', 'record after', 'record before', 'record without a name'] as const) {
      const id = ++execution;
      const traceId = hex(16);
      const exception = [text('exception.type', type), text('exception.message', message)];
      const end = BigInt(Date.now()) * 1_000_000n;
      const times = (ms: bigint) => ({
        startTimeUnixNano: `${end - ms * 1_000_000n}`,
        endTimeUnixNano: `${end}`,
        status: { code: 2 },
        traceId,
      });
      const root = span({
        ...times(900n),
        name: 'execution.run',
        kind: 1,
        attributes: [int('beacon.execution_id', id)],
      });
      const child = span({
        ...times(700n),
        name: 'load prompt',
        kind: 1,
        parentSpanId: root.spanId,
        ...(how === 'event' && { events: [{ timeUnixNano: `${end}`, name: 'exception', attributes: exception }] }),
      });
      const log = record({
        timeUnixNano: `${end}`,
        severityNumber: 17,
        traceId,
        spanId: child.spanId,
        attributes: exception,
        body: { stringValue: 'it failed' },
        ...(how !== 'record without a name' && { eventName: 'exception' }),
      });
      const spans = () => receiver.post(request([root, child]));
      const record_ = () => receiver.post(logs([log]), {}, '/v1/logs');
      const steps = how === 'event' ? [spans] : how === 'record before' ? [record_, spans] : [spans, record_];
      for (const step of steps) assert.equal((await step()).status, 200);
      const { rows } = await client.query(
        'select type, role, service, operation, confidence, summary, recommendation from identify_root_cause($1)',
        [id],
      );
      const tree = await client.query(
        'select operation, status, error_type, error_message from trace_tree($1) order by position',
        [traceId],
      );
      found.push(JSON.parse(JSON.stringify([rows, tree.rows]).replaceAll(/execution \d+/g, 'execution n')));
    }
    assert.ok((found[0] as unknown[][])[0]!.length > 0);
    for (const other of found.slice(1)) assert.deepEqual(other, found[0], type);
  }
  await receiver.stop();
});

test('partitions of logs are made ahead, and dropped with those of the spans', async () => {
  await client.query(`select ensure_partition((now() - interval '40 days')::date)`);
  const partitions = async () => {
    const { rows } = await client.query(
      `select count(*)::int as n from pg_inherits where inhparent = 'trace_logs'::regclass`,
    );
    return rows[0].n;
  };
  assert.equal(await partitions(), 1 + 1 + 1 + 7 + 1);
  const old = record({ timeUnixNano: '1500000000000000000' });
  const receiver = await otlpServer(database);
  assert.equal((await receiver.post(logs([old]), {}, '/v1/logs')).status, 200);
  assert.equal((await stored(old.traceId)).length, 1);
  await client.query('select drop_expired()');
  assert.equal(await partitions(), 1 + 1 + 1 + 7);
  assert.equal((await stored(old.traceId)).length, 0);
  await receiver.stop();
});
