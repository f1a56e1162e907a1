// A Fastify plugin that makes one server span of each request. Fastify's types are described, not imported: the package
// does not depend on it.
import { type Context, context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { type DBTracer, errorType } from './db-tracer.ts';

export { fastifyGuard, type GuardOptions } from './fastify-guard.ts';

export interface FastifyTracingOptions {
  tracer: DBTracer;
  /** Requests that make no span, for example health checks. Default: every request makes one. */
  ignore?: ((request: TracedRequest) => boolean) | undefined;
}

/** What the plugin reads of a request. */
export interface TracedRequest {
  method: string;
  url: string;
  headers: object;
  routeOptions: { url?: string | undefined };
}

interface TracedReply {
  statusCode: number;
  raw: { writableFinished: boolean; headersSent: boolean; once(event: 'close', listener: () => void): unknown };
}

interface TracedInstance {
  // biome-ignore lint/suspicious/noExplicitAny: Fastify's hooks have a signature each, generic over the whole server.
  addHook(name: any, hook: any): unknown;
}

interface Traced {
  span: Span;
  active: Context;
  callerIsGone: boolean;
}

// On the request itself: it lives and dies with it.
const TRACED = Symbol('beacon.traced');
type Marked = TracedRequest & { [TRACED]?: Traced };

/**
 * `app.register(fastifyTracing, { tracer })`. Each request becomes a span named `METHOD /route`, below the span its
 * `traceparent` names; handlers run with that span and the caller's baggage active.
 */
export function fastifyTracing(
  app: TracedInstance,
  options: FastifyTracingOptions,
  done: (error?: Error) => void,
): void {
  const { tracer, ignore } = options;
  app.addHook('onRequest', (request: Marked, reply: TracedReply, next: () => void) => {
    if (ignore?.(request)) return next();
    const traced = startSpan(tracer, request);
    request[TRACED] = traced;
    // The response's close, not the request's: that of a POST closes as soon as its body has been read.
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) return;
      traced.callerIsGone = true;
      traced.span.setAttribute('beacon.caller_gone', true);
      if (reply.raw.headersSent) endSpan(request, reply.statusCode);
    });
    context.with(traced.active, next);
  });
  // Reading a body goes on in the socket's context; this brings the request's own back.
  app.addHook('preValidation', (request: Marked, _reply: TracedReply, next: () => void) => {
    const traced = request[TRACED];
    if (traced) context.with(traced.active, next);
    else next();
  });
  app.addHook('onError', (request: Marked, _reply: TracedReply, error: Error, next: () => void) => {
    const span = request[TRACED]?.span;
    if (span?.isRecording()) {
      span.recordException(error);
      setErrorType(span, errorType(error));
    }
    next();
  });
  app.addHook('onResponse', (request: Marked, reply: TracedReply, next: () => void) => {
    endSpan(request, reply.statusCode);
    next();
  });
  // Nothing is sent to a caller who has left, so there is no response to wait for: the span ends with the work.
  app.addHook('onSend', (request: Marked, reply: TracedReply, _payload: unknown, next: () => void) => {
    if (request[TRACED]?.callerIsGone) endSpan(request, reply.statusCode);
    next();
  });
  done();
}

// Hooks of a plugin otherwise apply only to routes registered inside it.
Object.assign(fastifyTracing, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'beacon-tracing',
});

function startSpan(tracer: DBTracer, request: TracedRequest): Traced {
  const route = request.routeOptions.url;
  const incoming = tracer.extract(request.headers, ROOT_CONTEXT);
  const span = tracer.startSpan(
    route === undefined ? request.method : `${request.method} ${route}`,
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': request.method,
        'url.path': request.url.split('?', 1)[0]!,
        ...(route === undefined ? {} : { 'http.route': route }),
      },
    },
    incoming,
  );
  return { span, active: trace.setSpan(incoming, span), callerIsGone: false };
}

function endSpan(request: Marked, statusCode: number): void {
  const span = request[TRACED]?.span;
  if (!span?.isRecording()) return;
  span.setAttribute('http.response.status_code', statusCode);
  if (statusCode >= 500) {
    setErrorType(span, String(statusCode));
    const message = (span as { events?: { attributes?: Record<string, unknown> }[] }).events?.at(-1)?.attributes?.[
      'exception.message'
    ];
    span.setStatus({ code: SpanStatusCode.ERROR, ...(typeof message === 'string' ? { message } : {}) });
  }
  span.end();
}

/** The handler may have named it better. */
function setErrorType(span: Span, type: string): void {
  const given = (span as { attributes?: Record<string, unknown> }).attributes?.['error.type'];
  if (given === undefined) span.setAttribute('error.type', type);
}
