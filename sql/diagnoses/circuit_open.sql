create function beacon.finding_circuit_open(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral (select coalesce(b.metadata ->> 'beacon.provider', b.callee, 'the provider') as provider) p
  cross join lateral beacon.verdict('CIRCUIT_OPEN', b, 'certain',
    format('%s did not call %s: its circuit breaker is open after earlier failures%s (%s).', b.service, p.provider,
      beacon.answered_with(b), beacon.said(b)),
    'Diagnose an execution from just before: its failures opened the circuit. It closes by itself once the provider answers again.',
    jsonb_strip_nulls(jsonb_build_object('provider', b.metadata ->> 'beacon.provider')),
    case when b.meant_by <> 'flag' then b.service end, case when b.meant_by <> 'flag' then b.operation end) v
  where b.meaning = 'circuit_open';
end
$$;

comment on function beacon.finding_circuit_open(beacon.span_fact[], beacon.failure_origin[]) is
  'CIRCUIT_OPEN: the caller did not even try, because earlier calls had failed. Decided by the code, class, message or response flag of '
  'a circuit breaker. The real cause stands in the executions before. Blind spot: a breaker that raises an error of its own wording.';
