create function beacon.finding_rate_limited(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('RATE_LIMITED', b, 'certain',
    format('%s refused the request: too many requests%s.', coalesce(b.callee, b.service), coalesce(' (HTTP ' || b.http_status || ')', '')),
    format('Send less to %s at a time, honour its Retry-After, or have its limit raised.', coalesce(b.callee, b.service)),
    jsonb_strip_nulls(jsonb_build_object('retry_after', b.metadata ->> 'http.response.header.retry-after'))) v
  where b.code in ('rate_limit_exceeded', 'rate_limited', 'RateLimitError', 'too_many_requests', 'insufficient_quota')
    or b.http_status = 429;
end
$$;

comment on function beacon.finding_rate_limited(beacon.span_fact[], beacon.failure_origin[]) is
  'RATE_LIMITED: the callee refused because it gets too many requests. Decided by HTTP 429 or a rate-limit code. Blind spot: a provider '
  'that slows down instead of refusing shows as SERVICE_TIMEOUT or PERFORMANCE_DEGRADATION.';
