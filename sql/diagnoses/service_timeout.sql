create function beacon.finding_service_timeout(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.callee_work(spans, b.callee_position) w
  cross join lateral beacon.verdict('SERVICE_TIMEOUT', b,
    case when b.callee is null then 'possible' when b.metadata ? 'http.response.status_code' then 'likely'
      when b.callee_position is not null then 'strong' else 'possible' end,
    case
      when b.callee is null then format('%s gave up in %s after %s, on something that left no span.', b.service, b.operation,
        beacon.duration_text(b.duration_ms))
      when b.metadata ? 'http.response.status_code' then format('%s answered %s after %s: it gave up on something behind it that left no '
        'failing span.',
        b.callee, b.metadata ->> 'http.response.status_code', beacon.duration_text(b.duration_ms))
      when b.callee_position is null then format('%s gave up on %s after %s; %s left no span of its own.', b.service, b.callee,
        beacon.duration_text(b.duration_ms), b.callee)
      when not b.callee_ended then format('%s gave up after %s; %s had taken the request and never answered.', b.service,
        beacon.duration_text(b.duration_ms), b.callee)
      else format('%s gave up after %s; %s went on for another %s.', b.service, beacon.duration_text(b.duration_ms), b.callee,
        beacon.duration_text(greatest(b.callee_late_ms, 0)))
    end,
    case when b.callee is null then format('Trace what %s calls in %s, so that what it waits for has a name; its log may tell it now.',
      b.service, b.operation)
    else format('Find out what %s spends its time on%s; raise the time-out of %s (%s) only if that time is needed.', b.callee,
      coalesce(' (longest: ' || w.operation || ')', ''), b.service, beacon.duration_text(b.duration_ms)) end,
    jsonb_strip_nulls(jsonb_build_object('gave_up_after_ms', round(b.duration_ms), 'callee_ended', b.callee_ended,
      'callee_went_on_ms', case when b.callee_ended then round(b.callee_late_ms) end, 'longest_in_callee', w.operation, 'longest_ms',
        round(w.self_ms)))) v
  where b.status = 'timeout' and coalesce(b.callee_status, '') <> 'lost'
    and case
      when b.callee is null then b.kind <> 'client'
      when b.metadata ? 'http.response.status_code' then true
      when b.callee_position is not null then not b.callee_ended or b.callee_late_ms >= -5
      else not beacon.usually_answers(b.callee, b.trace_id)
    end;
end
$$;

comment on function beacon.finding_service_timeout(beacon.span_fact[], beacon.failure_origin[]) is
  'SERVICE_TIMEOUT: the callee took the request and did not finish before the caller gave up. Decided by a timed-out call whose server '
  'span is still open or ended after the caller. Without any server span: only when that callee leaves none in other traces either, with '
  'less confidence. A span that timed out without any call below it is charged itself, with less still: what it waited for is not traced. '
  'Blind spot: a callee that is not traced cannot be told from a network that swallows the request.';
