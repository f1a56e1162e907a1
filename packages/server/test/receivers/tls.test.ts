// Every port speaks TLS where there is a certificate, and nothing else.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { encodeMessage } from '@project-beacon/server/otlp/encode.ts';
import { TRACES } from '@project-beacon/server/otlp/messages.ts';
import { startOtlp } from '@project-beacon/server/receivers/start.ts';
import { testDatabase } from '@project-beacon/testkit';
import { certificate } from '@project-beacon/testkit/certificate.ts';
import pg from 'pg';
import { certificateFrom } from '../../src/serve/tls.ts';
import { serve } from '../http/server.ts';
import { request, span } from './spans.ts';

const database = await testDatabase();
const made = certificate();
const tls = { cert: Buffer.from(made.cert), key: Buffer.from(made.key) };
const pool = new pg.Pool({ connectionString: database.url, max: 1, allowExitOnIdle: true });
const free = { port: 0, strict: true };
const otlp = await startOtlp(pool, {
  connectionString: database.url,
  httpPort: free,
  grpcPort: free,
  zipkinPort: free,
  warn: () => {},
  tls,
});
after(async () => {
  await otlp.stop();
  await pool.end();
});

function ask(port: number, at: string, body?: Buffer | string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined
        ? {}
        : { 'content-type': typeof body === 'string' ? 'application/json' : 'application/x-protobuf' };
    https
      .request(
        { host: 'localhost', port, path: at, ca: made.cert, method: body === undefined ? 'GET' : 'POST', headers },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part) => {
            text += part;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        },
      )
      .on('error', reject)
      .end(body);
  });
}

async function stored(traceId: unknown): Promise<number> {
  const { rows } = await database.client.query('select count(*)::int as n from trace_spans where trace_id = $1::uuid', [
    traceId,
  ]);
  return rows[0].n;
}

test('spans come in over TLS on the ports of OTLP and Zipkin', async () => {
  const { httpPort, grpcPort, zipkinPort } = otlp.ports;
  const [first, second] = [span(), span()];
  assert.equal((await ask(httpPort, '/v1/traces', encodeMessage(TRACES, request([first])).bytes)).status, 200);
  assert.equal(await stored(first.traceId), 1);
  const client = new grpc.Client(`localhost:${grpcPort}`, grpc.credentials.createSsl(Buffer.from(made.cert)));
  const same = (bytes: Buffer) => bytes;
  await new Promise<void>((resolve, reject) => {
    client.makeUnaryRequest(
      '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      same,
      same,
      encodeMessage(TRACES, request([second])).bytes,
      { deadline: Date.now() + 10_000 },
      (error) => (error ? reject(error) : resolve()),
    );
  });
  client.close();
  assert.equal(await stored(second.traceId), 1);
  const zipkin = [
    { traceId: 'ab'.repeat(16), id: 'cd'.repeat(8), name: 'x', timestamp: Date.now() * 1_000, duration: 5 },
  ];
  assert.equal((await ask(zipkinPort!, '/api/v2/spans', JSON.stringify(zipkin))).status, 202);
  await assert.rejects(fetch(`http://127.0.0.1:${httpPort}/health`));
});

test('answers go out over TLS', async () => {
  const server = await serve(database, { tls });
  const { port } = server.app.server.address() as AddressInfo;
  const { status, text } = await ask(port, '/api/v1/services');
  assert.equal(status, 200, text);
  await server.stop();
});

test('a certificate that cannot be used is refused at the start', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-tls-'));
  after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string) => {
    fs.writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const env = { BEACON_TLS_CERT: write('cert.pem', made.cert), BEACON_TLS_KEY: write('key.pem', made.key) };
  assert.deepEqual(certificateFrom(env), tls);
  assert.equal(certificateFrom({}), undefined);
  assert.throws(() => certificateFrom({ BEACON_TLS_CERT: env.BEACON_TLS_CERT }), /BEACON_TLS_KEY is not/);
  assert.throws(() => certificateFrom({ ...env, BEACON_TLS_KEY: '/nowhere' }), /BEACON_TLS_KEY cannot be read/);
  assert.throws(
    () => certificateFrom({ ...env, BEACON_TLS_KEY: write('other.pem', certificate().key) }),
    /cannot be used/,
  );
});
