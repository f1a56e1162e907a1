create function beacon.dependencies(from_time timestamptz, to_time timestamptz, of_service text default null, hops integer default 1)
  returns table (
  caller text, callee text, calls bigint, errors bigint, error_pct double precision, p50_ms double precision, p95_ms double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
-- How many spans there are is a guess; with nested loops a wrong one costs minutes.
set enable_nestloop = off
set jit = off
-- The spans of an hour, to be found by their ids.
set work_mem = '64MB'
as $$
#variable_conflict use_column
begin
  return query
  with near as materialized (
    -- A parent begins before its child, but for clocks that are wrong by less than a minute.
    select s.trace_id, s.span_id, s.parent_span_id, s.service, s.kind, s.status, s.duration_ms, s.started_at >= from_time
      and s.started_at < to_time as wanted
    from beacon.trace_spans s
    where s.started_at >= from_time - interval '1 hour' and s.started_at < to_time + interval '1 minute'
  ), entered as materialized (
    -- Where work came from another service: what the parent was called says from whom.
    select p.service as caller, c.service as callee, c.status, c.duration_ms
    from near c
    join near p on p.trace_id = c.trace_id and p.span_id = c.parent_span_id and p.service <> c.service
    where c.wanted
    union all
    -- Zipkin's client and server share a span id.
    select p.service, c.service, c.status, c.duration_ms
    from near c
    join near p on p.trace_id = c.trace_id and p.span_id = c.span_id and p.service <> c.service
    where c.wanted and c.kind = 'server' and p.kind = 'client'
  ), edges as materialized (
    select e.caller, e.callee, count(*) as calls, count(*) filter (where beacon.has_failed(e.status)) as errors,
      percentile_cont(array[0.5, 0.95]) within group (order by e.duration_ms) as usual
    from entered e
    group by e.caller, e.callee
  ), around as (
    select of_service as service
    union
    select unnest(array[e.caller, e.callee]) from edges e where hops > 1 and of_service in (e.caller, e.callee)
  )
  select e.caller, e.callee, e.calls, e.errors, round(100.0 * e.errors / e.calls, 2)::double precision,
    round(e.usual[1]::numeric, 3)::double precision, round(e.usual[2]::numeric, 3)::double precision
  from edges e
  where of_service is null or e.caller in (select n.service from around n) or e.callee in (select n.service from around n)
  order by e.calls desc, e.caller, e.callee;
end
$$;

comment on function beacon.dependencies(timestamptz, timestamptz, text, integer) is
  'Which service called which in this time: calls that arrived, how many failed, usual durations at the callee. Around one service: its '
  'own edges (hops 1), or those of its neighbours too (2). A parent that began more than an hour before the time is not looked for.';
