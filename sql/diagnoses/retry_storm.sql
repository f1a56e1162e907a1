create function beacon.pattern_retry_storm(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
-- Planned without the values, that is without a copy of all spans.
set plan_cache_mode = force_generic_plan
as $$
declare
  -- Five failed attempts in one trace are more than any sensible policy makes; ten without a pause are an attack.
  many constant integer := 5;
  storm constant integer := 10;
begin
  if origins = '{}' then
    return;
  end if;
  return query
  with calls as materialized (
    select f.trace_id, f.service, f.operation, f.parent_position, f.position, f.span_id, f.offset_ms, f.offset_ms + f.duration_ms
      as ended_ms, f.status,
      concat_ws(':', coalesce(beacon.called_name(f.metadata), beacon.called_host(f.metadata)), beacon.called_port(f.metadata)) as peer
    from unnest(spans) f
    where f.kind in ('client', 'producer') and beacon.has_failed(f.status)
  ), waits as (
    select c.*, c.offset_ms - lag(c.ended_ms) over (partition by c.trace_id, c.service, c.operation, c.peer order by c.offset_ms,
      c.position) as pause_ms
    from calls c
  ), repeated as (
    select w.trace_id, w.service, w.operation, w.peer, count(*) as attempts, count(distinct w.parent_position) as callers,
      percentile_cont(0.5) within group (order by w.pause_ms) as pause_ms, max(w.ended_ms) - min(w.offset_ms) as over_ms,
      array_agg(w.position) as positions, (array_agg(w.span_id order by w.offset_ms))[1:20] as span_ids
    from waits w
    group by 1, 2, 3, 4
    having count(*) >= many
  )
  select w.* from repeated r
  join lateral (
    select b.* from unnest(origins) b where b.trace_id = r.trace_id
    order by b.position = any (r.positions) desc, b.explains_root desc, b.position desc limit 1) k on true
  cross join lateral (select b from unnest(origins) b where b.position = k.position) l (b)
  cross join lateral beacon.verdict('RETRY_STORM', l.b, case when r.attempts >= storm and r.pause_ms < 100 then 'certain' else 'likely' end,
    format('%s called %s %s times in %s ms, and each time it failed (%s); the pause between attempts was %s ms.', r.service,
      coalesce((l.b).callee, nullif(r.peer, ''), 'the same callee'), r.attempts, round(r.over_ms), coalesce((l.b).code, (l.b).message,
        'no code'), round(greatest(0, r.pause_ms))),
    format('Give the retries of %s a limit, a growing pause and a budget; what fails underneath is %s.', r.service, coalesce((l.b).code,
      'said in the other findings')),
    jsonb_build_object('attempts', r.attempts, 'callers', r.callers, 'median_pause_ms', round(greatest(0, r.pause_ms)), 'within_ms',
      round(r.over_ms)),
    r.service, r.operation) v
  cross join lateral beacon.demoted(v, not (r.attempts >= storm and r.pause_ms < 100)) w;
end
$$;

comment on function beacon.pattern_retry_storm(beacon.span_fact[], beacon.failure_origin[]) is
  'RETRY_STORM: a caller repeated a failing call again and again, which is load on a callee that is in trouble already. Decided by five '
  'failed calls of one operation to one callee in a trace, at any depth (retries in two layers multiply); the first cause from ten on '
  'with a median pause below 100 ms, otherwise a remark beside what fails underneath. Charged to the caller. Blind spot: retries that '
  'each start a trace of their own.';
