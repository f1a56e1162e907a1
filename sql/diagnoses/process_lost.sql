create function beacon.finding_process_lost(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral (
    select f.service, f.operation, f.span_id, f.started_at from unnest(spans) f
    where f.trace_id = b.trace_id and f.status = 'lost' and f.position >= b.position
    order by f.depth desc, f.position
    limit 1) w
  cross join lateral beacon.verdict('PROCESS_LOST', b, 'certain',
    format('The process of %s ended in the middle of %s, without an error of its own.', w.service, w.operation),
    format('Look for what ended %s soon after %s UTC: out-of-memory killer, deploy, crash; then submit the work again.', w.service,
      to_char(w.started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')),
    jsonb_build_object('lost_span', encode(w.span_id, 'hex'), 'open_since', w.started_at), w.service, w.operation) v
  where b.status = 'lost' or b.callee_status = 'lost';
  -- The process says itself, or its supervisor for it, that it was ended.
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('PROCESS_LOST', b, 'strong',
    format('The process of %s was ended in the middle of %s%s: %s.', coalesce(b.callee, b.service), b.operation, beacon.answered_with(b),
      beacon.said(b)),
    format('Look for what ended %s at that moment: out-of-memory killer, deploy, crash; then submit the work again.',
      coalesce(b.callee, b.service))) v
  where b.meaning = 'killed' and b.status <> 'lost' and coalesce(b.callee_status, '') <> 'lost';
  -- Most tracers write a span when it ends: of a process that was ended only what it had called arrives.
  return query
  select r.* from unnest(spans) f
  cross join lateral beacon.usual_caller(f) c
  cross join lateral jsonb_populate_record(f, jsonb_build_object('service', c.service, 'operation', c.operation)) lost
  cross join lateral beacon.observation('PROCESS_LOST', 'cause', 'possible', lost,
    format('%s %s was called by a span of %s that never arrived: its process was killed or ended before the call was over.', f.service,
      f.operation, c.service),
    format('Look for what ended %s at that moment: a time limit of its platform, the out-of-memory killer, a deploy, a crash.', c.service),
    jsonb_build_object('missing_span', encode(f.parent_span_id, 'hex'), 'usual_caller', c.service, 'seen_from_it', c.calls)) r
  where f.is_orphan and f.kind in ('server', 'consumer') and not beacon.has_failed(f.status)
    and not exists (select from unnest(spans) r where r.trace_id = f.trace_id and r.parent_position is null and r.position <> f.position);
end
$$;

comment on function beacon.finding_process_lost(beacon.span_fact[], beacon.failure_origin[]) is
  'PROCESS_LOST: a process died with spans open. Decided by spans that were written as started, never ended, and whose tracer''s '
  'heartbeat stopped; charged to the deepest of them. Also by a call whose caller never arrived, although such calls always have one: of a '
  'tracer that writes a span when it ends. Blind spot: a process that died within a flush interval of starting the span left nothing.';
