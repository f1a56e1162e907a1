// The callee: a Fastify server that answers, or fails as it is asked to.
import { FastifyOtelInstrumentation } from '@fastify/otel';
import fastify from 'fastify';
import { pause, ready } from 'world-node/processes.mjs';

const failure = process.env.FAILURE;
const app = fastify({ bodyLimit: 100_000 });
await app.register(new FastifyOtelInstrumentation().plugin());

class InsufficientStockError extends Error {
  name = 'InsufficientStockError';
}

const status = (code, body) => (_request, reply) => reply.code(code).send(body);
const BEHAVIOURS = {
  'http-reset': (request) => request.raw.socket.resetAndDestroy(),
  'fetch-reset': (request) => request.raw.socket.resetAndDestroy(),
  'http-hang-up': (request) => request.raw.socket.destroy(),
  'got-hang-up': (request) => request.raw.socket.destroy(),
  'fetch-cut-body': cut,
  'axios-cut-body': cut,
  'http-cut-body': cut,
  'fetch-timeout': slow,
  'axios-timeout': slow,
  'got-timeout': slow,
  'http-timeout': slow,
  'client-gone': slow,
  'timeout-event-loop': () => {
    const until = Date.now() + 3000;
    while (Date.now() < until);
    return { sku: '17', count: 3 };
  },
  'timeout-three-levels': warehouse,
  'callee-of-callee-500': warehouse,
  'callee-500': () => {
    throw new TypeError("Cannot read properties of undefined (reading 'count')");
  },
  'callee-own-error': () => {
    throw new InsufficientStockError('sku 17 is in no warehouse');
  },
  'callee-503': (_request, reply) => reply.code(503).header('retry-after', '30').send({ error: 'warming up' }),
  'callee-429': (_request, reply) => reply.code(429).header('retry-after', '7').send({ error: 'Too Many Requests' }),
  'callee-429-got': (_request, reply) => reply.code(429).send({ error: 'Too Many Requests' }),
  'callee-401': status(401, { error: 'token has expired' }),
  'callee-403': status(403, { error: 'shop-web may not read stock of sku 17' }),
  'callee-404': status(404, { error: 'no such sku' }),
  'callee-400': status(400, { error: 'sku must be a number' }),
  'callee-504': status(504, { error: 'upstream request timeout' }),
  'not-found-handled': status(404, { error: 'no such sku' }),
  'conflict-answered': status(409, { error: 'reserved by another cart' }),
  'retried-once': (() => {
    let asked = 0;
    return (_request, reply) =>
      ++asked === 1 ? reply.code(503).send({ error: 'warming up' }) : { sku: '17', count: 3 };
  })(),
  'breaker-open': status(500, { error: 'shelf is on fire' }),
  'breaker-timeout': slow,
  'heap-out-of-memory': () => {
    const kept = [];
    for (;;) kept.push(new Array(100_000).fill(kept.length));
  },
  'killed-in-mid-span': async () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 600);
    await pause(5000);
    return {};
  },
  'process-exit': () => {
    setImmediate(() => {
      throw new Error('listener of stock changes failed');
    });
    return pause(2000);
  },
  'headers-too-large': (_request, reply) => reply.header('x-trail', 'x'.repeat(40_000)).send({ sku: '17', count: 3 }),
  'answer-is-html': (_request, reply) =>
    reply.type('text/html').send('<!DOCTYPE html><html><body>Maintenance</body></html>'),
  'redirect-loop': (_request, reply) => reply.redirect('/stock/17'),
};

app.route({
  method: ['GET', 'POST'],
  url: '/stock/:sku',
  handler: (request, reply) => (BEHAVIOURS[failure] ?? (() => ({ sku: request.params.sku, count: 3 })))(request, reply),
});
await app.listen({ port: 8080, host: 'stock-api' });
ready(() => app.close());

async function slow() {
  await pause(3000);
  return { sku: '17', count: 3 };
}

async function warehouse(_request, reply) {
  const response = await fetch('http://warehouse:8080/shelves/12');
  if (!response.ok) return reply.code(502).send({ error: `warehouse answered ${response.status}` });
  return { sku: '17', ...(await response.json()) };
}

function cut(_request, reply) {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
  reply.raw.write('{"sku":"17","count":');
  setTimeout(() => reply.raw.destroy(), 100);
}
