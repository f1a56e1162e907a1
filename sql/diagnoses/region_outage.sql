create function beacon.finding_region_outage(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  -- Quotas, keys and requests a region refuses are not outages: their own findings say what to do.
  return query
  select w.* from (select b from unnest(origins) b where b.explains_root order by b.offset_ms desc limit 1) k (b)
  cross join lateral beacon.outage_of(spans, 'region') o
  cross join lateral beacon.verdict('REGION_OUTAGE', k.b, o.level,
    format('Region %s is down: %s of %s executions of that hour failed there, %s of %s elsewhere; here %s.', o.value, o.failed, o.of_all,
      o.elsewhere_failed, o.elsewhere, coalesce((k.b).code, (k.b).message, 'without a code')),
    format('Send the work of %s to another region until it answers again; all %s failures there are one cause.', o.value, o.failed),
    jsonb_build_object('region', o.value, 'failed_there', format('%s of %s', o.failed, o.of_all), 'failed_elsewhere', format('%s of %s',
      o.elsewhere_failed, o.elsewhere))) v
  cross join lateral beacon.demoted(v, o.level <> 'certain') w
  where coalesce((k.b).meaning, '') not in ('config_missing', 'empty_output', 'out_of_memory', 'rate_limit', 'quota', 'unauthorized',
    'forbidden', 'bad_input', 'too_long', 'content_filter', 'conflict', 'cancelled', 'not_found', 'model_unavailable');
end
$$;

comment on function beacon.finding_region_outage(beacon.span_fact[], beacon.failure_origin[]) is
  'REGION_OUTAGE: a region does not work, whatever is asked of it. Decided across the executions of that hour: nine in ten of the '
  'region''s failed, at least five, while at most one in ten failed elsewhere, of at least five; from three of three on it is a remark. '
  'Only failures of availability count (no answer, time-outs, HTTP 500, 502, 503, 504). Charged to the callee. Blind spot: the first '
  'failures of an outage look like one of their own.';
