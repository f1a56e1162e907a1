create function beacon.blast_radius(of_execution text, max_results integer default 100) returns table (
  execution_id bigint, trace_id uuid, job_id text, model_id text, region text, started_at timestamptz, outcome text,
  service text, operation text, error_type text, affected bigint, execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
as $$
#variable_conflict use_column
declare
  cause record;
  origin record;
  since timestamptz;
  until timestamptz;
begin
  select c.type, c.trace_id, c.span_ids into cause from beacon.identify_root_cause(of_execution) c where c.rank = 1 and c.role = 'cause';
  if cause.span_ids is null or cardinality(cause.span_ids) = 0 then
    return;
  end if;
  select r.from_time, r.to_time into since, until from beacon.trace_range(cause.trace_id) r;
  -- The way up is listed from the outermost span inwards: where it began stands last.
  select s.service, s.operation, s.status, s.error_type, s.started_at, s.duration_ms into origin
  from beacon.spans_of(array[cause.trace_id], since, until) s
  where s.span_id = cause.span_ids[cardinality(cause.span_ids)]
  limit 1;
  if origin.service is null then
    return;
  end if;
  return query
  with stored as materialized (
    select x.trace_id, x.started_at, x.status, x.service, x.operation, x.error_type from beacon.trace_spans x
    where x.status <> 'completed' and x.service = origin.service
      and x.started_at between origin.started_at - interval '1 hour' and origin.started_at + interval '1 hour'
  ), hit as (
    select s.trace_id, min(s.started_at) as at
    from (
      select x.* from stored x
      union all
      select a.trace_id, a.started_at, a.status, a.service, a.operation, a.error_type
      from beacon.archived_between(origin.started_at - interval '1 hour', origin.started_at + interval '1 hour',
        array[beacon.column_hash('service', origin.service), beacon.column_hash('operation', origin.operation)], '{1,2}') a) s
    where beacon.has_failed(origin.status) and s.status <> 'completed' and s.status <> 'started' and s.service = origin.service
      and s.operation = origin.operation and s.error_type is not distinct from origin.error_type
    group by s.trace_id
    union all
    -- Nothing failed: those where the same operation took at least half as long, among the newest 300 of that time.
    select s.trace_id, min(s.started_at)
    from beacon.spans_of(beacon.recent_traces(origin.started_at, 300), origin.started_at - interval '1 hour',
      origin.started_at + interval '1 hour') s
    where not beacon.has_failed(origin.status) and s.service = origin.service and s.operation = origin.operation
      and s.duration_ms >= 0.5 * origin.duration_ms
    group by s.trace_id
  )
  select e.execution_id, h.trace_id, r.job_id, r.model_id, r.region, t.started_at,
    case when beacon.has_failed(r.status) then 'failed' when t.open_count > 0 then 'running' else 'completed' end,
    origin.service, origin.operation, origin.error_type, count(*) over (), e.execution_key
  from hit h
  join beacon.traces t on t.trace_id = h.trace_id
  left join beacon.trace_executions e on e.trace_id = h.trace_id
  left join lateral (
    select s.job_id, s.model_id, s.region, s.status
    from beacon.spans_of(array[h.trace_id], origin.started_at - interval '1 day', origin.started_at + interval '2 hours') s
    where s.parent_span_id is null
    order by s.started_at limit 1) r on true
  where coalesce(e.execution_key, e.execution_id::text) is distinct from beacon.execution_text(of_execution)
  order by t.started_at, e.execution_id, e.execution_key
  limit max_results;
end
$$;

comment on function beacon.blast_radius(text, integer) is
  'What else the first cause of an execution hit, within an hour before and after: executions (and traces without one) in which the same '
  'operation of the same service failed in the same way, or, where nothing failed, took at least half as long; how each ended, and in '
  'affected how many there are in all.';
