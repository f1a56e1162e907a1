create function beacon.span_peers(of_service text, of_operation text, not_trace uuid, before timestamptz, duration_ms double precision)
  returns table (
  peer_count bigint, peer_p50_ms double precision, peer_p95_ms double precision, slower_than_pct double precision, peer_histogram jsonb)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  grid interval := beacon.count_grid(before - interval '24 hours');
begin
  return query
  with counted as materialized (
    select c.counts[i][1] as bucket, sum(c.counts[i][2]) as calls
    from beacon.span_counts(before - interval '24 hours', before, interval '1 day', of_service, of_operation) c
    cross join lateral generate_subscripts(c.counts, 1) i
    where c.counts[i][1] >= 0
    group by 1
  ), mine as (
    select beacon.duration_bucket(s.duration_ms) as bucket, count(*) as calls
    from beacon.spans_of(array[not_trace], date_bin(grid, before - interval '24 hours', '2000-01-01 00:00:00+00'), before + grid) s
    where s.service = of_service and s.operation = of_operation and s.duration_ms is not null
      and s.started_at < before + grid
    group by 1
  ), others as materialized (
    select c.bucket, c.calls - coalesce(m.calls, 0) as calls
    from counted c
    left join mine m on m.bucket = c.bucket
    where c.calls > coalesce(m.calls, 0)
  ), own as (
    select beacon.duration_bucket(duration_ms) as bucket
  )
  select q.calls, q.usual[1], q.usual[2], q.faster_pct, q.classes from (
  select coalesce(sum(o.calls), 0)::bigint as calls,
    beacon.bucket_percentiles(array_agg(o.bucket order by o.bucket), array_agg(o.calls order by o.bucket), '{0.5,0.95}') as usual,
    -- Half of those in the same class count as faster.
    round(100 * sum(case when o.bucket < w.bucket then o.calls when o.bucket = w.bucket then o.calls / 2.0 else 0 end)
      / nullif(sum(o.calls), 0), 1)::double precision as faster_pct,
    jsonb_agg(jsonb_build_object('from_ms', round(beacon.bucket_ms(o.bucket)::numeric, 4), 'to_ms',
      round(beacon.bucket_ms(o.bucket + 1)::numeric, 4), 'count', o.calls)
      order by o.bucket) filter (where o.calls > 0) as classes
  from own w
  left join others o on true
  group by w.bucket) q;
end
$$;

comment on function beacon.span_peers(text, text, uuid, timestamptz, double precision) is
  'How long the same operation took in other traces in the 24 hours before: count, median, 95th percentile (to within 9 %), how many of '
  '100 were faster than this duration, and the counts by duration class.';
