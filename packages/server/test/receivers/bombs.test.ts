// Requests made to stop the server, small enough for every run; BOMBS=large makes them as large as the limits allow.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as net from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { RESPONSE } from '@project-beacon/server/otlp/messages.ts';
import { unpack } from '@project-beacon/server/otlp/unpack.ts';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { oneSpan, protobuf, repeated, SPAN_IDS, within } from './bodies.ts';
import { type Otlp, otlpServer } from './server.ts';
import { type Json, request, span, text } from './spans.ts';

const database = await testDatabase();
const { client } = database;
const isLarge = process.env.BOMBS === 'large';
const SCALE = isLarge ? 30 : 1;

/** A connection that announces a body and sends a part of it. */
function announced(server: Otlp, length: number, part: Buffer): net.Socket {
  const socket = net.connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${length}\r\n\r\n`,
  );
  socket.write(part);
  return socket;
}

/** Longest that `/health` took to answer while `work` ran, milliseconds. */
async function longestHealth<T>(server: Otlp, work: Promise<T>): Promise<{ ms: number; result: T }> {
  let isDone = false;
  let ms = 0;
  const settled = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    const from = performance.now();
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
    ms = Math.max(ms, performance.now() - from);
  }
  return { ms, result: await settled };
}

test('what is announced and does not come keeps no caller out', async () => {
  const server = await otlpServer(database, { maxQueueBytes: 200_000, stalledMs: 200 });
  const sockets = Array.from({ length: 20 }, () => announced(server, 90_000, Buffer.from([0x0a])));
  await until('all have begun', () => (server.ingest.counters.requests.http ?? 0) >= 20);
  assert.equal((await server.post(request([span()]))).status, 200);
  await until('they are cut', () => server.ingest.counters.refused.stalled === 20);
  for (const socket of sockets) socket.destroy();
  assert.equal(server.ingest.gauges().queueBytes, 0);
  await server.stop();
});

test('a slow body gives way to others that need the room', async () => {
  const server = await otlpServer(database, { maxQueueBytes: 100_000, patienceMs: 0 });
  const slow = announced(server, 99_000, Buffer.alloc(95_000, 0x0a));
  await until('it holds most of the room', () => server.ingest.gauges().queueBytes > 90_000);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.equal((await server.post(request([span({ name: 'x'.repeat(50_000) })]))).status, 200);
  assert.equal(server.ingest.counters.refused.too_slow, 1);
  slow.destroy();
  await server.stop();
});

test('spans that cannot be stored are counted, a few are told, and others are answered meanwhile', async () => {
  const server = await otlpServer(database);
  const empty = within(1, within(2, repeated(2, Buffer.alloc(0), 300_000 * SCALE)));
  const { ms, result } = await longestHealth(
    server,
    server.post(gzipSync(empty), { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' }),
  );
  assert.equal(result.status, 200);
  const { partialSuccess } = unpack(RESPONSE, Buffer.from(await result.arrayBuffer())) as { partialSuccess: Json };
  assert.equal(partialSuccess.rejectedSpans, String(300_000 * SCALE));
  assert.match(String(partialSuccess.errorMessage), new RegExp(`and ${300_000 * SCALE - 20} more$`));
  assert.ok(ms < 1_000, `health took ${ms} ms`);
  await server.stop();
});

test('other shapes that grow when they are read stop no caller either', async () => {
  const server = await otlpServer(database);
  const n = 16_000 * SCALE;
  const shapes: [string, Buffer][] = [
    ['empty attributes', oneSpan(repeated(9, Buffer.alloc(0), n))],
    ['empty events', oneSpan(repeated(11, Buffer.alloc(0), n))],
    ['empty scopes', within(1, repeated(2, Buffer.alloc(0), n))],
    ['empty resources', repeated(1, Buffer.alloc(0), n)],
    ['a list of nothing', oneSpan(within(9, within(2, within(5, repeated(1, Buffer.alloc(0), n)))))],
    [
      'a large resource again and again',
      repeated(
        1,
        Buffer.concat([within(1, within(1, within(1, Buffer.alloc(60_000, 0x61)))), within(2, within(2, SPAN_IDS))]),
        20 * SCALE,
      ),
    ],
    ['one name after another', protobuf([span({ attributes: [text('x', 'password: '.repeat(20_000 * SCALE))] })])],
  ];
  for (const [what, body] of shapes) {
    const { ms, result } = await longestHealth(
      server,
      server.post(gzipSync(body), { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' }),
    );
    assert.equal(result.status, 200, what);
    assert.ok(ms < 1_000, `${what}: health took ${ms} ms`);
  }
  await server.stop();
});

test('a packed body is unpacked into the memory that all share, and alone it may have more', async () => {
  const server = await otlpServer(database, { maxQueueBytes: 1_000_000 });
  const spans = Array.from({ length: 8_000 }, () => span());
  for (const [type, body] of [
    ['application/x-protobuf', protobuf(spans)],
    ['application/json', Buffer.from(JSON.stringify(request(spans)))],
  ] as const) {
    await client.query('truncate trace_spans, traces, trace_executions');
    assert.ok(body.length > 600_000);
    const response = await server.post(gzipSync(body), { 'content-type': type, 'content-encoding': 'gzip' });
    assert.equal(response.status, 200, await response.text());
    const { rows } = await client.query('select count(*)::int as n from trace_spans');
    assert.equal(rows[0].n, 8_000);
  }
  const bomb = gzipSync(Buffer.alloc(900_000));
  const statuses = await Promise.all(
    Array.from({ length: 20 }, () =>
      server.post(bomb, { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' }),
    ),
  );
  assert.ok(
    statuses.every(({ status }) => [400, 429].includes(status)),
    statuses.map(({ status }) => status).join(),
  );
  assert.equal(server.ingest.gauges().queueBytes, 0);
  await server.stop();
});

test('a refused body gets its status, however large it is', async () => {
  const server = await otlpServer(database, { token: 'let-me-in', maxRequestBytes: 1_000_000 });
  const send = (authorization: string) =>
    new Promise<number>((resolve, reject) => {
      const sending = http.request(`${server.url}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf', authorization, 'content-length': 5_000_000 },
      });
      sending.on('response', (response) => resolve(response.statusCode!)).on('error', reject);
      sending.end(Buffer.alloc(5_000_000));
    });
  assert.equal(await send('Bearer wrong'), 401);
  assert.equal(await send('Bearer let-me-in'), 413);
  await server.stop();
});
