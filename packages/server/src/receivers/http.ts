// OTLP over HTTP: POST /v1/traces, and what operators ask.
import * as http from 'node:http';
import { MalformedError } from '../otlp/wire.ts';
import type { Admission } from './admission.ts';
import { acceptedBytes, acceptedJson, CODES, Refusal, statusBytes, statusJson } from './answer.ts';
import { metricsText } from './counters.ts';
import type { Ingest } from './ingest.ts';
import { type Gate, NO_ENTRY } from './token.ts';

export interface HttpReceiverOptions {
  ingest: Ingest;
  gate: Gate;
  admission: Admission;
  /** Told of what ought not to happen. */
  warn: (message: string, error: unknown) => void;
  /** Whether the database answers; for /ready. */
  isReady: () => Promise<{ ready: boolean; detail: string }>;
}

/** So much of a refused body is read and dropped, and for so long: most clients look for an answer only after the last byte. */
const DROPPED_BYTES = 72 << 20;
const DROPPING_MS = 5_000;
/** Connections at once; each may hold some kilobytes before anything of it is counted. */
const MAX_CONNECTIONS = 2_000;

const LOGS = '/v1/logs';
const ZIPKIN = '/api/v2/spans';
/** Langfuse's SDKs append the second to their base URL. */
const PATHS = new Set(['/v1/traces', '/api/public/otel/v1/traces', LOGS, ZIPKIN]);
/** What an answer calls the number of what was not stored. */
const COUNTED: Record<string, 'rejectedSpans' | 'rejectedLogRecords'> = { [LOGS]: 'rejectedLogRecords' };

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
  server.maxConnections = MAX_CONNECTIONS;
  // Answers what is no HTTP/1; the sentence is for a person who reads the bytes.
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
  const isZipkin = path === ZIPKIN;
  const encoding = encodingOf(request);
  const shares = pageMayRead(options.admission, request, response);
  try {
    options.admission.check(addressOf(request), request.headers.host ?? '', request.headers);
    if (request.method === 'OPTIONS' && shares) {
      preflight(request, response);
      return;
    }
    if (request.method === 'GET' && (await operators(options, path, request, response))) return;
    options.ingest.counters.count('requests', isZipkin ? 'zipkin' : 'http');
    checkToken(options, request);
    checkRoute(request, path);
    if (encoding === undefined || (isZipkin && encoding !== 'json'))
      throw unsupported(request.headers['content-type'], isZipkin);
    const { rejected, message, received } = await store(options, request, encoding, path);
    // Zipkin's answer has no room for a part: 202 with a sentence, unless nothing at all was stored.
    if (isZipkin) send(response, rejected > 0 && rejected === received ? 400 : 202, 'text/plain', message);
    else if (encoding === 'json') send(response, 200, TYPES.json, acceptedJson(rejected, message, COUNTED[path]));
    else send(response, 200, TYPES.protobuf, acceptedBytes(rejected, message));
  } catch (error) {
    await refuse(options, request, response, encoding ?? 'json', error);
  }
}

function addressOf(request: http.IncomingMessage): string {
  return request.socket.remoteAddress ?? '';
}

function checkToken({ gate, admission }: HttpReceiverOptions, request: http.IncomingMessage): void {
  if (gate.admits(request.headers.authorization, 'send')) return;
  if (request.headers.authorization !== undefined) admission.wrongToken(addressOf(request));
  throw new Refusal('UNAUTHENTICATED', 'token', NO_ENTRY);
}

/** Tells the browser of a page that was named that it may read the answer. */
function pageMayRead(admission: Admission, request: http.IncomingMessage, response: http.ServerResponse): boolean {
  const { origin } = request.headers;
  if (origin === undefined || !admission.allows(origin)) return false;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('vary', 'origin');
  return true;
}

function preflight(request: http.IncomingMessage, response: http.ServerResponse): void {
  const asked = request.headers['access-control-request-headers'] ?? 'content-type';
  const headers = /^[\w, -]{1,500}$/.test(asked) ? asked : 'content-type';
  response.writeHead(204, {
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': headers,
    'access-control-max-age': '7200',
  });
  response.end();
}

function checkRoute(request: http.IncomingMessage, path: string): void {
  if (path === '/v1/metrics') {
    throw new Refusal(
      'UNIMPLEMENTED',
      'no_such_signal',
      'Beacon stores traces and their logs only; metrics sent to /v1/metrics are not stored.',
    );
  }
  if (!PATHS.has(path)) {
    throw new Refusal(
      'NOT_FOUND',
      // A browser that looks around sends GET.
      request.method === 'POST' ? 'no_such_path' : 'method',
      `There is no ${request.method} ${path.slice(0, 200)} here; traces go to POST /v1/traces, logs to POST /v1/logs.`,
    );
  }
  if (request.method !== 'POST') {
    throw new Refusal('METHOD_NOT_ALLOWED', 'method', `${path} takes POST, not ${request.method}.`);
  }
}

/** What people who run this ask, with details for those who may read; true when it was answered. */
async function operators(
  { ingest, gate, isReady }: HttpReceiverOptions,
  path: string,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<boolean> {
  const { authorization } = request.headers;
  const mayRead = gate.admits(authorization, 'read') || gate.admits(authorization, 'send');
  if (path === '/health') {
    const { lastError } = ingest.settle();
    const details = mayRead ? { ...ingest.gauges(), lastError } : {};
    send(response, 200, TYPES.json, JSON.stringify({ status: 'ok', ...details }));
  } else if (path === '/ready') {
    const { ready, detail } = await isReady();
    send(response, ready ? 200 : 503, TYPES.json, JSON.stringify(mayRead ? { ready, detail } : { ready }));
  } else if (path === '/metrics') {
    if (!mayRead) throw new Refusal('UNAUTHENTICATED', 'token', NO_ENTRY);
    ingest.settle();
    send(response, 200, 'text/plain; version=0.0.4', metricsText(ingest.counters, ingest.gauges()));
  } else return false;
  return true;
}

async function store(options: HttpReceiverOptions, request: http.IncomingMessage, encoding: Encoding, path: string) {
  const { ingest, gate } = options;
  const expected = Number(request.headers['content-length'] ?? 0) || 0;
  // It would never find room: the answer says so, and not to come back.
  if (expected > ingest.maxRequestBytes) throw ingest.tooLarge();
  const reservation = ingest.reserve(gate.nameOf(request.headers.authorization) ?? addressOf(request));
  try {
    const intake = ingest.receive(reservation, request.headers['content-encoding'], expected);
    request.on('data', (chunk: Buffer) => {
      if (!intake.write(chunk)) request.pause();
    });
    intake.onDrain(() => request.resume());
    request.once('end', () => intake.end());
    request.once('error', (error) => intake.fail(error));
    request.once('close', () => {
      if (!request.complete) intake.fail(new Error('the client went away'));
    });
    const body = await intake.body;
    if (path === LOGS) return await ingest.logs.store(body, encoding, reservation);
    return await ingest.store(body, path === ZIPKIN ? 'zipkin' : encoding, reservation);
  } finally {
    reservation.release();
  }
}

async function refuse(
  options: HttpReceiverOptions,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  encoding: Encoding,
  error: unknown,
): Promise<void> {
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
  if (!request.complete && !(await isDropped(request, refusal.code === 'TIMEOUT' ? 0 : DROPPING_MS))) {
    response.setHeader('connection', 'close');
  }
  const { http: code } = CODES[refusal.code];
  if (encoding === 'json') send(response, code, TYPES.json, statusJson(refusal));
  else send(response, code, TYPES.protobuf, statusBytes(refusal));
}

/** Reads the rest of a body and drops it; false when there was too much of it, or it took too long. */
function isDropped(request: http.IncomingMessage, forMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    let dropped = 0;
    const settle = (all: boolean) => {
      clearTimeout(timer);
      request.off('data', drop);
      request.resume();
      resolve(all);
    };
    const drop = (chunk: Buffer) => {
      dropped += chunk.length;
      if (dropped > DROPPED_BYTES) settle(false);
    };
    const timer = setTimeout(() => settle(request.complete), forMs);
    request.on('data', drop);
    request.once('end', () => settle(true));
    request.once('close', () => settle(false));
    request.resume();
  });
}

/** An unexpected error is ours: the client may try again, and does not see what it was. */
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

function unsupported(type: string | undefined, isZipkin: boolean): Refusal {
  const shown = type === undefined ? 'missing' : `"${type.slice(0, 50)}"`;
  return new Refusal(
    'UNSUPPORTED_MEDIA_TYPE',
    'content_type',
    `the content type is ${shown}; ${isZipkin ? 'application/json is' : 'application/x-protobuf and application/json are'} understood.`,
  );
}
