create function beacon.finding_cold_start(spans beacon.span_fact[], blames beacon.blame[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select r.* from (
    select f, t.total_ms, (select bl.status from unnest(blames) bl where bl.trace_id = f.trace_id and bl.explains_root limit 1) as failed_as
    from unnest(spans) f
    join (select x.trace_id, sum(x.self_ms) as total_ms from unnest(spans) x group by x.trace_id) t on t.trace_id = f.trace_id
    where (f.metadata ->> 'faas.coldstart')::boolean
  ) q
  cross join lateral (select
    'COLD_START', (q.f).service, (q.f).operation,
    case when q.failed_as = 'timeout' then 0.94 when q.failed_as is null then 0.9 else 0.3 end::double precision,
    format('%s spent %s ms of %s ms on a cold start (%s).', (q.f).service, round((q.f).duration_ms), round(q.total_ms), (q.f).operation),
    jsonb_build_object('cold_start_ms', round((q.f).duration_ms), 'share', round(((q.f).duration_ms / greatest(q.total_ms, 0.001))::numeric, 2)),
    format('Keep an instance of %s warm, load less at start, or allow the first call more time.', (q.f).service),
    (q.f).trace_id, array[(q.f).span_id]) r (type, service, operation, confidence, summary, evidence, recommendation, trace_id, span_ids)
  where (q.f).duration_ms >= 0.3 * q.total_ms and (q.f).duration_ms >= 200;
end
$$;

comment on function beacon.finding_cold_start(beacon.span_fact[], beacon.blame[]) is
  'COLD_START: an instance had to start first. Decided by a span with faas.coldstart that takes at least 30 % of the trace''s work and 200 ms. Blind spot: a provider that does not tell looks like PERFORMANCE_DEGRADATION of its first call.';
