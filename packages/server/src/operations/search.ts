// Recent traces, recent spans, and the tracers that write them.
import { z } from 'zod';
import { operation } from './operation.ts';
import { executionId, jobId, service, since, sinceSql, sinceValues } from './params.ts';

const STATUSES = ['started', 'completed', 'failed', 'timeout', 'lost'] as const;

const filters = {
  job_id: jobId.optional(),
  execution_id: executionId.optional(),
  service: service.optional(),
  status: z
    .enum(STATUSES)
    .optional()
    .describe(`Status: ${STATUSES.join(', ')}.`),
  since: since.optional(),
};

export const traces = operation({
  name: 'traces',
  doc: 'Recent traces, newest first: root, services, spans, errors, duration.',
  params: filters,
  limit: { default: 20, max: 1000 },
  sql: (p) => ({
    text: `
      select t.trace_id, t.execution_id, t.job_id, t.root_service, t.root_operation,
        array(select distinct s from unnest(t.services) s order by s) as services,
        case when t.error_count > 0 then 'failed' when t.open_count > 0 then 'started' else 'completed' end as status,
        t.span_count, t.error_count, t.open_count, t.started_at, t.completed_at,
        extract(epoch from t.completed_at - t.started_at)::double precision * 1000 as duration_ms
      from beacon.traces t
      where ($1::text is null or t.job_id = $1)
        and ($2::bigint is null
          or t.trace_id = any (array(select trace_id from beacon.trace_executions where execution_id = $2)))
        and ($3::text is null or $3 = any(t.services))
        and case $4::text
          when 'failed' then t.error_count > 0
          when 'started' then t.open_count > 0
          when 'completed' then t.error_count = 0 and t.open_count = 0
          when 'timeout' then t.error_count > 0 and exists (select from beacon.trace_spans s
            where s.trace_id = t.trace_id and s.status = 'timeout' and s.started_at >= t.started_at)
          when 'lost' then t.error_count > 0 and exists (select from beacon.trace_spans s
            where s.trace_id = t.trace_id and s.status = 'lost' and s.started_at >= t.started_at)
          else true end
        and ${sinceSql('t.started_at', 5)}
      order by t.started_at desc, t.trace_id`,
    values: [p.job_id, p.execution_id, p.service, p.status, ...sinceValues(p.since)],
  }),
});

export const spans = operation({
  name: 'spans',
  doc: 'Recent spans, the last written first.',
  params: filters,
  limit: { default: 20, max: 1000 },
  sql: (p) => ({
    text: `
      select s.trace_id, s.span_id, s.parent_span_id, s.service, s.operation, s.kind, s.status, s.started_at,
        s.completed_at, s.duration_ms, s.execution_id, s.job_id, s.model_id, s.region, s.error_type, s.error_message
      from beacon.trace_spans s
      where ($1::text is null or s.job_id = $1) and ($2::bigint is null or s.execution_id = $2)
        and ($3::text is null or s.service = $3) and ($4::text is null or s.status = $4)
        and ${sinceSql('s.started_at', 5)}
      order by ${spanOrder(p)}`,
    values: [p.job_id, p.execution_id, p.service, p.status, ...sinceValues(p.since)],
  }),
});

/** The order of the index that finds them: over all spans there is one by created_at, and none by start. */
function spanOrder(p: { job_id?: string | undefined; execution_id?: string | undefined }): string {
  const indexed = p.job_id !== undefined || p.execution_id !== undefined;
  return indexed ? 's.started_at desc, s.span_id' : 's.created_at desc, s.started_at desc, s.span_id';
}

export const tracers = operation({
  name: 'tracers',
  doc: 'Tracers that have reported: flag, counters, last error, last heartbeat.',
  params: { service: service.optional() },
  limit: { default: 50, max: 1000 },
  sql: (p) => ({
    text: `
      select tracer_id, service, instance, pid,
        case when stopped_at is not null then 'stopped'
          when heartbeat_at < beacon.clock() - beacon.setting('lost_after_seconds', '30')::integer * interval '1 second'
            then 'silent' else 'alive' end as state,
        flag, flag_source, spans_started, spans_ended, spans_written, spans_dropped, queue_depth, write_failures,
        last_error, last_error_at, clock_offset_ms, versions, started_at, heartbeat_at, stopped_at
      from beacon.tracers
      where $1::text is null or service = $1
      order by heartbeat_at desc, tracer_id`,
    values: [p.service],
  }),
});
