// Requests made to stop the server, small enough for every run; BOMBS=large makes them as large as the limits allow.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { RESPONSE } from '@project-beacon/server/otlp/messages.ts';
import { unpack } from '@project-beacon/server/otlp/unpack.ts';
import { Gate } from '@project-beacon/server/receivers/token.ts';
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
function announced(server: Otlp, length: number, part: Buffer, token = 'none'): net.Socket {
  const socket = net.connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${length}\r\nauthorization: Bearer ${token}\r\n\r\n`,
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
  assert.equal(server.ingest.counters.refused.gave_way, 1);
  slow.destroy();
  await server.stop();
});

test('who has more than its share of the room makes room for who has less, and not for itself', async () => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-tokens-')), 'tokens');
  fs.writeFileSync(file, 'greedy send greedy-token\nmodest send modest-token\n');
  const patient = { patienceMs: 60_000, stalledMs: 60_000 };
  const server = await otlpServer(database, { maxQueueBytes: 100_000, gate: new Gate({ file }), ...patient });
  const sockets = [1, 2, 3].map(() => announced(server, 32_000, Buffer.alloc(31_900, 0x0a), 'greedy-token'));
  await until('it holds all the room', () => server.ingest.gauges().queueBytes > 90_000);
  const sent = async (token: string) =>
    (await server.post(request([span({ name: 'x'.repeat(30_000) })]), { authorization: `Bearer ${token}` })).status;
  assert.equal(await sent('greedy-token'), 429);
  assert.equal(await sent('modest-token'), 200);
  assert.equal(server.ingest.counters.refused.gave_way, 1, 'one gave way, the others have their share');
  for (const socket of sockets) socket.destroy();
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
    ['empty resources', repeated(1, Buffer.alloc(0), 20 * n)],
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
  const { ms, result } = await longestHealth(
    server,
    server.post(within(1, within(2, repeated(2, Buffer.alloc(0), 600_000))), {}, '/v1/logs'),
  );
  assert.equal(result.status, 200);
  assert.ok(ms < 1_000, `empty log records: health took ${ms} ms`);
  await server.stop();
});

test('a span, or a log record, with more values than any has is rejected, and its neighbours are not', async () => {
  const server = await otlpServer(database);
  const list = within(9, within(2, within(5, repeated(1, Buffer.alloc(0), 300_000))));
  const body = Buffer.concat([oneSpan(list), protobuf([span()])]);
  const answer = await server.post(body);
  const { partialSuccess } = unpack(RESPONSE, Buffer.from(await answer.arrayBuffer())) as { partialSuccess: Json };
  assert.equal(partialSuccess.rejectedSpans, '1');
  assert.match(String(partialSuccess.errorMessage), /it has more than 250000 values/);
  const record = within(9, Buffer.alloc(16, 1));
  const large = Buffer.concat([record, within(5, within(5, repeated(1, Buffer.alloc(0), 60_000)))]);
  const logs = within(1, within(2, Buffer.concat([within(2, large), within(2, record)])));
  const logged = await server.post(logs, {}, '/v1/logs');
  const said = unpack(RESPONSE, Buffer.from(await logged.arrayBuffer())) as { partialSuccess: Json };
  assert.deepEqual(said.partialSuccess, { rejectedSpans: '1', errorMessage: '1 log records hold too many values' });
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
