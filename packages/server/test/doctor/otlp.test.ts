// OTLP endpoints that are wrong in one way each, as servers that really listen.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { examineOtlp } from '../../src/doctor/otlp.ts';

function listening(server: http.Server | http2.Http2Server, host = '127.0.0.1'): Promise<number> {
  after(() => server.close());
  return new Promise((resolve) => server.listen(0, host, () => resolve((server.address() as AddressInfo).port)));
}

/** A collector that answers every request with this status. */
function collector(status: number, host?: string): Promise<number> {
  return listening(
    http.createServer((request, response) => request.resume().on('end', () => response.writeHead(status).end('{}'))),
    host,
  );
}

async function faultsAt(url: string, { protocol = 'http/protobuf', stored = true, headers = {} } = {}) {
  const found = await examineOtlp({ url, protocol, headers, from: '--otlp' }, async () => stored);
  return found.filter(({ state }) => state === 'fault').map(({ fault }) => fault);
}

const traces = (port: number, host = '127.0.0.1') => `http://${host}:${port}/v1/traces`;

test('a collector that stores what it accepts is good; one that does not is named', async () => {
  const port = await collector(200);
  assert.deepEqual(await faultsAt(traces(port)), []);
  assert.deepEqual(await faultsAt(traces(port), { stored: false }), ['OTLP_NOT_STORED']);
});

test('refusals are told apart: token, path, size, anything else', async () => {
  for (const [status, fault] of [
    [401, 'OTLP_TOKEN_REFUSED'],
    [404, 'OTLP_WRONG_PATH'],
    [413, 'OTLP_TOO_LARGE'],
    [500, 'OTLP_REFUSED'],
  ] as const) {
    assert.deepEqual(await faultsAt(traces(await collector(status))), [fault]);
  }
});

/** A collector that speaks gRPC and answers every call with this status. */
function grpcCollector(status: number): Promise<number> {
  const server = http2.createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.resume().once('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.once('wantTrailers', () =>
        stream.sendTrailers({ 'grpc-status': `${status}`, 'grpc-message': 'so%20it%20is' }),
      );
      stream.end();
    });
  });
  return listening(server);
}

test('over gRPC too, a span is sent and refusals are told apart', async () => {
  for (const [status, fault] of [
    [16, 'OTLP_TOKEN_REFUSED'],
    [12, 'OTLP_WRONG_PATH'],
    [13, 'OTLP_REFUSED'],
  ] as const) {
    const url = `http://127.0.0.1:${await grpcCollector(status)}`;
    assert.deepEqual(await faultsAt(url, { protocol: 'grpc' }), [fault]);
  }
  const url = `http://127.0.0.1:${await grpcCollector(0)}`;
  assert.deepEqual(await faultsAt(url, { protocol: 'grpc', stored: false }), ['OTLP_NOT_STORED']);
});

test('HTTP sent to a gRPC port, and gRPC sent to an HTTP port', async () => {
  const grpc = await grpcCollector(0);
  assert.deepEqual(await faultsAt(traces(grpc)), ['OTLP_WRONG_PROTOCOL']);
  assert.deepEqual(await faultsAt(`http://127.0.0.1:${grpc}`, { protocol: 'grpc' }), []);
  const port = await collector(200);
  assert.deepEqual(await faultsAt(`http://127.0.0.1:${port}`, { protocol: 'grpc' }), ['OTLP_WRONG_PROTOCOL']);
});

test('the other address family, a closed port, and no address', async () => {
  const port = await collector(200);
  assert.deepEqual(await faultsAt(traces(port, '[::1]')), ['OTLP_WRONG_ADDRESS_FAMILY']);
  assert.deepEqual(await faultsAt(traces(9)), ['OTLP_PORT_CLOSED']);
  assert.deepEqual(await faultsAt('grpc://127.0.0.1:4317'), ['OTLP_BAD_ADDRESS']);
});

test('TLS where there is none', async () => {
  assert.deepEqual(await faultsAt(traces(await collector(200)).replace('http:', 'https:')), ['OTLP_TLS']);
});
