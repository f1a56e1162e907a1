// The HTTP server inside the test's process, with the means to ask it.
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after } from 'node:test';
import type { TestDatabase } from '@project-beacon/testkit';
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import { pino } from 'pino';
import type { AppOptions } from '../../src/http/app.ts';
import { type HttpOptions, httpServer, LOOPBACK } from '../../src/http/server.ts';
import { startMaintenance } from '../../src/maintenance/loop.ts';
import { createPool } from '../../src/store/connect.ts';

export interface Asked {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server says, for the test to look into.
  body: any;
}

export interface Served {
  url: string;
  app: FastifyInstance;
  /** Lines of the log, parsed. */
  log: Array<Record<string, unknown>>;
  /** Asks; JSON comes parsed. */
  ask(path: string, init?: RequestInit): Promise<Asked>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Asked>;
  stop(): Promise<void>;
}

/** The HTTP server on a free port, until the tests of the file are over. */
export function serve(
  database: Pick<TestDatabase, 'url'>,
  options: Partial<HttpOptions> = {},
  more: (app: FastifyInstance, pool: pg.Pool) => void = () => {},
): Promise<Served> {
  const make = async (common: AppOptions, pool: pg.Pool) => {
    const maintenance = startMaintenance(pool, { intervalMs: 3_600_000 });
    const app = await httpServer({ ...common, maintenance, pool, ...options });
    app.addHook('onClose', () => maintenance.stop());
    more(app, pool);
    return app;
  };
  return serveApp(database, make, options.pool);
}

/** Any app on a free port, until the tests of the file are over. */
export async function serveApp(
  database: Pick<TestDatabase, 'url'>,
  make: (options: AppOptions, pool: pg.Pool) => Promise<FastifyInstance>,
  pool = createPool(database.url, { applicationName: 'test http', max: 4 }),
): Promise<Served> {
  const log: Served['log'] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line)) });
  const app = await make({ logger, hosts: LOOPBACK }, pool);
  await app.listen({ host: '127.0.0.1', port: 0 });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= app.close().then(() => pool.end());
    return stopped;
  };
  after(stop);
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const ask = async (path: string, init?: RequestInit): Promise<Asked> => {
    const response = await fetch(url + path, init);
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: isJson && text ? JSON.parse(text) : text };
  };
  return {
    url,
    app,
    log,
    ask,
    post: (path, body, headers = {}) =>
      ask(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    stop,
  };
}

/** A request with headers that `fetch` does not let a caller set. */
export function bareGet(url: string, headers: http.OutgoingHttpHeaders): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    http.get(url, { headers }, (response) => resolve(response)).on('error', reject);
  });
}

/** A folder that is gone after the tests of the file. */
export function folder(files: Record<string, string>): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-web-'));
  after(() => fs.rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), text);
  }
  return dir;
}
