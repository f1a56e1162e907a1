create function beacon.finding_network_timeout(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('NETWORK_TIMEOUT', b,
    case when b.meaning = 'connect_timeout' or b.callee_position is not null then 'strong' else 'likely' end,
    case
      when b.callee_position is not null then format('%s answered %s ms before %s gave up, and the answer did not arrive.', b.callee,
        round(-b.callee_late_ms), b.service)
      when b.meaning = 'connect_timeout' then format('%s waited %s for a connection to %s and got none: %s.', b.service,
        beacon.duration_text(b.duration_ms), coalesce(b.callee, 'its peer'), beacon.said(b))
      else format('%s waited %s for %s, which never received the request: %s.', b.service, beacon.duration_text(b.duration_ms),
        coalesce(b.callee, 'its peer'), beacon.said(b))
    end,
    format('Check the network between %s and %s: routes, firewalls, load balancer, name resolution.', b.service,
      coalesce(b.callee, 'its peer')),
    jsonb_strip_nulls(jsonb_build_object('gave_up_after_ms', round(b.duration_ms), 'callee_saw_the_request', b.callee_position is not null,
      'answered_before_ms', round(-b.callee_late_ms)))) v
  where b.meaning in ('timeout', 'connect_timeout') and b.status in ('failed', 'timeout') and b.kind = 'client' and b.http_status is null
    and coalesce(b.callee_status, '') <> 'lost' and not (b.meaning = 'timeout' and b.metadata ?| array['db.statement', 'db.query.text'])
    and case
      when b.callee_position is not null then b.callee_ended and b.callee_late_ms < -greatest(5, 0.1 * b.duration_ms)
      else b.meaning = 'connect_timeout' or b.callee_is_known
    end;
end
$$;

comment on function beacon.finding_network_timeout(beacon.span_fact[], beacon.failure_origin[]) is
  'NETWORK_TIMEOUT: the time went into the network: the connection was not made in time, the callee finished in time and its answer came '
  'late, or it never got the request although it leaves spans in other traces. Decided by the code or message of a call that timed out, '
  'against the callee''s own span. Blind spot: a callee that hangs before its first span looks like a lost request.';
