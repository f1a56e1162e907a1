// Secrets are put together here, so that no file holds one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { TRACES } from '@project-beacon/server/otlp/messages.ts';
import { Decoder } from '@project-beacon/server/receivers/decode.ts';
import { Redactor } from '@project-beacon/server/receivers/redact.ts';
import { int, type Json, request, span, text } from './spans.ts';

const a = (n: number) => 'aB3dE6gH9jK2mN5pQ8rS1tV4wX7zY0cF'.repeat(4).slice(0, n);
const hex = (n: number) => '0123456789abcdef'.repeat(8).slice(0, n);
const caps = (n: number) => 'ABCDEFGHIJ234567KLMNOPQRSTUVWXYZ'.repeat(4).slice(0, n);

/** Values, and what of each must not be stored. */
const VALUE_TYPES: [string, string][] = [
  ...[
    `sk-${a(40)}`,
    `sk-proj-${a(40)}`,
    `sk-ant-api03-${a(40)}`,
    `sk_live_${a(24)}`,
    `rk_test_${a(24)}`,
    `whsec_${a(32)}`,
    `ghp_${a(36)}`,
    `gho_${a(36)}`,
    `ghs_${a(36)}`,
    `github_pat_${a(40)}`,
    `glpat-${a(20)}`,
    `xoxb-${hex(12)}-${a(16)}`,
    `xoxp-${hex(12)}-${a(16)}`,
    `xapp-1-${a(30)}`,
    `AKIA${caps(16)}`,
    `ASIA${caps(16)}`,
    `AIza${a(35)}`,
    `ya29.${a(40)}`,
    `GOCSPX-${a(28)}`,
    `npm_${a(36)}`,
    `pypi-${a(40)}`,
    `hf_${a(34)}`,
    `r8_${a(37)}`,
    `gsk_${a(48)}`,
    `dckr_pat_${a(27)}`,
    `SG.${a(22)}.${a(43)}`,
    `hvs.${a(30)}`,
    `dop_v1_${hex(64)}`,
    `dapi${hex(32)}`,
    `key-${hex(32)}`,
    `nvapi-${a(60)}`,
    `xai-${a(60)}`,
    `shpat_${hex(32)}`,
    `lin_api_${a(40)}`,
    `sntrys_${a(40)}`,
    `12345678:AA${a(33)}`,
    `eyJ${a(20)}.eyJ${a(30)}.${a(40)}`,
    `AGE-SECRET-KEY-1${caps(58)}`,
  ].map((key): [string, string] => [`call with ${key} failed`, key]),
  [`postgres://app:${a(12)}@db:5432/x`, a(12)],
  [`redis://:${a(12)}@cache:6379`, a(12)],
  [`https://user:${a(12)}@example.org/path?x=1`, a(12)],
  [`amqp://guest:${a(12)}@mq`, a(12)],
  [`Bearer ${a(30)}`, a(30)],
  [`authorization: bearer ${a(30)}`, a(30)],
  [`Basic ${Buffer.from('user:pass').toString('base64')}`, Buffer.from('user:pass').toString('base64')],
  [`-----BEGIN ${'RSA PRIVATE'} KEY-----\nMIIE${a(60)}\n-----END RSA PRIVATE KEY-----`, `MIIE${a(60)}`],
  [`-----BEGIN ${'PRIVATE'} KEY-----\nMIIE${a(60)}`, `MIIE${a(60)}`],
  [`Server=db;User=app;Password=${a(12)};`, a(12)],
  [`https://x/cb?code=1&access_token=${a(12)}&y=2`, a(12)],
  [`{"user":"x","password":"${a(12)}"}`, a(12)],
  [`{'apiKey': '${a(12)}'}`, a(12)],
  [`api_key=${a(12)}`, a(12)],
  [`https://hooks.slack.com/services/T000/B000/${a(24)}`, a(24)],
  [`DefaultEndpointsProtocol=https;AccountKey=${a(40)}==`, a(40)],
  [`X-Amz-Signature=${hex(64)}`, hex(64)],
];

const SECRET_KEYS = [
  'authorization',
  'http.request.header.authorization',
  'Proxy-Authorization',
  'http.request.header.cookie',
  'set-cookie',
  'password',
  'db.password',
  'userPassword',
  'passwd',
  'pwd',
  'secret',
  'client_secret',
  'clientSecret',
  'api_key',
  'apiKey',
  'x-api-key',
  'openai.api-key',
  'apikey',
  'private_key',
  'privateKey',
  'aws_secret_access_key',
  'access_key',
  'token',
  'auth_token',
  'accessToken',
  'refresh_token',
  'id_token',
  'session.token',
  'x-csrf-token',
  'credentials',
  'passphrase',
  'jwt',
];

const INNOCENT_KEYS = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.token.type',
  'llm.token_count.prompt',
  'token_limit',
  'max_tokens',
  'monkey',
  'keyboard',
  'author',
  'key',
  'primary_key',
  'messaging.kafka.message.key',
  'session.id',
  'passenger',
  'secretary',
  'cookie_consent',
  'authorization_endpoint',
  'password_policy',
  'aws.secretsmanager.secret.arn',
  'tokenizer',
  'http.route',
  'db.query.text',
  'authentication.method',
  'basic',
  'signal',
  'design',
];

const INNOCENT_VALUES = [
  'http://127.0.0.1:8092/v1/chat/completions',
  'https://example.org/a:b@c',
  'user@example.org',
  'select * from users where token = $1',
  'basic authentication failed',
  'bearer of bad news',
  'Token authentication is required',
  'unexpected token: }',
  'max_tokens=100',
  '4bf92f3577b34da6a3ce929d0e0e4736',
  '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
  `sha256:${hex(64)}`,
  'task-queue-consumer-group-1',
  'configuration_error',
  'java.util.concurrent.TimeoutException',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
  'eu-west-1',
  'password reset requested',
  'https://example.org/?page=2&sort=name',
  'MIIE',
  'sk-short',
  'the key is under the mat',
  '10:30:45.123',
  'postgres://db:5432/app',
  'arn:aws:iam::123456789012:role/x',
  'Invalid password: must be longer',
  'secret=?',
  'token=%s',
];

function stored(redactor: Redactor, changes: Json): { line: string; redacted: number } {
  const { bytes } = encodeMessage(TRACES, request([span(changes)]));
  const { batch, redacted } = new Decoder(redactor).decode(bytes);
  return { line: batch.lines()[0]!, redacted };
}

const usual = new Redactor();

test('secrets in values are taken out wherever they stand, and counted', () => {
  assert.ok(VALUE_TYPES.length >= 40);
  for (const [value, secret] of VALUE_TYPES) {
    const places: Json[] = [
      { attributes: [text('note', value)] },
      { attributes: [text('note', `ümläut ${value}`)] },
      { attributes: [{ key: 'list', value: { arrayValue: { values: [{ stringValue: value }] } } }] },
      { attributes: [{ key: 'map', value: { kvlistValue: { values: [text('x', value)] } } }] },
      { events: [{ timeUnixNano: 1, name: 'exception', attributes: [text('exception.message', value)] }] },
      { links: [{ traceId: hex(32), spanId: hex(16), attributes: [text('why', value)] }] },
      { status: { code: 2, message: value } },
      { name: value },
    ];
    for (const place of places) {
      const { line, redacted } = stored(usual, place);
      const shown = `${value} in ${Object.keys(place)}: ${line}`;
      assert.ok(!line.includes(secret), shown);
      assert.ok(line.includes('[redacted]') && redacted > 0, shown);
    }
  }
});

test('what is lifted from attributes into columns has no secrets either', () => {
  const [value, secret] = [`postgres://app:${a(12)}@db/x`, a(12)];
  for (const key of ['beacon.job_id', 'beacon.model_id', 'gen_ai.request.model', 'cloud.region', 'error.type']) {
    const own = stored(usual, { attributes: [text(key, value)] });
    assert.ok(!own.line.includes(secret), `${key}: ${own.line}`);
  }
  for (const key of ['service.name', 'beacon.job_id', 'cloud.region']) {
    const { bytes } = encodeMessage(TRACES, request([span()], { attributes: [text(key, value)] }));
    const { batch } = new Decoder(usual).decode(bytes);
    assert.ok(!batch.lines()[0]!.includes(secret), `${key}: ${batch.lines()[0]}`);
    assert.ok(!JSON.stringify(batch.summaries.traces()).includes(secret), key);
  }
});

test('values under secret keys are taken out, whatever they are', () => {
  for (const key of SECRET_KEYS) {
    for (const value of [
      { stringValue: 'hush' },
      { arrayValue: { values: [{ stringValue: 'hush' }] } },
      { bytesValue: 'aHVzaA==' },
    ]) {
      const { line, redacted } = stored(usual, { attributes: [{ key, value }] });
      assert.ok(!/hush|aHVzaA/.test(line) && redacted === 1, `${key}: ${line}`);
    }
  }
  const { line } = stored(usual, { attributes: [int('password', 12345), int('token', 12345)] });
  assert.match(line, /"password":"\[redacted\]","token":12345/);
});

test('innocents stay', () => {
  for (const key of INNOCENT_KEYS) {
    assert.match(stored(usual, { attributes: [text(key, 'something')] }).line, /something/, key);
  }
  for (const value of INNOCENT_VALUES) {
    assert.equal(stored(usual, { attributes: [text('note', value)], name: value }).redacted, 0, value);
  }
});

test('a resource and a scope have no secrets either', () => {
  const { bytes } = encodeMessage(
    TRACES,
    request([span()], { attributes: [text('db.password', 'hush'), text('url', `postgres://a:${a(12)}@h/d`)] }),
  );
  const { batch } = new Decoder(usual).decode(bytes);
  const [row] = [...batch.resources.values()] as { attributesJson: string; otelJson: string }[];
  assert.equal(row!.attributesJson, `{"db.password":"[redacted]","url":"postgres://a:${'[redacted]'}@h/d"}`);
});

test('it can be told what else is secret, what is not, and to leave everything', () => {
  const own = new Redactor({ keys: ['Patient.Name'], keep: ['session.token'] });
  const { line } = stored(own, { attributes: [text('patient.name', 'hush'), text('session.token', 'kept')] });
  assert.match(line, /"patient.name":"\[redacted\]","session.token":"kept"/);
  assert.match(
    stored(new Redactor({ enabled: false }), { attributes: [text('password', 'open')] }).line,
    /"password":"open"/,
  );
});
