create function beacon.finding_network_timeout(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('NETWORK_TIMEOUT', b,
    case when b.code in ('UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT') or b.callee_position is not null then 'strong' else 'likely' end,
    case
      when b.callee_position is not null then format('%s answered %s ms before %s gave up, and the answer did not arrive.', b.callee,
        round(-b.callee_late_ms), b.service)
      else format('%s waited %s ms for %s, which never received the request.', b.service, round(b.duration_ms), coalesce(b.callee,
        'its peer'))
    end,
    format('Check the network between %s and %s: routes, firewalls, load balancer, name resolution.', b.service, coalesce(b.callee,
      'its peer')),
    jsonb_strip_nulls(jsonb_build_object('gave_up_after_ms', round(b.duration_ms), 'callee_saw_the_request', b.callee_position is not null,
      'answered_before_ms', round(-b.callee_late_ms)))) v
  where b.status = 'timeout' and b.kind = 'client' and not b.metadata ? 'http.response.status_code' and coalesce(b.callee_status, '')
    <> 'lost'
    and case
      when b.callee_position is not null then b.callee_ended and b.callee_late_ms < -5
      else b.code in ('UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT') or beacon.usually_answers(b.callee, b.trace_id)
    end;
end
$$;

comment on function beacon.finding_network_timeout(beacon.span_fact[], beacon.failure_origin[]) is
  'NETWORK_TIMEOUT: the time went into the network: the callee finished in time and its answer came late, or it never got the request '
  'although it leaves spans in other traces. Decided by a timed-out call against the callee''s own span. Blind spot: a callee that hangs '
  'before its first span looks like a lost request.';
