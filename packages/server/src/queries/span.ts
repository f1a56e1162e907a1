// One span with all that is known of it, beside the same operation in other traces.
import { z } from 'zod';
import * as c from './columns.ts';
import { spanId, traceId } from './params.ts';
import { defineQuery } from './query.ts';

export const span = defineQuery({
  name: 'span',
  doc: 'A span with its attributes, events, logs, links, resource and scope, and how long the same operation took elsewhere.',
  params: { trace_id: traceId, span_id: spanId },
  arguments: [
    { name: 'trace', params: (text) => ({ trace_id: text }) },
    { name: 'span', params: (text) => ({ span_id: text }) },
  ],
  row: z.object({
    ...c.spanColumns,
    completed_at: c.timeOrNull('End by the same clock.'),
    duration_ms: c.durationColumn,
    execution_id: c.executionIdColumn,
    job_id: c.jobIdColumn,
    model_id: c.modelIdColumn,
    region: c.regionColumn,
    error_type: c.errorTypeColumn,
    error_message: c.errorMessageColumn,
    attributes: z.record(z.string(), z.unknown()).describe('Attributes of the span.'),
    events: z
      .array(z.unknown())
      .describe('Events: {name, time, attributes}; time is nanoseconds since the epoch, as text.'),
    logs: z
      .array(z.unknown())
      .describe(
        'Log records written in it, earliest first: {name, time, severity, body, attributes}; name is that of the event, time as in events. At most 500.',
      ),
    links: z.array(z.unknown()).describe('Links: {trace_id, span_id, attributes}.'),
    resource: z.record(z.string(), z.unknown()).describe('Attributes of the resource.'),
    scope: z.record(z.string(), z.unknown()).describe('Instrumentation scope: name, version, attributes.'),
    trace_state: c.textOrNull('W3C tracestate.'),
    trace_flags: c.numberOrNull('W3C trace flags and the is-remote bits of OTLP.'),
    otel: z.record(z.string(), z.unknown()).describe('What was dropped, repaired or taken out on the way in.'),
    tracer_id: c.textOrNull('Tracer that wrote it; null when it came over OTLP.'),
    created_at: c.time('When it was stored.'),
    note: c.textOrNull('What is odd about it: its parent is missing, it has not ended.'),
    peer_count: c.count('Calls of the same operation in other traces, in the 24 hours before.'),
    peer_p50_ms: c.numberOrNull('Their median, milliseconds.'),
    peer_p95_ms: c.numberOrNull('Their 95th percentile, milliseconds.'),
    slower_than_pct: c.numberOrNull('How many of 100 of them were faster.'),
    peer_histogram: z
      .array(z.object({ from_ms: z.number(), to_ms: z.number(), count: z.number() }))
      .nullable()
      .describe('Their durations, counted.'),
  }),
  // Zipkin's client and server share a span id.
  limit: { default: 10, max: 100 },
  missing: (p) => ({
    what: `There is no span ${p.span_id} in trace ${p.trace_id}.`,
    hint: '`beacon trace` lists the spans of a trace.',
  }),
  sql: (p) => ({
    text: `
      with range as materialized (
        select * from beacon.trace_range($1::uuid)
      ), found as materialized (
        select s.* from beacon.spans_of(array[$1::uuid], (select from_time from range), (select to_time from range)) s
        where s.span_id = decode($2::text, 'hex')
      ), parents as materialized (
        select p.span_id
        from beacon.spans_of(array[$1::uuid], (select from_time from range), (select to_time from range)) p
        where p.span_id = any(array(select f.parent_span_id from found f))
      ), records as materialized (
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', l.event_name,
          'time', ((extract(epoch from l.recorded_at) * 1000000)::bigint::numeric * 1000 + l.recorded_ns)::text,
          'severity', coalesce(l.severity_text, nullif(l.severity, 0)::text), 'body', l.body, 'attributes', l.attributes))
          order by l.recorded_at, l.recorded_ns, l.content_hash) as logs
        from (
          select l.* from beacon.trace_logs l
          where l.trace_id = $1::uuid and l.span_id = decode($2::text, 'hex')
          order by l.recorded_at, l.recorded_ns, l.content_hash limit 500
        ) l
      )
      select s.trace_id, s.span_id, s.parent_span_id, s.service, s.operation, s.kind, s.status, s.started_at, s.completed_at,
        s.duration_ms, ${c.executionSql('s.execution_id')} as execution_id, s.job_id, s.model_id, s.region, s.error_type, s.error_message,
        s.metadata as attributes, coalesce(s.events, '[]') as events, coalesce((select c.logs from records c), '[]') as logs,
        coalesce(s.links, '[]') as links,
        coalesce(r.attributes, '{}') as resource,
        jsonb_strip_nulls(jsonb_build_object('name', r.scope_name, 'version', r.scope_version, 'attributes', r.otel -> 'scope_attributes')) as scope,
        s.trace_state, s.flags as trace_flags, coalesce(s.otel, '{}') as otel, s.tracer_id, s.created_at,
        nullif(concat_ws('; ',
          case when s.parent_span_id is not null and not exists (select 1 from parents p where p.span_id = s.parent_span_id)
            then 'its parent is not in the trace' end,
          case s.status when 'started' then 'it has not ended' when 'lost' then 'its process ended before it did' end), '') as note,
        peers.*
      from found s
      left join beacon.trace_resources r on r.resource_id = s.resource_id
      cross join lateral beacon.span_peers(s.service, s.operation, s.trace_id, s.started_at, s.duration_ms) peers
      order by s.started_at`,
    values: [p.trace_id, p.span_id],
  }),
});
