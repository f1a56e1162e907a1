create function beacon.finding_performance_degradation(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof
  beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  -- Half of more than 50 ms must be its own: a span below 25 ms of its own needs no look into the baselines.
  select r.* from unnest(spans) f
  join beacon.usuals(array(select x from unnest(spans) x where x.status = 'completed' and x.self_ms > 25)) u on u.service = f.service
    and u.operation = f.operation
    and coalesce(u.model_id, '') = coalesce(f.model_id, '') and coalesce(u.region, '') = coalesce(f.region, '')
  cross join lateral (select
    -- Beside a failure it is not why it failed.
    exists (select from unnest(origins) b where b.explains_root and b.trace_id = f.trace_id)
    -- Durations of a healthy operation are about lognormal: where half of them stay below half of the 95th percentile,
    -- one in a thousand is above twice it and one in twenty thousand above three times, and an execution has a dozen spans.
    or f.duration_ms < 3 * u.p95_ms
    -- Fewer than 20 siblings, run at the same time, say little of how long a pause of the machine can be.
    or u.calls < 20 and (f.duration_ms < 5 * u.p95_ms or f.duration_ms - u.p95_ms < 200)
    -- Waiting between attempts, or for what failed below it and was made good, is for the failure to explain.
    or exists (select from unnest(spans) a where a.parent_position = f.position and beacon.has_failed(a.status))
    -- Nor is it beyond doubt where something failed and was coped with, unless it is far more than that can cost.
    or exists (select from unnest(origins) b where b.trace_id = f.trace_id)
      and not (f.duration_ms > 10 * u.p95_ms and f.duration_ms - u.p95_ms > 1000)
    -- Time between a call and its answer is the caller's, the network's or the callee's: below five times the usual
    -- it is also what a busy machine looks like.
    or f.kind = 'client' and f.duration_ms < 5 * u.p95_ms and exists (
      select from unnest(spans) a where a.parent_position = f.position and a.kind = 'server') as beside) q
  cross join lateral beacon.observation('PERFORMANCE_DEGRADATION', case when q.beside then 'remark' else 'cause' end,
    case when q.beside then 'weak' when u.calls < 20 then 'possible' when f.duration_ms < 10 * u.p95_ms then 'likely' else 'strong' end, f,
    format('%s %s took %s ms; usually %s ms, and 95 of 100 calls stay below %s ms (%s calls, %s).', f.service, f.operation,
      round(f.duration_ms), round(u.p50_ms), round(u.p95_ms), u.calls, u.source),
    format('Look at what %s did in that time: its own work took %s ms of it.', f.service, round(f.self_ms)),
    jsonb_build_object('duration_ms', round(f.duration_ms), 'usual_p50_ms', round(u.p50_ms), 'usual_p95_ms', round(u.p95_ms),
      'calls', u.calls, 'source', u.source)) r
  -- The operation that moved, not those that merely contain it: most of the extra time must be its own.
  where f.status = 'completed' and f.self_ms > 25 and u.telling and f.duration_ms > 2 * u.p95_ms and f.duration_ms - u.p95_ms > 50
    and f.self_ms > 0.5 * (f.duration_ms - u.p50_ms);
end
$$;

comment on function beacon.finding_performance_degradation(beacon.span_fact[], beacon.failure_origin[]) is
  'PERFORMANCE_DEGRADATION: an operation took far longer than it usually does, although nothing failed. Decided against the baseline of '
  'other executions: more than twice the 95th percentile and 50 ms above it, with at least 20 calls known (or, on a fresh install, five '
  'siblings of the same job), and most of the extra time in the operation itself. Below three times the 95th percentile it is a remark: '
  'chance alone makes such calls. So is, below five times, extra time between a call and the span that answers it: it may be the '
  'caller''s, the network''s or the callee''s. Blind spot: a slow decline that has become usual.';
