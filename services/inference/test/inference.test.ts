import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readConfig } from '../src/config.ts';
import { startService } from './service.ts';

const service = await startService();
after(() => service.close());

test('a question gets an OpenAI-shaped answer that says it is simulated', async () => {
  const response = await service.ask('us-east');
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-beacon-simulated'), 'true');
  const { id, created, ...body } = (await response.json()) as Record<string, unknown>;
  assert.match(String(id), /^chatcmpl-/);
  assert.ok(Math.abs(Number(created) - Date.now() / 1000) < 60);
  assert.deepEqual(body, {
    object: 'chat.completion',
    model: 'llama-3.2-1b',
    simulated: true,
    system_fingerprint: 'simulated',
    choices: [{ index: 0, message: { role: 'assistant', content: '4' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 6, completion_tokens: 1, total_tokens: 7 },
  });
});

test('content in parts is read as text', async () => {
  const response = await service.ask('us-east', {
    messages: [{ role: 'user', content: [{ type: 'text', text: 'What is 3*5?' }] }],
  });
  const body = (await response.json()) as { choices: { message: { content: string } }[] };
  assert.equal(body.choices[0]?.message.content, '15');
});

for (const [what, body, status, code, param] of [
  ['no model', { model: undefined }, 400, 'invalid_request', 'model'],
  ['no messages', { messages: [] }, 400, 'invalid_request', 'messages'],
  [
    'content of a wrong type',
    { messages: [{ role: 'user', content: 7 }] },
    400,
    'invalid_request',
    'messages.0.content',
  ],
  ['a limit of no tokens', { max_tokens: 0 }, 400, 'invalid_request', 'max_tokens'],
  ['an unknown model', { model: 'gpt-9' }, 404, 'model_not_found', 'model'],
] as const) {
  test(`${what} is refused with the name of the field`, async () => {
    const response = await service.ask('us-east', body);
    assert.equal(response.status, status);
    const { error } = (await response.json()) as { error: { code: string; param: string } };
    assert.deepEqual([error.code, error.param], [code, param]);
  });
}

test('a stream has a chunk a token, then why it ended and what it used', async () => {
  const response = await service.ask('eu-west', {
    stream: true,
    messages: [{ role: 'user', content: 'Who invented the Web?' }],
  });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  assert.equal(response.headers.get('x-served-region'), 'eu-west');
  const events = (await response.text()).split('\n\n').filter(Boolean);
  assert.equal(events.pop(), 'data: [DONE]');
  const parts = events.map((event) => JSON.parse(event.replace('data: ', '')));
  assert.equal(parts.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), 'Tim Berners-Lee');
  assert.deepEqual(
    [parts.length, parts.at(-2).choices[0].finish_reason, parts.at(-1).usage.completion_tokens],
    [6, 'stop', 4],
  );
});

test('on request a region answers otherwise, refuses, is cut, runs elsewhere, or with another model, and says that it is simulated', async () => {
  const ask = async (fault: string) => {
    await service.fault('us-east', { fault, about: 'Australia' });
    const response = await service.ask('us-east', {
      messages: [{ role: 'user', content: 'What is the capital of Australia?' }],
    });
    assert.equal(response.headers.get('x-beacon-simulated'), 'true');
    const body = (await response.json()) as { model: string; error?: { code: string }; choices?: Choice[] };
    const [choice] = body.choices ?? [];
    const region = response.headers.get('x-served-region');
    return [body.error?.code ?? choice?.message.content, choice?.finish_reason, body.model, region];
  };
  interface Choice {
    message: { content: string };
    finish_reason: string;
  }
  const usual = 'llama-3.2-1b';
  assert.deepEqual(await ask('other_answer'), ['Sydney', 'stop', usual, 'us-east']);
  assert.deepEqual((await ask('refusal')).slice(1), ['stop', usual, 'us-east']);
  assert.deepEqual(await ask('truncated'), ['Canberra To be', 'length', usual, 'us-east']);
  assert.deepEqual(await ask('wrong_region'), ['Canberra', 'stop', usual, 'eu-west']);
  assert.deepEqual(await ask('drifted_model'), ['Canberra', 'stop', 'qwen2.5-1.5b', 'us-east']);
  assert.deepEqual(await ask('error_as_answer'), ['rate_limit_exceeded', undefined, undefined, 'us-east']);
  assert.equal((await service.ask('us-east')).status, 200, 'other questions do not meet it');
  await service.clear('us-east');
});

test('a body that is not valid JSON is refused', async () => {
  const response = await fetch(`${service.control}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{',
  });
  assert.equal(response.status, 400);
  assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'invalid_request');
});

test('the models are listed', async () => {
  const { data } = (await (await fetch(`${service.control}/v1/models`)).json()) as { data: { id: string }[] };
  assert.deepEqual(
    data.map(({ id }) => id),
    ['llama-3.2-1b', 'qwen2.5-1.5b'],
  );
});

test('with keys configured a request needs one of them', async () => {
  const locked = await startService({ INFERENCE_API_KEYS: 'first,second' });
  try {
    assert.equal((await locked.ask('us-east')).status, 401);
    assert.equal((await locked.ask('us-east', {}, { authorization: 'Bearer third' })).status, 401);
    assert.equal((await locked.ask('us-east', {}, { authorization: 'Bearer second' })).status, 200);
  } finally {
    await locked.close();
  }
});

test('settings that are wrong are refused by name', () => {
  assert.throws(() => readConfig({ PORT: 'eighty' }), /^Error: PORT: /);
  assert.throws(() => readConfig({ FAULTS: 'us-east=lazy' }), /FAULTS\.us-east\.fault: .*cold_start/);
  assert.throws(() => readConfig({ FAULTS: 'mars=slow' }), /FAULTS: mars is not in REGIONS/);
  assert.throws(() => readConfig({ REGIONS: 'us-east=x' }), /REGIONS\.us-east: /);
  assert.deepEqual(readConfig({ FAULTS: 'eu-west=slow:40' }).FAULTS['eu-west'], { fault: 'slow', delayMs: 40 });
});
