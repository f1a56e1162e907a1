create function beacon.finding_auth_failure(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('AUTH_FAILURE', b, case when b.meant_by in ('http', 'grpc', 'message') then 'strong' else 'certain' end,
    case b.meaning
      when 'forbidden' then format('%s does not allow what %s asked for%s: %s.', coalesce(b.callee, b.service), b.service,
        beacon.answered_with(b), beacon.said(b))
      else format('%s rejected the credentials of %s%s: %s.', coalesce(b.callee, b.service), b.service, beacon.answered_with(b),
        beacon.said(b)) end,
    case b.meaning
      when 'forbidden' then format('Give the role or key that %s uses at %s the permission that the message names.', b.service,
        coalesce(b.callee, 'this point'))
      else format('Check the key or password %s uses for %s: missing, wrong, expired, revoked, or that of another project.', b.service,
        coalesce(b.callee, 'this call')) end) v
  where b.meaning in ('unauthorized', 'forbidden');
end
$$;

comment on function beacon.finding_auth_failure(beacon.span_fact[], beacon.failure_origin[]) is
  'AUTH_FAILURE: the callee rejected the caller''s credentials, or does not allow what they asked for. Decided by the meaning '
  'unauthorized or forbidden: HTTP 401 or 403, gRPC 7 or 16, an authentication code, class or message. Charged to the callee that '
  'refused; the key to correct is the caller''s. Blind spot: a login that is refused by a firewall looks like a connection that fails.';
