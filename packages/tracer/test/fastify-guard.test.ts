import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastifyGuard } from '@project-beacon/tracer/fastify';
import Fastify from 'fastify';

async function status(host: string, method: 'GET' | 'POST', headers: Record<string, string>): Promise<number> {
  const app = Fastify();
  fastifyGuard(app, { host });
  app.get('/jobs', async () => ({}));
  app.post('/jobs', async () => ({}));
  const { statusCode } = await app.inject({ method, url: '/jobs', headers });
  await app.close();
  return statusCode;
}

test('on loopback only names of this machine are answered', async () => {
  for (const host of ['localhost:4000', '127.0.0.1', '[::1]:4000', 'LOCALHOST']) {
    assert.equal(await status('127.0.0.1', 'GET', { host }), 200, host);
  }
  for (const host of ['page.example', '127.0.0.1.page.example', 'localhost.page.example:4000', '0.0.0.0']) {
    assert.equal(await status('127.0.0.1', 'GET', { host }), 403, host);
  }
  assert.equal(await status('0.0.0.0', 'GET', { host: 'runner:4000' }), 200);
});

test('a page of another site may start nothing, wherever the service listens', async () => {
  const here = { host: 'localhost:4000' };
  for (const origin of ['https://page.example', 'http://localhost:5000', 'null']) {
    assert.equal(await status('127.0.0.1', 'POST', { ...here, origin }), 403, origin);
    assert.equal(await status('0.0.0.0', 'POST', { host: 'runner:4000', origin }), 403, origin);
  }
  assert.equal(await status('127.0.0.1', 'POST', { ...here, origin: 'http://localhost:4000' }), 200);
  assert.equal(await status('127.0.0.1', 'POST', here), 200);
});
