import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { notesAreRight } from '../../../writer/test/notes.ts';
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
  assert.match(counted.out, /^2 spans and 0 log records in 2 traces \(1 of them whole\) would be removed\. Add --yes/);
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
  assert.match(
    (await forget('--trace', mixed, '--yes')).out,
    /^Removed 1 spans and 0 log records in 1 traces \(1 of them whole\)/,
  );
  assert.match((await forget('--execution', '70', '--yes')).out, /^Removed 1 spans/);
  assert.deepEqual((await client.query('select from answers')).rows, [], 'and with them what was answered');
  assert.deepEqual(await left(), []);
  assert.match((await forget('--trace', mixed, '--yes')).out, /^Removed 0 spans and 0 log records in 0 traces/);
});

test('an unclear wish removes nothing', async () => {
  for (const args of [[], ['--trace', kept, '--execution', '1'], ['--where', ' '], ['--where', 'user.id=']]) {
    assert.equal((await forget(...args, '--yes')).code, 2, args.join(' '));
  }
});

/** Tables of the schema in which a text stands somewhere, partitions and all. */
async function tablesWith(word: string): Promise<string[]> {
  const { rows } = await client.query(
    `select c.relname as name from pg_class c where c.relnamespace = 'beacon'::regnamespace and c.relkind in ('r', 'm') order by 1`,
  );
  const found = [];
  for (const { name } of rows) {
    const { rows: hits } = await client.query(`select from beacon.${name} t where strpos(t::text, $1) > 0 limit 1`, [
      word,
    ]);
    if (hits.length > 0) found.push(name as string);
  }
  const { rows: sampled } = await client.query(
    `select from pg_stats where schemaname = 'beacon' and strpos(concat(most_common_vals, histogram_bounds), $1) > 0 limit 1`,
    [word],
  );
  return sampled.length > 0 ? [...found, 'pg_stats'] : found;
}

/** A trace that says the word everywhere a word can be said, and one that does the same without it. */
function telling(word: string, traceId: string): { spans: Json; logs: Json } {
  const at = BigInt(Date.now() - 60_000) * 1_000_000n;
  const one = span({
    traceId,
    name: `GET /users/${word}`,
    startTimeUnixNano: `${at}`,
    endTimeUnixNano: `${at + 5_000_000n}`,
    status: { code: 2, message: `no ${word}` },
    traceState: `seen=${word}`,
    events: [{ timeUnixNano: `${at}`, name: `saw ${word}`, attributes: [text('who', word)] }],
    links: [{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), attributes: [text('who', word)] }],
    attributes: [
      text('user.id', word),
      text('beacon.execution_id', `run-${word}`),
      text('beacon.job_id', `job-${word}`),
      text('beacon.model_id', `model-${word}`),
      text('beacon.region', `region-${word}`),
      text('error.type', `Error${word}`),
      text('gen_ai.operation.name', 'chat'),
      text('gen_ai.output.messages', JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: word }] }])),
    ],
  });
  const attributes = [text('service.name', `app-${word}`), text('host.name', `host-${word}`)];
  const record = (changes: Json) => ({
    timeUnixNano: `${at}`,
    traceId,
    body: { stringValue: `body ${word}` },
    eventName: `event ${word}`,
    attributes: [text('user.id', word)],
    ...changes,
  });
  const scopeLogs = [{ scope: { name: `scope-${word}` }, logRecords: [record({ spanId: one.spanId }), record({})] }];
  return { spans: request([one], { attributes }), logs: { resourceLogs: [{ resource: { attributes }, scopeLogs }] } };
}

for (const [how, args] of [
  ['a trace', (_word: string, trace: string) => ['--trace', trace]],
  ['an execution', (word: string) => ['--execution', `run-${word}`]],
  ['what a filter matches', (word: string) => ['--where', `user.id=${word}`]],
] as const) {
  test(`nothing of ${how} that was forgotten is left in any table, and what others have in common with it stays`, async () => {
    const [word, other] = [0, 1].map(() => randomBytes(6).toString('hex')) as [string, string];
    const trace = randomBytes(16).toString('hex');
    for (const { spans: traces, logs } of [telling(word, trace), telling(other, randomBytes(16).toString('hex'))]) {
      assert.equal((await otlp.post(traces)).status, 200);
      assert.equal((await otlp.post(logs, {}, '/v1/logs')).status, 200);
    }
    await client.query(`set beacon.clock = '${new Date(Date.now() + 60_000).toISOString()}'`);
    await client.query('select maintain()');
    await client.query('reset beacon.clock');
    await client.query(`select score($1::text, 'right', 0, 'a person', 'no', $2)`, [
      ...[`run-${word}`, `it says ${word}`],
    ]);
    await client.query(
      `insert into alerts (rule, fingerprint, severity, summary, facts) values ('r', $1, 'warning', $1, $2)`,
      [...[`Error${word}`, { example_trace_id: trace }]],
    );
    await client.query('analyze');
    const told = await tablesWith(word);
    for (const table of [
      'alerts',
      'answers',
      'operation_baselines',
      'scores',
      'services',
      'span_names',
      'span_rollups',
      'trace_executions',
      'trace_resources',
      'traces',
    ])
      assert.ok(told.includes(table), `${table} tells of it: ${told}`);
    const before = await tablesWith(other);
    const counted = JSON.parse((await forget(...args(word, trace), '--json')).out);
    const done = JSON.parse((await forget(...args(word, trace), '--yes', '--json')).out);
    assert.deepEqual([done.spans, done.logs, done.traces, done.whole_traces], [1, 2, 1, 1]);
    assert.deepEqual([counted.spans, counted.logs, counted.traces, counted.whole_traces], [1, 2, 1, 1]);
    assert.deepEqual(await tablesWith(word), []);
    assert.deepEqual(await tablesWith(trace), []);
    assert.deepEqual(await tablesWith(other), before);
    await notesAreRight(client);
  });
}
