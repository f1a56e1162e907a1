import http from 'node:http';
import { pause, ready } from 'world-node/processes.mjs';

const server = http.createServer(async (_request, response) => {
  if (process.env.FAILURE === 'timed-out') await pause(3000);
  if (['callee-500', 'answers-500'].includes(process.env.FAILURE)) response.statusCode = 500;
  if (process.env.FAILURE === 'callee-429') response.statusCode = 429;
  response.setHeader('content-type', 'application/json').end('{"thumb":"17-s.png"}');
});
server.listen(8080, 'thumbs-api', () => ready(() => server.close()));
