import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Span, SpanStatusCode } from '@opentelemetry/api';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { startTracing } from '@project-beacon/tracer';

const { client, url } = await testDatabase();
const tracer = await startTracing({
  service: 'lifecycle',
  databaseUrl: url,
  flag: 'on',
  log: () => {},
  flushIntervalMs: 20,
  openAfterMs: 0,
});
after(() => tracer.shutdown());

async function stored(span: Span) {
  const { rows } = await client.query(`select * from trace_spans where span_id = decode($1, 'hex')`, [
    span.spanContext().spanId,
  ]);
  assert.ok(rows.length <= 1);
  return rows[0];
}

async function ended(span: Span) {
  span.end();
  await tracer.flush();
  return stored(span);
}

test('an open span is in the table as started, and is completed in place', async () => {
  const span = tracer.startSpan('long');
  const open = await until('it is written', () => stored(span));
  assert.equal(open.status, 'started');
  assert.equal(open.completed_at, null);
  assert.equal(open.duration_ms, null);
  span.setAttribute('late', true);
  const { status, duration_ms, metadata, created_at } = await ended(span);
  assert.equal(status, 'completed');
  assert.ok(duration_ms > 0);
  assert.deepEqual(metadata, { late: true });
  assert.deepEqual(created_at, open.created_at);
  const { rows } = await client.query('select span_count, open_count from traces where trace_id = $1', [
    span.spanContext().traceId,
  ]);
  assert.deepEqual(rows, [{ span_count: 1, open_count: 0 }]);
});

test('a span that has ended before the flush costs one row write', async () => {
  const before = tracer.processor.counters();
  await ended(tracer.startSpan('short'));
  const now = tracer.processor.counters();
  assert.equal(now.written - before.written, 1);
  assert.equal(now.writtenOpen - before.writtenOpen, 0);
});

const ERRORS: { name: string; fail: (span: Span) => void; row: object }[] = [
  {
    name: 'an error status',
    fail: (span) => span.setStatus({ code: SpanStatusCode.ERROR, message: 'no room' }),
    row: { status: 'failed', error_type: null, error_message: 'no room' },
  },
  {
    name: 'an exception',
    fail: (span) => tracer.completeSpanWithError(span, new RangeError('too far')),
    row: { status: 'failed', error_type: 'RangeError', error_message: 'too far' },
  },
  {
    name: 'an error with a code',
    fail: (span) => tracer.completeSpanWithError(span, Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })),
    row: { status: 'failed', error_type: 'ECONNREFUSED', error_message: 'refused' },
  },
  {
    name: 'what fetch throws',
    fail: (span) =>
      tracer.completeSpanWithError(
        span,
        new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'UND_ERR_HEADERS_TIMEOUT' }) }),
      ),
    row: { status: 'timeout', error_type: 'UND_ERR_HEADERS_TIMEOUT', error_message: 'fetch failed' },
  },
  {
    name: 'a type the application has given already',
    fail: (span) =>
      tracer.completeSpanWithError(span.setAttribute('error.type', 'rate_limit_exceeded'), new Error('slow down')),
    row: { status: 'failed', error_type: 'rate_limit_exceeded', error_message: 'slow down' },
  },
  {
    name: 'a TimeoutError',
    fail: (span) => tracer.completeSpanWithError(span, new DOMException('waited', 'TimeoutError')),
    row: { status: 'timeout', error_type: 'TimeoutError', error_message: 'waited' },
  },
  {
    name: 'an abort',
    fail: (span) => tracer.completeSpanWithError(span, new DOMException('the user left', 'AbortError')),
    row: { status: 'failed', error_type: 'AbortError', error_message: 'the user left' },
  },
  {
    name: 'an abort that was a timeout',
    fail: (span) => tracer.completeSpanWithError(span, new DOMException('aborted due to timeout', 'AbortError')),
    row: { status: 'timeout', error_type: 'AbortError', error_message: 'aborted due to timeout' },
  },
  {
    name: 'a status code of a failed request',
    fail: (span) => span.setAttribute('http.response.status_code', 504).setStatus({ code: SpanStatusCode.ERROR }),
    row: { status: 'timeout', error_type: '504', error_message: null },
  },
  {
    name: 'a status code that is not a failure',
    fail: (span) => span.setAttribute('http.response.status_code', 404),
    row: { status: 'completed', error_type: '404', error_message: null },
  },
  {
    name: 'something thrown that is no error',
    fail: (span) => tracer.completeSpanWithError(span, 'just text'),
    row: { status: 'failed', error_type: 'Error', error_message: 'just text' },
  },
];

for (const { name, fail, row } of ERRORS) {
  test(`how it ended: ${name}`, async () => {
    const span = tracer.startSpan('fails');
    fail(span);
    if (span.isRecording()) span.end();
    await tracer.flush();
    const { status, error_type, error_message } = await stored(span);
    assert.deepEqual({ status, error_type, error_message }, row);
  });
}

test('withSpan ends its span whatever the work does, and hands on value and error', async () => {
  assert.equal(
    tracer.withSpan('sync', (span) => span.isRecording()),
    true,
  );
  assert.equal(await tracer.withSpan('async', async () => 7), 7);
  assert.throws(() => tracer.withSpan('throws', () => JSON.parse('{')), SyntaxError);
  await assert.rejects(
    tracer.withSpan('rejects', async () => {
      throw new Error('later');
    }),
    /later/,
  );
  await tracer.flush();
  const { rows } = await client.query(
    `select operation, status from trace_spans where operation in ('sync', 'async', 'throws', 'rejects') order by 1`,
  );
  assert.deepEqual(
    rows.map(({ operation, status }) => `${operation} ${status}`),
    ['async completed', 'rejects failed', 'sync completed', 'throws failed'],
  );
});

test('an error whose properties throw fails the span all the same', async () => {
  const span = tracer.startSpan('hostile');
  const error = Object.defineProperty(new Error('x'), 'code', {
    get() {
      throw new Error('gotcha');
    },
  });
  tracer.completeSpanWithError(span, error);
  await tracer.flush();
  assert.equal((await stored(span)).status, 'failed');
});

test("columns come from attributes first, then from baggage, then from OpenTelemetry's own names", async () => {
  const carried = tracer.setExecutionContext({
    jobId: 469,
    executionId: 2193n,
    modelId: 'm-baggage',
    region: 'eu-west',
  });
  const span = tracer.startSpan('both', { attributes: { 'beacon.region': 'us-east' } }, carried);
  const other = tracer.startSpan('names', { attributes: { 'gen_ai.request.model': 'qwen', 'cloud.region': 'asia' } });
  const keyed = tracer.startSpan(
    'text',
    {},
    tracer.setExecutionContext({ executionId: 'C0FFEE00-DEAD-4BEE-8ABE-0123456789AB' }),
  );
  const first = await ended(span);
  assert.deepEqual(
    [first.job_id, first.execution_id, first.model_id, first.region],
    ['469', '2193', 'm-baggage', 'us-east'],
  );
  const second = await ended(other);
  assert.deepEqual([second.model_id, second.region], ['qwen', 'asia']);
  const third = await ended(keyed);
  assert.deepEqual([third.execution_id, third.execution_key], [null, 'c0ffee00-dead-4bee-8abe-0123456789ab']);
  assert.equal(third.otel, null);
});

test('the tracers row says what became of the spans, and the clock offset', async () => {
  const counted = await until('a heartbeat has counted them', async () => {
    await tracer.processor.heartbeat!.beat(false, 5_000);
    const { rows } = await client.query('select * from tracers where tracer_id = $1', [tracer.processor.tracerId]);
    return Number(rows[0]?.spans_written) > 0 && rows[0];
  });
  assert.equal(counted.service, 'lifecycle');
  assert.equal(counted.flag, 'on');
  assert.equal(counted.flag_source, 'option');
  assert.equal(counted.pid, process.pid);
  assert.ok(Math.abs(counted.clock_offset_ms) < 1_000);
  assert.equal(counted.stopped_at, null);
  assert.match(counted.versions['opentelemetry-sdk'], /^3\./);
});
