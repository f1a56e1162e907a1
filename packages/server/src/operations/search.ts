// Traces and spans by what is known of them.
import { z } from 'zod';
import * as c from './columns.ts';
import { filterParam } from './filter.ts';
import { Bindings, filterSql } from './filter-sql.ts';
import { operation } from './operation.ts';
import { executionId, jobId, service } from './params.ts';
import { within } from './range.ts';

const STATUSES = ['started', 'completed', 'failed', 'timeout', 'lost'] as const;

const filters = {
  q: filterParam,
  service: service.optional(),
  status: z
    .enum(STATUSES)
    .optional()
    .describe(`Status: ${STATUSES.join(', ')}.`),
  job_id: jobId.optional(),
  execution_id: executionId.optional(),
};

const range = {
  default: '24h',
  unbounded: (p: { job_id?: string | undefined; execution_id?: string | undefined }) =>
    p.job_id !== undefined || p.execution_id !== undefined,
};

export const search = operation({
  name: 'search',
  aliases: ['traces'],
  doc: 'Traces that have a span which fits all terms of a filter, newest first.',
  params: filters,
  row: z.object({
    trace_id: c.traceIdColumn,
    root_service: c.textOrNull('Service of the span without a parent; null until it arrives.'),
    root_operation: c.textOrNull('Name of the span without a parent.'),
    services: c.texts('Services in it.'),
    status: c.statusColumn,
    span_count: c.count('Spans.'),
    error_count: c.count('Spans that failed, timed out or were lost.'),
    open_count: c.count('Spans that have not ended.'),
    started_at: c.time('Earliest start of its spans.'),
    completed_at: c.timeOrNull('Latest end of its spans.'),
    duration_ms: c.durationColumn,
    execution_id: c.executionIdColumn,
    job_id: c.jobIdColumn,
    model_id: c.modelIdColumn,
    region: c.regionColumn,
    matched_spans: c.numberOrNull('Spans that fit the filter; null without one.'),
  }),
  range,
  limit: { default: 20, max: 1000 },
  sql: (p, scope) => {
    const bind = new Bindings([p.job_id, p.execution_id, p.service, p.status]);
    const matched = filterSql(p.q ?? [], bind);
    return {
      text: `
      select t.trace_id, t.root_service, t.root_operation,
        array(select distinct s from unnest(t.services) s order by s) as services,
        case when t.error_count > 0 then 'failed' when t.open_count > 0 then 'started' else 'completed' end as status,
        t.span_count, t.error_count, t.open_count, t.started_at, t.completed_at,
        extract(epoch from t.completed_at - t.started_at)::double precision * 1000 as duration_ms,
        t.execution_id, t.job_id, m.model_id, m.region, ${p.q ? 'm.matched' : 'null::integer'} as matched_spans
      from beacon.traces t
      cross join lateral (
        select min(s.model_id) as model_id, min(s.region) as region, (count(*) filter (where ${matched}))::integer as matched
        from beacon.trace_spans s
        where s.trace_id = t.trace_id and s.started_at between t.started_at and coalesce(t.updated_at, t.completed_at) + interval '1 day'
      ) m
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
        and ${within('t.started_at', scope, bind)}
        ${p.q ? 'and m.matched > 0' : ''}
      order by t.started_at desc, t.trace_id`,
      values: bind.values,
    };
  },
});

export const spans = operation({
  name: 'spans',
  doc: 'Recent spans, the last written first.',
  params: filters,
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
  }),
  range,
  limit: { default: 20, max: 1000 },
  sql: (p, scope) => {
    const bind = new Bindings([p.job_id, p.execution_id, p.service, p.status]);
    return {
      text: `
      select s.trace_id, s.span_id, s.parent_span_id, s.service, s.operation, s.kind, s.status, s.started_at,
        s.completed_at, s.duration_ms, s.execution_id, s.job_id, s.model_id, s.region, s.error_type, s.error_message
      from beacon.trace_spans s
      where ($1::text is null or s.job_id = $1) and ($2::bigint is null or s.execution_id = $2)
        and ($3::text is null or s.service = $3) and ($4::text is null or s.status = $4)
        and ${within('s.started_at', scope, bind)}
        and ${filterSql(p.q ?? [], bind)}
      order by ${spanOrder(p)}`,
      values: bind.values,
    };
  },
});

/** The order of the index that finds them: over all spans there is one by created_at, and none by start. */
function spanOrder(p: { job_id?: string | undefined; execution_id?: string | undefined }): string {
  const indexed = p.job_id !== undefined || p.execution_id !== undefined;
  return indexed ? 's.started_at desc, s.span_id' : 's.created_at desc, s.started_at desc, s.span_id';
}
