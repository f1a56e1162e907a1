// gen_ai.evaluation.result over OTLP becomes a score of what it judges: as a log record, as an event of a span, as a span.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { jobScores } from '@project-beacon/server/queries/differences.ts';
import { runQuery } from '@project-beacon/server/queries/run.ts';
import { createPool } from '@project-beacon/server/store/connect.ts';
import { testDatabase } from '@project-beacon/testkit';
import { otlpServer } from './server.ts';
import { int, type Json, request, span, text } from './spans.ts';

const database = await testDatabase();
const server = await otlpServer(database);
const { client } = database;
const pool = createPool(database.url, { applicationName: 'test', max: 1 });

const hex = (bytes: number) => randomBytes(bytes).toString('hex');
const EVENT = 'gen_ai.evaluation.result';

/** Attributes as OpenTelemetry's conventions for GenAI name them. */
function evaluation(name: string, given: { value?: number; label?: string; why?: string; response?: string }): Json[] {
  return [
    text('gen_ai.evaluation.name', name),
    ...(given.value === undefined
      ? []
      : [{ key: 'gen_ai.evaluation.score.value', value: { doubleValue: given.value } }]),
    ...(given.label === undefined ? [] : [text('gen_ai.evaluation.score.label', given.label)]),
    ...(given.why === undefined ? [] : [text('gen_ai.evaluation.explanation', given.why)]),
    ...(given.response === undefined ? [] : [text('gen_ai.response.id', given.response)]),
  ];
}

function logs(records: Json[]): Json {
  const scopeLogs = [{ scope: { name: 'judge' }, logRecords: records }];
  return { resourceLogs: [{ resource: { attributes: [text('service.name', 'judge')] }, scopeLogs }] };
}

let clock = BigInt(Date.now()) * 1_000_000n;
function record(traceId: string, spanId: string, attributes: Json[], eventName = EVENT): Json {
  clock += 1_000n;
  return { timeUnixNano: `${clock}`, traceId, spanId, attributes, eventName };
}

async function sendLogs(...records: Json[]): Promise<Json> {
  const response = await server.post(logs(records), {}, '/v1/logs');
  assert.equal(response.status, 200);
  return (await response.json()) as Json;
}

async function sendSpans(...spans: Json[]): Promise<void> {
  assert.equal((await server.post(request(spans))).status, 200);
}

const of = (execution: number, job = 'judged') => [int('beacon.execution_id', execution), text('beacon.job_id', job)];

async function scoresOf(execution: number): Promise<unknown[][]> {
  const { rows } = await runQuery(pool, jobScores, { execution_id: String(execution) });
  return rows.map(({ name, value, label, explanation, source, judge_trace: judge }) => [
    ...[name, value, label, explanation, source, judge],
  ]);
}

test('an evaluation recorded as a log record of the judged span is a score when the answer arrives', async () => {
  const judged = span({ attributes: of(1) });
  await sendSpans(judged);
  const at = [String(judged.traceId), String(judged.spanId)] as const;
  const before = server.ingest.counters.scores;
  await sendLogs(
    record(...at, evaluation('relevance', { value: 0.75, label: 'relevant', why: 'It names the capital.' })),
    record(...at, evaluation('grounded', { label: 'fail' })),
    record(...at, evaluation('tone', { label: 'friendly' })),
    // The name of the event as an attribute, as SDKs did before 2025.
    record(...at, [...evaluation('old', { value: 1 }), text('event.name', EVENT)], ''),
    record(...at, evaluation(' ', { value: 1 })),
    record(...at, evaluation('nothing', {})),
  );
  assert.deepEqual(await scoresOf(1), [
    ['grounded', 0, 'fail', null, 'otlp:judge', null],
    ['old', 1, null, null, 'otlp:judge', null],
    ['relevance', 0.75, 'relevant', 'It names the capital.', 'otlp:judge', null],
    ['tone', null, 'friendly', null, 'otlp:judge', null],
  ]);
  assert.equal(server.ingest.counters.scores - before, 4);
  await sendLogs(record(...at, evaluation('relevance', { value: 0.5 })));
  const again = (await scoresOf(1)).find(([name]) => name === 'relevance');
  assert.deepEqual(again?.slice(0, 2), ['relevance', 0.5], 'the later one counts');
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /^beacon_ingest_scores_total \d+$/m);
  const { rows } = await client.query(`select * from beacon.trace_spans_health where item = 'scores_over_otlp'`);
  assert.equal(rows.length, 1);
});

test('what arrives before the spans it judges is theirs once they have come to rest', async () => {
  const judged = span({ attributes: of(2) });
  await sendLogs(record(String(judged.traceId), String(judged.spanId), evaluation('early', { value: 1 })));
  const waiting = await client.query('select name from beacon.scores where trace_id = $1', [judged.traceId]);
  assert.deepEqual(waiting.rows, [{ name: 'early' }]);
  await sendSpans(judged);
  await settle();
  assert.deepEqual(await scoresOf(2), [['early', 1, null, null, 'otlp:judge', null]]);
  const left = await client.query('select from beacon.scores where trace_id = $1', [judged.traceId]);
  assert.equal(left.rowCount, 0);
});

test('an event of a span, and a span of that name, judge the span they are in or below', async () => {
  const root = span({ attributes: [text('beacon.job_id', 'judged')] });
  const traceId = root.traceId;
  const under = (parent: Json, changes: Json) => span({ traceId, parentSpanId: parent.spanId, ...changes });
  const first = under(root, { attributes: of(3) });
  const second = under(root, { attributes: of(4) });
  const chat = under(second, {
    events: [{ name: EVENT, timeUnixNano: first.startTimeUnixNano, attributes: evaluation('correct', { value: 1 }) }],
  });
  const judging = under(first, { name: EVENT, attributes: evaluation('correct', { label: 'Incorrect' }) });
  await sendSpans(root, first, second, chat, judging);
  await settle();
  assert.deepEqual(await scoresOf(3), [['correct', 0, 'Incorrect', null, 'otlp:checkout', null]]);
  assert.deepEqual(await scoresOf(4), [['correct', 1, null, null, 'otlp:checkout', null]]);
  const { rows } = await runQuery(pool, jobScores, { job_id: 'judged' });
  assert.ok(rows.length >= 6, 'they are scores of the job');
});

test('a judge in a trace of its own names the answer by its response id, with or without a trace', async () => {
  const response = `chatcmpl-${hex(6)}`;
  await sendSpans(span({ attributes: [...of(5), text('gen_ai.response.id', response)] }));
  const judge = hex(16);
  await sendLogs(
    record(judge, hex(8), evaluation('helpful', { value: 4, response })),
    record('', '', evaluation('fluent', { value: 5, response })),
  );
  const rows = await scoresOf(5);
  assert.deepEqual(
    rows.map(([name, value, , , , trace]) => [name, value, String(trace).replaceAll('-', '')]),
    [
      ['fluent', 5, 'null'],
      ['helpful', 4, judge],
    ],
  );
  const unknown = await sendLogs(record('', '', evaluation('fluent', { value: 5, response: 'chatcmpl-none' })));
  const partial = unknown.partialSuccess as Json;
  assert.equal(partial.rejectedLogRecords, '1');
  assert.match(String(partial.errorMessage), /1 log records evaluate an answer that is not here/);
  assert.equal(server.ingest.counters.logsRejected.no_answer, 1);
});

test('no secret is in a score, and numbers that no column holds are none', async () => {
  const secret = ['hunter', '2', 'xyzzy'].join('');
  const judged = span({ attributes: of(6) });
  await sendSpans(judged);
  const at = [String(judged.traceId), String(judged.spanId)] as const;
  const odd = (value: string) => [
    ...evaluation(`odd ${value.length}`, {}),
    text('gen_ai.evaluation.score.value', value),
    text('gen_ai.evaluation.score.label', 'x'),
  ];
  await sendLogs(
    record(...at, evaluation('safe', { value: 1, why: `the answer says password=${secret}` })),
    ...['NaN', 'Infinity', `1${'0'.repeat(400)}`, '1e999', '12; drop table'].map((value) => record(...at, odd(value))),
  );
  const scores = await scoresOf(6);
  assert.equal(JSON.stringify(scores).includes(secret), false);
  assert.match(String(scores.find(([name]) => name === 'safe')?.[3]), /redacted/);
  assert.ok(scores.length >= 5);
  assert.ok(scores.every(([name, value]) => name === 'safe' || value === null));
});

/** What maintenance does with traces that have come to rest. */
async function settle(): Promise<void> {
  await client.query(`update beacon.traces set updated_at = updated_at - interval '1 hour'`);
  await client.query('select beacon.settle_baselines()');
}
