// Spans as they come, over server-sent events.
import assert from 'node:assert/strict';
import * as net from 'node:net';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { type Served, serve } from './server.ts';

const database = await testDatabase();
const { client } = database;
const live = { intervalMs: 20, heartbeatMs: 30 };
const server = await serve(database, { live });

interface Event {
  event: string;
  id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server says, for the test to look into.
  data: any;
}

/** A client; its events, and how many comments came. */
async function follow(of: Served, query = '', headers: Record<string, string> = {}) {
  const gone = new AbortController();
  const response = await fetch(`${of.url}/api/v1/live${query}`, { headers, signal: gone.signal });
  const events: Event[] = [];
  const seen = { comments: 0, ended: false };
  const read = async () => {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1];
        const data = field('data');
        if (data === undefined) seen.comments += 1;
        else events.push({ event: field('event') ?? '', id: field('id'), data: JSON.parse(data) });
      }
    }
  };
  read()
    .catch(() => {})
    .finally(() => {
      seen.ended = true;
    });
  const operations = () =>
    events
      .filter(({ event }) => event === 'spans')
      .flatMap(({ data }) => data.map((row: { operation: string }) => row.operation));
  return { response, events, seen, operations, leave: () => gone.abort() };
}

test('each client is told what fits its filter, with the columns of spans, and nothing twice', async () => {
  await draw(client, 'runner before |==|');
  const all = await follow(server);
  const failed = await follow(server, `?q=${encodeURIComponent('status=failed service=router')}`);
  assert.equal(all.response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(all.response.headers.get('content-encoding'), null);
  assert.ok(all.response.headers.get('x-request-id'));
  await draw(client, 'runner one |==|');
  await draw(client, 'router two |=x|\n  router two.child |=x|');
  await draw(client, 'inference three |=x|');
  await until('all have come', () => all.operations().length === 4);
  await until('the failed ones of the router have come', () => failed.operations().length === 2);
  await draw(client, 'router last |=x| ');
  await until('the last has come', () => all.operations().includes('last') && failed.operations().includes('last'));
  assert.deepEqual(all.operations().sort(), ['last', 'one', 'three', 'two', 'two.child']);
  assert.deepEqual(failed.operations().sort(), ['last', 'two', 'two.child']);
  const { body } = await server.ask('/api/v1/spans?limit=1');
  const row = all.events.find(({ event }) => event === 'spans')?.data[0];
  assert.deepEqual(Object.keys(row).sort(), Object.keys(body.rows[0]).sort());
  all.leave();
  failed.leave();
});

test('a span that is open is told again when it has ended, also to a listener that asked for its end only', async () => {
  const { traceId } = await draw(client, 'runner open.before |==>|');
  const all = await follow(server);
  const ends = await follow(server, '?q=status%3Dfailed');
  const later = await draw(client, 'runner open.later |==>|');
  await until('the open one has come', () => all.operations().includes('open.later'));
  await client.query(
    `update beacon.trace_spans set status = 'failed', completed_at = now(), duration_ms = 5 where trace_id = any ($1::uuid[])`,
    [[traceId, later.traceId]],
  );
  await until('both ends have come', () => ends.operations().length === 2);
  await until('both ends have come', () => all.operations().length === 3);
  assert.deepEqual(ends.operations().sort(), ['open.before', 'open.later']);
  all.leave();
  ends.leave();
});

test('a client that comes back goes on behind the last event it saw', async () => {
  const first = await follow(server, '?q=service%3Dreturning');
  await draw(client, 'returning seen |==|');
  await until('the first has come', () => first.operations().length === 1);
  const { id } = first.events.at(-1) as Event;
  first.leave();
  await draw(client, 'returning missed |==|');
  await draw(client, 'other missed |==|');
  const second = await follow(server, '?q=service%3Dreturning', { 'last-event-id': id as string });
  await until('what was missed has come', () => second.operations().includes('missed'));
  await draw(client, 'returning after |==|');
  await until('what came after has come', () => second.operations().includes('after'));
  const counts = Map.groupBy(second.operations(), (name) => name);
  assert.deepEqual([counts.get('missed')?.length, counts.get('after')?.length, counts.has('other')], [1, 1, false]);
  second.leave();
  const ago = new Date(Date.now() - 2 * 3_600_000).toISOString().replace('Z', '000Z');
  const late = await follow(server, '?q=service%3Dreturning', { 'last-event-id': ago });
  const [truncated] = await until('what is too old is said', () => late.events.length > 0 && late.events);
  assert.deepEqual([truncated?.event, truncated?.data.skipped], ['left-out', null]);
  await until('what is not, is told', () => late.operations().length === 3);
  late.leave();
  const wrong = await server.ask('/api/v1/live', { headers: { 'last-event-id': 'yesterday' } });
  assert.deepEqual([wrong.status, wrong.body.code], [400, 'usage']);
});

test('a wrong filter is refused before the stream begins', async () => {
  const { status, body } = await server.ask('/api/v1/live?q=status%3Dgreen');
  assert.equal(status, 400);
  assert.match(body.detail, /status is one of/);
  assert.equal((await server.ask('/api/v1/live', { method: 'HEAD' })).status, 404, 'there is no head without a stream');
});

test('signs of life come while nothing else does', async () => {
  const quiet = await follow(server, '?q=service%3Dnobody');
  await until('three of them', () => quiet.seen.comments > 3);
  assert.deepEqual(quiet.events, []);
  quiet.leave();
});

test('one statement a round is asked, however many listen, and none when no one does', async () => {
  const own = await testDatabase();
  const alone = await serve(own, { live: { intervalMs: 10 } });
  const clients = await Promise.all(Array.from({ length: 20 }, (_, i) => follow(alone, `?q=service%3Ds${i % 4}`)));
  await draw(own.client, 's0 a |=|\ns1 b |=|\ns2 c |=|\ns3 d |=|');
  await until('each has its own', () => clients.every((each) => each.operations().length === 1));
  const { body } = await alone.ask('/metrics');
  assert.match(body, /^beacon_http_requests_under_way 21$/m);
  for (const each of clients) each.leave();
  const active = async () => {
    const { rows } = await own.client.query(`select count(*)::int as n from pg_stat_activity
      where datname = current_database() and application_name = 'test http' and query ~ '_matches' and state_change > clock_timestamp() - interval '100 ms'`);
    return rows[0].n;
  };
  await until('no statement is running', async () => (await active()) === 0);
});

test('what comes faster than it can be told is counted, and said', async () => {
  const own = await testDatabase();
  const small = await serve(own, { live: { intervalMs: 20, max: 10 } });
  const follower = await follow(small);
  await draw(own.client, Array.from({ length: 35 }, (_, i) => `flood span${i} |=|`).join('\n'));
  const truncated = await until('the rest is said', () => follower.events.find(({ event }) => event === 'left-out'));
  assert.equal(truncated.data.skipped, 25);
  assert.match(truncated.data.why, /narrow q/);
  assert.equal(follower.operations().length, 10);
  await draw(own.client, 'flood after |=|');
  await until('it goes on', () => follower.operations().includes('after'));
  assert.equal(follower.events.filter(({ event }) => event === 'left-out').length, 1);
  follower.leave();
});

test('a client that does not read costs a bounded buffer, and hears how much it missed', async () => {
  const own = await testDatabase();
  const bounded = await serve(own, { live: { intervalMs: 10, maxBufferBytes: 1_000 } });
  const witness = await follow(bounded);
  const socket = net.connect(Number(new URL(bounded.url).port), '127.0.0.1');
  let said = '';
  socket.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  socket.write('GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until('it listens', () => said.includes('spans follow'));
  socket.pause();
  const long = 'x'.repeat(60_000);
  let drawn = 0;
  // Kernel buffers take some megabytes before the stream waits.
  const waiting = async () => (await bounded.ask('/metrics')).status === 200 && drawn >= 200;
  await until('enough is written', async () => {
    await draw(own.client, Array.from({ length: 20 }, () => `s o |=x| message="${long}"`).join('\n'));
    drawn += 20;
    return waiting();
  });
  await until('the witness has them all', () => witness.operations().length === drawn);
  socket.resume();
  await until('it reads again', async () => {
    await draw(own.client, 's again |=|');
    return said.includes('event: left-out');
  });
  const { skipped } = JSON.parse(/event: left-out\ndata: (.*)/.exec(said)?.[1] ?? '{}');
  const told = said.match(/"operation":"o"/g)?.length ?? 0;
  assert.ok(skipped >= drawn - told, `${skipped} skipped, ${told} of ${drawn} told`);
  assert.ok(skipped > 0);
  socket.destroy();
  witness.leave();
});

test('more clients than allowed are sent away, and a stream ends with its server', async () => {
  const few = await serve(database, { live: { ...live, maxClients: 1 } });
  const only = await follow(few);
  const second = await few.ask('/api/v1/live');
  assert.deepEqual([second.status, second.body.code], [503, 'busy']);
  await few.stop();
  await until('the stream has ended', () => only.seen.ended);
});

test('while the database is away the stream says so, and goes on when it is back', async () => {
  const own = await testDatabase();
  const shaken = await serve(own, { live: { intervalMs: 20 } });
  const follower = await follow(shaken);
  await own.client.query('alter table beacon.trace_spans rename to hidden');
  const problem = await until('it is said', () => follower.events.find(({ event }) => event === 'problem'));
  assert.equal(problem.data.code, 'not_migrated');
  assert.ok(problem.data.hint);
  await own.client.query('alter table beacon.hidden rename to trace_spans');
  await draw(own.client, 'runner back |=|');
  await until('it goes on', () => follower.operations().includes('back'));
  follower.leave();
});
