// Traces out of the tables, for this door.
import type pg from 'pg';
import { type RunOptions, readOnly } from '../operations/run.ts';
import { readTrace, type TraceData } from '../otlp/read-back.ts';
import { type JaegerTrace, jaegerTrace, type Mark, markOf } from './model.ts';

export interface Read extends TraceData {
  traceId: string;
  marks: Map<string, Mark>;
}

/** Spans of an answer with several traces at most, some 100 MB of JSON; a single trace comes whole. */
export const MOST_SPANS = 50_000;

/** Where a clock was corrected, or a span has not ended; most spans need no word. */
const MARKS = `
select encode(t.span_id, 'hex') as span_id, ((extract(epoch from t.started_at) * 1000000)::bigint)::text as started_us,
  t.skew_ms, case when t.ended then null else t.duration_ms end as so_far_ms, beacon.span_note(t) as note
from beacon.trace_tree($1) t
where t.skew_ms <> 0 or not t.ended or t.is_orphan`;

/**
 * A trace with all its spans; undefined when there is none.
 *
 * @param traceId 32 hexadecimal digits.
 * @param raw Leaves clocks as they were.
 */
export function readOne(pool: pg.Pool, traceId: string, raw: boolean, limits: RunOptions): Promise<Read | undefined> {
  return readOnly(pool, limits, async ({ client }) => {
    const trace = await readTrace(client, traceId);
    if (!trace) return undefined;
    const marks = new Map<string, Mark>();
    if (!raw) {
      const { rows } = await client.query(MARKS, [traceId]);
      for (const { span_id, started_us, skew_ms, so_far_ms, note } of rows) {
        marks.set(markOf(span_id, started_us), { skewMs: skew_ms, soFarMs: so_far_ms ?? undefined, note });
      }
    }
    return { ...trace, traceId, marks };
  });
}

export function jaegerOf({ traceId, traces, marks, spans, isCut }: Read): JaegerTrace {
  const warnings = isCut ? [`Only the first ${spans} spans of this trace are here.`] : [];
  return jaegerTrace(traceId, traces, marks, warnings);
}

/** The answer of version 3, as JSON: OTLP, wrapped as a gateway of gRPC does it. */
export function combined(read: readonly Read[]): string {
  // Each is an object with the one member resourceSpans; its text keeps what JSON.stringify would lose.
  const parts = read.map((trace) => trace.json().slice('{"resourceSpans":['.length, -']}'.length));
  return `{"result":{"resourceSpans":[${parts.join(',')}]}}`;
}
