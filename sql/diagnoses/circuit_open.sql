create function beacon.finding_circuit_open(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('CIRCUIT_OPEN', b, 'certain',
    format('%s did not call %s: its circuit breaker is open after earlier failures.', b.service,
      coalesce(b.metadata ->> 'beacon.provider', 'the provider')),
    'Diagnose an execution from just before: its failures opened the circuit. It closes by itself once the provider answers again.',
    jsonb_strip_nulls(jsonb_build_object('provider', b.metadata ->> 'beacon.provider'))) v
  where b.code in ('circuit_open', 'BrokenCircuitError', 'EOPENBREAKER');
end
$$;

comment on function beacon.finding_circuit_open(beacon.span_fact[], beacon.failure_origin[]) is
  'CIRCUIT_OPEN: the caller did not even try, because earlier calls had failed. Decided by the code of a circuit breaker. The real cause '
  'stands in the executions before.';
