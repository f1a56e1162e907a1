import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import * as readline from 'node:readline';
import { after, test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { spawnRunner } from '../../../../services/runner/test/service.ts';
import { run, start } from './run.ts';

const { client, url } = await testDatabase();
const env = { DATABASE_URL: url };

/** The first line of a stream that matches. */
async function line(child: ChildProcess, stream: 'stdout' | 'stderr', pattern: RegExp): Promise<string> {
  for await (const text of readline.createInterface({ input: child[stream] as NodeJS.ReadableStream })) {
    if (pattern.test(text)) return text;
  }
  throw new Error(`The process ended without a line like ${pattern}.`);
}

async function listening(child: ChildProcess): Promise<number> {
  return JSON.parse(await line(child, 'stdout', /"msg":"listening"/)).port;
}

test('serve listens where it was told, maintains, and ends with a signal', async () => {
  const server = start(['serve', '--maintain-every', '20'], { ...env, PORT: '0' });
  const port = await listening(server);
  const health = async () =>
    (await fetch(`http://127.0.0.1:${port}/health`)).json() as Promise<{
      status: string;
      maintenance: { rounds: number };
    }>;
  while ((await health()).maintenance.rounds < 2);
  assert.equal((await health()).status, 'ok');
  assert.equal((await fetch(`http://127.0.0.1:${port}/api/v1/search`)).status, 200);
  server.kill('SIGTERM');
  assert.deepEqual(await once(server, 'exit'), [0, null]);
});

test('serve says that its port is busy', async () => {
  const blocker = net.createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as net.AddressInfo;
  const { code, err } = await run(['serve', '--port', String(port)], env);
  blocker.close();
  assert.equal(code, 5);
  assert.match(err, new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is busy`));
});

test('serve opens the APIs of Jaeger and Tempo, beside a busy port where it may, and asks all for the token', async () => {
  const blocker = net.createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port: busy } = blocker.address() as net.AddressInfo;
  const firm = await run(['serve', '--port', '0', '--jaeger-port', String(busy), '--no-otlp'], env);
  blocker.close();
  assert.equal(firm.code, 5);
  assert.match(firm.err, /is busy[\s\S]*--jaeger-port/);

  const args = ['serve', '--port', '0', '--jaeger-port', '0', '--tempo-port', '0', '--no-otlp'];
  const server = start(args, { ...env, BEACON_TOKEN: 'secret-token', HOST: '0.0.0.0' });
  const said = JSON.parse(await line(server, 'stdout', /"msg":"listening"/));
  const authorization = 'Bearer secret-token';
  for (const url of [
    `http://127.0.0.1:${said.port}/api/v1/search`,
    `http://127.0.0.1:${said.port}/tempo/api/echo`,
    `http://127.0.0.1:${said.port}/metrics`,
    `http://127.0.0.1:${said.jaegerPort}/api/services`,
    `http://127.0.0.1:${said.tempoPort}/api/echo`,
  ]) {
    assert.equal((await fetch(url)).status, 401, url);
    assert.equal((await fetch(url, { headers: { authorization } })).status, 200, url);
  }
  server.kill('SIGTERM');
  assert.deepEqual(await once(server, 'exit'), [0, null]);
});

test('serve does not let strangers read without a token, unless it is told to', async () => {
  const { code, err } = await run(['serve', '--port', '0', '--host', '0.0.0.0', '--no-otlp'], env);
  assert.equal(code, 2);
  assert.match(err, /would let anyone who can reach it read[\s\S]*BEACON_TOKEN/);
  const wrong = await run(['serve', '--port', '0'], { ...env, BEACON_CORS_ORIGINS: 'https://a.example/path' });
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /is not an origin/);
  const server = start(['serve', '--port', '0', '--host', '0.0.0.0', '--anonymous', '--no-otlp', '--no-jaeger'], env);
  const said = JSON.parse(await line(server, 'stdout', /"msg":"listening"/));
  assert.equal(said.jaegerPort, undefined);
  assert.equal((await fetch(`http://127.0.0.1:${said.port}/api/v1/search`)).status, 200);
  server.kill('SIGTERM');
  assert.deepEqual(await once(server, 'exit'), [0, null]);
});

test('status tells who lives and who does not, with the password only on demand', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-status-'));
  after(() => fs.rmSync(dir, { recursive: true }));
  assert.equal((await run(['status'], {}, dir)).code, 4);

  const server = start(['serve', '--port', '0'], env);
  const port = await listening(server);
  const service = { name: 'server', pid: server.pid, port, url: `http://127.0.0.1:${port}` };
  const file = {
    pid: process.pid,
    startedAt: new Date().toISOString(),
    database: url,
    services: [service],
    logs: '/logs',
  };
  fs.mkdirSync(path.join(dir, '.beacon'));
  fs.writeFileSync(path.join(dir, '.beacon/run.json'), JSON.stringify(file));

  const up = await run(['status', '--json'], {}, dir);
  assert.equal(up.code, 0);
  const { services, healthy, database } = JSON.parse(up.out);
  assert.equal(healthy, true);
  assert.deepEqual(
    services.map((each: { name: string }) => each.name),
    ['postgres', 'server'],
  );
  assert.match(database, /:\*\*\*@/);
  const secret = new URL(url).password;
  assert.ok(!up.out.includes(secret));
  assert.ok((await run(['status', '--show-password'], {}, dir)).out.includes(secret));

  server.kill('SIGKILL');
  await once(server, 'exit');
  const down = await run(['status'], {}, dir);
  assert.equal(down.code, 1);
  assert.match(down.out, /✖ {2}server .* ended /);
});

test('watch prints spans as they come and as they end', async () => {
  const watch = start(['watch', '--service', 'seen', '--json'], env);
  await line(watch, 'stderr', /Watching/);
  const lines = readline.createInterface({ input: watch.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value as string);
  await draw(client, 'hidden op |==|', { execution: 5 });
  await draw(client, 'seen op |==>|', { execution: 6 });
  const first = await next();
  assert.deepEqual(
    [first.kind, first.span.service, first.span.status, first.span.execution_id],
    ['new', 'seen', 'started', '6'],
  );
  await client.query(`update beacon.trace_spans set status = 'completed', duration_ms = 12 where service = 'seen'`);
  const second = await next();
  assert.deepEqual([second.kind, second.span.status, second.span.duration_ms], ['update', 'completed', 12]);
  watch.kill('SIGINT');
  assert.deepEqual(await once(watch, 'exit'), [0, null]);
});

test('watch for people shows a line a span, the error below it', async () => {
  const watch = start(['watch', '--status', 'failed'], { ...env, COLUMNS: '80' });
  await line(watch, 'stderr', /Watching/);
  const lines = readline.createInterface({ input: watch.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  await draw(client, 'calm op |==|', { execution: 7 });
  await draw(client, 'loud op |=x| error=ECONNREFUSED message="nobody is there"', { execution: 8 });
  assert.match(String((await lines.next()).value), /^\d\d:\d\d:\d\d\.\d{3} {2}✖ loud +op +20\.0 ms {2}execution 8$/);
  assert.match(String((await lines.next()).value), /^ +↳ ECONNREFUSED: nobody is there$/);
  watch.kill('SIGTERM');
  assert.deepEqual(await once(watch, 'exit'), [0, null]);
});

test('migrate down names what the runner made at run time, and how to drop it', async () => {
  const { url, client } = await testDatabase(false);
  const on = { DATABASE_URL: url };
  const records = ['--records', path.join(import.meta.dirname, '../../../../services/runner/sql')];
  await run(['migrate', 'up', ...records], on);
  const { child } = await spawnRunner({ DATABASE_URL: url, HYBRID_ROUTER_URL: '' });
  child.kill('SIGTERM');
  await once(child, 'exit');
  const { code, out } = await run(['migrate', 'down', ...records], on);
  assert.equal(code, 0);
  assert.doesNotMatch(out, /is what it was before/);
  assert.match(out, /Done, and one thing is left:\nThe schema pgboss stays: .*\n {2}drop schema pgboss cascade;\n$/);
  await client.query(out.trim().split('\n').at(-1) as string);
  const { rows } = await client.query(
    `select nspname from pg_namespace where nspname in ('beacon', 'runner', 'pgboss')`,
  );
  assert.deepEqual(rows, []);
  await run(['migrate', 'up', ...records], on);
  assert.match((await run(['migrate', 'down', ...records], on)).out, /Done: the database is what it was before/);
});

test('migrate up, status, print and down from the command line', async () => {
  const empty = await testDatabase(false);
  const on = { DATABASE_URL: empty.url };
  assert.equal((await run(['migrate', 'status'], on)).code, 1);
  const up = await run(['migrate'], on);
  assert.deepEqual([up.code, up.err], [0, '']);
  assert.match(up.out, /Applying beacon\/0001_beacon\.\n(?:.*\n)+Done\./);
  assert.match((await run(['migrate', 'up'], on)).out, /Nothing to do/);
  const { code, out } = await run(['migrate', 'status', '--json'], on);
  assert.equal(code, 0);
  const states = JSON.parse(out).migrations.map((each: { state: string }) => each.state);
  assert.deepEqual([...new Set(states)], ['applied']);
  assert.match(
    (await run(['migrate', 'print'], {})).out,
    /^begin;[\s\S]*create table beacon\.trace_spans[\s\S]*commit;\n$/,
  );
  assert.match((await run(['migrate', 'down'], on)).out, /Done: the database is what it was/);
  const records = await run(['migrate', 'up', '--records', '/nowhere/sql'], on);
  assert.deepEqual([records.code, /no folder \/nowhere\/sql\/migrations/.test(records.err)], [1, true]);
});

test('maintain does one round and says what it did', async () => {
  const { code, out } = await run(['maintain', '--json'], env);
  assert.equal(code, 0);
  assert.equal(JSON.parse(out).done.spans_lost, 0);
});
