import { randomBytes } from 'node:crypto';
import type { SpanRow } from '@project-beacon/writer';

/** A completed span of 12.345678 ms, with what the test wants otherwise. */
export function row(changes: Partial<SpanRow> = {}): SpanRow {
  const seconds = Math.trunc(Date.now() / 1_000);
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    parentSpanId: null,
    service: 'checkout',
    operation: 'charge card',
    kind: 'internal',
    status: 'completed',
    start: [seconds, 123_456_789],
    end: [seconds, 135_802_467],
    executionId: null,
    executionKey: null,
    jobId: null,
    modelId: null,
    region: null,
    errorType: null,
    errorMessage: null,
    attributes: {},
    events: null,
    links: null,
    traceState: null,
    otel: null,
    tracerId: null,
    resource: null,
    flags: 1,
    update: false,
    ...changes,
  };
}
