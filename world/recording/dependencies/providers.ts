// Model providers at their own names over TLS. The servers are imitated; the bodies of errors are what the providers send.
// Which one is sent stands in the API key: `world-<fault>`.
import type * as http from 'node:http';
import * as https from 'node:https';
import type * as net from 'node:net';
import * as path from 'node:path';
import type { Dependency, Surroundings } from '../dependencies.ts';
import { makeAuthority } from './certificates.ts';
import { anthropic } from './providers/anthropic.ts';
import { bedrock } from './providers/bedrock.ts';
import { openai } from './providers/openai.ts';
import { TRUST } from './tls.ts';

export interface Asked {
  fault: string;
  path: string;
  /** How often the SDK has tried before. */
  retries: number;
  body: {
    model?: string;
    stream?: boolean;
    tools?: unknown[];
    toolConfig?: unknown;
    messages?: { role: string; content?: unknown }[];
  };
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** JSON, or text as it is. */
  body?: object | string;
  /** Parts of a stream, sent one after another. */
  stream?: string[];
  /** What happens after the last part: by default the answer ends. */
  ends?: 'cut' | 'reset' | 'silence';
}

const PROVIDERS: Record<string, (asked: Asked) => Answer> = {
  'api.openai.com': openai,
  'api.anthropic.com': anthropic,
  'bedrock-runtime.us-east-1.amazonaws.com': bedrock,
};
const PORT = 443;
const PART_MS = 15;

/** Where all providers do the same. */
function anyProvider({ fault }: Asked): Answer | undefined {
  switch (fault) {
    case 'silent':
      return { status: 200, ends: 'silence' };
    case 'reset':
      return { status: 200, ends: 'reset' };
    case 'gateway':
      return {
        status: 502,
        headers: { 'content-type': 'text/html', server: 'cloudflare' },
        body: '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n',
      };
    default:
      return undefined;
  }
}

/** The trust of an authority of this run is set up as `tls` does it; a stack needs one of the two. */
export async function startProviders({ names, scratch }: Surroundings): Promise<Dependency> {
  const authority = makeAuthority(path.join(scratch, 'providers'), 'Example Root');
  const servers: https.Server[] = [];
  for (const [host, provider] of Object.entries(PROVIDERS)) {
    const server = https.createServer(authority.sign(host), async (request, response) => {
      const asked = await read(request);
      const reset = () => tcp.get(request.socket.remotePort)?.resetAndDestroy();
      await send(response, anyProvider(asked) ?? provider(asked), reset);
    });
    // What TLS stands on: only this can be reset.
    const tcp = new Map<number | undefined, net.Socket>();
    server.on('connection', (socket: net.Socket) => tcp.set(socket.remotePort, socket));
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(PORT, names.address(host), resolve);
    });
    servers.push(server);
  }
  return {
    environment: Object.fromEntries(TRUST.map((name) => [name, authority.file])),
    versions: {},
    async stop() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

async function read(request: http.IncomingMessage): Promise<Asked> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const { authorization = '', 'x-api-key': key = '' } = request.headers;
  const fault = /world-([\w-]+?)(?:\/|$|,|\s)/.exec(`${key} ${authorization}`)?.[1] ?? 'ok';
  const text = Buffer.concat(parts).toString();
  const retries = Number(request.headers['x-stainless-retry-count'] ?? 0);
  return { fault, retries, path: decodeURIComponent(`${request.url}`), body: text ? JSON.parse(text) : {} };
}

async function send(
  response: http.ServerResponse,
  { status, headers, body, stream, ends }: Answer,
  reset: () => void,
): Promise<void> {
  if (ends === 'silence' && !stream) return;
  if (ends === 'reset' && !stream) {
    reset();
    return;
  }
  response.writeHead(status, {
    'content-type': stream ? 'text/event-stream' : 'application/json',
    'x-request-id': 'req_0001',
    ...headers,
  });
  for (const part of stream ?? []) {
    response.write(part);
    await new Promise((resolve) => setTimeout(resolve, PART_MS));
  }
  if (ends === 'silence') return;
  if (ends === 'reset') reset();
  else if (ends === 'cut') response.socket?.destroy();
  else response.end(typeof body === 'object' ? JSON.stringify(body) : body);
}
