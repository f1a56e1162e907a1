// 200 means committed; what cannot be committed is refused, and may be sent again.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { RESPONSE, TRACES } from '@project-beacon/server/otlp/messages.ts';
import { unpack } from '@project-beacon/server/otlp/unpack.ts';
import { testDatabase } from '@project-beacon/testkit';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
import { until } from '@project-beacon/testkit/until.ts';
import { otlpServer } from './server.ts';
import { type Json, request, span } from './spans.ts';

const database = await testDatabase();
const { client } = database;
const proxy = await faultyProxy(database.url);
after(() => proxy.close());

const protobuf = (spans: Json[]) => encodeMessage(TRACES, request(spans)).bytes;

async function one(sql: string, values: unknown[] = []) {
  return (await client.query(sql, values)).rows[0];
}

async function isWhole(): Promise<void> {
  const counts = `select array_agg((trace_id, span_count, error_count, started_at, completed_at)::text order by trace_id) as all from traces`;
  const { all } = await one(counts);
  await client.query('select recount_traces(array(select trace_id from traces))');
  assert.deepEqual((await one(counts)).all, all, 'the summaries are what counting the spans gives');
}

test('what is sent again is stored once, in the tables and in the summaries', async () => {
  const server = await otlpServer(database);
  const body = protobuf(Array.from({ length: 50 }, () => span()));
  const more = protobuf([span()]);
  for (let i = 0; i < 3; i++) {
    const answers = await Promise.all([server.post(body), server.post(more), server.post(body)]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    );
  }
  assert.equal((await one('select count(*)::int as n from trace_spans')).n, 51);
  server.ingest.settle();
  assert.equal(server.ingest.counters.spansStored, 51);
  assert.equal(server.ingest.counters.duplicates, 3 * 101 - 51);
  await isWhole();
  await server.stop();
});

test('many requests share a transaction, and each has its own answer', async () => {
  const server = await otlpServer(database);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => server.post(protobuf([span(), span(i % 2 ? { traceId: '00' } : {})]))),
  );
  for (const [i, answer] of answers.entries()) {
    const { partialSuccess } = unpack(RESPONSE, Buffer.from(await answer.arrayBuffer())) as { partialSuccess?: Json };
    assert.equal(partialSuccess?.rejectedSpans, i % 2 ? '1' : undefined);
  }
  assert.ok(server.ingest.counters.flushCount < 100, `${server.ingest.counters.flushCount} flushes`);
  await server.stop();
});

test('with the database away clients are told to come back, and what they send again is stored once', async () => {
  const server = await otlpServer({ url: proxy.url }, { pauseMs: 100 });
  const sent = span();
  assert.equal((await server.post(protobuf([sent]))).status, 200);
  proxy.cut();
  const late = span();
  for (let i = 0; i < 3; i++) {
    const refused = await server.post(protobuf([late]));
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
  }
  assert.equal(((await (await fetch(`${server.url}/ready`)).json()) as { ready: boolean }).ready, false);
  proxy.restore();
  await until('it is taken', async () => (await server.post(protobuf([late]))).status === 200);
  assert.equal(
    (await one(`select count(*)::int as n from trace_spans where span_id = decode($1, 'hex')`, [late.spanId])).n,
    1,
  );
  assert.equal(server.warnings.length, 1);
  await server.stop();
});

test('a commit whose answer is lost is no loss and no double', async () => {
  const server = await otlpServer({ url: proxy.url }, { pauseMs: 50 });
  const sent = Array.from({ length: 20 }, () => span());
  assert.equal((await server.post(protobuf([span()]))).status, 200);
  const lost = proxy.loseAnswerTo((bytes) => bytes.includes('commit'));
  assert.equal((await server.post(protobuf(sent))).status, 503);
  await lost;
  await until('it is taken', async () => (await server.post(protobuf(sent))).status === 200);
  const ids = sent.map(({ spanId }) => spanId);
  assert.equal(
    (await one(`select count(*)::int as n from trace_spans where encode(span_id, 'hex') = any ($1)`, [ids])).n,
    20,
  );
  await isWhole();
  await server.stop();
});

test('past the limit of what may be under way requests are refused at once, and counted', async () => {
  const server = await otlpServer({ url: proxy.url }, { maxQueueBytes: 20_000 });
  const body = protobuf(Array.from({ length: 100 }, () => span()));
  assert.ok(body.length < 20_000 && body.length > 4_000);
  assert.equal((await server.post(protobuf([span()]))).status, 200);
  proxy.stall(true);
  const waiting = [server.post(protobuf([span()]))];
  await until('it waits', () => server.ingest.gauges().queuedSpans === 1);
  let refused = 0;
  for (let i = 0; i < 10; i++) {
    const answer = server.post(body);
    await until('it is taken or refused', async () => {
      if ((server.ingest.counters.refused.queue_full ?? 0) > refused) return true;
      return server.ingest.gauges().queuedSpans === 1 + 100 * waiting.length;
    });
    if ((server.ingest.counters.refused.queue_full ?? 0) > refused) {
      refused++;
      const { status, headers } = await answer;
      assert.deepEqual([status, headers.get('retry-after')], [429, '1']);
    } else waiting.push(answer);
  }
  assert.ok(refused >= 6, `${refused} refused`);
  // Rows are larger than the messages they come from, by less than another message.
  const { queueBytes } = server.ingest.gauges();
  assert.ok(queueBytes <= 20_000 + body.length, `${queueBytes} bytes`);
  proxy.reset();
  proxy.stall(false);
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 503);
  assert.equal(server.ingest.gauges().queueBytes, 0);
  await server.stop();
});

test('of 1,000 requests with a span each that the database refuses, all others are stored and each bad one is named', async () => {
  await client.query(`alter table trace_spans add constraint no_poison check (operation not like 'poison%')`);
  const server = await otlpServer(database);
  const before = (await one('select count(*)::int as n from trace_spans')).n;
  let next = 0;
  const worker = async () => {
    while (next < 1_000) {
      const bad = span({ name: `poison ${next++}` });
      const answer = await server.post(protobuf([span(), bad, span()]));
      assert.equal(answer.status, 200);
      const { partialSuccess } = unpack(RESPONSE, Buffer.from(await answer.arrayBuffer())) as { partialSuccess: Json };
      assert.equal(partialSuccess.rejectedSpans, '1');
      assert.ok(
        String(partialSuccess.errorMessage).includes(`span ${bad.spanId} "${bad.name}"`),
        String(partialSuccess.errorMessage),
      );
      assert.match(String(partialSuccess.errorMessage), /no_poison/);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  assert.equal((await one('select count(*)::int as n from trace_spans')).n - before, 2_000);
  assert.equal(server.ingest.counters.rejected.database, 1_000);
  await isWhole();
  await server.stop();
});

test('trace_spans_health has the counts', async () => {
  const { rows } = await client.query(`select item, value, state from trace_spans_health where item like 'ingest%'`);
  const of = Object.fromEntries(rows.map(({ item, value }) => [item, value]));
  assert.ok(of.ingest_spans_stored > 2_000);
  assert.equal(of.ingest_spans_rejected_database, 1_000);
  assert.ok(of.ingest_requests_refused_queue_full >= 6);
  assert.equal(of.ingest_alive, 0);
});
