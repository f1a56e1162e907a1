import { randomUUID } from 'node:crypto';
import {
  type Attributes,
  type Context,
  context,
  INVALID_SPANID,
  propagation,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { detach } from './attach.ts';
import type { BeaconSpanProcessor } from './processor.ts';
import { type Probe, type Surroundings, sendProbe } from './surroundings.ts';
import { EXECUTION_ID, JOB_ID, MODEL_ID, REGION } from './to-row.ts';
import { VERSION, versions } from './versions.ts';
import { warningsOf } from './warnings.ts';

/** What a span works for. What is left out stays as it was. */
export interface ExecutionContext {
  jobId?: string | number | undefined;
  /** An integer up to 64 bits, as text where it is beyond 2^53; or any other key: a UUID, a ULID, a name. */
  executionId?: string | number | bigint | undefined;
  modelId?: string | undefined;
  region?: string | undefined;
}

export interface TracerHealth {
  enabled: boolean;
  /** Whether it was shut down: what is made since then is not written. */
  stopped: boolean;
  /** Value of ENABLE_DB_TRACING as it was read; `<unset>` when there was none. */
  flag: string;
  flagSource: 'environment' | 'file' | 'option' | 'default';
  service: string;
  instance: string;
  tracerId: string;
  /** Server and database, without user and password. */
  database: string | null;
  /** What hands it spans, in words; null when nothing does. */
  attachedTo: string | null;
  /** Spans made through this tracer that the sampler did not keep, or no provider recorded. */
  spansNotRecorded: number;
  spansStarted: number;
  spansEnded: number;
  spansWritten: number;
  /** Lost spans by reason. */
  spansDropped: Record<string, number>;
  /** Spans in which a value had to be replaced or cut; their `otel` says what. */
  spansRepaired: number;
  /** Values taken out of spans as secrets. */
  valuesRedacted: number;
  queueDepth: number;
  writeFailures: number;
  /** `open`: the database is only probed now and then. */
  circuit: 'closed' | 'open';
  lastError: string | null;
  lastErrorAt: string | null;
  lastWrittenAt: string | null;
  lastHeartbeatAt: string | null;
  /** Clock of this process minus clock of the database, milliseconds. */
  clockOffsetMs: number | null;
  versions: Record<string, string>;
  /** What keeps spans from being written although the flag is on, in words; empty where nothing is known to. */
  warnings: string[];
  /** What of the process decides whether spans arrive. */
  surroundings: Surroundings;
}

/**
 * The verbs of tracing over OpenTelemetry's API. All of them may be called with the flag off: spans then go wherever
 * the application's own provider sends them, or nowhere. None of them throws.
 */
export class DBTracer {
  /** Whether spans are written to PostgreSQL. */
  readonly enabled: boolean;
  /** For an application that makes its own provider: goes into its `spanProcessors`. */
  readonly processor: BeaconSpanProcessor;
  readonly #attachedTo: string | null;
  readonly #tracer: Tracer;
  readonly #debug: ((operation: string) => void) | undefined;
  #probing: Promise<Probe> | undefined;
  #notRecorded = 0;

  constructor(processor: BeaconSpanProcessor, attachedTo: string | null) {
    this.processor = processor;
    this.enabled = processor.enabled;
    this.#attachedTo = attachedTo;
    this.#tracer = trace.getTracer('@project-beacon/tracer', VERSION);
    this.#debug = processor.debug;
  }

  health(): TracerHealth {
    const { processor } = this;
    const counters = processor.counters();
    return {
      enabled: this.enabled,
      stopped: processor.isStopped,
      flag: processor.flag.text,
      flagSource: processor.flag.source,
      service: processor.service,
      instance: processor.instance,
      tracerId: processor.tracerId,
      database: processor.database,
      attachedTo: this.#attachedTo,
      spansNotRecorded: this.#notRecorded,
      spansStarted: counters.started,
      spansEnded: counters.added,
      spansWritten: counters.written,
      spansDropped: counters.dropped,
      spansRepaired: counters.repaired,
      valuesRedacted: counters.redacted,
      queueDepth: counters.queued,
      writeFailures: counters.failures,
      circuit: counters.circuit,
      lastError: counters.lastError,
      lastErrorAt: counters.lastErrorAt?.toISOString() ?? null,
      lastWrittenAt: counters.lastWrittenAt?.toISOString() ?? null,
      lastHeartbeatAt: processor.heartbeat?.lastBeatAt?.toISOString() ?? null,
      clockOffsetMs: processor.heartbeat?.clockOffsetMs ?? null,
      versions: versions(),
      warnings: warningsOf(processor),
      surroundings: processor.surroundings(),
    };
  }

  /**
   * Makes a span the way the application does and waits until the database has answered: `beacon doctor` asks for it and
   * reads it back. At most one a second; those that come sooner share it. Never rejects.
   */
  probe(): Promise<Probe> {
    if (!this.#probing) {
      this.processor.probes++;
      this.#probing = sendProbe(this.processor);
      setTimeout(() => {
        this.#probing = undefined;
      }, 1_000).unref();
    }
    return this.#probing;
  }

  /** Starts a span below the active one, or below `parent`. The caller ends it. */
  startSpan(name: string, options?: SpanOptions, parent?: Context): Span {
    this.#debug?.(name);
    return this.#counted(this.#tracer.startSpan(name, options, parent));
  }

  #counted(span: Span): Span {
    if (this.enabled && !span.isRecording()) this.#notRecorded++;
    return span;
  }

  /**
   * Runs `work` inside a span that is active meanwhile and ends with it; an error fails the span and goes on to the
   * caller.
   */
  withSpan<T>(name: string, work: (span: Span) => T): T;
  withSpan<T>(name: string, options: SpanOptions, work: (span: Span) => T): T;
  withSpan<T>(name: string, optionsOrWork: SpanOptions | ((span: Span) => T), maybeWork?: (span: Span) => T): T {
    const work = typeof optionsOrWork === 'function' ? optionsOrWork : (maybeWork as (span: Span) => T);
    this.#debug?.(name);
    const options = typeof optionsOrWork === 'function' ? undefined : optionsOrWork;
    const span = this.#counted(this.#tracer.startSpan(name, options));
    // Without an SDK there is nothing to carry on to others and nothing to end.
    if (!span.isRecording() && span.spanContext().spanId === INVALID_SPANID) return work(span);
    let result: T;
    try {
      result = context.with(trace.setSpan(context.active(), span), work, undefined, span);
    } catch (error) {
      this.completeSpanWithError(span, error);
      throw error;
    }
    if (!isPromise(result)) {
      span.end();
      return result;
    }
    return result.then(
      (value) => {
        span.end();
        return value;
      },
      (error) => {
        this.completeSpanWithError(span, error);
        throw error;
      },
    ) as T;
  }

  /**
   * Says what the work from here on is for: on the active span, and as baggage in the context it returns, which W3C
   * headers carry on to other services. Run the work with `context.with(returned, work)`.
   */
  setExecutionContext(execution: ExecutionContext, parent: Context = context.active()): Context {
    const span = trace.getSpan(parent);
    // Nothing here records spans or carries baggage on.
    if (!this.enabled && span === undefined && propagation.fields().length === 0) return parent;
    const entries = entriesOf(execution);
    // Built at once: a baggage is copied whenever an entry is added.
    const baggage = Object.fromEntries(propagation.getBaggage(parent)?.getAllEntries() ?? []);
    for (const [name, value] of entries) {
      span?.setAttribute(name, value);
      baggage[name] = { value };
    }
    return propagation.setBaggage(parent, propagation.createBaggage(baggage));
  }

  /** Ends a span that did what it should. */
  completeSpan(span: Span, attributes?: Attributes): void {
    if (attributes) span.setAttributes(attributes);
    span.end();
  }

  /** Ends a span that failed: status, exception event, and `error.type` unless the span has one. */
  completeSpanWithError(span: Span, error: unknown, attributes?: Attributes): void {
    if (span.isRecording()) {
      try {
        if (attributes) span.setAttributes(attributes);
        recordError(span, error);
      } catch {
        // An error whose properties throw is still an error: the span ends.
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
    }
    span.end();
  }

  /** A new W3C trace id: 32 hexadecimal digits. */
  generateTraceId(): string {
    return randomUUID().replaceAll('-', '');
  }

  /** Adds `traceparent`, `tracestate` and `baggage` of the active context to the headers, and returns them. */
  inject<T extends object>(headers: T, from: Context = context.active()): T {
    propagation.inject(from, headers);
    return headers;
  }

  /** The context that headers bring along. */
  extract(headers: object, onto: Context = context.active()): Context {
    const extracted = propagation.extract(onto, headers);
    const caller = extracted === onto ? undefined : trace.getSpanContext(extracted);
    if (caller?.isRemote) {
      const { callers } = this.processor;
      callers.total++;
      if ((caller.traceFlags & TraceFlags.SAMPLED) === 0) callers.unsampled++;
    }
    return extracted;
  }

  /** Writes what has ended so far. Never rejects. */
  async flush(): Promise<void> {
    await this.processor.forceFlush();
  }

  /** Writes the last spans within `shutdownBudgetMs` and closes. Never rejects. */
  async shutdown(): Promise<void> {
    await this.processor.shutdown();
    detach(this.processor);
  }
}

function entriesOf({ jobId, executionId, modelId, region }: ExecutionContext): [string, string][] {
  const entries: [string, string | number | bigint | undefined][] = [
    [JOB_ID, jobId],
    [EXECUTION_ID, executionId],
    [MODEL_ID, modelId],
    [REGION, region],
  ];
  return entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as [string, string]]));
}

function recordError(span: Span, error: unknown): void {
  const known = error instanceof Error ? error : new Error(String(error));
  span.recordException(known);
  span.setStatus({ code: SpanStatusCode.ERROR, message: known.message });
  // A caller that knows better than the error's class has said so before.
  const given = (span as { attributes?: Attributes }).attributes?.['error.type'];
  if (given === undefined) span.setAttribute('error.type', errorType(known));
}

/** The code of a system or library error, else the class's name. */
export function errorType(error: Error & { code?: unknown; cause?: unknown }): string {
  if (typeof error.code === 'string' && error.code !== '') return error.code;
  // fetch hides why it failed one level down.
  const { cause } = error;
  if (error.name === 'TypeError' && cause instanceof Error) return errorType(cause);
  return error.name || 'Error';
}

function isPromise(value: unknown): value is Promise<never> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
