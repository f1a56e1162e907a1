// Providers' own ways to answer. Their servers are imitated here: shapes as their documentation and SDKs have them.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { startRouter } from './service.ts';

interface Asked {
  url: string;
  headers: http.IncomingHttpHeaders;
  body: Record<string, unknown>;
}

let asked: Asked | undefined;
/** What the next request is answered with: status, headers, and a body or the events of a stream. */
let reply: { status?: number; headers?: Record<string, string>; body?: unknown; events?: string[]; cut?: boolean };

const server = http.createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  asked = { url: request.url ?? '', headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) };
  const { status = 200, headers = {}, body, events, cut } = reply;
  response.writeHead(status, { 'content-type': events ? 'text/event-stream' : 'application/json', ...headers });
  if (!events) return response.end(typeof body === 'string' ? body : JSON.stringify(body));
  for (const event of events) response.write(event);
  return cut ? response.destroy() : response.end();
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
after(() => server.close());
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const KEY = ['not', 'a', 'key'].join('-');

async function router(provider: object) {
  const started = await startRouter([{ name: 'p', region: 'eu', url, apiKeyEnv: 'P_KEY', ...provider }], {
    P_KEY: KEY,
    CIRCUIT_FAILURES: '1000',
  });
  after(() => started.close());
  return async (next: typeof reply) => {
    reply = next;
    return (await started.ask()).body;
  };
}

const data = (...parts: unknown[]) =>
  parts.map((part) => `data: ${typeof part === 'string' ? part : JSON.stringify(part)}\n\n`);
const chunk = (content: string | null, finish_reason: string | null = null) => ({
  id: 'c',
  model: 'm-2026-01',
  system_fingerprint: 'fp_1',
  choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason }],
});
const usage = {
  prompt_tokens: 9,
  completion_tokens: 3,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 1 },
};

test('a stream is put together, with what it says of model, region, fingerprint, tokens and time', async () => {
  const ask = await router({ parameters: { temperature: 0 }, modelNames: { 'llama-3.2-1b': 'meta/llama' } });
  const events = data(chunk('Pa'), chunk('ri'), chunk('s.'), chunk(null, 'stop'), { choices: [], usage }, '[DONE]');
  const { firstChunkMs, chunksPerS, ...answer } = (await ask({
    events,
    headers: { 'x-ms-region': 'East US' },
  })) as unknown as Record<string, unknown>;
  assert.deepEqual(answer, {
    answer: 'Paris.',
    simulated: false,
    responseModel: 'm-2026-01',
    finishReason: 'stop',
    servedRegion: 'East US',
    systemFingerprint: 'fp_1',
    quantisation: null,
    usage: { inputTokens: 9, outputTokens: 3, cachedTokens: 4, reasoningTokens: 1 },
    provider: 'p',
    region: 'eu',
    model: 'llama-3.2-1b',
    attempts: [],
  });
  assert.ok(Number(firstChunkMs) > 0);
  assert.deepEqual(
    [asked?.body.model, asked?.body.temperature, asked?.body.stream, asked?.headers.authorization],
    ['meta/llama', 0, true, `Bearer ${KEY}`],
  );
});

test("Azure's deployments have their path, version and header", async () => {
  const ask = await router({
    path: '/openai/deployments/{model}/chat/completions',
    query: { 'api-version': '2024-10-21' },
    apiKeyHeader: 'api-key',
    stream: false,
  });
  const body = { model: 'gpt-4o-2024-08-06', choices: [{ message: { content: 'Paris' }, finish_reason: 'stop' }] };
  assert.equal((await ask({ body })).answer, 'Paris');
  assert.equal(asked?.url, '/openai/deployments/llama-3.2-1b/chat/completions?api-version=2024-10-21');
  assert.deepEqual([asked?.headers['api-key'], asked?.headers.authorization], [KEY, undefined]);
});

test('an error under status 200 is that error, whole or in a stream, and a broken stream is no answer', async () => {
  const ask = await router({});
  const error = { message: 'Rate limit reached', type: 'rate_limit_error', code: 'rate_limit_exceeded' };
  const seen = async (next: typeof reply) => (await ask(next)).error?.code;
  const limited = { body: { error }, headers: { 'retry-after': '2' } };
  assert.match(
    (await ask(limited)).error.message,
    /answered 200, and its body is an error \(429\): Rate limit reached/,
  );
  for (const [body, code] of [
    [{ error: { code: 429, message: 'slow down' } }, 'rate_limit_exceeded'],
    [{ error: 'Too Many Requests' }, 'rate_limit_exceeded'],
    [{ status: 429, message: 'Too Many Requests' }, 'rate_limit_exceeded'],
    [{ code: '503', message: 'no healthy upstream' }, 'internal_error'],
    [[{ error: { status: 'RESOURCE_EXHAUSTED', message: 'Quota' } }], 'rate_limit_exceeded'],
    [{ error: { type: 'overloaded_error', message: 'Overloaded' } }, 'overloaded'],
    [{ detail: 'Invalid API key', status_code: 401 }, 'invalid_api_key'],
    [{ message: 'hello' }, 'malformed_response'],
    [{ error: { message: 'something' } }, 'internal_error'],
  ] as const)
    assert.equal(await seen({ body }), code, JSON.stringify(body));
  assert.equal(await seen({ events: data(chunk('Pa'), { error }) }), 'rate_limit_exceeded');
  assert.equal(await seen({ events: data(chunk('Pa')) }), 'connection_reset');
  assert.equal(await seen({ events: data(chunk('Pa')), cut: true }), 'connection_reset');
  assert.equal(await seen({ events: data(chunk(null, 'stop'), '[DONE]') }), 'empty_output');
  assert.equal((await ask({ events: data(chunk(null, 'length'), '[DONE]') })).answer, '', 'cut before the first word');
});

test('a server that does not stream is asked again without', async () => {
  const ask = await router({});
  const refused = { status: 400, body: { error: { message: 'Unknown field: stream_options' } } };
  assert.equal((await ask(refused)).error.code, 'invalid_request');
  const body = { model: 'm', choices: [{ message: { content: 'Paris', refusal: null }, finish_reason: 'stop' }] };
  assert.equal((await ask({ body })).answer, 'Paris');
  assert.equal(asked?.body.stream, undefined);
});

test("Anthropic's messages, streamed, with its way to count a cache, to refuse and to fail", async () => {
  const ask = await router({ api: 'anthropic' });
  const event = (type: string, more: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
  const start = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-x', content: [], stop_reason: null };
  const events = (stop: string) => [
    event('message_start', {
      message: {
        ...start,
        usage: { input_tokens: 5, output_tokens: 1, cache_read_input_tokens: 4, cache_creation_input_tokens: 0 },
      },
    }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Par' } }),
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'is' } }),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 3 } }),
    event('message_stop', {}),
  ];
  const answer = (await ask({ events: events('end_turn') })) as unknown as Record<string, unknown>;
  assert.deepEqual(
    [answer.answer, answer.responseModel, answer.finishReason, answer.usage],
    ['Paris', 'claude-x', 'end_turn', { inputTokens: 9, outputTokens: 3, cachedTokens: 4, reasoningTokens: null }],
  );
  assert.equal(asked?.headers.authorization, `Bearer ${KEY}`);
  assert.equal(asked?.url, '/v1/messages');
  assert.equal(
    ((await ask({ events: events('refusal') })) as unknown as { finishReason: string }).finishReason,
    'refusal',
  );
  const error = (type: string) => ({ type: 'error', error: { type, message: `said ${type}` } });
  assert.equal((await ask({ status: 429, body: error('rate_limit_error') })).error.code, 'rate_limit_exceeded');
  assert.equal((await ask({ status: 401, body: error('authentication_error') })).error.code, 'invalid_api_key');
  const broken = [...events('end_turn').slice(0, 3), event('error', error('overloaded_error'))];
  assert.equal((await ask({ events: broken })).error.code, 'overloaded');
});

test("Gemini's generateContent, streamed, with its way to count reasoning, to refuse and to fail", async () => {
  const ask = await router({ api: 'gemini' });
  const part = (text: string | null, finishReason?: string) => ({
    candidates: [
      {
        content: { role: 'model', parts: text === null ? [] : [{ text }] },
        index: 0,
        ...(finishReason && { finishReason }),
      },
    ],
    usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 2, thoughtsTokenCount: 1, cachedContentTokenCount: 4 },
    modelVersion: 'gemini-x-001',
  });
  const answer = (await ask({ events: data(part('Par'), part('is', 'STOP')) })) as unknown as Record<string, unknown>;
  assert.deepEqual(
    [answer.answer, answer.responseModel, answer.finishReason, answer.usage],
    ['Paris', 'gemini-x-001', 'STOP', { inputTokens: 9, outputTokens: 3, cachedTokens: 4, reasoningTokens: 1 }],
  );
  assert.equal(asked?.headers['x-goog-api-key'], KEY);
  assert.match(asked?.url ?? '', /models\/llama-3\.2-1b:streamGenerateContent/);
  const safety = (await ask({ events: data(part(null, 'SAFETY')) })) as unknown as { finishReason: string };
  assert.equal(safety.finishReason, 'SAFETY');
  const error = { error: { code: 429, message: 'Quota exceeded', status: 'RESOURCE_EXHAUSTED' } };
  assert.equal((await ask({ status: 429, body: error })).error.code, 'rate_limit_exceeded');
});
