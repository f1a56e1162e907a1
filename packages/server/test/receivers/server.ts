// A server that takes OTLP, inside the test's process.
import { after } from 'node:test';
import { type OtlpOptions, startOtlp } from '@project-beacon/server/receivers/start.ts';
import type { TestDatabase } from '@project-beacon/testkit';
import pg from 'pg';

export interface Otlp {
  url: string;
  grpcPort: number;
  ingest: Awaited<ReturnType<typeof startOtlp>>['ingest'];
  warnings: string[];
  /** POST /v1/traces. */
  post(body: Buffer | string | object, headers?: Record<string, string>, path?: string): Promise<Response>;
  stop(): Promise<void>;
}

export async function otlpServer(
  database: Pick<TestDatabase, 'url'>,
  options: Partial<OtlpOptions> = {},
): Promise<Otlp> {
  const pool = new pg.Pool({ connectionString: database.url, max: 1, allowExitOnIdle: true });
  pool.on('error', () => {});
  const warnings: string[] = [];
  const free = { port: 0, strict: true };
  const server = await startOtlp(pool, {
    connectionString: database.url,
    httpPort: free,
    grpcPort: free,
    warn: (message) => warnings.push(message),
    ...options,
  });
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await server.stop();
    await pool.end();
  };
  after(stop);
  const url = `http://127.0.0.1:${server.ports.httpPort}`;
  return {
    url,
    grpcPort: server.ports.grpcPort,
    ingest: server.ingest,
    warnings,
    stop,
    post(body, headers = {}, path = '/v1/traces') {
      const isBytes = Buffer.isBuffer(body);
      return fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': isBytes ? 'application/x-protobuf' : 'application/json', ...headers },
        body: isBytes ? new Uint8Array(body) : typeof body === 'string' ? body : JSON.stringify(body),
      });
    },
  };
}
