// The third service of a chain; it is the slow one where a time-out is to be charged to it.
import http from 'node:http';
import { pause, ready } from 'world-node/processes.mjs';

const server = http.createServer(async (_request, response) => {
  if (process.env.FAILURE === 'timeout-three-levels') await pause(3000);
  if (process.env.FAILURE === 'callee-of-callee-500') response.statusCode = 500;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(response.statusCode === 500 ? { error: 'shelf 12 is not known' } : { shelf: 12 }));
});
server.listen(8080, 'warehouse', () => ready(() => server.close()));
