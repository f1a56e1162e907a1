import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { store, type TestSpan, traceId } from './store.ts';

const { client } = await testDatabase();
const T0 = Date.parse('2026-11-20T10:00:00Z');
const many = async (text: string, values: unknown[] = []) => (await client.query(text, values)).rows;
const cells = (job: string) => many('select * from beacon.execution_cells($1) order by execution_id, trace_id', [job]);
const record = (told: Record<string, unknown>, content = true) =>
  client.query('select beacon.record_answer($1, $2)', [JSON.stringify(told), content]);
let spanNumber = 0;
const id = () => (++spanNumber).toString(16).padStart(16, '0');

/** A trace of one execution: its root, and the calls below it, each below the one that `under` names. */
async function trace(
  job: string,
  execution: number | string,
  calls: Partial<TestSpan>[],
  root: Partial<TestSpan> = {},
) {
  const trace = traceId();
  const top = id();
  await client.query('select beacon.ensure_partitions(0, 60)');
  await store(client, [
    { trace, span: top, at: T0, ms: 1000, job, execution: String(execution), operation: 'run', ...root },
    ...calls.map((call, i) => ({ trace, span: id(), parent: top, at: T0 + 10 + i, ms: 100, ...call })),
  ] as TestSpan[]);
  return trace;
}

test('what an attempt is worth follows from its status, its answer, its finish reason and its error', async () => {
  const rows: [string, Record<string, unknown>][] = [
    ['answered', { answer: 'Paris', finish_reason: 'stop' }],
    ['truncated', { answer: 'Paris is the', finish_reason: 'length' }],
    ['truncated', { answer: '', finish_reason: 'max_tokens' }],
    ['refused', { answer: 'Par', finish_reason: 'content_filter' }],
    ['refused', { answer: "I'm sorry, but I can’t help with that." }],
    ['refused', { answer: 'Das kann ich leider nicht beantworten.' }],
    ['refused', { answer: 'Je suis désolé, je ne peux pas répondre à cette question.' }],
    ['refused', { answer: 'Lo siento, no puedo ayudar con eso.' }],
    ['refused', { answer: '抱歉，我无法回答这个问题。' }],
    ['refused', { answer: '申し訳ありませんが、お手伝いできません。' }],
    ['refused', { answer: 'Извините, я не могу с этим помочь.' }],
    ['answered', { answer: 'Sorry is a song that nobody can help but hum.' }],
    ['answered', { answer: 'I cannot be divided by two: 7 is odd.' }],
    ['answered', { answer: 'Leider Gottes ist das der Name des Films.' }],
    ['empty', { answer: '  \n' }],
    ['empty', { output_tokens: 0 }],
    ['answered', { output_tokens: 3 }],
    ['infrastructure', { answer: '{"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}' }],
    ['infrastructure', { answer: '429 Too Many Requests' }],
    ['infrastructure', { answer: '<html><head><title>502 Bad Gateway</title></head></html>' }],
    ['answered', { answer: '429 is a prime? No: 3 x 11 x 13.' }],
    ['answered', { answer: '{"name": "error handling", "code": 3}' }],
    ['infrastructure', { status: 'failed', error_type: 'rate_limit_exceeded' }],
    ['empty', { status: 'failed', error_type: 'empty_output' }],
    ['cancelled', { status: 'cancelled' }],
    ['pending', { status: 'running' }],
  ];
  for (const [i, [, told]] of rows.entries()) await record({ execution_id: 100 + i, job_id: 'worth', ...told });
  const found = await cells('worth');
  assert.deepEqual(
    found.map(({ validity, answer }) => [validity, answer]),
    rows.map(([validity, { answer = null }]) => [validity, answer]),
  );
  await client.query(`update beacon.answer_rules set pattern = 'paris' where name = 'refusal-en'`);
  await client.query('select beacon.judge_when_rules_change()');
  assert.equal((await cells('worth'))[0]?.reason, 'refusal-en', 'rules are rows, and judged anew');
  await client.query(`delete from beacon.answer_rules where name = 'refusal-en'`);
});

test('a cell counts its first answer, shows its first try, and is flaky where answers of its attempts differ', async () => {
  const at = (n: number) => new Date(T0 + n * 1000).toISOString();
  const attempts = [
    [1, 1, { status: 'failed', error_type: 'rate_limit_exceeded' }],
    [1, 2, { answer: 'Paris.' }],
    [2, 1, { answer: 'Paris' }],
    [2, 2, { answer: 'London' }],
    [3, 1, { answer: '**Paris**' }],
    [3, 2, { answer: ' paris. ' }],
    [4, 1, { status: 'failed', error_type: 'timeout' }],
    [4, 2, { status: 'failed', error_type: 'timeout' }],
  ] as const;
  for (const [n, attempt, told] of attempts)
    await record({
      execution_id: 200 + n,
      attempt,
      job_id: 'tries',
      question: 'Capital?',
      started_at: at(attempt),
      ...told,
    });
  const found = await cells('tries');
  assert.deepEqual(
    found.map((c) => [c.validity, c.first_validity, c.answer, c.attempts, c.attempt]),
    [
      ['answered', 'infrastructure', 'Paris.', 2, 2],
      ['flaky', 'answered', 'Paris', 2, 1],
      ['answered', 'answered', '**Paris**', 2, 1],
      ['infrastructure', 'infrastructure', null, 2, 2],
    ],
  );
  assert.equal(found[0]?.answer_group, found[2]?.answer_group);
  assert.equal(new Set(found.map(({ question_id }) => question_id)).size, 1);
  await record({ execution_id: 201, attempt: 2, job_id: 'tries', question: 'Capital?', answer: 'Paris' }, false);
  const [kept] = await cells('tries');
  assert.deepEqual([kept?.answer, kept?.question, kept?.validity], [null, null, 'answered'], 'lengths and hashes only');
  assert.equal(kept?.answer_group, found[0]?.answer_group);
});

test('an attempt belongs to its execution whatever kind of key that has', async () => {
  const key = '0b7f6a3e-7c1d-4f6a-9d0e-2c4b5a697887';
  const told = { execution_id: key.toUpperCase(), job_id: 'keys', question: 'Capital?' };
  await record({ ...told, status: 'failed', error_type: 'timeout' });
  for (const answer of ['Rome', 'Paris']) await record({ ...told, attempt: 2, answer });
  await trace('keys', 'run-7', [
    {
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: 'Sunny.' }] }]),
      },
    },
  ]);
  const found = async () =>
    (await cells('keys')).map((c) => [c.execution_id, c.execution_key, c.attempts, c.answer, c.validity]).sort();
  const expected = [
    [null, key, 2, 'Paris', 'answered'],
    [null, 'run-7', 1, 'Sunny.', 'answered'],
  ];
  assert.deepEqual(await found(), expected);
  await client.query(
    `select beacon.collect_answers(array(select trace_id from traces where execution_key is not null))`,
  );
  assert.deepEqual(await found(), expected);
  assert.deepEqual(await many(`select count(*)::int as n from beacon.answers where job_id = 'keys'`), [{ n: 3 }]);
});

test('spans alone tell question, answer, model and tokens, those of an agent and of its calls once', async () => {
  const chat = (n: number, more: Record<string, unknown> = {}) => ({
    operation: 'chat gpt-4o',
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 5,
      'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: 'Weather?' }] }]),
      'gen_ai.output.messages': JSON.stringify([
        n === 1
          ? { role: 'assistant', parts: [{ type: 'tool_call', name: 'get', arguments: '{}' }] }
          : {
              role: 'assistant',
              parts: [
                { type: 'reasoning', content: 'hm' },
                { type: 'text', content: 'Sunny.' },
              ],
            },
      ]),
      ...more,
    },
    ms: 50,
    at: T0 + n * 100,
  });
  const agent = {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.usage.input_tokens': 20,
    'gen_ai.usage.output_tokens': 10,
  };
  await trace('spans', 301, [chat(1), chat(2)], { attributes: agent });
  await trace('spans', 302, [chat(1), chat(2)]);
  const inner = id();
  await trace('spans', 303, [
    { ...chat(2), span: inner, ms: 500 },
    { ...chat(3), parent: inner, service: 'inference' },
  ]);
  const short = { ...agent, 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 5 };
  await trace('spans', 304, [chat(1), chat(2)], { attributes: short });
  const expected = [
    [301, 20, 10],
    [302, 20, 10],
    [303, 10, 5],
    [304, 20, 10],
  ].map(([execution, read, written]) => [
    String(execution),
    'Weather?',
    'Sunny.',
    'gpt-4o',
    String(read),
    String(written),
    'answered',
  ]);
  const told = async () =>
    (await cells('spans')).map((c) => [
      c.execution_id,
      c.question,
      c.answer,
      c.model_id,
      c.input_tokens,
      c.output_tokens,
      c.validity,
    ]);
  assert.deepEqual(await told(), expected, 'at once');
  await client.query(`select set_config('beacon.clock', (now() + interval '1 minute')::text, false)`);
  await client.query('select beacon.maintain()');
  await client.query(`select set_config('beacon.clock', '', false)`);
  assert.equal(
    (await many(`select from beacon.answers where job_id = 'spans'`)).length,
    4,
    'kept when their traces rest',
  );
  assert.deepEqual(await told(), expected, 'from the table');
});

test('every convention says the same of one call', async () => {
  const said: [string, Record<string, unknown>][] = [
    [
      'openinference',
      {
        'openinference.span.kind': 'LLM',
        'llm.model_name': 'm-2026',
        'llm.invocation_parameters': '{"model":"m"}',
        'llm.input_messages.0.message.role': 'user',
        'llm.input_messages.0.message.content': 'Q?',
        'llm.output_messages.0.message.role': 'assistant',
        'llm.output_messages.0.message.contents.0.message_content.text': 'A.',
        'llm.token_count.prompt': 7,
        'llm.token_count.completion': 3,
      },
    ],
    [
      'openllmetry',
      {
        'gen_ai.system': 'openai',
        'gen_ai.request.model': 'm',
        'gen_ai.response.model': 'm-2026',
        'gen_ai.prompt.0.role': 'system',
        'gen_ai.prompt.0.content': 'be short',
        'gen_ai.prompt.1.role': 'user',
        'gen_ai.prompt.1.content': 'Q?',
        'gen_ai.completion.0.role': 'assistant',
        'gen_ai.completion.0.content': 'A.',
        'gen_ai.usage.prompt_tokens': 7,
        'gen_ai.usage.completion_tokens': 3,
      },
    ],
    [
      'vercel',
      {
        'ai.model.id': 'm',
        'ai.response.model': 'm-2026',
        'ai.prompt': '{"prompt":"Q?"}',
        'ai.response.text': 'A.',
        'ai.usage.promptTokens': 7,
        'ai.usage.completionTokens': 3,
      },
    ],
    [
      'langfuse',
      {
        'langfuse.observation.type': 'generation',
        'langfuse.observation.model.name': 'm',
        'gen_ai.response.model': 'm-2026',
        'langfuse.observation.input': '[{"role":"user","content":"Q?"}]',
        'langfuse.observation.output': '{"role":"assistant","content":"A."}',
        'langfuse.observation.usage_details': '{"input": 7, "output": 3}',
      },
    ],
    [
      'raw request and answer',
      {
        'openinference.span.kind': 'LLM',
        'llm.model_name': 'm-2026',
        'llm.invocation_parameters': '{"model":"m"}',
        'input.value': '{"model":"m","messages":[{"role":"user","content":"Q?"}]}',
        'output.value': '{"choices":[{"message":{"role":"assistant","content":"A."}}],"system_fingerprint":"fp"}',
        'llm.token_count.prompt': 7,
        'llm.token_count.completion': 3,
      },
    ],
  ];
  for (const [n, [, attributes]] of said.entries()) await trace('said', 400 + n, [{ attributes }]);
  for (const [n, cell] of (await cells('said')).entries())
    assert.deepEqual(
      [cell.question, cell.answer, cell.model_id, cell.response_model, cell.input_tokens, cell.output_tokens],
      ['Q?', 'A.', 'm', 'm-2026', '7', '3'],
      said[n]?.[0],
    );
});

test('what is stored of a cell is what reading its attempts anew says, also when rows come in another way', async () => {
  const attempt = (execution_id: number, attempt: number, more: object) =>
    record({ execution_id, attempt, job_id: 'settled', model_id: 'm', region: 'r', question: 'Q?', ...more });
  const limited = { status: 'failed', error_type: 'rate_limit_exceeded' };
  await attempt(900, 1, limited);
  await attempt(900, 2, { answer: 'Paris' });
  await attempt(901, 1, { answer: 'Paris' });
  await attempt(901, 2, { answer: 'Lyon' });
  await attempt(902, 1, { answer: 'Paris' });
  await attempt(902, 2, limited);
  await attempt(903, 2, { answer: '' });
  await attempt(904, 1, { answer: '{"error": {"code": 429, "message": "Too many requests"}}' });
  const stored = await cells('settled');
  assert.deepEqual(
    stored.map((cell) => [cell.attempt, cell.attempts, cell.validity, cell.first_validity, cell.reason]),
    [
      [2, 2, 'answered', 'infrastructure', null],
      [1, 2, 'flaky', 'answered', null],
      [1, 2, 'answered', 'answered', null],
      [2, 1, 'empty', 'empty', null],
      [1, 1, 'infrastructure', 'infrastructure', 'error-body'],
    ],
  );
  assert.deepEqual(
    stored.map((cell) => cell.first_answer),
    [null, 'Paris', 'Paris', '', '{"error": {"code": 429, "message": "Too many requests"}}'],
  );
  const clear = `update beacon.answers set validity = null, reason = null, cell_validity = null, attempts = null,
    first_validity = null, first_group = null where job_id = 'settled'`;
  await client.query(clear);
  assert.deepEqual(await cells('settled'), stored, 'not settled: judged as they are read');
  await client.query('select beacon.settle_open_answers()');
  assert.deepEqual(await cells('settled'), stored, 'settled by maintenance');
  await client.query(`update beacon.answer_rules set validity = 'refused' where name = 'error-body'`);
  await client.query('select beacon.judge_when_rules_change()');
  assert.equal((await cells('settled'))[4].validity, 'refused', 'rules changed');
});
