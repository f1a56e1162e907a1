// The tracer's own path, measured: its writer, its transaction, its tables; with the flag on or off.
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { resourceRow, type SpanRow, SpanWriter, type Time } from '@project-beacon/writer';
import type pg from 'pg';

export interface WriterPath {
  /** Milliseconds until a batch of so many spans was committed. */
  batchMs: number;
  spans: number;
  /** Milliseconds until a writer with so many spans waiting had written them, and had closed. */
  drainMs: number;
  waiting: number;
  /** Why not all of them are stored; null when they are. */
  error: string | null;
  /** Connections of that writer that were still open a while after it had closed. */
  stillOpen: number;
}

const BATCH = 100;
const WAITING = 2_000;
/** What a service may take to stop. */
export const DRAIN_WITHIN_MS = 30_000;
const CLOSED_WITHIN_MS = 2_000;

const NOTHING = { batchMs: 0, spans: 0, drainMs: 0, waiting: 0, stillOpen: 0 };

/** Writes a trace of probe spans the way a tracer does, drains, closes, and removes them again. */
export async function measureWriterPath(pool: pg.Pool, connectionString: string): Promise<WriterPath> {
  const traceId = randomBytes(16).toString('hex');
  const applicationName = `beacon preflight ${traceId.slice(0, 8)}`;
  const writer = new SpanWriter<SpanRow>({ connectionString, applicationName, toRow: (row) => row });
  const made = spansOf(traceId, 1 + BATCH + WAITING);
  try {
    // The first one pays for the connection.
    await writeAll(writer, made.slice(0, 1));
    const first = writer.counters();
    if (first.written === 0) return { ...NOTHING, error: first.lastError ?? 'the first span was not written in time' };
    const batchMs = await timed(() => writeAll(writer, made.slice(1, 1 + BATCH)));
    for (const row of made.slice(1 + BATCH)) writer.add(row);
    const drainMs = await timed(() => writer.shutdown(DRAIN_WITHIN_MS));
    const { written, lastError } = writer.counters();
    return {
      batchMs,
      spans: BATCH,
      drainMs,
      waiting: WAITING,
      error: written === made.length ? null : (lastError ?? `${made.length - written} of ${made.length} were lost`),
      stillOpen: await openOnes(pool, applicationName),
    };
  } finally {
    await writer.shutdown(0);
    await pool.query('select beacon.doctor_forget($1::uuid)', [traceId]);
  }
}

async function writeAll(writer: SpanWriter<SpanRow>, rows: SpanRow[]): Promise<void> {
  for (const row of rows) writer.add(row);
  await writer.flush();
}

function spansOf(traceId: string, count: number): SpanRow[] {
  const seconds = Math.floor(Date.now() / 1_000);
  const at: Time = [seconds, 0];
  const resource = resourceRow({
    attributes: { 'service.name': 'beacon preflight' },
    scopeName: null,
    scopeVersion: null,
    otel: null,
  });
  const root = randomBytes(8).toString('hex');
  return Array.from({ length: count }, (_, n) => ({
    traceId,
    spanId: n === 0 ? root : randomBytes(8).toString('hex'),
    parentSpanId: n === 0 ? null : root,
    service: 'beacon preflight',
    operation: 'beacon.probe',
    kind: 'internal',
    status: 'completed',
    start: at,
    end: [seconds, 1_000_000],
    executionId: null,
    executionKey: null,
    jobId: null,
    modelId: null,
    region: null,
    errorType: null,
    errorMessage: null,
    // Ten attributes, as a span of an application has them.
    attributes: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`preflight.attribute_${i}`, `value ${n}`])),
    events: null,
    links: null,
    traceState: null,
    otel: null,
    tracerId: null,
    resource,
    flags: null,
    update: false,
  }));
}

async function openOnes(pool: pg.Pool, applicationName: string): Promise<number> {
  const deadline = performance.now() + CLOSED_WITHIN_MS;
  for (;;) {
    const { rows } = await pool.query('select count(*)::int as n from pg_stat_activity where application_name = $1', [
      applicationName,
    ]);
    if (rows[0].n === 0 || performance.now() > deadline) return rows[0].n;
    await pause(20);
  }
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
