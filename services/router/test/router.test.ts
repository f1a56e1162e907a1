import assert from 'node:assert/strict';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, test } from 'node:test';
import { pino } from 'pino';
import { readConfig } from '../src/config.ts';
import { startInference } from './inference.ts';
import { startRouter } from './service.ts';

const inference = await startInference();
const first = { name: 'first', region: 'eu', url: inference.url('first') };
const second = { name: 'second', region: 'eu', url: inference.url('second') };
// A circuit that never opens, where a test is not about circuits.
const router = await startRouter([{ ...first, timeoutMs: 300 }], { CIRCUIT_FAILURES: '1000' });
const pair = await startRouter([first, second], { CIRCUIT_FAILURES: '1000' });
after(() => Promise.all([router.close(), pair.close()]));
afterEach(() => Promise.all([inference.fault('first'), inference.fault('second')]));

test('an answer names the provider and says that it is simulated', async () => {
  const { status, body } = await router.ask();
  assert.equal(status, 200);
  const { firstChunkMs, ...said } = body as unknown as Record<string, unknown>;
  assert.ok(Number(firstChunkMs) > 0, 'it was streamed');
  assert.deepEqual(said, {
    answer: '4',
    simulated: true,
    responseModel: 'llama-3.2-1b',
    finishReason: 'stop',
    servedRegion: 'first',
    systemFingerprint: 'simulated',
    quantisation: null,
    usage: { inputTokens: 6, outputTokens: 1, cachedTokens: null, reasoningTokens: null },
    chunksPerS: null,
    provider: 'first',
    region: 'eu',
    model: 'llama-3.2-1b',
    attempts: [],
  });
});

for (const [fault, status, code] of [
  ['refuse', 502, 'connection_refused'],
  ['hang', 504, 'timeout'],
  ['slow', 504, 'timeout'],
  ['rate_limit', 429, 'rate_limit_exceeded'],
  ['error_500', 500, 'internal_error'],
  ['out_of_memory', 503, 'out_of_memory'],
  ['wrong_key', 401, 'invalid_api_key'],
  ['unknown_model', 404, 'model_not_found'],
  ['empty_output', 502, 'empty_output'],
  ['malformed_body', 502, 'malformed_response'],
  ['cut', 502, 'connection_reset'],
  ['error_as_answer', 429, 'rate_limit_exceeded'],
] as const) {
  test(`${fault} becomes ${status} ${code}, and the next provider of the region answers where there is one`, async () => {
    await inference.fault('first', fault);
    const alone = await router.ask();
    assert.equal(alone.status, status);
    assert.equal(alone.body.error.code, code);
    assert.deepEqual(alone.body.error.attempts, [{ provider: 'first', code }]);
    assert.equal(alone.headers.get('retry-after'), fault === 'rate_limit' ? '1' : null);
    assert.equal((await router.providers())[0]?.lastError?.code, code);

    if (code === 'timeout') return;
    const failedOver = await pair.ask();
    assert.equal(failedOver.status, 200);
    assert.equal(failedOver.body.provider, 'second');
    assert.deepEqual(failedOver.body.attempts, [{ provider: 'first', code }]);
  });
}

test('a circuit opens after failures in a row, lets nothing through, and closes when a trial succeeds', async () => {
  const guarded = await startRouter([first], { CIRCUIT_FAILURES: '2', CIRCUIT_OPEN_MS: '150' });
  try {
    await inference.fault('first', 'error_500');
    const codes = [];
    for (let i = 0; i < 4; i++) codes.push((await guarded.ask()).body.error.code);
    assert.deepEqual(codes, ['internal_error', 'internal_error', 'circuit_open', 'circuit_open']);
    const [open] = await guarded.providers();
    assert.deepEqual([open?.circuit, open?.healthy], ['open', false]);

    await inference.fault('first');
    const deadline = Date.now() + 5000;
    while ((await guarded.providers())[0]?.circuit === 'open') assert.ok(Date.now() < deadline);
    assert.equal((await guarded.ask()).status, 200);
    assert.equal((await guarded.providers())[0]?.circuit, 'closed');
  } finally {
    await guarded.close();
  }
});

test('a provider with an open circuit is asked last', async () => {
  const guarded = await startRouter([first, second], { CIRCUIT_FAILURES: '1', CIRCUIT_OPEN_MS: '60000' });
  try {
    await inference.fault('first', 'error_500');
    assert.deepEqual((await guarded.ask()).body.attempts, [{ provider: 'first', code: 'internal_error' }]);
    assert.deepEqual((await guarded.ask()).body.attempts, []);
  } finally {
    await guarded.close();
  }
});

test('requests a provider rightly refuses do not open its circuit', async () => {
  const guarded = await startRouter([first], { CIRCUIT_FAILURES: '1' });
  try {
    await inference.fault('first', 'rate_limit');
    await guarded.ask();
    assert.equal((await guarded.ask()).body.error.code, 'rate_limit_exceeded');
  } finally {
    await guarded.close();
  }
});

test('a region without a provider and a model without one are distinguished', async () => {
  const limited = await startRouter([{ ...first, models: ['qwen2.5-1.5b'] }]);
  try {
    const nowhere = await limited.ask({ region: 'mars' });
    assert.deepEqual([nowhere.status, nowhere.body.error.code], [503, 'no_provider']);
    assert.match(nowhere.body.error.message, /regions with one: eu/);
    const unserved = await limited.ask();
    assert.deepEqual([unserved.status, unserved.body.error.code], [404, 'model_not_found']);
  } finally {
    await limited.close();
  }
});

for (const [what, body, param] of [
  ['an unknown field', { temperature: 1 }, 'temperature'],
  ['a model of a wrong type', { model: 1 }, 'model'],
  ['no region', { region: undefined }, 'region'],
  ['question and messages', { messages: [{ role: 'user', content: 'Hi' }] }, 'question'],
  ['no question', { question: undefined }, 'question'],
] as const) {
  test(`${what} is refused with the name of the field`, async () => {
    const { status, body: answer } = await router.ask(body);
    assert.deepEqual([status, answer.error.param], [400, param]);
  });
}

test('a key goes to its provider and shows nowhere else, even when the provider quotes it', async () => {
  const key = 'sk-test-0123456789abcdef';
  let received: string | undefined;
  const provider = http.createServer((request, response) => {
    received = request.headers.authorization;
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${key} (sk-te*****cdef).` } }));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const keyed = await startRouter([{ ...first, url, apiKeyEnv: 'SOME_KEY' }], { SOME_KEY: key }, log);
  try {
    const { status, body } = await keyed.ask();
    assert.deepEqual([status, body.error.code], [401, 'invalid_api_key']);
    assert.equal(received, `Bearer ${key}`);
    const shown = JSON.stringify([body, await keyed.providers(), lines]);
    assert.doesNotMatch(shown, /0123456789|cdef/);
  } finally {
    await keyed.close();
    provider.close();
  }
});

test('a key that is not set is a configuration error that names the variable', async () => {
  const keyless = await startRouter([{ ...first, apiKeyEnv: 'SOME_KEY' }]);
  try {
    const { status, body } = await keyless.ask();
    assert.deepEqual([status, body.error.code], [500, 'configuration_error']);
    assert.match(body.error.message, /^SOME_KEY is not set/);
  } finally {
    await keyless.close();
  }
});

test('settings that are wrong are refused by name', () => {
  const providers = (value: unknown) => () => readConfig({ PROVIDERS: JSON.stringify(value) });
  assert.throws(() => readConfig({ PORT: '-1' }), /^Error: PORT: /);
  assert.throws(() => readConfig({ PROVIDERS: '[' }), /PROVIDERS is not valid JSON/);
  assert.throws(() => readConfig({ PROVIDERS_FILE: '/nonexistent.json' }), /ENOENT.*nonexistent/);
  assert.throws(providers([{ ...first, url: 'ftp://x' }]), /PROVIDERS\.0\.url/);
  assert.throws(providers([{ ...first, url: 'http://user:pw@x' }]), /PROVIDERS\.0\.url: no credentials/);
  assert.throws(providers([{ ...first, key: 'x' }]), /PROVIDERS\.0: .*key/);
  assert.throws(providers([first, first]), /two providers are named first/);
});
