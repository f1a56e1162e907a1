// The server of a one-service program: any request runs the handler of the failure; a throw is answered with 500.
import http from 'node:http';
import { trace } from '@opentelemetry/api';
import { ready } from './processes.mjs';

/** @param handlers By failure; each returns what to answer. */
export function serve(name, port, route, handlers, close) {
  const handler = handlers[process.env.FAILURE];
  if (!handler) throw new Error(`No handler for ${process.env.FAILURE}.`);
  const server = http.createServer(async (request, response) => {
    request.resume();
    // What a framework's instrumentation does for its routes.
    const span = trace.getActiveSpan();
    span?.setAttribute('http.route', route).updateName(`${request.method} ${route}`);
    try {
      const answer = await handler(request);
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer ?? {}));
    } catch (error) {
      console.error(error);
      span?.recordException(error);
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"Internal Server Error"}');
    }
  });
  server.listen(port, name, () =>
    ready(async () => {
      server.closeAllConnections();
      server.close();
      await close?.();
    }),
  );
}
