// Who may ask, how often, and how an error looks: rules that hold for every route.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { mountMcp } from '../../src/mcp/http.ts';
import { TOOLS } from '../../src/mcp/tools.ts';
import { Gate } from '../../src/receivers/token.ts';
import { createPool } from '../../src/store/connect.ts';
import { bareGet, folder, serve } from './server.ts';

const database = await testDatabase();
const server = await serve(database);
await draw(database.client, 'runner execution.run |=====| kind=consumer', { execution: 1, job: 'job-1' });

test('with a token everything but health, readiness, the documents and the interface needs it', async () => {
  const web = folder({ 'index.html': '<!doctype html><title>Beacon</title>', 'main-ABCDEF12.js': '1' });
  const guarded = await serve(database, { guard: new Gate({ token: 'let-me-in' }), web });
  for (const path of [
    '/api/v1',
    '/api/v1/search',
    '/api/v1/live',
    '/api/v1/export?execution_id=1',
    '/metrics',
    '/health/tracing',
  ]) {
    const { status, body, headers } = await guarded.ask(path);
    assert.deepEqual([path, status, body.code], [path, 401, 'unauthenticated']);
    assert.equal(headers.get('www-authenticate'), 'Bearer');
    assert.match(body.hint, /Authorization: Bearer/);
  }
  assert.equal((await guarded.post('/api/v1/import', '{}')).status, 401);
  assert.equal((await guarded.post('/api/v1/search', {}, { authorization: 'Bearer let-me-out' })).status, 401);
  assert.equal((await guarded.post('/api/v1/search', {}, { authorization: 'Bearer let-me-in' })).status, 200);
  for (const path of ['/health', '/ready', '/docs', '/openapi.json', '/', '/main-ABCDEF12.js']) {
    assert.equal((await guarded.ask(path)).status, 200, path);
  }
  assert.equal((await guarded.ask('/jobs/472', { headers: { accept: 'text/html' } })).status, 200);
});

test('a request id is taken over or made, answered, and logged with the failure', async () => {
  const given = await server.ask('/api/v1/search?nonsense=1', { headers: { 'x-request-id': 'job-472/step.3' } });
  assert.equal(given.headers.get('x-request-id'), 'job-472/step.3');
  assert.equal(given.body.request_id, 'job-472/step.3');
  await until('the request is logged', () => server.log.some((line) => line.request_id === 'job-472/step.3'));

  const odd = await server.ask('/api/v1/search', { headers: { 'x-request-id': 'two words' } });
  assert.match(odd.headers.get('x-request-id') ?? '', /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  const line = await until('the request is logged', () =>
    server.log.find((each) => each.request_id === odd.headers.get('x-request-id')),
  );
  assert.deepEqual([line.method, line.path, line.status], ['GET', '/api/v1/search', 200]);
});

test('what is asked for does not get into the log', async () => {
  await server.ask('/api/v1/search?q=secret-customer-name', { headers: { 'x-request-id': 'quiet' } });
  const line = await until('the request is logged', () => server.log.find((each) => each.request_id === 'quiet'));
  assert.doesNotMatch(JSON.stringify(line), /secret-customer-name/);
});

test('no web page of another origin may read, unless it is named', async () => {
  const origin = 'https://grafana.example';
  const closed = await server.ask('/api/v1/search', { headers: { origin } });
  assert.equal(closed.headers.get('access-control-allow-origin'), null);
  const preflight = await server.ask('/api/v1/search', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST' },
  });
  assert.equal(preflight.headers.get('access-control-allow-origin'), null);

  const open = await serve(database, { origins: [origin], guard: new Gate({ token: 't' }) });
  const asked = await open.ask('/api/v1/search', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
  });
  assert.equal(asked.status, 204);
  assert.equal(asked.headers.get('access-control-allow-origin'), origin);
  const read = await open.ask('/api/v1/search', { headers: { origin, authorization: 'Bearer t' } });
  assert.deepEqual([read.status, read.headers.get('access-control-allow-origin')], [200, origin]);
  const other = await open.ask('/api/v1/search', {
    headers: { origin: 'https://evil.example', authorization: 'Bearer t' },
  });
  assert.equal(other.headers.get('access-control-allow-origin'), null);
});

test('a form of a foreign web page starts nothing, whatever its type', async () => {
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
    const headers = { origin: 'https://evil.example', 'content-type': type };
    const { status, body } = await server.ask('/api/v1/search', { method: 'POST', headers, body: '{}' });
    assert.deepEqual([status, body.code], [403, 'forbidden'], type);
  }
  const own = await server.post('/api/v1/search', {}, { origin: server.url });
  assert.equal(own.status, 200);
});

test('a web page that gives our address another name gets nothing', async () => {
  const response = await bareGet(`${server.url}/api/v1/search`, { host: 'evil.example' });
  assert.equal(response.resume().statusCode, 403);
});

test('a token reads, sends or acts as its scopes say, over the API and MCP; the log names it; it is changed without a restart', async () => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-tokens-')), 'tokens');
  const write = (...lines: string[]) => fs.writeFileSync(file, lines.join('\n'));
  write('checkout send sends-only', 'grafana read reads-only', 'ci read,act reads-and-acts');
  const guard = new Gate({ file });
  const api = await serve(database, { guard }, (app, pool) => mountMcp(app, { pool }));
  const as = (token: string) => ({ authorization: `Bearer ${token}` });
  const read = async (token: string) => (await api.ask('/api/v1/services', { headers: as(token) })).status;
  const act = async (token: string) => (await api.post('/api/v1/run-doctor', {}, as(token))).status;
  const ping = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
  const accept = { accept: 'application/json, text/event-stream' };
  const mcp = async (token: string) => (await api.post('/mcp', ping, { ...accept, ...as(token) })).status;
  const all = async (ask: (token: string) => Promise<number>) => [
    await ask('sends-only'),
    await ask('reads-only'),
    await ask('reads-and-acts'),
    await ask('guessed'),
  ];
  assert.deepEqual(await all(read), [403, 200, 200, 401]);
  assert.deepEqual(await all(mcp), [403, 200, 200, 401]);
  // Here no doctor was given to it: who may act is told so.
  assert.deepEqual(await all(act), [403, 403, 503, 401]);
  assert.deepEqual(
    TOOLS.filter(({ readOnly }) => !readOnly),
    [],
    'a model only reads: a tool that changes something would have to ask for the scope act',
  );
  assert.ok(api.log.some((line) => line.token === 'grafana' && line.path === '/api/v1/services'));
  write('grafana read another-one');
  await until('the new one counts', () => guard.admits('Bearer another-one', 'read'));
  assert.deepEqual([await read('reads-only'), await read('another-one')], [401, 200]);
});

test('past the rate, requests are refused with the time to wait; wrong tokens count too', async () => {
  const limited = await serve(database, { requestsPerMinute: 5, guard: new Gate({ token: 't' }) });
  const statuses: number[] = [];
  for (let i = 0; i < 7; i++)
    statuses.push((await limited.ask('/api/v1', { headers: { authorization: `Bearer ${i}` } })).status);
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429]);
  const { body, headers } = await limited.ask('/api/v1/search', { headers: { authorization: 'Bearer t' } });
  assert.equal(body.code, 'rate_limited');
  assert.ok(Number(headers.get('retry-after')) > 0);
  assert.match(headers.get('content-type') ?? '', /problem\+json/);
});

test('long answers are packed as the caller likes it, short ones are not', async () => {
  const packed = async (accept: string, path = '/openapi.json') => {
    const response = await bareGet(server.url + path, { 'accept-encoding': accept });
    response.resume();
    return [response.headers['content-encoding'], response.headers.vary];
  };
  assert.deepEqual(await packed('gzip'), ['gzip', 'accept-encoding']);
  assert.deepEqual(await packed('gzip, br'), ['br', 'accept-encoding']);
  assert.equal((await packed('identity'))[0], undefined);
  assert.equal((await packed('gzip', '/ready'))[0], undefined);
});

test('a body that is too large, no JSON, or of another type is refused with a sentence', async () => {
  const large = await server.post('/api/v1/search', { q: 'x'.repeat(1_100_000) });
  assert.deepEqual([large.status, large.body.code], [413, 'too_large']);
  const broken = await server.post('/api/v1/search', '{"limit":');
  assert.deepEqual([broken.status, broken.body.code], [400, 'usage']);
  const xml = await server.ask('/api/v1/search', {
    method: 'POST',
    headers: { 'content-type': 'text/xml' },
    body: '<q/>',
  });
  assert.equal(xml.status, 415);
  const list = await server.post('/api/v1/search', [1]);
  assert.match(list.body.detail, /not a JSON object/);
  const odd = await server.ask('/api/v1/%00%ff');
  assert.ok(odd.status >= 400 && odd.status < 500);
});

test('a query that takes too long is stopped, and one whose caller went away too', async () => {
  const pool = createPool(database.url, { applicationName: 'test slow', max: 2 });
  const { defineQuery } = await import('../../src/queries/query.ts');
  const { z } = await import('zod');
  const sleep = defineQuery({
    name: 'sleep',
    doc: 'Sleeps.',
    params: { seconds: z.string() },
    row: z.object({ slept: z.string() }),
    limit: { default: 1, max: 1 },
    sql: ({ seconds }) => ({ text: 'select pg_sleep($1::double precision)::text as slept', values: [seconds] }),
  });
  const slow = await serve(database, { pool, queries: [sleep], statementTimeoutMs: 200 });
  const late = await slow.ask('/api/v1/sleep?seconds=30');
  assert.deepEqual([late.status, late.body.code], [504, 'statement_timeout']);

  const patient = await serve(database, { queries: [sleep], statementTimeoutMs: 60_000 });
  const sleeping = async () => {
    const { rows } = await database.client.query(
      `select pid from pg_stat_activity where datname = current_database() and query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()`,
    );
    return rows.length;
  };
  const gone = new AbortController();
  const asked = patient.ask('/api/v1/sleep?seconds=50', { signal: gone.signal }).catch((error: Error) => error.name);
  await until('the query runs', async () => (await sleeping()) === 1);
  gone.abort();
  assert.equal(await asked, 'AbortError');
  await until('the query is cancelled', async () => (await sleeping()) === 0);
  assert.equal(
    (await patient.post('/api/v1/sleep', { seconds: 0.1 })).status,
    200,
    'a body that was read is no leaving',
  );
  assert.equal((await patient.ask('/api/v1/sleep?seconds=0')).status, 200, 'the connection is good for the next one');
  assert.ok(!patient.log.some(({ level }) => Number(level) >= 50), 'a client that leaves is no error');
});

test('the request as a whole has a time too', async () => {
  const hasty = await serve(database, { timeoutMs: 300 }, (app) => {
    app.get('/never', () => new Promise(() => {}));
  });
  const { status, body } = await hasty.ask('/never');
  assert.deepEqual([status, body.code], [504, 'statement_timeout']);
});

test('metrics count what was answered, by route', async () => {
  await server.ask('/api/v1/search');
  const { body, headers } = await server.ask('/metrics');
  assert.match(headers.get('content-type') ?? '', /^text\/plain/);
  assert.match(body, /^beacon_http_requests_total\{route="\/api\/v1\/search",method="GET",status="200"\} [1-9]/m);
  assert.match(
    body,
    /^beacon_http_request_seconds_total\{route="\/api\/v1\/search",method="GET",status="200"\} [\d.]+$/m,
  );
  assert.match(body, /^beacon_http_requests_under_way 1$/m);
});
