create function beacon.finding_provider_execution_failure(spans beacon.span_fact[], origins beacon.failure_origin[])
returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  -- An answer that cannot be read is the doing of the service that sent it, although only the caller noticed.
  left join lateral (
    select a.service, a.operation from unnest(spans) call
    join unnest(spans) a on a.parent_position = call.position and a.kind = 'server'
    where b.meaning = 'malformed_response' and call.parent_position = b.position and call.kind = 'client'
    order by call.offset_ms desc limit 1) answered on true
  cross join lateral (select coalesce(b.callee, answered.service, b.service) as who) w
  cross join lateral beacon.verdict('PROVIDER_EXECUTION_FAILURE', b,
    case when b.meaning is not null then 'strong' else 'possible' end,
    case b.meaning
      when 'malformed_response' then format('%s could not read the answer of %s%s: %s.', b.service, w.who, beacon.answered_with(b),
        beacon.said(b))
      when 'deadlock' then format('Two transactions in %s waited for each other, and one of them was ended%s: %s.', w.who,
        beacon.answered_with(b), beacon.said(b))
      when 'serialization' then format('A transaction in %s collided with another one%s: %s.', w.who, beacon.answered_with(b),
        beacon.said(b))
      when 'lock_timeout' then format('A lock in %s was not given free in time%s: %s.', w.who, beacon.answered_with(b), beacon.said(b))
      else format('%s failed while executing %s%s: %s.', w.who, coalesce(b.callee_operation, b.operation), beacon.answered_with(b),
        beacon.said(b)) end,
    case
      when b.meaning in ('deadlock', 'serialization') then format('Have %s repeat the transaction; take locks in one order, and keep '
        'transactions short.', b.service)
      when b.meaning = 'lock_timeout' then format('Find out which transaction held the lock (a long one, or one left open), and shorten '
        'it.')
      else beacon.look_into(b, w.who) end,
    '{}', answered.service, answered.operation) v
  where b.status in ('failed', 'timeout')
    and (b.meaning in ('server_error', 'unavailable', 'bug', 'malformed_response', 'deadlock', 'serialization', 'lock_timeout')
      or (b.meaning is null and b.status = 'failed' and (b.code !~ '^\d{3}$' or b.message <> '')));
end
$$;

comment on function beacon.finding_provider_execution_failure(beacon.span_fact[], beacon.failure_origin[]) is
  'PROVIDER_EXECUTION_FAILURE: the callee broke while doing its work: HTTP 5xx, a deadlock or a lock that was not given free, an answer '
  'that cannot be read, a bug, or an error without a better name. The most general finding, so it yields to every one that knows more. '
  'Blind spot: says where, and of an unknown error not why.';
