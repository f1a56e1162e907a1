create function beacon.finding_bad_request(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('BAD_REQUEST', b, 'strong',
    format('%s sent %s something it does not accept%s.', b.service, coalesce(b.callee, 'a request'),
      coalesce(' (HTTP ' || b.http_status || ')', '')),
    format('Read the message and correct what %s sends.', b.service), '{}', b.service, b.operation) v
  where b.http_status in (400, 405, 409, 411, 413, 415, 422)
    or b.code in ('invalid_request_error', 'BadRequestError', 'INVALID_ARGUMENT', 'ValidationError', 'ZodError', 'validation_error');
end
$$;

comment on function beacon.finding_bad_request(beacon.span_fact[], beacon.failure_origin[]) is
  'BAD_REQUEST: the caller sent what the callee does not accept. Decided by HTTP 400, 405, 409, 411, 413, 415, 422 or a validation code; '
  'charged to the caller.';
