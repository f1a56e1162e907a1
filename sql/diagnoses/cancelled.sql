create function beacon.finding_cancelled(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('CANCELLED', b, 'strong',
    format('The work was cancelled in %s %s after %s%s: %s. What it was waiting for had not failed.', b.service, b.operation,
      beacon.duration_text(b.duration_ms), beacon.answered_with(b), beacon.said(b)),
    'Look at who asked for it: a client that disconnected or gave up sooner than the work takes, or a shutdown.', '{}', b.service,
    b.operation) v
  where b.meaning = 'cancelled';
  -- The caller outside went away, and nothing counts as failed: the answer went nowhere.
  return query
  select r.* from unnest(spans) f
  cross join lateral (select nullif(coalesce(f.metadata ->> 'response_flags', ''), '-') as flag, beacon.http_status(f.metadata) as status) q
  cross join lateral beacon.observation('CANCELLED', 'cause', 'strong', f,
    format('The client of %s %s went away after %s (%s): the request was cancelled before it was answered.', f.service, f.operation,
      beacon.duration_text(f.duration_ms), case when q.flag is null then 'HTTP ' || q.status else 'response flag ' || q.flag end),
    'Look at who asked: it disconnected or gave up sooner than the work takes.',
    jsonb_strip_nulls(jsonb_build_object('response_flag', q.flag, 'http_status', q.status, 'duration_ms', round(f.duration_ms)))) r
  where f.parent_position is null and not beacon.has_failed(f.status) and f.ended and (q.flag in ('DC', 'DR') or q.status in (499, 460));
end
$$;

comment on function beacon.finding_cancelled(beacon.span_fact[], beacon.failure_origin[]) is
  'CANCELLED: the caller called the work off. Decided by HTTP 499, gRPC 1, Envoy''s flag DC, or the code, class or message of a '
  'cancelled context, request or task; charged to the service in which it was noticed, and not to what was being waited for. Blind spot: '
  'a caller that cancels because its own time-out ran out, and leaves no span.';
