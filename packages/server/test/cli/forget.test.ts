import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { otlpServer } from '../receivers/server.ts';
import { int, type Json, request, span, text } from '../receivers/spans.ts';
import { run } from './run.ts';

const database = await testDatabase();
const { client } = database;
const otlp = await otlpServer(database);
const [kept, whole, mixed] = ['11', '22', '33'].map((digits) => digits.repeat(16)) as [string, string, string];
const spans: Json[] = [
  span({ traceId: kept, attributes: [text('user.id', '7'), int('beacon.execution_id', 70)] }),
  span({ traceId: whole, attributes: [text('user.id', '42'), int('beacon.execution_id', 71)] }),
  span({ traceId: mixed, name: 'of another', attributes: [text('user.id', '7')] }),
  span({ traceId: mixed, attributes: [text('user.id', '42')] }),
];
assert.equal((await otlp.post(request(spans))).status, 200);

const forget = (...args: string[]) => run(['forget', ...args], { DATABASE_URL: database.url });

async function left(): Promise<[string, number][]> {
  const { rows } = await client.query(
    `select t.trace_id::text as id, t.span_count from traces t join trace_spans s using (trace_id)
    group by t.trace_id, t.span_count having count(*) = t.span_count order by 1`,
  );
  return rows.map(({ id, span_count }) => [id.replaceAll('-', ''), span_count]);
}

test('what a filter matches is counted first, and removed when told so, with its summaries', async () => {
  const counted = await forget('--where', 'user.id=42');
  assert.match(counted.out, /^2 spans in 2 traces \(1 of them whole\) would be removed\. Add --yes/);
  assert.deepEqual(await left(), [
    [kept, 1],
    [whole, 1],
    [mixed, 2],
  ]);
  const done = JSON.parse((await forget('--where', 'user.id=42', '--yes', '--json')).out);
  assert.deepEqual([done.removed, done.spans, done.traces, done.whole_traces], [true, 2, 2, 1]);
  assert.deepEqual(await left(), [
    [kept, 1],
    [mixed, 1],
  ]);
  const { rows } = await client.query('select count(*)::integer as n from trace_executions where execution_id = 71');
  assert.equal(rows[0].n, 0);
});

test('a trace and an execution are removed whole, and what is there no more is no error', async () => {
  await client.query(
    `select record_answer(jsonb_build_object('trace_id', $1::text, 'execution_id', 9, 'answer', 'secret'))`,
    [mixed],
  );
  assert.match((await forget('--trace', mixed, '--yes')).out, /^Removed 1 spans in 1 traces \(1 of them whole\)/);
  assert.match((await forget('--execution', '70', '--yes')).out, /^Removed 1 spans/);
  assert.deepEqual((await client.query('select from answers')).rows, [], 'and with them what was answered');
  assert.deepEqual(await left(), []);
  assert.match((await forget('--trace', mixed, '--yes')).out, /^Removed 0 spans in 0 traces/);
});

test('an unclear wish removes nothing', async () => {
  for (const args of [[], ['--trace', kept, '--execution', '1'], ['--where', ' '], ['--where', 'user.id=']]) {
    assert.equal((await forget(...args, '--yes')).code, 2, args.join(' '));
  }
});
