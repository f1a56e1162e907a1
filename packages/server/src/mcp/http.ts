// MCP over streamable HTTP, without sessions in memory: any process can answer any request, also after a restart.
import { randomUUID } from 'node:crypto';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CancelledNotificationSchema, ErrorCode, isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type McpOptions, mcpServer } from './server.ts';

const SESSION = 'mcp-session-id';
const LONGEST_BODY = 1_048_576;

interface Running {
  close(): Promise<void>;
}

/**
 * Adds POST /mcp. Who may come (token, Host, Origin) is decided by the hooks of the server it is mounted on. The id handed
 * out as session only ties a cancellation to the call it is for.
 */
export function mountMcp(app: FastifyInstance, options: McpOptions): void {
  /** Calls under way, by session and request id. */
  const calls = new Map<string, Running>();
  app.addHook('preClose', async () => {
    await Promise.all([...calls.values()].map((call) => call.close()));
  });
  app.register(async (scope) => {
    // The body is parsed here, because what is wrong with it has an answer of its own in JSON-RPC.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: LONGEST_BODY }, (_request, body, done) =>
      done(null, body),
    );
    scope.post('/mcp', (request, reply) => answer(request, reply, options, calls));
    for (const method of ['GET', 'DELETE'] as const) {
      scope.route({
        method,
        url: '/mcp',
        // There is nothing to say unasked, and no session to end.
        handler: (_request, reply) =>
          refuse(reply.header('allow', 'POST'), 405, -32_000, `${method} is not used here: send POST.`),
      });
    }
  });
}

async function answer(request: FastifyRequest, reply: FastifyReply, options: McpOptions, calls: Map<string, Running>) {
  let body: unknown;
  try {
    body = JSON.parse(String(request.body ?? ''));
  } catch {
    return refuse(reply, 400, ErrorCode.ParseError, 'The body is not JSON.');
  }
  const session = String(request.headers[SESSION] ?? randomUUID());
  const cancelled = CancelledNotificationSchema.safeParse(body);
  if (cancelled.success) await calls.get(keyOf(session, cancelled.data.params.requestId))?.close();
  if (isInitializeRequest(body)) reply.header(SESSION, session);

  const server = mcpServer(options);
  const transport = new StreamableHTTPServerTransport();
  // The SDK's types do not know exactOptionalPropertyTypes.
  await server.connect(transport as Parameters<typeof server.connect>[0]);
  const key = keyOf(session, (body as { id?: unknown } | null)?.id);
  const running: Running = { close: () => server.close() };
  calls.set(key, running);
  reply.raw.once('close', () => {
    if (calls.get(key) === running) calls.delete(key);
    void server.close();
  });
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.hijack();
  await transport.handleRequest(request.raw, reply.raw, body);
  return reply;
}

function keyOf(session: string, id: unknown): string {
  return `${session} ${typeof id} ${String(id)}`;
}

function refuse(reply: FastifyReply, status: number, code: number, message: string): FastifyReply {
  return reply.code(status).send({ jsonrpc: '2.0', error: { code, message }, id: null });
}
