// The official clients, of the revision 2026-07-28 and of those before it, over both transports.
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import * as now from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioNow } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { pino } from 'pino';
import { httpApp, LOOPBACK } from '../../src/http/app.ts';
import { mountMcp } from '../../src/mcp/http.ts';
import { Gate } from '../../src/receivers/token.ts';
import { createPool } from '../../src/store/connect.ts';

const MAIN = path.join(import.meta.dirname, '../../src/main.ts');

export interface Connected {
  client: Client;
  /** Calls a tool; the client checks the structured answer against the tool's schema once the tools were listed. */
  call(name: string, params?: Record<string, unknown>): Promise<CallToolResult>;
  close(): Promise<void>;
}

/** `beacon mcp` as a child process, as a desktop client starts it. */
export async function overStdio(databaseUrl: string): Promise<Connected> {
  const env = { PATH: process.env.PATH ?? '', DATABASE_URL: databaseUrl };
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [MAIN, 'mcp'],
    env,
    cwd: os.tmpdir(),
    stderr: 'pipe',
  });
  return connected(transport);
}

/** What tests of both clients use of them. */
export interface Pinned {
  client: now.Client;
  call(name: string, params?: Record<string, unknown>, signal?: AbortSignal): Promise<CallToolResult>;
  close(): Promise<void>;
}

export type Mode = 'legacy' | 'auto' | { pin: string };

/** The client of today, which speaks the revision it is pinned to, or finds out. */
export async function pinned(to: URL | string, mode: Mode): Promise<Pinned> {
  const client = new now.Client({ name: 'test', version: '0' }, { versionNegotiation: { mode } });
  const transport =
    to instanceof URL
      ? new now.StreamableHTTPClientTransport(to)
      : new StdioNow({
          command: process.execPath,
          args: [MAIN, 'mcp'],
          env: { PATH: process.env.PATH ?? '', DATABASE_URL: to },
          cwd: os.tmpdir(),
          stderr: 'pipe',
        });
  await client.connect(transport);
  return {
    client,
    call: async (name, params = {}, signal) =>
      (await client.callTool({ name, arguments: params }, signal && { signal })) as CallToolResult,
    close: () => client.close(),
  };
}

export interface McpServed {
  url: URL;
  connect(): Promise<Connected>;
  close(): Promise<void>;
}

/** A server on a free port with nothing but /mcp, behind the hooks all ports have. */
export async function served(databaseUrl: string, port = 0, token?: string): Promise<McpServed> {
  const pool = createPool(databaseUrl, { applicationName: 'test mcp', max: 4 });
  const app = await httpApp({ logger: pino({ level: 'silent' }), hosts: LOOPBACK, guard: new Gate({ token }) });
  mountMcp(app, { pool });
  await app.listen({ host: '127.0.0.1', port });
  const url = new URL(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/mcp`);
  return {
    url,
    connect: () =>
      connected(
        new StreamableHTTPClientTransport(url, {
          requestInit: token ? { headers: { authorization: `Bearer ${token}` } } : {},
        }),
      ),
    async close() {
      await app.close();
      await pool.end();
    },
  };
}

async function connected(transport: StdioClientTransport | StreamableHTTPClientTransport): Promise<Connected> {
  const client = new Client({ name: 'test', version: '0' });
  // The SDK's types do not know exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return {
    client,
    call: async (name, params = {}) => (await client.callTool({ name, arguments: params })) as CallToolResult,
    close: () => client.close(),
  };
}

/** The text of an answer. */
export function textOf(result: CallToolResult): string {
  return result.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}
