// Calls within calls, turned into rows of spans.
import { createHash } from 'node:crypto';

/** One span and what it calls. */
export interface Call {
  service: string;
  operation: string;
  kind: string;
  /** Milliseconds it takes. */
  ms: number;
  /** Milliseconds after its caller began; of a root, the moment in milliseconds since 1970. */
  at: number;
  status?: string;
  error?: string;
  message?: string;
  attributes?: object;
  calls?: Call[];
  region?: string;
  model?: string;
  job?: string;
  execution?: string;
}

interface SpanRow {
  trace_id: string;
  span_id: string;
  [column: string]: unknown;
}

/** Rows of one trace; ids follow from `seed`. */
export function spansOf(root: Call, seed: number): SpanRow[] {
  const traceId = digest(`trace ${seed}`, 32);
  const rows: SpanRow[] = [];
  const visit = (call: Call, start: number, parent: string | null) => {
    const spanId = digest(`${traceId} ${rows.length}`, 16);
    const error = call.error ? { error_type: call.error, error_message: call.message } : {};
    rows.push({
      trace_id: traceId,
      span_id: spanId,
      parent_span_id: parent,
      service: call.service,
      operation: call.operation,
      kind: call.kind,
      status: call.status ?? (call.error ? 'failed' : 'completed'),
      started_at: new Date(start).toISOString(),
      completed_at: new Date(start + call.ms).toISOString(),
      duration_ms: call.ms,
      execution_id: root.execution ?? null,
      job_id: root.job ?? null,
      model_id: root.model ?? null,
      region: root.region ?? null,
      metadata: call.attributes ?? {},
      events: null,
      ...error,
    });
    for (const each of call.calls ?? []) visit(each, start + each.at, spanId);
  };
  visit(root, root.at, null);
  return rows;
}

function digest(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32, Tommy Ettinger, public domain). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
