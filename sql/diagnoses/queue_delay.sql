create function beacon.finding_queue_delay(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select r.* from unnest(spans) f
  left join lateral (select p.offset_ms + p.duration_ms as sent_ms from unnest(spans) p
    where p.position = f.parent_position and p.kind = 'producer' and f.kind = 'consumer') p on true
  cross join lateral (select greatest(
    substring(coalesce(f.metadata ->> 'beacon.queued_ms', f.metadata ->> 'kafka.record.queue_time_ms',
      f.metadata ->> 'messaging.queue_time_ms',
      f.metadata ->> 'job.queue_time_ms') from '^\d{1,12}(?:\.\d+)?$')::double precision,
    -- When it was put there, in milliseconds or seconds of Unix time.
    1000 * extract(epoch from f.started_at) - substring(coalesce(f.metadata ->> 'bullmq.job.timestamp',
      f.metadata ->> 'messaging.message.timestamp',
      f.metadata ->> 'messaging.sqs.sent_timestamp') from '^\d{13}$')::double precision,
    1000 * (extract(epoch from f.started_at) - substring(coalesce(f.metadata ->> 'messaging.servicebus.message.enqueued_time',
      f.metadata ->> 'messaging.eventhubs.message.enqueued_time') from '^\d{10}$')::double precision),
    f.offset_ms - p.sent_ms) as queued_ms) q
  cross join lateral beacon.observation('QUEUE_DELAY', case when beacon.has_failed(f.status) then 'remark' else 'cause' end, 'strong', f,
    format('%s waited %s in the queue%s before %s took it up, and was worked on for %s.', f.operation, beacon.duration_text(q.queued_ms),
      coalesce(' ' || coalesce(f.metadata ->> 'messaging.destination.name', f.metadata ->> 'messaging.destination'), ''), f.service,
      beacon.duration_text(f.duration_ms)),
    format('Give that queue more workers (%s), look for one that is stuck, or submit less at a time.', f.service),
    jsonb_build_object('queued_ms', round(q.queued_ms), 'working_ms', round(f.duration_ms))) r
  where (f.kind in ('consumer', 'server') or f.metadata ? 'beacon.queued_ms') and q.queued_ms > 10000 and q.queued_ms > 3 * f.duration_ms;
end
$$;

comment on function beacon.finding_queue_delay(beacon.span_fact[], beacon.failure_origin[]) is
  'QUEUE_DELAY: the work waited longer than it took. Decided by the time in the queue above 10 s and above three times the working time: '
  'as an attribute states it (beacon.queued_ms, kafka.record.queue_time_ms, the time a job was put there), or the gap between the end of '
  'the producer''s span and the start of the consumer''s. Beside a failure it is a remark. Blind spot: a delay that was asked for.';
