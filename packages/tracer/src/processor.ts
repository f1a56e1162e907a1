// The OpenTelemetry span processor. What runs inside the application's calls is a push onto an array; the rest happens
// in the background, in a context that is not traced.
import { randomUUID } from 'node:crypto';
import * as os from 'node:os';
import { type Baggage, type Context, propagation, TraceFlags } from '@opentelemetry/api';
import {
  describeError,
  redactorFrom,
  type SpanRow,
  SpanWriter,
  shownDatabase,
  type WriterCounters,
} from '@project-beacon/writer';
import { sayFirstWrite, spanLine, wantsDebug } from './debug.ts';
import { type Flag, flagLine, readFlag } from './flag.ts';
import { Heartbeat, type TracerReport } from './heartbeat.ts';
import { safely, TroubleLog } from './log.ts';
import type { RecordedSpan } from './recorded-span.ts';
import { suppressed } from './suppressed.ts';
import { type Surroundings, surroundings } from './surroundings.ts';
import { RowMaker } from './to-row.ts';
import { versions } from './versions.ts';

export interface TracerOptions {
  /** Name of this service, where the resource of its spans does not give one. */
  service: string;
  /** Connection string. Default: the environment's DATABASE_URL. */
  databaseUrl?: string | undefined;
  /** Instead of the environment's ENABLE_DB_TRACING; same values. */
  flag?: string | undefined;
  /** Name of this process among those of its service. Default: host name and process id. */
  instance?: string | undefined;
  /** Where lines about tracing go. Default: standard error. */
  log?: ((line: string) => void) | undefined;
  /** Most ended spans held while the database is slow or away. Default 20,000. */
  bufferSpans?: number | undefined;
  /** Milliseconds between flushes. Default 1,000. */
  flushIntervalMs?: number | undefined;
  /** Age in milliseconds from which a span that is still open is written as `started`. Default 1,000. */
  openAfterMs?: number | undefined;
  /** Milliseconds between updates of the row in `tracers`. Default 5,000. */
  heartbeatMs?: number | undefined;
  /** Most milliseconds the end of the process waits for the last spans. Default 2,000. */
  shutdownBudgetMs?: number | undefined;
  /** Milliseconds after which the server gives up a statement. Default 5,000. */
  statementTimeoutMs?: number | undefined;
  /** Milliseconds until a connection attempt is given up. Default 5,000. */
  connectTimeoutMs?: number | undefined;
}

// On the span itself: a map from spans to these would cost more than all else that happens when a span starts.
const BAGGAGE = Symbol('beacon.baggage');
const WRITTEN_OPEN = Symbol('beacon.written_open');

const SORT_OUT_TOGETHER = 128;
// An attempt that took longer was not the end of an old connection, and the caller has waited enough.
const RETRY_WITHIN_MS = 1_000;

interface MarkedSpan extends RecordedSpan {
  [BAGGAGE]?: Baggage;
  [WRITTEN_OPEN]?: boolean;
}

// A bundle, a hot reload or a CommonJS twin brings a class of its own; what it makes is a processor of ours all the same.
const KIND = Symbol.for('beacon.span_processor.1');

/** Whether it was made by this package, whichever copy of it. */
export function isBeaconProcessor(candidate: unknown): candidate is BeaconSpanProcessor {
  return (candidate as { [KIND]?: boolean } | undefined)?.[KIND] === true;
}

/** Writes the spans of a TracerProvider to PostgreSQL. With the flag off it does nothing at all. */
export class BeaconSpanProcessor {
  readonly [KIND] = true;
  readonly enabled: boolean;
  readonly flag: Flag;
  /** Row in `tracers` of this process. */
  readonly tracerId = randomUUID();
  readonly service: string;
  readonly instance: string;
  /** Server and database without user and password; null where none was given. */
  readonly database: string | null;
  readonly heartbeat: Heartbeat | undefined;
  /** Contexts that came in from callers, and those whose caller had decided against sampling. */
  readonly callers = { total: 0, unsampled: 0 };
  /** Spans made to test the path. */
  probes = 0;
  /** With DB_TRACING_DEBUG=true: says that a span is started. */
  readonly debug: ((operation: string) => void) | undefined;
  readonly #options: TracerOptions;
  readonly #log: (line: string) => void;
  readonly #trouble: TroubleLog;
  readonly #rows: RowMaker;
  readonly #writer: SpanWriter<MarkedSpan> | undefined;
  readonly #heartbeatTimer: NodeJS.Timeout | undefined;
  readonly #openLimit: number;
  #started = 0;
  #recent: MarkedSpan[] = [];
  #open: MarkedSpan[] = [];
  #settled: RecordedSpan['resource'] | undefined;
  #stopping: Promise<void> | undefined;
  #addedAtExit = -1;

  constructor(options: TracerOptions) {
    this.#options = options;
    this.#log = options.log ?? ((line) => console.error(line));
    this.#trouble = new TroubleLog(this.#log);
    this.service = options.service;
    this.instance = options.instance ?? `${os.hostname()}:${process.pid}`;
    this.flag = readFlag(options.flag, process.env.ENABLE_DB_TRACING);
    this.#rows = new RowMaker({ tracerId: this.tracerId, service: options.service });
    this.#openLimit = options.bufferSpans ?? 20_000;
    const connectionString = options.databaseUrl ?? process.env.DATABASE_URL;
    const missing = this.flag.enabled ? objectionTo(connectionString) : undefined;
    this.database = connectionString ? shownDatabase(connectionString) : null;
    this.enabled = this.flag.enabled && missing === undefined;
    safely(() => this.#log(flagLine(this.flag, missing)));
    if (wantsDebug(process.env)) {
      const line = (operation: string) => spanLine(this.service, operation, this.enabled);
      this.debug = (operation) => safely(() => this.#log(line(operation)));
    }
    if (!this.enabled || !connectionString) return;
    this.#writer = this.#makeWriter(connectionString);
    this.heartbeat = new Heartbeat({ connectionString, ...this.#connectTimeout() }, () => this.#report());
    this.#heartbeatTimer = suppressed(() => setInterval(() => this.#beat(), options.heartbeatMs ?? 5_000));
    this.#heartbeatTimer.unref();
    this.#beat();
    process.on('beforeExit', this.#onBeforeExit);
    process.on('uncaughtExceptionMonitor', this.#onUncaught);
    if (this.debug)
      sayFirstWrite(
        () => this.counters(),
        (line) => safely(() => this.#log(line)),
      );
  }

  onStart(span: RecordedSpan, parentContext: Context): void {
    if (this.#writer === undefined) return;
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    this.#started++;
    const baggage = propagation.getBaggage(parentContext);
    if (baggage !== undefined) (span as MarkedSpan)[BAGGAGE] = baggage;
    this.#recent.push(span);
    if (span.resource.asyncAttributesPending) this.#settle(span);
    if (this.#recent.length >= SORT_OUT_TOGETHER) this.#sortOutRecent();
  }

  onEnd(span: RecordedSpan): void {
    if (this.#writer === undefined) return;
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    this.#writer.add(span);
  }

  /**
   * Writes what has ended so far. A connection that was cut since it was last used (a function that was frozen between
   * calls) is made anew, once. Never rejects: a database that is away is not the caller's trouble.
   */
  async forceFlush(): Promise<void> {
    const began = performance.now();
    if ((await this.#writer?.flush()) === false && performance.now() - began < RETRY_WITHIN_MS) {
      await this.#writer?.flush();
    }
  }

  /** Writes what is left within the budget, marks the process as stopped, and closes. Never rejects. */
  async shutdown(): Promise<void> {
    this.#stopping ??= this.#shutdown();
    await this.#stopping;
  }

  /** Whether it takes no more spans. */
  get isStopped(): boolean {
    return this.#stopping !== undefined;
  }

  /** Spans seen, and what became of those that ended. */
  counters(): WriterCounters & { started: number } {
    return { started: this.#started, ...(this.#writer?.counters() ?? NOTHING) };
  }

  surroundings(): Surroundings {
    return surroundings(this, this.callers, this.probes);
  }

  #makeWriter(connectionString: string): SpanWriter<MarkedSpan> {
    const { bufferSpans, flushIntervalMs, statementTimeoutMs } = this.#options;
    return new SpanWriter<MarkedSpan>({
      connectionString,
      ...this.#connectTimeout(),
      ...(bufferSpans === undefined ? {} : { bufferSpans }),
      ...(flushIntervalMs === undefined ? {} : { flushIntervalMs }),
      ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
      redactor: redactorFrom(process.env),
      toRow: (span) => this.#rows.toRow(span, span[BAGGAGE], span[WRITTEN_OPEN] === true),
      openRows: (room, final) => this.#openRows(room, final),
      onFailure: (description) => this.#complain(description),
      runInContext: suppressed,
    });
  }

  #connectTimeout(): { connectTimeoutMs?: number } {
    const { connectTimeoutMs } = this.#options;
    return connectTimeoutMs === undefined ? {} : { connectTimeoutMs };
  }

  /**
   * Moves the spans that are still open out of the recent ones. Most have ended by now; holding those any longer would
   * have the garbage collector copy them again and again.
   */
  #sortOutRecent(): void {
    const recent = this.#recent;
    this.#recent = [];
    for (const span of recent) {
      // Past the limit a span is still written when it ends, only not before.
      if (!span.ended && this.#open.length < this.#openLimit) this.#open.push(span);
    }
  }

  /** Rows of spans that have been open for a while. Those that are written are not held any longer: they may never end. */
  #openRows(room: number, final: boolean): SpanRow[] {
    this.#sortOutRecent();
    const before = Date.now() - (final ? -1_000 : (this.#options.openAfterMs ?? 1_000));
    const rows: SpanRow[] = [];
    const young: MarkedSpan[] = [];
    for (const span of this.#open) {
      if (span.ended) continue;
      if (rows.length >= room || span.startTime[0] * 1_000 + span.startTime[1] / 1e6 > before) {
        young.push(span);
        continue;
      }
      rows.push(this.#rows.toRow(span, span[BAGGAGE], false));
      span[WRITTEN_OPEN] = true;
    }
    this.#open = young;
    return rows;
  }

  /** Resource detectors may still be asking; by the first flush they should have answered. */
  #settle({ resource }: RecordedSpan): void {
    if (this.#settled === resource) return;
    this.#settled = resource;
    suppressed(() => resource.waitForAsyncAttributes?.())?.catch(() => {});
  }

  #report(): TracerReport {
    const counters = this.counters();
    return {
      tracerId: this.tracerId,
      service: this.service,
      instance: this.instance,
      flag: this.flag.text,
      flagSource: this.flag.source,
      versions: versions(),
      surroundings: this.surroundings(),
      started: counters.started,
      ended: counters.added,
      written: counters.written,
      redacted: counters.redacted,
      dropped: counters.dropped,
      queued: counters.queued,
      failures: counters.failures,
      lastError: counters.lastError,
      lastErrorAt: counters.lastErrorAt,
    };
  }

  #beat(): void {
    if (!this.heartbeat || this.heartbeat.isBusy || this.#stopping) return;
    const { heartbeat } = this;
    suppressed(() => heartbeat.beat(false, this.#options.statementTimeoutMs ?? 5_000)).catch((error) => {
      this.#complain(describeError(error, this.#options.databaseUrl ?? process.env.DATABASE_URL));
    });
  }

  #complain(description: string): void {
    const { queued, dropped } = this.counters();
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    this.#trouble.say(
      `DBTracer: cannot write to ${this.database}: ${description}. ${queued} spans wait, ${lost} are lost so far; it tries again.`,
    );
  }

  /** A process that has nothing left to do: its last spans are written before it ends. */
  readonly #onBeforeExit = (): void => {
    // Working here makes the event come again; without a new span there is nothing new to do.
    const { added } = this.counters();
    if (this.#stopping || added === this.#addedAtExit) return;
    this.#addedAtExit = added;
    void suppressed(() => this.#finish());
  };

  /** The process ends in this tick: nothing can be written any more, so it is said. */
  readonly #onUncaught = (): void => {
    const { queued } = this.counters();
    // Where the application catches it after all, the process goes on.
    if (queued === 0 || process.listenerCount('uncaughtException') > 0) return;
    const these = queued === 1 ? '1 span that had ended is' : `${queued} spans that had ended are`;
    safely(() =>
      this.#log(
        `DBTracer: an uncaught error ends the process, and ${these} lost, that of the error among them. ` +
          "To keep them: process.on('uncaughtException', async (error) => { console.error(error); await tracer.shutdown(); process.exit(1); })",
      ),
    );
  };

  async #finish(): Promise<void> {
    const deadline = performance.now() + (this.#options.shutdownBudgetMs ?? 2_000);
    const stored = await this.#writer!.drain(deadline - performance.now());
    const left = Math.min(deadline - performance.now(), 1_000);
    if (!stored) {
      const { queued, lastError } = this.counters();
      safely(() =>
        this.#log(`DBTracer: the process ends with ${queued} spans unwritten: ${lastError ?? 'out of time'}`),
      );
    }
    if (left < 50) return;
    let hold: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      hold = setTimeout(resolve, left);
    });
    await Promise.race([this.heartbeat!.beat(true, left).catch(() => {}), enough]);
    clearTimeout(hold);
  }

  async #shutdown(): Promise<void> {
    if (!this.#writer || !this.heartbeat) return;
    process.off('beforeExit', this.#onBeforeExit);
    process.off('uncaughtExceptionMonitor', this.#onUncaught);
    clearInterval(this.#heartbeatTimer);
    await suppressed(async () => {
      await this.#finish();
      await this.#writer?.shutdown(0);
      this.heartbeat?.close();
    });
  }
}

const NOTHING: WriterCounters = {
  added: 0,
  written: 0,
  writtenOpen: 0,
  duplicates: 0,
  repaired: 0,
  redacted: 0,
  dropped: {},
  queued: 0,
  failures: 0,
  circuit: 'closed',
  lastError: null,
  lastErrorAt: null,
  lastWrittenAt: null,
};

/** Why a connection string cannot be used. The driver would take one that is no URL for the name of a host, or of a file. */
function objectionTo(connectionString: string | undefined): string | undefined {
  if (!connectionString) return 'DATABASE_URL is not set';
  if (/^(?:postgres(?:ql)?|socket):\/|^\//.test(connectionString) && !connectionString.startsWith('//'))
    return undefined;
  return 'DATABASE_URL cannot be parsed; it looks like postgresql://user:password@host:5432/database';
}
