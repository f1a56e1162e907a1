// Who may send: tokens with scopes, hosts, web pages, and how often.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { Gate } from '@project-beacon/server/receivers/token.ts';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { type Otlp, otlpServer } from './server.ts';
import { request, span } from './spans.ts';

const database = await testDatabase();

/** As `fetch`, which sets Host and Origin itself. */
function send(
  server: Otlp,
  headers: Record<string, string>,
  { method = 'POST', at = '/v1/traces', body = '{}' } = {},
): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const sending = http.request(server.url + at, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
    });
    sending.on('error', reject).on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
    });
    sending.end(method === 'POST' ? body : undefined);
  });
}

test('a web page can neither send nor ask, by its own name or by one that it made point here', async () => {
  const server = await otlpServer(database);
  const page = 'https://page.example';
  const tries: [Record<string, string>, object][] = [
    [{ host: 'page.example:4318' }, {}],
    [{ host: 'page.example:4318', origin: 'http://page.example:4318' }, {}],
    [{ origin: page }, {}],
    [{ origin: 'null' }, {}],
    [{ origin: page }, { at: '/api/v2/spans', body: '[]' }],
    [{ host: 'page.example' }, { method: 'GET', at: '/health' }],
    [{ origin: page }, { method: 'OPTIONS' }],
  ];
  for (const [headers, how] of tries) {
    assert.equal((await send(server, headers, how)).status, 403, JSON.stringify([headers, how]));
  }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
    const { status } = await send(server, { 'content-type': type }, { at: '/api/v2/spans', body: '[]' });
    assert.equal(status, 415, type);
  }
  assert.equal((await send(server, { host: 'localhost' })).status, 200);
  await server.stop();
});

test('pages that were named may send, and their browsers are told so', async () => {
  const page = 'https://page.example';
  const server = await otlpServer(database, { origins: [page] });
  const asked = {
    origin: page,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type,traceparent',
  };
  const preflight = await send(server, asked, { method: 'OPTIONS' });
  assert.deepEqual(
    [
      preflight.status,
      preflight.headers['access-control-allow-origin'],
      preflight.headers['access-control-allow-headers'],
    ],
    [204, page, 'content-type,traceparent'],
  );
  const sent = await send(server, { origin: page }, { body: JSON.stringify(request([span()])) });
  assert.deepEqual([sent.status, sent.headers['access-control-allow-origin']], [200, page]);
  assert.equal((await send(server, { origin: 'https://other.example' })).status, 403);
  await server.stop();
});

test('a token does what its scopes allow, has a name, and is changed without a restart', async () => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-tokens-')), 'tokens');
  const hash = createHash('sha256').update('reads-only').digest('hex');
  fs.writeFileSync(
    file,
    `# who sends\ncheckout send sends-only\n\ngrafana read sha256:${hash}\nboth send,read can-do-both\n`,
  );
  const gate = new Gate({ file });
  const scopes = (token: string) =>
    (['send', 'read', 'act'] as const).filter((scope) => gate.admits(`Bearer ${token}`, scope));
  assert.deepEqual(['sends-only', 'reads-only', 'can-do-both', 'nothing!'].map(scopes), [
    ['send'],
    ['read'],
    ['send', 'read'],
    [],
  ]);
  assert.equal(gate.nameOf('Bearer reads-only'), 'grafana');
  const server = await otlpServer(database, { gate });
  const status = async (token: string) => (await send(server, { authorization: `Bearer ${token}` })).status;
  assert.deepEqual([await status('sends-only'), await status('reads-only')], [200, 401]);
  fs.writeFileSync(file, 'checkout send another-one\n');
  await until('the new one counts', () => gate.admits('Bearer another-one', 'send'));
  assert.equal(await status('sends-only'), 401);
  await server.stop();
  fs.writeFileSync(file, 'checkout everything s3cret-token');
  assert.throws(
    () => new Gate({ file }),
    (error: Error) => /line 1/.test(error.message) && !/s3cret/.test(error.message),
  );
});

test('without its token a port says that it is well, and no more', async () => {
  const server = await otlpServer(database, { token: 'let-me-in' });
  const get = (at: string, headers = {}) => send(server, headers, { method: 'GET', at });
  assert.equal((await get('/health')).body, '{"status":"ok"}');
  assert.equal((await get('/ready')).body, '{"ready":true}');
  assert.equal((await get('/metrics')).status, 401);
  const authorization = 'Bearer let-me-in';
  assert.match((await get('/health', { authorization })).body, /queueBytes/);
  assert.equal((await get('/metrics', { authorization })).status, 200);
  await server.stop();
});

test('tokens are not guessed often, and a rate is kept', async () => {
  const guessed = await otlpServer(database, { token: 'let-me-in' });
  const tries: number[] = [];
  for (let i = 0; i < 33; i++) tries.push((await send(guessed, { authorization: `Bearer ${i}` })).status);
  assert.deepEqual([tries[0], tries.at(-1)], [401, 429]);
  await guessed.stop();
  const limited = await otlpServer(database, { requestsPerMinute: 3 });
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await send(limited, {})).status);
  assert.deepEqual(statuses, [200, 200, 200, 429]);
  await limited.stop();
});

test('Zipkin hears why a span is not stored, and one without a time is', async () => {
  const server = await otlpServer(database);
  const post = (spans: object[]) => send(server, {}, { at: '/api/v2/spans', body: JSON.stringify(spans) });
  const good = {
    traceId: '463ac35c9f6413ad',
    id: 'a2fb4a1d1a96d3aa',
    name: 'get',
    timestamp: '1790000000000000',
    duration: 5,
  };
  const { timestamp: _, ...timeless } = { ...good, id: 'a2fb4a1d1a96d3ab' };
  const wrong: [object, RegExp][] = [
    [{ ...good, traceId: 'xyz' }, /its traceId is "xyz"/],
    [{ ...good, id: '0000' }, /its id is "0000"/],
    [{ ...good, id: undefined }, /its id is \(missing\)/],
    [{ ...good, timestamp: 'yesterday' }, /its timestamp is "yesterday"/],
    [{ ...good, parentId: 7 }, /its parentId is 7/],
  ];
  for (const [bad, why] of wrong) {
    const alone = await post([bad]);
    assert.equal(alone.status, 400);
    assert.match(alone.body, why);
    assert.equal((await post([good, bad])).status, 202);
  }
  assert.deepEqual(await post([timeless]).then(({ status, body }) => [status, body]), [202, '']);
  const { rows } = await database.client.query(
    `select encode(span_id, 'hex') as id, metadata from trace_spans where trace_id = '0000000000000000463ac35c9f6413ad' order by 1`,
  );
  assert.deepEqual(rows, [
    { id: good.id, metadata: {} },
    { id: timeless.id, metadata: { 'zipkin.timestamp': 'of arrival' } },
  ]);
  await server.stop();
});
