// Spans that share their key, or say something else under one that is there: none is taken for a repeat of another.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { notesAreRight } from '../../../writer/test/notes.ts';
import { readTrace } from '../../src/otlp/read-back.ts';
import { otlpServer } from './server.ts';
import { type Json, request, span, text } from './spans.ts';

const database = await testDatabase();
const { client } = database;
const server = await otlpServer(database);
const hex = (bytes: number) => randomBytes(bytes).toString('hex');
const at = BigInt(Date.now() - 60_000) * 1_000_000n;

async function tree(traceId: string): Promise<string[]> {
  const { rows } = await client.query(
    `select repeat('  ', depth) || service || ' ' || operation || ' ' || status as line from trace_tree($1) order by position`,
    [traceId],
  );
  return rows.map(({ line }) => line);
}

for (const order of [
  [0, 1, 2, 3, 4],
  [4, 3, 2, 1, 0],
]) {
  test(`both halves of a span that Zipkin's client and server share are kept, their children below the right one (${order})`, async () => {
    const [traceId, root, shared, childOfClient, childOfServer] = [hex(16), hex(8), hex(8), hex(8), hex(8)] as const;
    const timestamp = Number(at / 1_000n);
    const of = (id: string, parentId: string | undefined, name: string, serviceName: string, more: Json) => ({
      traceId,
      id,
      ...(parentId && { parentId }),
      name,
      timestamp,
      duration: 5_000,
      localEndpoint: { serviceName },
      ...more,
    });
    const spans = [
      of(root, undefined, 'checkout', 'shop', { duration: 9_000 }),
      of(shared, root, 'post', 'shop', { kind: 'CLIENT' }),
      of(shared, root, 'charge', 'bank', { kind: 'SERVER', shared: true, duration: 4_000 }),
      of(childOfClient, shared, 'connect', 'shop', { timestamp: timestamp + 1, duration: 10 }),
      of(childOfServer, shared, 'select', 'bank', { timestamp: timestamp + 100, duration: 1_000 }),
    ];
    const expected = [
      'shop checkout completed',
      '  shop post completed',
      '    shop connect completed',
      '    bank charge completed',
      '      bank select completed',
    ];
    for (const repeat of [false, true]) {
      for (const n of order) {
        assert.equal((await server.post(JSON.stringify([spans[n]]), {}, '/api/v2/spans')).status, 202);
      }
      assert.deepEqual((await tree(traceId)).sort(), expected.sort(), `sent again: ${repeat}`);
    }
    const { rows } = await client.query('select span_count from traces where trace_id = $1', [traceId]);
    assert.equal(rows[0].span_count, 5);
  });
}

test('what is told again with something else is kept beside what was told, whole, and once', async () => {
  const first = span({
    startTimeUnixNano: `${at + 7n}`,
    endTimeUnixNano: `${at + 5_000_123n}`,
    attributes: [text('a', '1')],
  });
  const second = { ...first, attributes: [text('a', '2')], status: { code: 2, message: 'it failed after all' } };
  for (const spans of [[first], [second], [first, second], [second, first]]) {
    assert.equal((await server.post(request(spans))).status, 200);
  }
  const { rows } = await client.query(
    'select metadata, status, otel from trace_spans where trace_id = $1 order by started_at',
    [first.traceId],
  );
  assert.deepEqual(
    rows.map((row) => [row.metadata.a, row.status, row.otel?.kept_beside ?? false]),
    [
      ['1', 'completed', false],
      ['2', 'failed', true],
    ],
  );
  const back = await readTrace(client, String(first.traceId));
  const times = back!.traces.resourceSpans
    .flatMap((each) => each.scopeSpans[0]!.spans)
    .map((each) => [each.startTimeUnixNano, each.endTimeUnixNano]);
  assert.deepEqual(times, Array(2).fill([first.startTimeUnixNano, first.endTimeUnixNano]));
  const summary = await client.query('select span_count, error_count, open_count from traces where trace_id = $1', [
    first.traceId,
  ]);
  assert.deepEqual(summary.rows, [{ span_count: 2, error_count: 1, open_count: 0 }]);
});

test('a span that is told of several times before it ends shows the newest, and then its end', async () => {
  const { endTimeUnixNano, ...open } = span({ startTimeUnixNano: `${at}`, endTimeUnixNano: `${at + 9_000_000n}` });
  for (const n of ['1', '2'])
    assert.equal((await server.post(request([{ ...open, attributes: [text('step', n)] }]))).status, 200);
  const stored = async () =>
    (
      await client.query(
        `select status, metadata ->> 'step' as step, duration_ms from trace_spans where trace_id = $1`,
        [open.traceId],
      )
    ).rows;
  assert.deepEqual(await stored(), [{ status: 'started', step: '2', duration_ms: null }]);
  assert.equal(
    (await server.post(request([{ ...open, endTimeUnixNano, attributes: [text('step', '3')] }]))).status,
    200,
  );
  assert.equal((await server.post(request([{ ...open, attributes: [text('step', '1')] }]))).status, 200);
  assert.deepEqual(await stored(), [{ status: 'completed', step: '3', duration_ms: 9 }]);
  const { rows } = await client.query('select span_count, open_count from traces where trace_id = $1', [open.traceId]);
  assert.deepEqual(rows, [{ span_count: 1, open_count: 0 }]);
  await notesAreRight(client);
});
