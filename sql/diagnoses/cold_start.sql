create function beacon.finding_cold_start(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select r.* from (
    select f, t.total_ms, b.status as failed_as, b.position as origin,
      exists (
        select from unnest(spans) r
        join beacon.usuals(array(select x from unnest(spans) x where x.parent_position is null and x.status = 'completed')) u
          on u.service = r.service and u.operation = r.operation and u.telling and r.duration_ms <= u.p95_ms
        where r.trace_id = f.trace_id and r.parent_position is null) as is_usual
    from unnest(spans) f
    join (select x.trace_id, sum(x.self_ms) as total_ms from unnest(spans) x group by x.trace_id) t on t.trace_id = f.trace_id
    left join lateral (
      select o.status, o.position from unnest(origins) o where o.trace_id = f.trace_id and o.explains_root limit 1) b on true
    where (f.metadata ->> 'faas.coldstart')::boolean
  ) q
  cross join lateral beacon.observation('COLD_START',
    case when q.failed_as <> 'timeout' or q.is_usual then 'remark' else 'cause' end, 'strong', q.f,
    format('%s spent %s ms of %s ms on a cold start (%s).', (q.f).service, round((q.f).duration_ms), round(q.total_ms), (q.f).operation),
    format('Keep an instance of %s warm, load less at start, or allow the first call more time.', (q.f).service),
    jsonb_build_object('cold_start_ms', round((q.f).duration_ms),
      'share', round(((q.f).duration_ms / greatest(q.total_ms, 0.001))::numeric, 2)),
    origin => case when q.failed_as = 'timeout' then q.origin end) r
  where (q.f).duration_ms >= 0.3 * q.total_ms and (q.f).duration_ms >= 200;
end
$$;

comment on function beacon.finding_cold_start(beacon.span_fact[], beacon.failure_origin[]) is
  'COLD_START: an instance had to start first. Decided by a span with faas.coldstart that takes at least 30 % of the trace''s '
  'work and 200 ms; beside a failure that is not a time-out, or where the whole took no longer than usual, it is a remark. '
  'Blind spot: a provider that does not report its cold starts looks like PERFORMANCE_DEGRADATION of its first call.';
