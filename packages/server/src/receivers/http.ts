// OTLP over HTTP: POST /v1/traces, and what operators ask.
import * as http from 'node:http';
import { MalformedError } from '../otlp/wire.ts';
import { acceptedBytes, acceptedJson, CODES, Refusal, statusBytes, statusJson } from './answer.ts';
import { metricsText } from './counters.ts';
import type { Ingest } from './ingest.ts';
import type { Reservation } from './reservation.ts';
import { type Gate, NO_ENTRY } from './token.ts';
import { unzipped } from './unzip.ts';
import { fromZipkin } from './zipkin.ts';

export interface HttpReceiverOptions {
  ingest: Ingest;
  gate: Gate;
  /** Told of what ought not to happen. */
  warn: (message: string, error: unknown) => void;
  /** Whether the database answers; for /ready. */
  isReady: () => Promise<{ ready: boolean; detail: string }>;
}

/** Bytes of a body that is refused. */
const WORTH_READING = 4 << 20;

type Encoding = 'protobuf' | 'json';

const TYPES: Record<Encoding, string> = { protobuf: 'application/x-protobuf', json: 'application/json' };

/** The server, not yet listening. */
export function httpReceiver(options: HttpReceiverOptions): http.Server {
  const server = http.createServer({ keepAliveTimeout: 75_000, requestTimeout: 120_000 }, (request, response) => {
    answer(options, request, response).catch((error) => {
      options.warn('a request failed', error);
      response.destroy();
    });
  });
  // Answers what is no HTTP/1; the sentence helps whoever reads the bytes.
  server.on('clientError', (_error, socket) => {
    if (!socket.writable) return;
    const text = 'This is no HTTP/1.1 request. OTLP over HTTP is spoken here.\n';
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
    );
  });
  return server;
}

async function answer(options: HttpReceiverOptions, request: http.IncomingMessage, response: http.ServerResponse) {
  const path = (request.url ?? '').replace(/\?.*/s, '');
  if (request.method === 'GET' && (await operators(options, path, response))) return;
  const isZipkin = path === '/api/v2/spans';
  const encoding = isZipkin ? 'json' : encodingOf(request);
  try {
    options.ingest.counters.count('requests', isZipkin ? 'zipkin' : 'http');
    if (!options.gate.admits(request.headers.authorization)) throw new Refusal('UNAUTHENTICATED', 'token', NO_ENTRY);
    checkRoute(request, path, isZipkin);
    if (encoding === undefined) throw unsupported(request.headers['content-type']);
    const { rejected, message } = await store(options.ingest, request, encoding, isZipkin);
    if (isZipkin) send(response, 202, 'text/plain', message);
    else if (encoding === 'json') send(response, 200, TYPES.json, acceptedJson(rejected, message));
    else send(response, 200, TYPES.protobuf, acceptedBytes(rejected, message));
  } catch (error) {
    refuse(options, request, response, encoding ?? 'json', error);
  }
}

function checkRoute(request: http.IncomingMessage, path: string, isZipkin: boolean): void {
  if (path === '/v1/metrics' || path === '/v1/logs') {
    const what = path.slice(4);
    throw new Refusal(
      'UNIMPLEMENTED',
      'no_such_signal',
      `Beacon stores traces only; ${what} sent to ${path} are not stored.`,
    );
  }
  if (path !== '/v1/traces' && !isZipkin) {
    throw new Refusal(
      'NOT_FOUND',
      'no_such_path',
      `There is no ${request.method} ${path.slice(0, 200)} here; traces go to POST /v1/traces.`,
    );
  }
  if (request.method !== 'POST') {
    throw new Refusal('METHOD_NOT_ALLOWED', 'method', `${path} takes POST, not ${request.method}.`);
  }
}

/** What somebody who runs this asks; true when it was answered. */
async function operators(options: HttpReceiverOptions, path: string, response: http.ServerResponse): Promise<boolean> {
  const { ingest } = options;
  if (path === '/health') {
    const { lastError } = ingest.settle();
    send(response, 200, TYPES.json, JSON.stringify({ status: 'ok', ...ingest.gauges(), lastError }));
  } else if (path === '/ready') {
    const state = await options.isReady();
    send(response, state.ready ? 200 : 503, TYPES.json, JSON.stringify(state));
  } else if (path === '/metrics') {
    ingest.settle();
    send(response, 200, 'text/plain; version=0.0.4', metricsText(ingest.counters, ingest.gauges()));
  } else return false;
  return true;
}

async function store(ingest: Ingest, request: http.IncomingMessage, encoding: Encoding, isZipkin: boolean) {
  const length = Number(request.headers['content-length'] ?? 0) || 0;
  const reservation = ingest.reserve(length);
  try {
    const packed = await bodyOf(ingest, request, reservation, length);
    const body = await unzipped(ingest, packed, request.headers['content-encoding'], reservation);
    if (isZipkin) return await ingest.store(fromZipkin(body.toString('utf8')), 'protobuf', reservation);
    return await ingest.store(body, encoding, reservation);
  } finally {
    reservation.release();
  }
}

/** @param length As the client says; 0 when it does not say. */
function bodyOf(
  ingest: Ingest,
  request: http.IncomingMessage,
  reservation: Reservation,
  length: number,
): Promise<Buffer> {
  let body = length > 0 ? reservation.body(length) : undefined;
  const chunks: Buffer[] = [];
  let received = 0;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      // The memory goes to somebody else now.
      request.off('data', take);
      body = undefined;
      reject(error);
    };
    const take = (chunk: Buffer) => {
      const at = received;
      received += chunk.length;
      if (body) {
        chunk.copy(body, at);
        return;
      }
      try {
        if (received > ingest.maxRequestBytes) throw ingest.tooLarge();
        reservation.grow(received);
        chunks.push(chunk);
      } catch (error) {
        fail(error);
      }
    };
    request.on('data', take);
    request.once('end', () => resolve(body ? body.subarray(0, received) : Buffer.concat(chunks, received)));
    request.once('error', fail);
    request.once('close', () => fail(new Error('the client went away')));
  });
}

function refuse(
  options: HttpReceiverOptions,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  encoding: Encoding,
  error: unknown,
): void {
  if (request.errored || (request.destroyed && !request.complete)) {
    options.ingest.counters.count('refused', 'disconnected');
    response.destroy();
    return;
  }
  const refusal = asRefusal(error, options.warn);
  options.ingest.counters.count('refused', refusal.reason);
  if (refusal.retryAfterMs !== undefined)
    response.setHeader('retry-after', Math.max(1, Math.ceil(refusal.retryAfterMs / 1_000)));
  if (refusal.code === 'METHOD_NOT_ALLOWED') response.setHeader('allow', 'POST');
  if (refusal.code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', 'Bearer');
  // A new connection costs more than reading to the end of a body of the usual size.
  if (!request.complete) {
    if (!(Number(request.headers['content-length']) <= WORTH_READING)) response.setHeader('connection', 'close');
    request.resume();
  }
  const { http: code } = CODES[refusal.code];
  if (encoding === 'json') send(response, code, TYPES.json, statusJson(refusal));
  else send(response, code, TYPES.protobuf, statusBytes(refusal));
}

/** An unexpected error is ours: the client may try again, and is not told what it was. */
export function asRefusal(error: unknown, warn: HttpReceiverOptions['warn']): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof MalformedError) return new Refusal('INVALID_ARGUMENT', 'malformed', error.message);
  warn('a request failed unexpectedly', error);
  return new Refusal('INTERNAL', 'internal', 'this server failed on the request; its log says more', 5_000);
}

function send(response: http.ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

function encodingOf(request: http.IncomingMessage): Encoding | undefined {
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (type === 'application/x-protobuf' || type === 'application/protobuf') return 'protobuf';
  return type === 'application/json' ? 'json' : undefined;
}

function unsupported(type: string | undefined): Refusal {
  const shown = type === undefined ? 'missing' : `"${type.slice(0, 50)}"`;
  return new Refusal(
    'UNSUPPORTED_MEDIA_TYPE',
    'content_type',
    `the content type is ${shown}; application/x-protobuf and application/json are understood.`,
  );
}
