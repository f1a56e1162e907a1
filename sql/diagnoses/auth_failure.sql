create function beacon.finding_auth_failure(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('AUTH_FAILURE', b, 'certain',
    format('%s rejected the credentials of %s%s.', coalesce(b.callee, b.service), b.service, coalesce(' (HTTP ' || b.http_status || ')',
      '')),
    format('Check the key %s uses for %s: missing, expired, revoked, or that of another project.', b.service, coalesce(b.callee, 'it'))) v
  where b.code in ('invalid_api_key', 'AuthenticationError', 'PermissionDeniedError', 'UNAUTHENTICATED', 'PERMISSION_DENIED',
    'unauthorized', 'forbidden', '28P01', '28000', '42501')
    or b.http_status in (401, 403);
end
$$;

comment on function beacon.finding_auth_failure(beacon.span_fact[], beacon.failure_origin[]) is
  'AUTH_FAILURE: the callee rejected the caller''s credentials. Decided by HTTP 401 or 403 or an authentication code. Charged to the '
  'callee that refused; the key to correct is the caller''s.';
