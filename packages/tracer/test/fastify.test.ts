import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { context, propagation, trace } from '@opentelemetry/api';
import { testDatabase } from '@project-beacon/testkit';
import { until } from '@project-beacon/testkit/until.ts';
import { startTracing } from '@project-beacon/tracer';
import { fastifyTracing } from '@project-beacon/tracer/fastify';
import Fastify from 'fastify';

const { client, url } = await testDatabase();
const tracer = await startTracing({ service: 'web', databaseUrl: url, flag: 'on', log: () => {} });

const app = Fastify();
await app.register(fastifyTracing, { tracer, ignore: (request) => request.url === '/health' });
let release = () => {};
app.get('/health', async () => 'ok');
app.post('/jobs/:id', async (request) => {
  await new Promise((resolve) => setImmediate(resolve));
  return {
    body: request.body,
    traceId: trace.getActiveSpan()?.spanContext().traceId,
    execution: propagation.getActiveBaggage()?.getEntry('beacon.execution_id')?.value,
  };
});
app.get('/fails', async () => {
  throw Object.assign(new Error('no provider is left'), { code: 'no_provider' });
});
app.get('/named', async (_, reply) => {
  trace.getActiveSpan()?.setAttribute('error.type', 'circuit_open');
  return reply.code(503).send({});
});
app.get('/slow', async () => {
  await new Promise<void>((resolve) => {
    release = resolve;
  });
  return 'late';
});
const address = await app.listen({ port: 0, host: '127.0.0.1' });
after(async () => {
  await app.close();
  await tracer.shutdown();
});

/** The server span of the last request to a route; it ends after the answer was sent. */
async function spanOf(operation: string) {
  return until(`the span ${operation} is written`, async () => {
    await tracer.flush();
    const { rows } = await client.query(
      `select *, encode(parent_span_id, 'hex') as parent from trace_spans where operation = $1 and status <> 'started'`,
      [operation],
    );
    return rows[0];
  });
}

test('a request is a server span below its caller, active in the handler after the body was read', async () => {
  const response = await fetch(`${address}/jobs/7?secret=1`, {
    method: 'POST',
    body: JSON.stringify({ text: 'x'.repeat(200_000) }),
    headers: {
      'content-type': 'application/json',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      baggage: 'beacon.execution_id=42,beacon.region=eu-west',
    },
  });
  const { traceId, execution } = (await response.json()) as { traceId: string; execution: string };
  assert.deepEqual({ traceId, execution }, { traceId: '0af7651916cd43dd8448eb211c80319c', execution: '42' });
  const span = await spanOf('POST /jobs/:id');
  assert.equal(span.kind, 'server');
  assert.equal(span.status, 'completed');
  assert.equal(span.parent, 'b7ad6b7169203331');
  assert.equal(span.execution_id, '42');
  assert.equal(span.region, 'eu-west');
  assert.deepEqual(span.metadata, {
    'http.request.method': 'POST',
    'http.route': '/jobs/:id',
    'http.response.status_code': 200,
    'url.path': '/jobs/7',
  });
});

test("an error in a handler fails the span, with the error's code", async () => {
  assert.equal((await fetch(`${address}/fails`)).status, 500);
  const { status, error_type, error_message } = await spanOf('GET /fails');
  assert.deepEqual(
    { status, error_type, error_message },
    { status: 'failed', error_type: 'no_provider', error_message: 'no provider is left' },
  );
});

test('what the handler calls the error stays', async () => {
  assert.equal((await fetch(`${address}/named`)).status, 503);
  const { status, error_type } = await spanOf('GET /named');
  assert.deepEqual({ status, error_type }, { status: 'failed', error_type: 'circuit_open' });
});

test('a request to nowhere is a span without a route', async () => {
  assert.equal((await fetch(`${address}/nowhere`, { method: 'DELETE' })).status, 404);
  const { status, error_type, metadata } = await spanOf('DELETE');
  assert.deepEqual({ status, error_type }, { status: 'completed', error_type: '404' });
  assert.equal('http.route' in metadata, false);
});

test('a caller that leaves is noted, and the span ends when the work does', async () => {
  const leave = new AbortController();
  const request = fetch(`${address}/slow`, { signal: leave.signal }).catch((error) => error.name);
  await until('the handler works', () => release.name !== 'release');
  leave.abort();
  assert.equal(await request, 'AbortError');
  await until(
    'the server has noticed',
    async () => (await new Promise<number>((resolve) => app.server.getConnections((_, n) => resolve(n)))) === 0,
  );
  release();
  const { metadata } = await spanOf('GET /slow');
  assert.equal(metadata['beacon.caller_gone'], true);
});

test('ignored requests make no span, and contexts do not leak out of requests', async () => {
  const before = tracer.health().spansStarted;
  await fetch(`${address}/health`);
  assert.equal(tracer.health().spansStarted, before);
  assert.equal(trace.getSpan(context.active()), undefined);
});
