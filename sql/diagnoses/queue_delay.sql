create function beacon.finding_queue_delay(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select r.* from unnest(spans) f
  cross join lateral (select (f.metadata ->> 'beacon.queued_ms')::double precision as queued_ms) q
  cross join lateral beacon.observation('QUEUE_DELAY', case when beacon.has_failed(f.status) then 'remark' else 'cause' end, 'strong', f,
    format('It waited %s ms in the queue and worked for %s ms.', round(q.queued_ms), round(f.duration_ms)),
    'Give that queue more workers, or submit less at a time.',
    jsonb_build_object('queued_ms', round(q.queued_ms), 'working_ms', round(f.duration_ms))) r
  where jsonb_typeof(f.metadata -> 'beacon.queued_ms') = 'number' and q.queued_ms > 10000 and q.queued_ms > 3 * f.duration_ms;
end
$$;

comment on function beacon.finding_queue_delay(beacon.span_fact[], beacon.failure_origin[]) is
  'QUEUE_DELAY: the work waited longer than it took. Decided by beacon.queued_ms above 10 s and above three times the working '
  'time. Blind spot: time in a queue that nothing measures.';
