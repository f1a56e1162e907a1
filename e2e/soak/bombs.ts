// What an attacker, or a broken client, sends to a server: each within the limits of what one request may be.
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { oneSpan, protobuf, repeated, SPAN_IDS, within } from '../../packages/server/test/receivers/bodies.ts';
import { request, span, text } from '../../packages/server/test/receivers/spans.ts';
import type { Beacon } from '../beacon.ts';

export interface Bomb {
  name: string;
  go(beacon: Beacon): Promise<unknown>;
}

const MIB = 1024 * 1024;
const PROTOBUF = 'application/x-protobuf';
const NOTHING = Buffer.alloc(0);

const otlp = (beacon: Beacon) => `http://127.0.0.1:${beacon.httpPort}`;

/** Resolves with the status, or why there is none: a server may cut whom it refuses. */
async function post(url: string, type: string, body: Buffer, packed = true): Promise<number | string> {
  const sent = packed ? gzipSync(body, { level: 1 }) : body;
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': type, ...(packed && { 'content-encoding': 'gzip' }) },
    body: new Uint8Array(sent),
    signal: AbortSignal.timeout(60_000),
  }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status;
    },
    (error: Error) => error.message,
  );
}

const traces = (beacon: Beacon, body: Buffer, packed = true) =>
  post(`${otlp(beacon)}/v1/traces`, PROTOBUF, body, packed);

/** Sockets that announce a body, send a part of it, and perhaps go on slowly. */
async function announced(
  beacon: Beacon,
  sockets: number,
  bytes: number,
  first: Buffer,
  slowly: boolean,
): Promise<void> {
  const all = Array.from({ length: sockets }, () => {
    const socket = net.connect(beacon.httpPort, '127.0.0.1').on('error', () => {});
    socket.write(
      `POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${PROTOBUF}\r\ncontent-length: ${bytes}\r\n\r\n`,
    );
    socket.write(first);
    return socket;
  });
  for (let i = 0; i < 40; i++) {
    if (slowly) for (const socket of all) if (socket.writable) socket.write(Buffer.alloc(512, 0x0a));
    await delay(100);
  }
  for (const socket of all) socket.destroy();
}

async function grpc(beacon: Beacon, calls: number, body: Buffer, cut: boolean): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${beacon.grpcPort}`).on('error', () => {});
  const head = Buffer.alloc(5);
  head[0] = 1;
  const packed = gzipSync(body, { level: 1 });
  head.writeUInt32BE(packed.length, 1);
  await Promise.all(
    Array.from({ length: calls }, async () => {
      const stream = session
        .request({
          ':method': 'POST',
          ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
          'content-type': 'application/grpc',
          'grpc-encoding': 'gzip',
          te: 'trailers',
        })
        .on('error', () => {});
      stream.resume();
      if (cut) stream.write(Buffer.concat([head, packed.subarray(0, 10)]));
      else stream.end(Buffer.concat([head, packed]));
      await Promise.race([new Promise((resolve) => stream.on('close', resolve)), delay(cut ? 3_000 : 60_000)]);
      stream.destroy();
    }),
  );
  session.destroy();
}

const many = <T>(n: number, make: () => Promise<T>) => Promise.all(Array.from({ length: n }, make));
const get = (url: string) =>
  fetch(url, { signal: AbortSignal.timeout(30_000) }).then(
    (response) => response.arrayBuffer(),
    () => undefined,
  );

function deep(levels: number): string {
  const open = '{"arrayValue":{"values":[';
  return `{"key":"x","value":${open.repeat(levels)}{"stringValue":"y"}${']}}'.repeat(levels)}}`;
}

const jsonOf = (spans: object[]) => Buffer.from(JSON.stringify(request(spans as Record<string, unknown>[])));

export const BOMBS: Bomb[] = [
  { name: '50 announced bodies of 24 MB', go: (b) => announced(b, 50, 24 * MIB, Buffer.from([0x0a]), false) },
  { name: '20 slow bodies', go: (b) => announced(b, 20, 8 * MIB, Buffer.alloc(100_000, 0x0a), true) },
  {
    name: 'a million empty spans in gzip',
    go: (b) => traces(b, within(1, within(2, repeated(2, NOTHING, 1_000_000)))),
  },
  { name: '19 kB of gzip', go: (b) => traces(b, within(1, within(2, repeated(2, NOTHING, 9_500_000)))) },
  { name: '60 MiB of zeros in gzip', go: (b) => traces(b, Buffer.alloc(60 * MIB)) },
  { name: '30 MiB of empty spans in gzip', go: (b) => traces(b, within(1, within(2, repeated(2, NOTHING, 15 * MIB)))) },
  {
    name: '30 MiB of spans in gzip',
    go: (b) => traces(b, protobuf([span({ attributes: [text('x', 'y'.repeat(30 * MIB))] })])),
  },
  { name: '40 requests of 61 kB of gzip', go: (b) => many(40, () => traces(b, Buffer.alloc(60 * MIB))) },
  { name: '64 MiB plain', go: (b) => traces(b, Buffer.alloc(64 * MIB - 10), false) },
  { name: 'a body larger than the limit', go: (b) => traces(b, Buffer.alloc(70 * MIB), false) },
  { name: 'empty attributes', go: (b) => traces(b, oneSpan(repeated(9, NOTHING, 4_000_000))) },
  { name: 'empty events', go: (b) => traces(b, oneSpan(repeated(11, NOTHING, 4_000_000))) },
  { name: 'empty links', go: (b) => traces(b, oneSpan(repeated(13, NOTHING, 4_000_000))) },
  { name: 'empty scopes', go: (b) => traces(b, within(1, repeated(2, NOTHING, 4_000_000))) },
  { name: 'empty resources', go: (b) => traces(b, repeated(1, NOTHING, 4_000_000)) },
  {
    name: 'a list of nothing',
    go: (b) => traces(b, oneSpan(within(9, within(2, within(5, repeated(1, NOTHING, 4_000_000)))))),
  },
  {
    name: '200,000 different attributes',
    go: (b) =>
      traces(b, protobuf([span({ attributes: Array.from({ length: 200_000 }, (_, i) => text(`key.${i}`, `${i}`)) })])),
  },
  {
    name: 'a large resource again and again',
    go: (b) =>
      traces(
        b,
        repeated(
          1,
          Buffer.concat([within(1, within(1, within(1, Buffer.alloc(60_000, 0x61)))), within(2, within(2, SPAN_IDS))]),
          600,
        ),
      ),
  },
  {
    name: 'names of secrets one after another',
    go: (b) => traces(b, protobuf([span({ attributes: [text('x', 'password: '.repeat(600_000))] })])),
  },
  {
    name: '40 texts of a megabyte full of tables',
    go: (b) =>
      traces(
        b,
        protobuf(
          Array.from({ length: 40 }, () => span({ attributes: [text('x', '| password | x |\n'.repeat(60_000))] })),
        ),
      ),
  },
  {
    name: 'JSON 100,000 deep',
    go: (b) => post(`${otlp(b)}/v1/traces`, 'application/json', Buffer.from(`{"resourceSpans":${'['.repeat(100_000)}`)),
  },
  {
    name: 'attributes 5,000 deep',
    go: (b) =>
      post(
        `${otlp(b)}/v1/traces`,
        'application/json',
        Buffer.from(
          jsonOf([span({ attributes: [] })])
            .toString()
            .replace('"attributes":[]}', `"attributes":[${deep(5_000)}]}`),
        ),
      ),
  },
  {
    name: '30 MB of JSON spans',
    go: (b) => post(`${otlp(b)}/v1/traces`, 'application/json', jsonOf(Array.from({ length: 120_000 }, () => span()))),
  },
  {
    name: '30 MB of JSON that is one text',
    go: (b) => post(`${otlp(b)}/v1/traces`, 'application/json', jsonOf([span({ name: 'x'.repeat(30 * MIB) })])),
  },
  {
    name: 'Zipkin: 20 MB of annotations',
    go: (b) =>
      post(
        `${otlp(b)}/api/v2/spans`,
        'application/json',
        Buffer.from(
          JSON.stringify([
            {
              traceId: 'a'.repeat(32),
              id: 'b'.repeat(16),
              timestamp: Date.now() * 1_000,
              annotations: Array.from({ length: 400_000 }, (_, i) => ({ timestamp: i + 1, value: 'a b c' })),
            },
          ]),
        ),
      ),
  },
  {
    name: 'a million empty log records',
    go: (b) => post(`${otlp(b)}/v1/logs`, PROTOBUF, within(1, within(2, repeated(2, NOTHING, 1_000_000)))),
  },
  { name: 'gRPC: 40 calls of 60 MiB', go: (b) => grpc(b, 40, Buffer.alloc(60 * MIB), false) },
  { name: 'gRPC: 200 calls that stop', go: (b) => grpc(b, 200, Buffer.alloc(10 * MIB), true) },
  {
    name: 'gRPC: a million empty spans, five times',
    go: (b) => grpc(b, 5, within(1, within(2, repeated(2, NOTHING, 1_000_000))), false),
  },
  {
    name: '400 live streams opened and left',
    go: async (b) => {
      const leave = new AbortController();
      const all = Array.from({ length: 400 }, (_, i) =>
        fetch(`${b.apiUrl}/api/v1/live?q=name%3Dx${i}`, { signal: leave.signal }).catch(() => undefined),
      );
      await delay(1_000);
      leave.abort();
      await Promise.all(all);
    },
  },
  {
    name: 'a trace of 100,000 spans, opened by ten',
    go: async (b) => {
      const traceId = 'c'.repeat(32);
      const spans = Array.from({ length: 100_000 }, (_, i) => span({ traceId, name: `step ${i % 100}` }));
      for (let from = 0; from < spans.length; from += 20_000)
        await traces(b, protobuf(spans.slice(from, from + 20_000)));
      await many(10, () => get(`${b.apiUrl}/api/v1/trace-columns?trace_id=${traceId}`));
      await many(10, () => get(`${b.apiUrl}/api/v1/waterfall?trace_id=${traceId}`));
      await many(5, () => get(`${b.apiUrl}/api/v1/diagnose?trace_id=${traceId}`));
    },
  },
  { name: 'findings 20 times', go: (b) => many(20, () => get(`${b.apiUrl}/api/v1/findings?from=30d`)) },
  {
    name: 'an expensive filter 20 times',
    go: (b) => many(20, () => get(`${b.apiUrl}/api/v1/traces?from=30d&q=${encodeURIComponent('name~.*(a|b)+c.*z')}`)),
  },
  {
    name: 'statements that run long, 20 times',
    go: (b) =>
      many(20, () =>
        fetch(`${b.apiUrl}/api/v1/sql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ sql: 'select count(*) from generate_series(1, 100000000)' }),
          signal: AbortSignal.timeout(3_000),
        }).catch(() => undefined),
      ),
  },
];
