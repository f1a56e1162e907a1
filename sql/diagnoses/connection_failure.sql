create function beacon.finding_connection_failure(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral (select coalesce(b.callee, 'its peer') as peer,
    case when b.kind in ('client', 'producer') then nullif(concat_ws(':', beacon.called_host(b.metadata),
      beacon.called_port(b.metadata)), '') end as address,
    b.callee_position is not null or b.kind = 'server' and b.meaning in ('reset', 'unavailable') as arrived) p
  cross join lateral beacon.verdict('CONNECTION_FAILURE', b,
    case when b.meant_by in ('http', 'grpc', 'jsonrpc') then 'likely' else 'strong' end,
    case
      when b.kind = 'server' and b.meaning = 'reset' then format('The connection broke while %s was answering%s: %s.', b.service,
        beacon.answered_with(b),
        beacon.said(b))
      when b.meaning = 'dns' then format('%s could not reach %s: its name does not resolve%s: %s.', b.service, p.peer,
        beacon.answered_with(b), beacon.said(b))
      when b.meaning = 'tls' then format('%s and %s could not agree on a secure connection: certificate or TLS%s: %s.', b.service, p.peer,
        beacon.answered_with(b), beacon.said(b))
      when p.arrived then format('The connection from %s to %s was cut while the answer was under way%s: %s.', b.service, p.peer,
        beacon.answered_with(b), beacon.said(b))
      when b.meaning = 'reset' then format('The connection from %s to %s broke off: it was reset or closed%s: %s.', b.service, p.peer,
        beacon.answered_with(b), beacon.said(b))
      else format('%s could not reach %s%s: %s.', b.service, p.peer, beacon.answered_with(b), beacon.said(b))
    end,
    case
      when b.meaning = 'tls' then format('Check the certificate of %s (expired, other host name, unknown issuer) and the protocol both '
        'sides speak on that port.', p.peer)
      when b.meaning = 'dns' then format('Check the host name that %s is configured with, and the name server it asks.', b.service)
      when p.arrived then beacon.look_into(b, coalesce(b.callee, b.service))
      when p.address is not null then format('Check that %s runs and listens at %s, and that the address and the network path are right.',
        p.peer, p.address)
      else format('Check that %s runs, and that the address that %s uses for it and the network path are right.', p.peer, b.service)
    end,
    jsonb_strip_nulls(jsonb_build_object('address', p.address, 'callee_saw_the_request', p.arrived))) v
  where b.meaning in ('dns', 'refused', 'unreachable', 'reset', 'tls') or b.meaning = 'unavailable'
    and (b.meant_by = 'flag' or b.http_status is null and not p.arrived and coalesce(b.message, '') !~ '\m50[0-4]\M');
end
$$;

comment on function beacon.finding_connection_failure(beacon.span_fact[], beacon.failure_origin[]) is
  'CONNECTION_FAILURE: a call did not get through, or broke off: nothing listens, the name does not resolve, TLS does not agree, or the '
  'connection was cut. Decided by the code, class or message of a failing call, gRPC 14 or Envoy''s flags; charged to the callee, which is '
  'found by its server span, by the name its caller states, or by what answered at the same address before. Blind spot: a firewall that '
  'drops packets shows as NETWORK_TIMEOUT.';
