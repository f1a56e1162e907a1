create function beacon.finding_provider_execution_failure(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof
  beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  -- An answer nobody can read is the doing of whoever sent it, although only the caller noticed.
  left join lateral (
    select a.service, a.operation from unnest(spans) call
    join unnest(spans) a on a.parent_position = call.position and a.kind = 'server'
    where b.code = 'malformed_response' and call.parent_position = b.position and call.kind = 'client'
    order by call.offset_ms desc limit 1) answered on true
  cross join lateral beacon.verdict('PROVIDER_EXECUTION_FAILURE', b,
    case when b.code in ('internal_error', 'malformed_response', 'server_error') or b.http_status in (500, 502) then 'strong'
      else 'possible' end,
    format('%s failed while executing: %s.', coalesce(b.callee, answered.service, b.service), coalesce(b.message, b.code,
      'HTTP ' || b.http_status)),
    format('Read the log of %s at that moment, with the trace id; the failure began there.', coalesce(b.callee, answered.service,
      b.service)),
    '{}', answered.service, answered.operation) v
  where b.status = 'failed' and (b.callee is not null or b.code is not null or b.http_status is not null)
    and (b.http_status >= 500 or b.code in ('internal_error', 'malformed_response', 'server_error', 'INTERNAL', 'UNKNOWN')
      or b.code !~ '^\d{3}$')
    and coalesce(b.code, '') not in ('configuration_error', 'circuit_open', 'empty_output');
end
$$;

comment on function beacon.finding_provider_execution_failure(beacon.span_fact[], beacon.failure_origin[]) is
  'PROVIDER_EXECUTION_FAILURE: the callee broke while doing its work: HTTP 5xx, an answer nobody can read, or an exception with no better '
  'name. The most general finding, so it yields to every one that knows more. Blind spot: says where, not why.';
