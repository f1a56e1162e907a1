import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';
import { draw, testDatabase } from '@project-beacon/testkit';
import { faultyProxy } from '@project-beacon/testkit/proxy.ts';
import { until } from '@project-beacon/testkit/until.ts';
import { type Connected, type Mode, overStdio, pinned, served, textOf } from './clients.ts';

const { client, url } = await testDatabase();
await draw(client, 'app work |==| kind=consumer', { execution: 1 });
const http = await served(url);
after(() => http.close());

const SLOW = { name: 'query_sql', arguments: { statement: 'select count(*) from generate_series(1, 100000000000) n' } };

async function running(): Promise<number> {
  const { rows } = await client.query(
    `select count(*)::integer as n from pg_stat_activity
      where datname = current_database() and state = 'active' and query like '%100000000000%' and pid <> pg_backend_pid()`,
  );
  return rows[0].n;
}

const MODES: Array<[name: string, mode: Mode, revision: string]> = [
  ['pinned to 2026-07-28', { pin: '2026-07-28' }, '2026-07-28'],
  ['that finds out', 'auto', '2026-07-28'],
  ['of before', 'legacy', LATEST_PROTOCOL_VERSION],
];
for (const [transport, to] of Object.entries({ stdio: url, http: http.url })) {
  for (const [name, mode, revision] of MODES) {
    test(`over ${transport} a client ${name} lists, calls, reads and is prompted in ${revision}`, async () => {
      const api = await pinned(to, mode);
      assert.equal(api.client.getNegotiatedProtocolVersion(), revision);
      const { tools } = await api.client.listTools();
      assert.ok(tools.some((tool) => tool.name === 'diagnose_execution'));
      assert.match(textOf(await api.call('get_trace', { execution_id: 1 })), /app/);
      const wrong = await api.call('get_trace', { execution_id: 999 });
      assert.equal(wrong.isError, true);
      await assert.rejects(api.call('frob'), /There is no tool frob/);
      const { resources } = await api.client.listResources();
      const [first] = resources;
      assert.ok((await api.client.readResource({ uri: first?.uri ?? '' })).contents.length > 0);
      await assert.rejects(api.client.readResource({ uri: 'beacon://nothing' }), /There is no resource/);
      assert.ok((await api.client.listPrompts()).prompts.length > 0);
      await api.close();
    });
  }

  test(`over ${transport} a cancelled call stops its statement in the database, and the next call is answered`, async () => {
    const api = await pinned(to, { pin: '2026-07-28' });
    const stop = new AbortController();
    const refused = assert.rejects(api.call(SLOW.name, SLOW.arguments, stop.signal), /had enough/);
    await until('the statement runs', async () => (await running()) > 0);
    stop.abort(new Error('had enough'));
    await refused;
    await until('the statement is stopped', async () => (await running()) === 0);
    assert.ok(!(await api.call('tracing_health')).isError);
    await api.close();
  });
}

test('the client of before cancels over stdio, too', async () => {
  const api = await overStdio(url);
  const stop = new AbortController();
  const refused = assert.rejects(api.client.callTool(SLOW, undefined, { signal: stop.signal }), /had enough/);
  await until('the statement runs', async () => (await running()) > 0);
  stop.abort(new Error('had enough'));
  await refused;
  await until('the statement is stopped', async () => (await running()) === 0);
  await api.close();
});

test('a client that hangs up stops its statement too', async () => {
  const hangUp = new AbortController();
  const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: SLOW });
  const answer = fetch(http.url, { method: 'POST', headers: HEADERS, body, signal: hangUp.signal });
  await until('the statement runs', async () => (await running()) > 0);
  hangUp.abort();
  await answer.then((response) => response.text()).catch(() => {});
  await until('the statement is stopped', async () => (await running()) === 0);
});

test('two clients at once, with the same request ids, get each their own answer', async () => {
  const [a, b] = [await http.connect(), await http.connect()];
  const ask = (api: Connected, n: number) => api.call('query_sql', { statement: `select ${n} as n` });
  const asked = Array.from({ length: 8 }, (_, n) => [ask(a, n), ask(b, 100 + n)]).flat();
  const texts = (await Promise.all(asked)).map((answer) => /^n: (\d+)$/m.exec(textOf(answer))?.[1]);
  assert.deepEqual(texts, Array.from({ length: 8 }, (_, n) => [`${n}`, `${100 + n}`]).flat());
  await Promise.all([a.close(), b.close()]);
});

test('one client cannot cancel the call of another', async () => {
  const [a, b] = [await pinned(http.url, 'auto'), await http.connect()];
  const stop = new AbortController();
  const refused = assert.rejects(a.call(SLOW.name, SLOW.arguments, stop.signal));
  await until('the statement runs', async () => (await running()) > 0);
  for (const requestId of Array.from({ length: 20 }, (_, i) => i)) {
    await b.client.notification({ method: 'notifications/cancelled', params: { requestId } });
  }
  assert.equal(await running(), 1);
  stop.abort();
  await refused;
  await Promise.all([a.close(), b.close()]);
});

test('a server that has started anew answers a client that was connected to the one before', async () => {
  const before = await served(url);
  const api = await before.connect();
  await before.close();
  const again = await served(url, Number(before.url.port));
  assert.ok(!(await api.call('tracing_health')).isError);
  await api.close();
  await again.close();
});

test('a database that is away is an error with a hint, and the same client goes on when it is back', async () => {
  const proxy = await faultyProxy(url);
  const server = await served(proxy.url);
  for (const api of [await overStdio(proxy.url), await server.connect()]) {
    assert.ok(!(await api.call('tracing_health')).isError);
    proxy.cut();
    const answer = await api.call('get_trace', { execution_id: 1 });
    assert.equal(answer.isError, true);
    assert.match(textOf(answer), /^Error \(database_unreachable\): .*\nWhat to do: Check that PostgreSQL runs/);
    assert.doesNotMatch(textOf(answer), new RegExp(new URL(url).password));
    proxy.restore();
    assert.ok(!(await api.call('get_trace', { execution_id: 1 })).isError);
    await api.close();
  }
  await server.close();
  await proxy.close();
});

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

test('over HTTP what is no call is refused in the words of the protocol', async () => {
  const post = async (body: string, headers: Record<string, string> = HEADERS) => {
    const response = await fetch(http.url, { method: 'POST', headers, body });
    return { status: response.status, text: await response.text() };
  };
  const broken = await post('{"jsonrpc":');
  assert.equal(broken.status, 400);
  assert.equal(JSON.parse(broken.text).error.code, -32_700);
  assert.equal((await post('{"jsonrpc":"2.0","id":1}')).status, 400);
  assert.equal(
    (await post('{"jsonrpc":"2.0","id":1,"method":"ping"}', { 'content-type': 'application/json' })).status,
    406,
  );
  assert.equal((await post('null')).status, 400);
  for (const method of ['GET', 'DELETE']) {
    const response = await fetch(http.url, { method, headers: { accept: 'text/event-stream' } });
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST']);
  }
  const stranger = await fetch(http.url, {
    method: 'POST',
    headers: { ...HEADERS, origin: 'http://evil.example' },
    body: '{}',
  });
  assert.equal(stranger.status, 403);
});

test('with a token set, /mcp wants it, and is told by the official client', async () => {
  const guarded = await served(url, 0, 'open sesame');
  const stranger = await fetch(guarded.url, {
    method: 'POST',
    headers: HEADERS,
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
  });
  assert.equal(stranger.status, 401);
  const api = await guarded.connect();
  assert.ok(!(await api.call('tracing_health')).isError);
  await api.close();
  await guarded.close();
});

test('over stdio nothing but the protocol is on stdout, and the end of stdin ends the process', async () => {
  const main = path.join(import.meta.dirname, '../../src/main.ts');
  const child = spawn(process.execPath, [main, 'mcp', '--database-url', url], { env: { PATH: process.env.PATH } });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const exit = once(child, 'close');
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const params = {
    protocolVersion: LATEST_PROTOCOL_VERSION,
    capabilities: {},
    clientInfo: { name: 't', version: '0' },
  };
  send({ id: 1, method: 'initialize', params });
  child.stdin.write('this is no JSON\n');
  send({ id: 2, method: 'tools/call', params: { name: 'tracing_health', arguments: {} } });
  await until('both are answered', () => out.split('\n').length === 3);
  child.stdin.end();
  assert.deepEqual(await exit, [0, null]);
  const messages = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    messages.map(({ id }) => id),
    [1, 2],
  );
  assert.equal(messages[0].result.protocolVersion, LATEST_PROTOCOL_VERSION);
  assert.match(err, /^Database: postgresql:\/\/\w+:\*\*\*@.* \(from --database-url\)$/m);
});
