// What every HTTP port of the server has in common: who may ask, how often, for how long, and how an error looks.
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import compress from '@fastify/compress';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { BeaconError } from '../store/errors.ts';
import { type Problem, problemOf, sendProblem, sentenceOf404 } from './problems.ts';

/** Who may ask; the same object guards the OTLP ports. */
export interface Guard {
  isOpen: boolean;
  /** Whether an Authorization header opens this scope; takes the same time for every header. */
  admits(authorization: string | undefined, scope: Scope): boolean;
  /** Name of the token a header brings. */
  nameOf(authorization: string | undefined): string | undefined;
}

/** What a token may be for: to send spans, to read, to change something. */
export type Scope = 'send' | 'read' | 'act';

export interface AppOptions {
  logger: FastifyBaseLogger;
  /** Host names that requests may be addressed to; `undefined` allows every name. */
  hosts: ReadonlySet<string> | undefined;
  /** Default: everybody. */
  guard?: Guard | undefined;
  /** Origins of web pages that may read answers: `https://grafana.example`. Default: none. */
  origins?: readonly string[] | undefined;
  /** Requests a minute from one address; 0 for any number. Default 0. */
  requestsPerMinute?: number | undefined;
  /** How long a request may take from its first byte to its answer, milliseconds. Default 30,000. */
  timeoutMs?: number | undefined;
  /** Certificate and key, PEM; without it the port speaks plain HTTP. */
  tls?: { cert: Buffer; key: Buffer } | undefined;
  /** How this port says errors. Default: problem details. */
  sendError?: ((reply: FastifyReply, problem: Problem) => FastifyReply) | undefined;
}

/** What a route may say about itself. */
declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no token: it tells nothing about the data. */
    open?: boolean;
    /** What the token must be for. Default: to read. */
    scope?: Scope;
    /** How its errors look, where that is not as on the rest of the port. */
    sendError?: (reply: FastifyReply, problem: Problem) => FastifyReply;
  }
  interface FastifyRequest {
    /** Aborted when the caller has gone away. Fastify's own `signal` is also aborted when a body was read. */
    gone: AbortSignal;
  }
}

/** Names under which a server on loopback is addressed. Anything else is a web page that guessed the address. */
export const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

const TIMEOUT_MS = 30_000;
const IDLE_MS = 75_000;
const STOP_BUDGET_MS = 5_000;
const SLOW_MS = 5_000;
const BODY_LIMIT = 1024 * 1024;
/** Ids of callers end up in logs and headers. */
const REQUEST_ID = /^[\w.:/+=-]{1,128}$/;
/** Texts, and the binary forms of traces; streams of events would wait in the packer. */
const PACKED = /^text\/(?!event-stream)|[+/](?:json|xml|javascript|(?:x-)?protobuf)(?:;|$)/;
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** A server without routes, not yet listening. */
export async function httpApp(options: AppOptions): Promise<FastifyInstance> {
  const { guard, hosts, origins = [], sendError = sendProblem } = options;
  const app = fastify({
    ...(options.tls ? { https: options.tls } : {}),
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: requestId,
    forceCloseConnections: 'idle',
    requestTimeout: options.timeoutMs ?? TIMEOUT_MS,
    handlerTimeout: options.timeoutMs ?? TIMEOUT_MS,
    keepAliveTimeout: IDLE_MS,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 1_000 },
  }) as FastifyInstance;

  closeInTime(app);
  app.decorateRequest('gone');
  app.addHook('onRequest', async (request, reply) => {
    const gone = new AbortController();
    request.gone = gone.signal;
    reply.raw.once('close', () => gone.abort());
    reply
      .header('x-request-id', request.id)
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer');
    checkHost(request, hosts);
    checkPath(request);
    checkOrigin(request, origins);
  });
  // After onRequest, where the rate is limited: a client that guesses tokens is slowed down too. Before the body is read.
  app.addHook('preParsing', async (request) => {
    if (!guard || request.is404 || request.routeOptions.config.open) return;
    const { authorization } = request.headers;
    const { scope = 'read' } = request.routeOptions.config;
    if (guard.admits(authorization, scope)) return;
    const name = guard.nameOf(authorization);
    if (name !== undefined) {
      const what = `The token "${name}" may not do this: it takes one with the scope ${scope}.`;
      throw new BeaconError('forbidden', what, 'BEACON_TOKENS_FILE gives tokens their scopes.');
    }
    throw new BeaconError(
      'unauthenticated',
      'This server asks for a token, and the request brings none or a wrong one.',
      'Send the header "Authorization: Bearer <token>".',
    );
  });
  app.addHook('onResponse', async (request, reply) => logAnswer(request, reply, guard));
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    // The caller has gone away; that its query was stopped is not a failure.
    if (request.gone.aborted) request.log.debug({ path: pathOf(request) }, 'the client went away');
    else if (problem.status >= 500) request.log.error({ err: error, url: pathOf(request) }, problem.detail);
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    return (request.routeOptions.config?.sendError ?? sendError)(reply, problem);
  });
  app.setNotFoundHandler((request, reply) => sendError(reply, sentenceOf404(request.method, pathOf(request))));

  if (origins.length > 0) {
    const exposed = ['x-request-id', 'x-beacon-left-out', 'etag', 'retry-after'];
    await app.register(cors, { origin: [...origins], methods: ['GET', 'POST', 'DELETE'], exposedHeaders: exposed });
  }
  if (options.requestsPerMinute) {
    await app.register(rateLimit, { max: options.requestsPerMinute, timeWindow: 60_000, enableDraftSpec: true });
  }
  // Brotli's own default would take longer to pack an answer than PostgreSQL to find it; the plugin's is 4. gzip's, 6, takes
  // three times as long for a tenth less.
  await app.register(compress, {
    zlibOptions: { level: 4 },
    encodings: ['br', 'gzip'],
    requestEncodings: ['gzip', 'br', 'deflate'],
    threshold: 1_024,
    customTypes: PACKED,
  });
  return app;
}

/** Answers that are under way may end; connections on which nothing was asked, and those that take too long, are cut. */
function closeInTime(app: FastifyInstance): void {
  const unused = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }) => unused.delete(socket));
  app.addHook('preClose', async () => {
    for (const socket of unused) socket.destroy();
    setTimeout(() => app.server.closeAllConnections(), STOP_BUDGET_MS).unref();
  });
}

function requestId({ headers }: { headers: Record<string, string | string[] | undefined> }): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

function checkHost(request: FastifyRequest, hosts: ReadonlySet<string> | undefined): void {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (!hosts || hosts.has(host)) return;
  const what = `Requests to the host "${host}" are not answered here.`;
  throw new BeaconError('forbidden', what, 'Use 127.0.0.1 or localhost.');
}

/** U+0000 is in the name of no file and of no route. */
function checkPath(request: FastifyRequest): void {
  if (!/%00/.test(pathOf(request))) return;
  throw new BeaconError('usage', 'The path holds U+0000.', 'Leave it out.');
}

/** A page of another site can send a form here without asking; it must not start anything. */
function checkOrigin(request: FastifyRequest, origins: readonly string[]): void {
  const { origin, host } = request.headers;
  if (SAFE_METHODS.has(request.method) || origin === undefined || origins.includes(origin)) return;
  if (URL.parse(origin)?.host === host) return;
  throw new BeaconError(
    'forbidden',
    `The web page ${origin.slice(0, 200)} may not send requests here.`,
    'BEACON_CORS_ORIGINS names the pages that may.',
  );
}

function logAnswer(request: FastifyRequest, reply: FastifyReply, guard: Guard | undefined): void {
  const ms = Math.round(reply.elapsedTime);
  const facts = {
    method: request.method,
    path: pathOf(request),
    status: reply.statusCode,
    ms,
    ...tokenOf(request, guard),
  };
  if (ms >= SLOW_MS) request.log.warn(facts, 'slow request');
  else request.log.debug(facts, 'request');
}

function tokenOf({ headers }: FastifyRequest, guard: Guard | undefined): { token?: string } {
  const name = guard?.nameOf(headers.authorization);
  return name === undefined ? {} : { token: name };
}

/** What is asked for may hold values of attributes: it stays out of the log. */
function pathOf(request: FastifyRequest): string {
  return request.url.replace(/\?.*/s, '').slice(0, 300);
}
