create function beacon.finding_queue_delay(spans beacon.span_fact[], blames beacon.blame[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select r.* from unnest(spans) f
  cross join lateral (select (f.metadata ->> 'beacon.queued_ms')::double precision as queued_ms) q
  cross join lateral (select
    'QUEUE_DELAY', f.service, f.operation, case when beacon.has_failed(f.status) then 0.3 else 0.85 end::double precision,
    format('It waited %s ms in the queue and worked for %s ms.', round(q.queued_ms), round(f.duration_ms)),
    jsonb_build_object('queued_ms', round(q.queued_ms), 'working_ms', round(f.duration_ms)),
    'Give that queue more workers, or submit less at a time.',
    f.trace_id, array[f.span_id]) r (type, service, operation, confidence, summary, evidence, recommendation, trace_id, span_ids)
  where jsonb_typeof(f.metadata -> 'beacon.queued_ms') = 'number' and q.queued_ms > 10000 and q.queued_ms > 3 * f.duration_ms;
end
$$;

comment on function beacon.finding_queue_delay(beacon.span_fact[], beacon.blame[]) is
  'QUEUE_DELAY: the work waited longer than it took. Decided by beacon.queued_ms above 10 s and above three times the working time. Blind spot: time in a queue that nobody measures.';
