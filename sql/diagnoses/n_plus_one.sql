create function beacon.pattern_n_plus_one(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
-- Planned without the values, that is without a copy of all spans.
set plan_cache_mode = force_generic_plan
as $$
declare
  -- Pages and retries repeat a call a few times; from ten on it is a loop over rows.
  loop_of constant integer := 10;
  -- Cheap calls are no cause of anything, and yet so many are worth a word.
  many constant integer := 25;
begin
  return query
  with calls as materialized (
    select f.trace_id, f.parent_position, f.service, f.operation, count(*) as calls, sum(f.duration_ms) as total_ms,
      max(f.offset_ms + f.duration_ms) - min(f.offset_ms) as over_ms, (array_agg(f.span_id order by f.position))[1:20] as span_ids
    from unnest(spans) f
    where (f.kind = 'client' or f.metadata ?| array['gen_ai.operation.name', 'openinference.span.kind']) and f.status = 'completed'
      and f.parent_position is not null
    group by 1, 2, 3, 4
    having count(*) >= loop_of
  ), whole as materialized (
    select f.trace_id, max(f.duration_ms) as ms from unnest(spans) f
    where f.parent_position is null and exists (select from calls) group by 1
  )
  select r.* from calls c
  join whole w on w.trace_id = c.trace_id
  cross join lateral (select spans[c.parent_position] as f offset 0) p
  cross join lateral (select c.total_ms >= 0.5 * w.ms and c.total_ms >= 100 as takes_the_time) t
  cross join lateral beacon.observation('N_PLUS_ONE',
    case when not t.takes_the_time or exists (select from unnest(origins) b where b.explains_root and b.trace_id = c.trace_id)
      then 'remark' else 'cause' end,
    'strong', p.f,
    format('%s %s made the call %s %s times, one after another: %s ms of %s ms.', (p.f).service, (p.f).operation, c.operation, c.calls,
      round(c.total_ms), round(w.ms)),
    format('Have %s ask once for all of them (a join, IN (...), a batch), or make the calls at the same time.', (p.f).service),
    jsonb_build_object('calls', c.calls, 'call', c.service || ' ' || c.operation, 'each_ms', round((c.total_ms / c.calls)::numeric, 2),
      'total_ms', round(c.total_ms), 'share', round((c.total_ms / greatest(w.ms, 0.001))::numeric, 2)),
    (p.f).span_id || c.span_ids) r
  -- One after another: together as long as the time they span, to within a tenth. Below half the trace and 100 ms it is
  -- not what took the time.
  where c.total_ms <= 1.1 * c.over_ms and (t.takes_the_time or c.calls >= many);
end
$$;

comment on function beacon.pattern_n_plus_one(beacon.span_fact[], beacon.failure_origin[]) is
  'N_PLUS_ONE: one operation made the same call over and over, one after another. Decided by ten completed client calls of one name below '
  'one span that do not overlap and take at least half of the trace and 100 ms (from 25 on a remark where they take less); '
  'charged to the span that loops. Blind spot: calls whose names differ (an id in the name).';
