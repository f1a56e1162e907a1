// What running services say of themselves, over HTTP and through their heartbeats.
import * as os from 'node:os';

/** What `GET /health/tracing` of a service answers, as far as the doctor reads it. */
export interface TracingHealth {
  enabled: boolean;
  flag: string;
  flagSource: string;
  service: string;
  instance: string;
  tracerId: string;
  database: string | null;
  attachedTo: string | null;
  /** Not in heartbeats. */
  stopped?: boolean;
  /** Not in heartbeats. */
  spansNotRecorded?: number;
  spansStarted: number;
  spansWritten: number;
  spansDropped: Record<string, number>;
  queueDepth: number;
  writeFailures: number;
  lastError: string | null;
  lastErrorAt: string | null;
  lastWrittenAt: string | null;
  lastHeartbeatAt: string | null;
  clockOffsetMs: number | null;
  surroundings?: Partial<Surroundings>;
}

export interface Surroundings {
  apiCopies: { of: string; version: string; works: boolean }[];
  apiRegistered: string | null;
  provider: string | null;
  providerIsOurs: boolean;
  sampler: string | null;
  samplerKeeps: number | null;
  environment: Record<string, string>;
  contextManager: boolean;
  entry: string;
  preloaded: boolean;
  requireIsPatched: boolean;
  loadedBefore: string[];
  callers: { total: number; unsampled: number };
  inContainer: boolean;
  probes: number;
}

export interface Probe {
  traceId: string | null;
  sampled: boolean;
  written: boolean;
  milliseconds: number;
}

/** One service, as it was found. */
export interface ProcessReport {
  /** Name it was asked for under, or gives itself. */
  service: string;
  /** null for one known by its heartbeat only. */
  url: string | null;
  /** Whether anything answered at the address. */
  answers: boolean;
  /** Why it does not. */
  trouble?: string;
  /** What GET /health says. */
  status: Record<string, unknown>;
  /** null: it answers, and has no /health/tracing. */
  tracing: TracingHealth | null;
  /** Of one known by its heartbeat only: whether it is gone; undefined where that cannot be seen from here. */
  isGone?: boolean | undefined;
  /** undefined: it has no route for it, or there is nothing to probe. */
  probe?: Probe;
}

const TIMEOUT_MS = 2_000;
// A tracer gives its probe three seconds.
const PROBE_TIMEOUT_MS = 4_000;

/** Asks a service; one that is enabled is also told to send a span. Never rejects. */
export async function askService(url: string, name?: string): Promise<ProcessReport> {
  const base = url.replace(/\/$/, '');
  const found: ProcessReport = {
    service: name ?? base,
    url: base,
    answers: false,
    status: {},
    tracing: null,
  };
  try {
    const health = await ask(`${base}/health`);
    found.answers = true;
    if (typeof health.body === 'object' && health.body !== null) found.status = health.body as Record<string, unknown>;
    if (!name && typeof found.status.service === 'string') found.service = found.status.service;
    const tracing = await ask(`${base}/health/tracing`);
    if (tracing.status === 200 && isTracing(tracing.body)) {
      found.tracing = tracing.body;
      if (!name) found.service = tracing.body.service;
    }
    if (found.tracing?.enabled) {
      const probe = await askProbe(base);
      if (probe) found.probe = probe;
      // What failed on the way is in the counters afterwards.
      const after = await ask(`${base}/health/tracing`);
      if (isTracing(after.body)) found.tracing = after.body;
    }
  } catch (error) {
    found.trouble = reason(error);
  }
  return found;
}

/** Tells a service to send a span; undefined where it has no route for that, or does not answer. */
export async function askProbe(url: string): Promise<Probe | undefined> {
  const probe = await ask(`${url}/health/tracing/probe`, 'POST').catch(() => undefined);
  return probe?.status === 200 ? (probe.body as Probe) : undefined;
}

async function ask(url: string, method = 'GET'): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(method === 'POST' ? PROBE_TIMEOUT_MS : TIMEOUT_MS),
  });
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: text };
  }
}

function isTracing(body: unknown): body is TracingHealth {
  return typeof (body as TracingHealth | null)?.enabled === 'boolean' && 'flag' in (body as object);
}

function reason(error: unknown): string {
  const { cause, message } = error as Error & { cause?: Error & { code?: string } };
  return cause?.code ?? cause?.message ?? message;
}

/** A row of `tracers` in the shape of {@link TracingHealth}. */
export function fromHeartbeat(row: Record<string, unknown>): ProcessReport {
  const dropped = (row.spans_dropped ?? {}) as Record<string, number>;
  return {
    service: String(row.service),
    url: null,
    answers: true,
    status: {},
    isGone: isGone(String(row.instance), Number(row.pid)),
    tracing: {
      enabled: true,
      flag: String(row.flag),
      flagSource: String(row.flag_source),
      service: String(row.service),
      instance: String(row.instance),
      tracerId: String(row.tracer_id),
      database: null,
      attachedTo: null,
      spansStarted: Number(row.spans_started),
      spansWritten: Number(row.spans_written),
      spansDropped: dropped,
      queueDepth: Number(row.queue_depth),
      writeFailures: Number(row.write_failures),
      lastError: (row.last_error as string | null) ?? null,
      lastErrorAt: iso(row.last_error_at),
      lastWrittenAt: lastWritten(row),
      lastHeartbeatAt: iso(row.heartbeat_at),
      clockOffsetMs: row.clock_offset_ms === null ? null : Number(row.clock_offset_ms),
      surroundings: (row.surroundings ?? {}) as Partial<Surroundings>,
    },
  };
}

/** A write that fails is tried again after 12.5 s at most (10 s, spread by a quarter), and heartbeats are 5 s apart. */
const FAILING_WITHIN_MS = 20_000;

/** A heartbeat says that the process lives; not, while spans wait and a write has just failed, that spans are written. */
function lastWritten(row: Record<string, unknown>): string | null {
  if (!(Number(row.spans_written) > 0)) return null;
  const beat = iso(row.heartbeat_at);
  const failed = iso(row.last_error_at);
  if (beat === null || failed === null || Number(row.queue_depth) === 0) return beat;
  // One is a time of the database's clock, the other of the process's.
  const since = Date.parse(beat) - (Date.parse(failed) - Number(row.clock_offset_ms ?? 0));
  return since < FAILING_WITHIN_MS ? null : beat;
}

/** Only processes of this machine can be looked for. */
function isGone(instance: string, pid: number): boolean | undefined {
  if (!(pid > 0) || !instance.startsWith(`${os.hostname()}:`)) return undefined;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function iso(time: unknown): string | null {
  return time === null || time === undefined ? null : new Date(time as string).toISOString();
}
