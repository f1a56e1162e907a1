// The protocol's rules, over gRPC.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http2 from 'node:http2';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { RESPONSE, RPC_STATUS, TRACES } from '@project-beacon/server/otlp/messages.ts';
import { unpack } from '@project-beacon/server/otlp/unpack.ts';
import { Gate } from '@project-beacon/server/receivers/token.ts';
import { testDatabase } from '@project-beacon/testkit';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
import { otlpServer } from './server.ts';
import { type Json, request, span } from './spans.ts';

const database = await testDatabase();
const server = await otlpServer(database);

const service = (name: string, signal: string) => `/opentelemetry.proto.collector.${signal}.v1.${name}Service/Export`;
const TRACE = service('Trace', 'trace');

interface Answer {
  code: number;
  details: string;
  bytes: Buffer;
  status: Json;
}

const open: grpc.Client[] = [];
after(() => {
  for (const client of open) client.close();
});

function call(
  port: number,
  body: Buffer,
  options: { path?: string; gzip?: boolean; metadata?: Record<string, string> } = {},
) {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    ...(options.gzip && { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip }),
    'grpc.max_send_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  });
  open.push(client);
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, value);
  const asIs = (bytes: Buffer) => bytes;
  return new Promise<Answer>((resolve) => {
    client.makeUnaryRequest(options.path ?? TRACE, asIs, asIs, body, metadata, (error, bytes) => {
      const [status] = error?.metadata?.get('grpc-status-details-bin') ?? [];
      resolve({
        code: error?.code ?? 0,
        details: error?.details ?? '',
        bytes: bytes ?? Buffer.alloc(0),
        status: status ? unpack(RPC_STATUS, Buffer.from(status as Buffer)) : {},
      });
    });
  });
}

const protobuf = (spans: Json[]) => encodeMessage(TRACES, request(spans)).bytes;

test('spans sent over gRPC are stored when the answer arrives, packed or not', async () => {
  for (const gzip of [false, true]) {
    const sent = span({ name: 'x'.repeat(500) });
    assert.equal((await call(server.grpcPort, protobuf([sent]), { gzip })).code, 0);
    const { rows } = await database.client.query(`select from trace_spans where span_id = decode($1, 'hex')`, [
      sent.spanId,
    ]);
    assert.equal(rows.length, 1);
  }
  assert.equal((await call(server.grpcPort, Buffer.alloc(0))).code, 0);
});

test('a bad span is a partial success, a bad request is INVALID_ARGUMENT, other signals are UNIMPLEMENTED', async () => {
  const partial = await call(server.grpcPort, protobuf([span(), span({ spanId: '' })]));
  const { partialSuccess } = unpack(RESPONSE, partial.bytes) as { partialSuccess: Json };
  assert.equal(partialSuccess.rejectedSpans, '1');
  const bad = await call(server.grpcPort, Buffer.from([0x0a, 0x7f]));
  assert.deepEqual([bad.code, bad.status.code], [grpc.status.INVALID_ARGUMENT, 3]);
  const other = await call(server.grpcPort, Buffer.alloc(0), { path: service('Metrics', 'metrics') });
  assert.equal(other.code, grpc.status.UNIMPLEMENTED);
  assert.match(other.details, /traces and their logs only/);
});

test('too large is RESOURCE_EXHAUSTED, also after unpacking, and the next request is taken', async () => {
  const small = await otlpServer(database, { maxRequestBytes: 100_000 });
  const big = protobuf([span({ name: 'x'.repeat(200_000) })]);
  for (const gzip of [false, true]) {
    assert.equal((await call(small.grpcPort, big, { gzip })).code, grpc.status.RESOURCE_EXHAUSTED, `gzip ${gzip}`);
  }
  assert.equal((await call(small.grpcPort, protobuf([span()]))).code, 0);
  assert.equal(small.ingest.counters.refused.too_large, 2);
  await small.stop();
});

test('with the database away it is UNAVAILABLE with RetryInfo', async () => {
  const proxy = await faultyProxy(database.url);
  const away = await otlpServer({ url: proxy.url });
  proxy.cut();
  const refused = await call(away.grpcPort, protobuf([span()]));
  assert.equal(refused.code, grpc.status.UNAVAILABLE);
  const [detail] = refused.status.details as Json[];
  assert.equal(detail!.typeUrl, 'type.googleapis.com/google.rpc.RetryInfo');
  await away.stop();
  await proxy.close();
});

test('without room it is RESOURCE_EXHAUSTED with RetryInfo, before the message is read, and counted', async () => {
  const full = await otlpServer(database, { maxQueueBytes: 10 });
  const held = full.ingest.reserve('');
  held.grow(10);
  const refused = await call(full.grpcPort, protobuf([span({ name: 'ü %'.repeat(100_000) })]));
  assert.equal(refused.code, grpc.status.RESOURCE_EXHAUSTED);
  assert.match(refused.details, /^10 bytes of requests are under way/);
  const [detail] = refused.status.details as Json[];
  assert.equal(detail!.typeUrl, 'type.googleapis.com/google.rpc.RetryInfo');
  assert.equal(full.ingest.counters.refused.queue_full, 1);
  held.release();
  assert.equal((await call(full.grpcPort, protobuf([span()]))).code, 0);
  await full.stop();
});

test('what is no call of the service is told so', async () => {
  const unknown = await call(server.grpcPort, Buffer.alloc(0), { path: '/grpc.health.v1.Health/Check' });
  assert.equal(unknown.code, grpc.status.UNIMPLEMENTED);
  assert.match(unknown.details, /traces go to/);
  const session = http2.connect(`http://127.0.0.1:${server.grpcPort}`);
  const send = (body: Buffer, headers: http2.OutgoingHttpHeaders = {}) =>
    new Promise<http2.IncomingHttpHeaders>((resolve) => {
      const sent = { ':method': 'POST', ':path': TRACE, 'content-type': 'application/grpc', ...headers };
      const stream = session.request(sent);
      stream.once('response', resolve);
      stream.resume();
      stream.end(body);
    });
  const invalid = String(grpc.status.INVALID_ARGUMENT);
  assert.equal((await send(Buffer.from([0, 0])))['grpc-status'], invalid, 'a prefix that ends early');
  assert.equal((await send(Buffer.from([0, 0, 0, 0, 9, 1])))['grpc-status'], invalid, 'a message that ends early');
  assert.equal((await send(Buffer.alloc(10)))['grpc-status'], invalid, 'two messages');
  assert.equal((await send(Buffer.from([1, 0, 0, 0, 1, 9]), { 'grpc-encoding': 'gzip' }))['grpc-status'], invalid);
  assert.equal((await send(Buffer.from('{}'), { 'content-type': 'application/json' }))[':status'], 415);
  session.close();
});

test('a token is asked for where there is one', async () => {
  const guarded = await otlpServer(database, { token: 'let-me-in' });
  const body = protobuf([span()]);
  assert.equal((await call(guarded.grpcPort, body)).code, grpc.status.UNAUTHENTICATED);
  const metadata = { authorization: 'Bearer let-me-in' };
  assert.equal((await call(guarded.grpcPort, body, { metadata })).code, 0);
  await guarded.stop();
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-tokens-')), 'tokens');
  fs.writeFileSync(file, 'checkout send sends-only\ngrafana read,act reads-and-acts\n');
  const scoped = await otlpServer(database, { gate: new Gate({ file }) });
  const as = async (token: string) =>
    (await call(scoped.grpcPort, body, { metadata: { authorization: `Bearer ${token}` } })).code;
  assert.deepEqual([await as('sends-only'), await as('reads-and-acts')], [0, grpc.status.UNAUTHENTICATED]);
  await scoped.stop();
});

test('gRPC on the port of HTTP is told where to go', async () => {
  const wrong = await call(Number(new URL(server.url).port), protobuf([span()]));
  assert.equal(wrong.code, grpc.status.UNIMPLEMENTED);
  assert.equal(wrong.details, `OTLP over HTTP is spoken on this port; OTLP over gRPC is on port ${server.grpcPort}.`);
});
