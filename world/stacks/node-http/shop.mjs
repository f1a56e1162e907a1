// The caller: one route of an Express application, which asks the stock by the HTTP client of the failure's name.
import http from 'node:http';
import https from 'node:https';
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import axios from 'axios';
import express from 'express';
import got from 'got';
import CircuitBreaker from 'opossum';
import { pause, ready } from 'world-node/processes.mjs';

const STOCK = 'http://stock-api:8080/stock/17';
const NOTHING_LISTENS = 'http://stock-api:8089/stock/17';

async function byFetch(url = STOCK, options = {}) {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`GET ${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
const byAxios = async (url = STOCK, options = {}) => (await axios.get(url, options)).data;
const byGot = (url = STOCK, options = {}) => got(url, { retry: { limit: 0 }, ...options }).json();
const byHttp = (url = STOCK, options = {}) =>
  new Promise((resolve, reject) => {
    const request = (url.startsWith('https') ? https : http).get(url, options, async (response) => {
      try {
        let text = '';
        for await (const part of response) text += part;
        resolve(JSON.parse(text));
      } catch (error) {
        reject(error);
      }
    });
    request.on('timeout', () => request.destroy(new Error('stock-api did not answer within 800 ms')));
    request.on('error', reject);
  });

async function byBreaker(options, warmUps) {
  const breaker = new CircuitBreaker(byAxios, { errorThresholdPercentage: 50, resetTimeout: 60_000, ...options });
  for (let i = 0; i < warmUps; i++) await breaker.fire(NOTHING_LISTENS).catch(() => undefined);
  return breaker;
}
// The circuit was opened by earlier requests, which are not part of the recording.
const opened =
  process.env.FAILURE === 'breaker-open'
    ? await context.with(suppressTracing(context.active()), () => byBreaker({}, 5))
    : undefined;

const CALLS = {
  'fetch-ok': () => byFetch(),
  'fetch-refused': () => byFetch(NOTHING_LISTENS),
  'fetch-no-such-name': () => byFetch('http://tax.shop.internal:8080/rate'),
  'fetch-reset': () => byFetch(),
  'fetch-cut-body': () => byFetch(),
  'fetch-timeout': () => byFetch(STOCK, { signal: AbortSignal.timeout(800) }),
  'fetch-connect-timeout': () => byFetch('http://rates-api:8090/eur', { signal: AbortSignal.timeout(1500) }),
  'axios-ok': () => byAxios(),
  'axios-refused': () => byAxios(NOTHING_LISTENS),
  'axios-no-such-name': () => byAxios('http://tax.shop.internal:8080/rate'),
  'axios-name-server-broken': () => byAxios('http://tax.shop.broken:8080/rate'),
  'axios-cut-body': () => byAxios(),
  'axios-timeout': () => byAxios(STOCK, { timeout: 800 }),
  'got-ok': () => byGot(),
  'got-refused': () => byGot(NOTHING_LISTENS),
  'got-hang-up': () => byGot(),
  'got-timeout': () => byGot(STOCK, { timeout: { request: 800 } }),
  'got-connect-timeout': () => byGot('http://rates-api:8090/eur', { timeout: { connect: 1000 } }),
  'http-ok': () => byHttp(),
  'http-refused': () => byHttp(NOTHING_LISTENS),
  'http-reset': () => byHttp(),
  'http-hang-up': () => byHttp(),
  'http-cut-body': () => byHttp(),
  'http-timeout': () => byHttp(STOCK, { timeout: 800 }),
  'tls-ok': () => byFetch(process.env.WORLD_TLS_GOOD),
  'tls-expired': () => byFetch(process.env.WORLD_TLS_EXPIRED),
  'tls-unknown-ca': () => byAxios(process.env.WORLD_TLS_UNKNOWN),
  'tls-self-signed': () => byHttp(process.env.WORLD_TLS_SELF_SIGNED),
  'tls-other-name': () => byGot(process.env.WORLD_TLS_OTHER_NAME),
  'tls-to-plain-port': () => byAxios('https://stock-api:8080/stock/17'),
  'timeout-three-levels': () => byAxios(STOCK, { timeout: 1500 }),
  'timeout-event-loop': () => byAxios(STOCK, { timeout: 1000 }),
  'callee-429': () => byFetch(),
  'callee-429-got': () => byGot(),
  'callee-401': () => byAxios(),
  'callee-403': () => byFetch(),
  'payload-too-large': async (body) => (await axios.post(STOCK, body)).data,
  'headers-too-large': () => byHttp(),
  'request-headers-too-large': () => byAxios(STOCK, { headers: { cookie: 'c'.repeat(20_000) } }),
  'answer-is-html': () => byFetch(),
  'redirect-loop': () => byFetch(),
  'uncaught-error': () => {
    const cart = {};
    return cart.lines.map((line) => line.sku);
  },
  'async-out-of-range': async () => {
    await pause(10);
    return 'x'.repeat(2 ** 30);
  },
  'breaker-open': () => opened.fire(),
  'breaker-timeout': async () => (await byBreaker({ timeout: 500 }, 0)).fire(),
  'not-found-handled': () => byFetch().catch(() => ({ count: 0 })),
  'retried-once': () => byGot(STOCK, { retry: { limit: 2 } }),
  'client-gone': () => byAxios(),
};

const app = express();
app.use(express.json({ limit: '1mb' }));
app.post('/checkout', async (request, response) => {
  const failure = process.env.FAILURE;
  if (failure === 'conflict-answered') {
    const stock = await fetch(STOCK);
    return response.status(stock.status).json({ error: 'this cart was changed elsewhere' });
  }
  if (failure === 'answered-502') {
    // Many applications answer their client with a status of their own, and throw nothing.
    return byFetch(NOTHING_LISTENS).then(
      (stock) => response.json(stock),
      () => response.status(502).json({ error: 'stock is not available' }),
    );
  }
  response.json(await (CALLS[failure] ?? (() => byAxios()))(request.body));
});
const server = app.listen(3000, 'shop-web', () =>
  ready(() => {
    server.closeAllConnections();
    server.close();
  }),
);
