import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { fromJson } from '@project-beacon/server/otlp/json.ts';
import { TRACES } from '@project-beacon/server/otlp/messages.ts';
import { Decoder } from '@project-beacon/server/receivers/decode.ts';
import { fromZipkin } from '@project-beacon/server/receivers/zipkin.ts';
import { Redactor, redactorFrom } from '@project-beacon/writer';
import { Signatures } from '../../../writer/src/signature.ts';
import { hex, INNOCENT_KEYS, INNOCENTS, random, SECRET_KEYS, SECRETS } from '../../../writer/test/all-secrets.ts';
import { int, type Json, request, span, text } from './spans.ts';

const usual = new Redactor();
const usualDecoder = new Decoder(usual);

function stored(redactor: Redactor, changes: Json): { line: string; redacted: number } {
  const { bytes } = encodeMessage(TRACES, request([span(changes)]));
  return decoded(redactor, bytes);
}

function decoded(redactor: Redactor, bytes: Buffer): { line: string; redacted: number } {
  const { batch, redacted } = (redactor === usual ? usualDecoder : new Decoder(redactor)).decode(bytes);
  const resources = JSON.stringify([...batch.resources.values()]);
  return { line: batch.lines()[0]!.replaceAll('\\\\', '\\') + resources, redacted };
}

test('secrets in values are taken out wherever they stand, and counted', () => {
  for (const [value, secret] of SECRETS) {
    const places: Json[] = [
      { attributes: [text('note', value)] },
      { attributes: [text(value, 'a key')] },
      {
        attributes: [
          { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: value }] } } },
        ],
      },
      { attributes: [{ key: 'map', value: { kvlistValue: { values: [text('x', value)] } } }] },
      { attributes: [{ key: 'raw', value: { bytesValue: Buffer.from(value).toString('base64') } }] },
      { events: [{ timeUnixNano: 1, name: 'exception', attributes: [text('exception.message', value)] }] },
      { links: [{ traceId: hex(32), spanId: hex(16), attributes: [text('why', value)] }] },
      { status: { code: 2, message: value } },
      { name: value },
    ];
    for (const place of places) {
      const { line, redacted } = stored(usual, place);
      const shown = `${value} in ${Object.keys(place)}: ${line}`;
      assert.ok(!line.includes(secret) && !line.includes(Buffer.from(value).toString('base64')), shown);
      assert.ok(line.includes('[redacted]') && redacted > 0, shown);
    }
  }
});

test('the same secrets are taken out of OTLP as JSON and of Zipkin', () => {
  for (const [value, secret] of SECRETS) {
    const body = JSON.stringify(request([span({ attributes: [text('note', value)] })]));
    const otlp = decoded(usual, fromJson(TRACES, body).bytes);
    assert.ok(!otlp.line.includes(secret) && otlp.redacted === 1, otlp.line);
    const zipkin = {
      traceId: hex(32),
      id: hex(16),
      name: 'x',
      timestamp: 1,
      duration: 1,
      tags: { note: value, error: value },
    };
    const { line } = decoded(usual, fromZipkin(JSON.stringify([zipkin])).bytes);
    assert.ok(!line.includes(secret), line);
  }
});

test('what is lifted from attributes into columns has no secrets either', () => {
  const [value, secret] = [`postgres://app:${random(12)}@db/x`, random(12)];
  for (const key of ['beacon.job_id', 'beacon.model_id', 'gen_ai.request.model', 'cloud.region', 'error.type']) {
    const own = stored(usual, { attributes: [text(key, value)] });
    assert.ok(!own.line.includes(secret), `${key}: ${own.line}`);
  }
  for (const key of ['service.name', 'beacon.job_id', 'cloud.region']) {
    const { bytes } = encodeMessage(TRACES, request([span()], { attributes: [text(key, value)] }));
    const { batch } = new Decoder(usual).decode(bytes);
    assert.ok(!batch.lines()[0]!.includes(secret), `${key}: ${batch.lines()[0]}`);
    assert.ok(!JSON.stringify(batch.summaries.traces(new Signatures())).includes(secret), key);
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
  for (const value of INNOCENTS) {
    assert.equal(stored(usual, { attributes: [text('note', value)], name: value }).redacted, 0, value);
  }
});

test('a resource and a scope have no secrets either', () => {
  const { bytes } = encodeMessage(
    TRACES,
    request([span()], { attributes: [text('db.password', 'hush'), text('url', `postgres://a:${random(12)}@h/d`)] }),
  );
  const { batch } = new Decoder(usual).decode(bytes);
  const [row] = [...batch.resources.values()] as { attributesJson: string; otelJson: string }[];
  assert.equal(row!.attributesJson, `{"db.password":"[redacted]","url":"postgres://a:${'[redacted]'}@h/d"}`);
});

test('a redactor follows its own lists, and can be switched off', () => {
  const own = new Redactor({ keys: ['Patient.Name'], keep: ['session.token'] });
  const { line } = stored(own, { attributes: [text('patient.name', 'hush'), text('session.token', 'kept')] });
  assert.match(line, /"patient.name":"\[redacted\]","session.token":"kept"/);
  assert.match(
    stored(new Redactor({ enabled: false }), { attributes: [text('password', 'open')] }).line,
    /"password":"open"/,
  );
});

test('a list and a pair of name and value are looked at as a whole', () => {
  const list = (...items: string[]) => ({ arrayValue: { values: items.map((stringValue) => ({ stringValue })) } });
  const pair = { kvlistValue: { values: [text('name', 'DB_PASSWORD'), text('value', 'hush')] } };
  for (const value of [list('--password', 'hush'), list('mysql', '-phush'), list('AUTH', 'hush'), pair]) {
    const { line } = stored(usual, { attributes: [{ key: 'note', value }] });
    assert.ok(!line.includes('hush'), line);
  }
});

test('without content, messages leave their length and the same hash as in the tracer', () => {
  const structure = redactorFrom({ BEACON_CONTENT: 'off' });
  const { line } = stored(structure, {
    attributes: [text('gen_ai.input.messages', 'was "said"\n'), text('kept', 'x')],
  });
  assert.match(line, /"gen_ai.input.messages":"\[11 characters, sha256 [0-9a-f]{32}\]","kept":"x"/);
  assert.ok(!line.includes('was'), line);
});
