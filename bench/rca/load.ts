// Recorded spans into trace_spans, as an OpenTelemetry exporter would have sent them.
import type pg from 'pg';
import type { RecordedSpan } from './cases.ts';

const CHUNK = 10_000;

/** Empties trace_spans and fills it with the spans of one case. Pods become k8s.pod.name of the resource. */
export async function load(client: pg.Client, spans: RecordedSpan[]): Promise<void> {
  await client.query('truncate trace_spans, trace_resources');
  const resources = new Map<string, number>();
  for (const { pod, service } of spans) {
    const key = JSON.stringify([service, pod]);
    if (pod && !resources.has(key)) resources.set(key, resources.size + 1);
  }
  for (const [key, id] of resources) {
    const [service, pod] = JSON.parse(key);
    await client.query('insert into trace_resources (resource_id, attributes) values ($1, $2)', [
      id,
      { 'service.name': service, 'k8s.pod.name': pod },
    ]);
  }
  for (let at = 0; at < spans.length; at += CHUNK) {
    const rows = spans.slice(at, at + CHUNK).map((span) => columns(span, resources));
    await client.query(
      `insert into trace_spans (trace_id, span_id, parent_span_id, service, operation, kind, status, started_at, completed_at,
         duration_ms, error_type, metadata, resource_id)
       select trace_id, decode(span_id, 'hex'), decode(parent_span_id, 'hex'), service, operation, kind, status,
         timestamptz 'epoch' + start_us * interval '1 us', timestamptz 'epoch' + end_us * interval '1 us', duration_ms,
         error_type, metadata, resource_id
       from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::float8[], $9::float8[],
         $10::float8[], $11::text[], $12::jsonb[], $13::bigint[])
         as s (trace_id, span_id, parent_span_id, service, operation, kind, status, start_us, end_us, duration_ms, error_type,
           metadata, resource_id)
       on conflict do nothing`,
      transposed(rows),
    );
  }
  await client.query('analyze trace_spans');
}

function columns(span: RecordedSpan, resources: Map<string, number>): unknown[] {
  const start = BigInt(span.startUnixNano);
  const end = BigInt(span.endUnixNano);
  const failed = span.status === 'ERROR';
  const code = span.attributes['http.status_code'];
  return [
    span.traceId,
    span.spanId,
    span.parentSpanId,
    span.service,
    span.operation,
    span.attributes['span.kind'] ?? 'internal',
    failed ? 'failed' : 'completed',
    Number(start / 1000n),
    Number(end / 1000n),
    Number(end - start) / 1e6,
    failed && code !== undefined ? String(code) : null,
    JSON.stringify(span.attributes),
    span.pod ? resources.get(JSON.stringify([span.service, span.pod])) : null,
  ];
}

function transposed(rows: unknown[][]): unknown[][] {
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column]));
}
