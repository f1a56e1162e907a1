// MCP over HTTP, without sessions: any process can answer any request, also after a restart. Clients of revision 2026-07-28
// and of those before it are told apart by what they send.
import { createMcpHandler, type McpHttpHandler } from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type McpOptions, mcpServer } from './server.ts';

const LONGEST_BODY = 1_048_576;

/** Adds /mcp. Who may come (token, Host, Origin) is decided by the hooks of the server it is mounted on. */
export function mountMcp(app: FastifyInstance, options: McpOptions): void {
  const handler = createMcpHandler(({ requestInfo }) => mcpServer(options, requestInfo?.signal), {
    maxRequestBodySize: LONGEST_BODY,
    onerror: (error) => options.warn?.(`MCP: ${error.message}`),
  });
  app.addHook('preClose', () => handler.close());
  app.register(async (scope) => {
    // The body is parsed by the protocol, because what is wrong with it has an answer of its own in JSON-RPC.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: LONGEST_BODY }, (_request, body, done) =>
      done(null, body),
    );
    scope.route({
      method: ['GET', 'POST', 'DELETE'],
      url: '/mcp',
      handler: (request, reply) => answer(request, reply, handler),
    });
  });
}

async function answer(request: FastifyRequest, reply: FastifyReply, handler: McpHttpHandler): Promise<FastifyReply> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, [value].flat().join(', '));
  }
  const asked = new Request(`http://${request.host}${request.url}`, {
    method: request.method,
    headers,
    signal: gone.signal,
    ...(request.method === 'POST' ? { body: String(request.body ?? '') } : {}),
  });
  const response = await handler.fetch(asked);
  // There is nothing to say unasked, and no session to end.
  if (response.status === 405) reply.header('allow', 'POST');
  return reply.send(response);
}
