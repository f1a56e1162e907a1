import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import {
  hidden,
  REDACTED,
  Redactor,
  redactorFrom,
  type SpanRow,
  shownAddress,
  shownDatabase,
  withoutPieces,
} from '@project-beacon/writer';
import { encodeRow } from '../src/encode.ts';
import { INNOCENT_KEYS, INNOCENTS, random, SECRET_KEYS, SECRETS } from './all-secrets.ts';
import { row } from './row.ts';

const usual = new Redactor();

function encoded(changes: Partial<SpanRow>, redactor = usual) {
  return encodeRow(row(changes), redactor);
}

test('a secret in a text is taken out, whatever shape it has', () => {
  for (const [text, secret] of SECRETS) {
    const clean = usual.ofText(text);
    assert.ok(!clean.includes(secret) && clean.includes(REDACTED), `${text} became ${clean}`);
    for (const around of [`it failed: ${text}`, `${text}\nnext line`, `ümläut:\n${text}`]) {
      assert.ok(!usual.ofText(around).includes(secret), around);
    }
  }
});

test('what only looks like a secret is kept', () => {
  for (const text of INNOCENTS) assert.equal(usual.ofText(text), text);
});

/** The lines of a file beside this one, with their escapes undone. */
function lines(file: string): string[] {
  const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', '\\': '\\' };
  const text = fs.readFileSync(path.join(import.meta.dirname, file), 'utf8').trimEnd();
  return text.split('\n').map((line) => line.replace(/\\([nrt\\])/g, (_, char: string) => escapes[char]!));
}

test('passwords that are words are found in sentences, tables, statements and commands, and other words stay', () => {
  for (const template of lines('secrets-strange.txt')) {
    for (const word of ['sunflower', 'hunter2x', 'Gr4nite!Fox']) {
      const text = template.replaceAll('@@', word);
      assert.ok(!usual.ofText(text).includes(word), `${text} became ${usual.ofText(text)}`);
    }
  }
  for (const text of lines('innocents-strange.txt')) assert.equal(usual.ofText(text), text);
});

test('a span of the tracer is written without its secrets, wherever they stand in it', () => {
  for (const [text, secret] of SECRETS) {
    const places: Partial<SpanRow>[] = [
      { attributes: { note: text } },
      { attributes: { list: ['a', text] } },
      { attributes: { deep: { deeper: [{ text }] } } },
      { attributes: { [text]: 1 } },
      { attributes: { raw: Buffer.from(text) } },
      { events: [{ name: 'exception', time: [1, 2], attributes: { 'exception.message': text } }] },
      { links: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), attributes: { why: text } }] },
      { operation: text, errorMessage: text, errorType: text, jobId: text, service: text },
    ];
    for (const place of places) {
      const { line, redacted, facts } = encoded(place);
      const written = line.replaceAll('\\\\', '\\') + JSON.stringify(facts);
      assert.ok(!written.includes(secret) && !written.includes(Buffer.from(text).toString('base64')), written);
      assert.ok(redacted > 0, written);
    }
  }
});

test('values under keys that name a secret are taken out, and those under other keys are not', () => {
  for (const key of SECRET_KEYS) {
    for (const value of ['hush', ['hush'], { a: 'hush' }]) {
      assert.ok(!encoded({ attributes: { [key]: value } }).line.includes('hush'), key);
    }
    assert.equal(encoded({ attributes: { [key]: true, note: 'x' } }).redacted, 0, `${key} as a switch`);
  }
  for (const key of INNOCENT_KEYS)
    assert.ok(encoded({ attributes: { [key]: 'something' } }).line.includes('something'), key);
  assert.match(
    encoded({ attributes: { password: 12345, token: 12345 } }).line,
    /"password":"\[redacted\]","token":12345/,
  );
});

test('a secret is found that begins in one item of a list and ends in another', () => {
  const key = `MIIE${random(60)}`;
  const lists: [string[], string][] = [
    [['mysql', '-u', 'root', '-phush-Zq9'], 'hush-Zq9'],
    [['curl', '-u', 'bob:hush-Zq9', 'https://x'], 'hush-Zq9'],
    [['app', '--password', 'my hush Zq9'], 'my hush Zq9'],
    [['AUTH', 'hush-Zq9'], 'hush-Zq9'],
    [['X-Api-Key', 'hush-Zq9'], 'hush-Zq9'],
    [[`-----BEGIN ${'PRIVATE'} KEY-----`, key, '-----END PRIVATE KEY-----'], key],
  ];
  for (const [list, secret] of lists)
    assert.ok(!encoded({ attributes: { list } }).line.includes(secret), list.join(' '));
  const pairs = [
    { name: 'DB_PASSWORD', value: 'hush' },
    { key: 'x-api-key', value: 'hush' },
  ];
  assert.ok(!encoded({ attributes: { pairs } }).line.includes('hush'));
  const names = ['username', 'password', 'email'];
  assert.deepEqual(usual.ofItems(names), names);
});

test('the service and the resource of a span have no secrets either, and their number is stored', () => {
  const url = `postgres://a:${random(12)}@h/d`;
  assert.equal(encoded({ service: url }).facts.service, `postgres://a:${REDACTED}@h/d`);
  assert.match(encoded({ attributes: { url, password: 'x' } }).line, /"redacted":2/);
});

test('a long text costs milliseconds, whatever is in it', () => {
  const units = [
    'a',
    'password',
    'password: ',
    '{cookie: a, ',
    'a:b@',
    '\\"',
    '"password",',
    'eyJ',
    "crypt('",
    '1|',
    '&quot;',
    'token ',
    'sig=',
    'mongodb://',
    'password=md5(',
    'password for x is ',
    'пароль: ',
    'echo a | docker login ',
    '"value":"',
    'cGFzc3dvcmQ',
    "insert into users (id, password) select 1, 'x'\n",
    "password in ('a',",
    'htpasswd -b ',
    ':5432:',
    '&#x22;',
    'password => ',
    'password is ',
    'with password ',
    'secret key is ',
    '| password | x |\n',
    'password,x\n',
    'a  password\n-- ---\n',
    "'a' as password, ",
    "select '",
    "parameters: $1 = '",
    '<td>password</td>',
    '"columns":["password"],"rows":[[',
    '"columns":["',
    'copy t (password) from stdin;\n',
    'password:\n',
    '**password**: ',
    'credentials are a:',
    ':1521',
    'mnemonic a b c ',
  ];
  const slowest = { ms: 0, unit: '' };
  for (const unit of units) {
    const text = unit.repeat(Math.ceil(300_000 / unit.length));
    const before = process.cpuUsage();
    usual.ofText(text);
    const { user } = process.cpuUsage(before);
    if (user / 1_000 > slowest.ms) Object.assign(slowest, { ms: user / 1_000, unit });
  }
  // Linear ones take 3 to 60 ms; a square one would take a minute.
  assert.ok(slowest.ms < 600, JSON.stringify(slowest));
});

test('a suspicious text that is too long to be looked through is taken out whole', () => {
  assert.equal(usual.ofText(`password=x ${'y'.repeat(3_000_000)}`), REDACTED);
  assert.equal(usual.ofText('y'.repeat(3_000_000)).length, 3_000_000);
});

test('a redactor follows its own lists, and can be switched off', () => {
  const own = redactorFrom({ BEACON_REDACT_KEYS: 'Patient.Name', BEACON_REDACT_KEEP: 'session.token' });
  assert.match(
    encoded({ attributes: { 'patient.name': 'hush', 'session.token': 'kept' } }, own).line,
    /"patient.name":"\[redacted\]","session.token":"kept"/,
  );
  assert.match(
    encoded({ attributes: { password: 'open' } }, redactorFrom({ BEACON_REDACT: 'off' })).line,
    /"password":"open"/,
  );
});

test('without content, prompts and answers leave their length and hash', () => {
  const structure = redactorFrom({ BEACON_CONTENT: 'off' });
  const { line } = encoded(
    {
      attributes: {
        'gen_ai.input.messages': 'what was said',
        'gen_ai.request.model': 'm',
        'llm.input_messages.0.message.content': 'x',
      },
    },
    structure,
  );
  assert.ok(!line.includes('what was said') && line.includes(String(hidden('what was said'))), line);
  assert.match(line, /"gen_ai.request.model":"m"/);
  assert.match(String(hidden('what was said')), /^\[13 characters, sha256 [0-9a-f]{32}\]$/);
});

test('an address is shown without its password, and not at all when that could be read in two ways', () => {
  assert.equal(
    shownAddress('postgresql://u:p%40ss@h:5432/d?sslmode=require'),
    'postgresql://u:***@h:5432/d?sslmode=require',
  );
  assert.equal(
    shownAddress('postgresql://h1,h2:5433/d?password=x&sslpassword=y'),
    'postgresql://h1,h2:5433/d?password=***&sslpassword=***',
  );
  assert.equal(shownDatabase('postgresql://u:pw@h:5432/d?x=y'), 'h:5432/d');
  const odd = [
    'host=h user=u password=PW',
    'u:PW@h/d',
    '//u:PW@h/d',
    'postgres:u:PW@h',
    'postgresql://u:PW@x:y/z#w@h/d',
    'postgresql://u:a@PW@h/d',
    'postgresql://u:a/PW@h/d',
    'postgresql://u:PW?x@h',
    'postgresql://u:PW @h/d',
    'jdbc:postgresql://h/d?password=PW',
    'postgresql://u:PW@[bad/d',
    'Server=h;Password=PW',
  ];
  for (const text of odd) {
    assert.doesNotMatch(shownAddress(text), /PW/, text);
    assert.doesNotMatch(shownDatabase(text), /PW/, text);
    assert.doesNotMatch(withoutPieces(`getaddrinfo ENOTFOUND PW`, text), /PW/, text);
  }
});
