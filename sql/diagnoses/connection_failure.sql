create function beacon.finding_connection_failure(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('CONNECTION_FAILURE', b,
    'strong',
    case
      when b.kind = 'server' then format('The connection broke while %s was answering: %s.', b.service, coalesce(b.code, b.message))
      when b.callee_position is null then format('%s could not reach %s: %s.', b.service, coalesce(b.callee, 'its peer'),
        coalesce(b.code, b.message))
      else format('The connection from %s to %s broke while the answer was under way: %s.', b.service, b.callee,
        coalesce(b.code, b.message))
    end,
    case
      when b.callee_position is null and b.kind <> 'server' then format('Check that %s runs and listens at %s, and that the address and '
        'the network path are right.',
        coalesce(b.callee, 'the peer'), coalesce(concat_ws(':', b.metadata ->> 'server.address', b.metadata ->> 'server.port'),
          'that address'))
      else format('Look into the log of %s at that moment: it had taken the request when the connection broke.', coalesce(b.callee,
        b.service))
    end,
    jsonb_strip_nulls(jsonb_build_object('address', nullif(concat_ws(':', b.metadata ->> 'server.address', b.metadata ->> 'server.port'),
      ''),
      'callee_saw_the_request', b.callee_position is not null or b.kind = 'server'))) v
  where b.code in ('ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_SOCKET',
      'connection_refused', 'connection_reset', 'connection_error', 'ConnectionError', 'ConnectionRefusedError', 'ConnectionResetError',
        'UNAVAILABLE')
    or (b.http_status is null and b.status = 'failed' and b.message ~* 'connection (refused|reset|closed)|socket hang up|other side '
      'closed|^terminated$');
end
$$;

comment on function beacon.finding_connection_failure(beacon.span_fact[], beacon.failure_origin[]) is
  'CONNECTION_FAILURE: a call did not get through, or broke off: nobody listens, the name does not resolve, or the connection was cut. '
  'Decided by the error code of a failing call; charged to the callee, which is found by its server span, peer.service, or who answered '
  'at the same address before. Blind spot: a firewall that drops packets shows as NETWORK_TIMEOUT.';
