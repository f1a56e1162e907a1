const axios = require('axios');
const express = require('express');

const failure = process.env.FAILURE.replace(/-both$/, '');
const app = express();
const BEHAVIOURS = {
  reset: (request) => request.socket.resetAndDestroy(),
  'hang-up': (request) => request.socket.destroy(),
  'got-hang-up': (request) => request.socket.destroy(),
  'cut-body': (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
    response.write('{"sku":"17",');
    setTimeout(() => response.destroy(), 100);
  },
  timeout: slow,
  'got-timeout': slow,
  'three-levels': async (_request, response) =>
    response.json((await axios.get('http://warehouse:8080/shelves/12')).data),
  'callee-500': () => {
    throw new RangeError('count of sku 17 is negative: -3');
  },
  'callee-503': (_request, response) => response.status(503).json({ error: 'warming up' }),
  'callee-429': (_request, response) =>
    response.status(429).set('retry-after', '7').json({ error: 'Too Many Requests' }),
  'callee-401': (_request, response) => response.status(401).json({ error: 'token has expired' }),
  'callee-403': (_request, response) => response.status(403).json({ error: 'not allowed' }),
  'callee-404': (_request, response) => response.status(404).json({ error: 'no such sku' }),
  'callee-422': (_request, response) => response.status(422).json({ error: 'count must be positive' }),
  'not-found-handled': (_request, response) => response.status(404).json({ error: 'no such sku' }),
  killed: () => process.kill(process.pid, 'SIGKILL'),
};
app.get('/stock/:sku', (request, response) =>
  (BEHAVIOURS[failure] ?? (() => response.json({ sku: request.params.sku, count: 3 })))(request, response),
);
app.listen(8080, 'stock-api', () => process.send('ready'));

function slow(_request, response) {
  setTimeout(() => response.json({ count: 3 }), 2000);
}
