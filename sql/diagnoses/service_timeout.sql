create function beacon.finding_service_timeout(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral (select beacon.busy_below(spans, b.callee_position, b.offset_ms + b.duration_ms) as position
    where b.callee_position is not null) as busy_at
  cross join lateral (select f from unnest(spans) f where f.position = busy_at.position) k
  cross join lateral beacon.callee_work(spans, busy_at.position) w
  cross join lateral (select
    -- A call without a server span: what it called, not the service that waits for it.
    case when (k.f).kind in ('client', 'producer') then coalesce(beacon.called_service(spans, (k.f).position), (k.f).service)
      else (k.f).service end as who, (k.f).service <> b.callee or (k.f).kind in ('client', 'producer') as is_further) s
  cross join lateral beacon.verdict('SERVICE_TIMEOUT', b, 'strong',
    case
      when not b.callee_ended then format('%s gave up after %s%s; %s had taken the request and never answered%s.', b.service,
        beacon.duration_text(b.duration_ms), beacon.answered_with(b), b.callee,
        case when s.is_further then format(', waiting for %s (%s)', s.who, (k.f).operation) else '' end)
      else format('%s gave up after %s%s; %s went on for another %s%s.', b.service, beacon.duration_text(b.duration_ms),
        beacon.answered_with(b), b.callee,
        beacon.duration_text(greatest(b.callee_late_ms, 0)),
        case when s.is_further then format(', waiting for %s (%s)', s.who, (k.f).operation) else '' end)
    end,
    format('Find out what %s spends its time on%s; raise the time-out of %s (%s) only if that time is needed.', s.who,
      coalesce(' (longest: ' || w.operation || ')', ''), b.service, beacon.duration_text(b.duration_ms)),
    jsonb_strip_nulls(jsonb_build_object('gave_up_after_ms', round(b.duration_ms), 'callee_ended', b.callee_ended,
      'callee_went_on_ms', case when b.callee_ended then round(b.callee_late_ms) end, 'longest_in_callee', w.operation,
      'longest_ms', round(w.self_ms))), s.who, (k.f).operation) v
  where b.meaning in ('timeout', 'connect_timeout') and coalesce(b.callee_status, '') <> 'lost' and b.http_status is null
    and (not b.callee_ended or b.callee_late_ms >= -greatest(5, 0.1 * b.duration_ms));
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('SERVICE_TIMEOUT', b,
    case when b.callee is null then 'possible' when b.http_status is not null or b.meant_by in ('flag', 'sqlstate', 'code') then 'likely'
      else 'possible' end,
    case
      when b.callee is null then format('%s gave up in %s after %s, on something that left no span: %s.', b.service, b.operation,
        beacon.duration_text(b.duration_ms), beacon.said(b))
      when b.http_status is not null and b.meant_by <> 'flag' then format('%s answered %s after %s: it gave up on something it called '
        'that left '
        'no failing span%s.', b.callee, b.http_status, beacon.duration_text(b.duration_ms), coalesce(': ' || nullif(beacon.said(b), 'HTTP '
        || b.http_status), ''))
      else format('%s gave up on %s after %s%s: %s.', b.service, b.callee, beacon.duration_text(b.duration_ms), beacon.answered_with(b),
        beacon.said(b))
    end,
    case
      when b.callee is null then format('Trace what %s calls in %s, so that what it waits for has a name.', b.service, b.operation)
      when b.metadata ?| array['db.system', 'db.system.name'] then format('Look at what the statement waited for in %s (locks, a missing '
        'index, load); raise the limit only if that time is needed.', b.callee)
      else format('Find out what %s spends its time on; raise the time-out of %s (%s) only if that time is needed.', b.callee, b.service,
        beacon.duration_text(b.duration_ms)) end,
    jsonb_build_object('gave_up_after_ms', round(b.duration_ms))) v
  where (b.meaning = 'timeout' or b.meaning = 'connect_timeout' and b.kind <> 'client') and coalesce(b.callee_status, '') <> 'lost'
    and case
      when b.callee is null then true
      when b.http_status is not null then true
      when b.callee_position is not null then false
      else b.metadata ?| array['db.system', 'db.system.name'] or not b.callee_is_known
    end;
end
$$;

comment on function beacon.finding_service_timeout(beacon.span_fact[], beacon.failure_origin[]) is
  'SERVICE_TIMEOUT: the callee took the request and did not finish before the caller gave up. Decided by a timed-out call whose server '
  'span is still open or ended after the caller; charged to the innermost span below it that was at work when the caller gave up, so that '
  'of several levels that wait for each other the slow one is named. Without any server span: only when that callee leaves none in other '
  'traces either, with less confidence. A span that timed out without any call below it is charged itself, with less still: what it '
  'waited for is not traced. Blind spot: a callee that is not traced cannot be told from a network that swallows the request.';
