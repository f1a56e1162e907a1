// Sends recordings to a receiver as if they happened now, and asks why each failed.
import type { Attribute, Recording } from '../recording/otlp.ts';
import { recordsOf, spansOf } from '../recording/otlp.ts';
import { EPOCH_NANOS } from '../recording/stabilise.ts';

export interface Sent {
  executionId: number;
  body: Pick<Recording, 'traces' | 'logs'>;
}

/** OTLP's number of this kind of span. */
const SERVER = 2;

let ids = 0;

/** The recording with ids of its own, its first span at `atMs`, and the execution's id at its root. */
export function moved({ traces, logs }: Recording, atMs: number, executionId: number): Sent {
  const body = structuredClone({ traces, logs });
  const round = (++ids).toString(16);
  const isolate = (id: string | undefined) => (id && !/^0*$/.test(id) ? round.padStart(8, '0') + id.slice(8) : id);
  const shift = (nanos: string | undefined) =>
    nanos === undefined || nanos === '0' ? nanos : String(BigInt(nanos) - EPOCH_NANOS + BigInt(atMs) * 1_000_000n);
  const spans = spansOf(body.traces);
  for (const span of spans) {
    span.traceId = isolate(span.traceId) as string;
    span.spanId = isolate(span.spanId) as string;
    if (span.parentSpanId) span.parentSpanId = isolate(span.parentSpanId) as string;
    span.startTimeUnixNano = shift(span.startTimeUnixNano) as string;
    if (span.endTimeUnixNano) span.endTimeUnixNano = shift(span.endTimeUnixNano) as string;
    for (const event of span.events ?? []) event.timeUnixNano = shift(event.timeUnixNano) as string;
    for (const link of span.links ?? []) {
      link.traceId = isolate(link.traceId) as string;
      link.spanId = isolate(link.spanId) as string;
    }
  }
  for (const record of recordsOf(body.logs)) {
    if (record.traceId) record.traceId = isolate(record.traceId) as string;
    if (record.spanId) record.spanId = isolate(record.spanId) as string;
    for (const key of ['timeUnixNano', 'observedTimeUnixNano'] as const) {
      const at = shift(record[key]);
      if (at !== undefined) record[key] = at;
    }
  }
  // A program that was killed exported no root: what is left of its trace begins elsewhere.
  const sorted = spans.sort((a, b) => (a.startTimeUnixNano < b.startTimeUnixNano ? -1 : 1));
  // Workers that look after their queue have traces of their own: the request's is the one to ask about.
  const roots = sorted.filter((span) => !span.parentSpanId);
  const root = roots.find(({ kind }) => kind === SERVER) ?? roots[0] ?? sorted[0];
  if (!root) throw new Error('The recording holds no span.');
  const execution: Attribute = { key: 'beacon.execution_id', value: { intValue: `${executionId}` } };
  root.attributes = [...(root.attributes ?? []), execution];
  return { executionId, body };
}

/** Sends traces and logs, many at a time. @throws Error when the receiver does not take all of them. */
export async function send(url: string, sent: Sent[]): Promise<void> {
  const resourceSpans = sent.flatMap(({ body }) => body.traces.flatMap((request) => request.resourceSpans ?? []));
  const resourceLogs = sent.flatMap(({ body }) => body.logs.flatMap((request) => request.resourceLogs ?? []));
  await post(`${url}/v1/traces`, { resourceSpans });
  if (resourceLogs.length > 0) await post(`${url}/v1/logs`, { resourceLogs });
}

async function post(url: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  // Programs log outside of requests too: records without a trace are refused, and nothing else may be.
  const refused = /"rejectedLogRecords":"(\d+)","errorMessage":"\1 log records have no trace id/.test(text);
  if (!response.ok || (/rejected/.test(text) && !refused))
    throw new Error(`${url} answered ${response.status}: ${text.slice(0, 500)}`);
}
