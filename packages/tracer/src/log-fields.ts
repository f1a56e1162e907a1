import { isSpanContextValid, trace } from '@opentelemetry/api';

/**
 * `trace_id` and `span_id` (lower-case hexadecimal) of the active span, and nothing where there is none: for a logger, so
 * that a line is found from its trace and a trace from its line. With pino: `pino({ mixin: logFields })`.
 */
export function logFields(): { trace_id?: string; span_id?: string } {
  const active = trace.getActiveSpan()?.spanContext();
  return active && isSpanContextValid(active) ? { trace_id: active.traceId, span_id: active.spanId } : {};
}
