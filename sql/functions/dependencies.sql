create function beacon.dependencies(from_time timestamptz, to_time timestamptz, of_service text default null, hops integer default 1) returns table (
  caller text, callee text, calls bigint, errors bigint, error_pct double precision, p50_ms double precision, p95_ms double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  with entered as materialized (
    -- Where work came from another service: what the parent was called says from whom.
    select p.service as caller, c.service as callee, c.status, c.duration_ms
    from beacon.trace_spans c
    join beacon.trace_spans p on p.trace_id = c.trace_id and p.span_id = c.parent_span_id and p.service <> c.service
    where c.started_at >= from_time and c.started_at < to_time
      and p.started_at >= from_time - interval '1 hour' and p.started_at < to_time + interval '1 hour'
    union all
    -- Zipkin's client and server share a span id.
    select p.service, c.service, c.status, c.duration_ms
    from beacon.trace_spans c
    join beacon.trace_spans p on p.trace_id = c.trace_id and p.span_id = c.span_id and p.service <> c.service
    where c.kind = 'server' and p.kind = 'client' and c.started_at >= from_time and c.started_at < to_time
      and p.started_at >= from_time - interval '1 hour' and p.started_at < to_time + interval '1 hour'
  ), edges as materialized (
    select e.caller, e.callee, count(*) as calls, count(*) filter (where e.status in ('failed', 'timeout', 'lost')) as errors,
      percentile_cont(array[0.5, 0.95]) within group (order by e.duration_ms) as usual
    from entered e
    group by e.caller, e.callee
  ), near as (
    select of_service as service
    union
    select unnest(array[e.caller, e.callee]) from edges e where hops > 1 and of_service in (e.caller, e.callee)
  )
  select e.caller, e.callee, e.calls, e.errors, round(100.0 * e.errors / e.calls, 2)::double precision,
    round(e.usual[1]::numeric, 3)::double precision, round(e.usual[2]::numeric, 3)::double precision
  from edges e
  where of_service is null or e.caller in (select n.service from near n) or e.callee in (select n.service from near n)
  order by e.calls desc, e.caller, e.callee;
end
$$;

comment on function beacon.dependencies(timestamptz, timestamptz, text, integer) is
  'Which service called which in this time: calls that arrived, how many failed, usual durations at the callee. Around one service: its own edges (hops 1), or those of its neighbours too (2). A parent that began more than an hour outside of the time is not looked for.';
