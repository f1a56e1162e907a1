create function beacon.finding_rate_limited(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('RATE_LIMITED', b, 'certain',
    format('%s refused the request: too many requests%s: %s.', coalesce(b.callee, b.service), beacon.answered_with(b), beacon.said(b)),
    format('Send less to %s at a time, honour its Retry-After, or have its limit raised.', coalesce(b.callee, b.service)),
    jsonb_strip_nulls(jsonb_build_object('retry_after', b.metadata ->> 'http.response.header.retry-after'))) v
  where b.meaning = 'rate_limit';
end
$$;

comment on function beacon.finding_rate_limited(beacon.span_fact[], beacon.failure_origin[]) is
  'RATE_LIMITED: the callee refused because it gets too many requests. Decided by HTTP 429, gRPC 8 or a rate-limit code, class or message '
  '(a quota that is used up is RESOURCE_EXHAUSTED: sending more slowly does not help). Blind spot: a provider that slows down instead of '
  'refusing shows as SERVICE_TIMEOUT or PERFORMANCE_DEGRADATION.';
