create function beacon.name_services() returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  named integer;
  last_color integer := coalesce((select max(x.color) from beacon.services x), -1);
begin
  insert into beacon.services (service, color, first_seen_at)
  select q.service, last_color + (row_number() over (order by q.service))::integer, beacon.clock()
  from (
    select n.service from beacon.span_names n
    union
    select r.attributes ->> 'service.name' as service from beacon.trace_resources r
    union
    select t.service from beacon.tracers t
  ) q
  where q.service is not null and not exists (select from beacon.services x where x.service = q.service)
  on conflict (service) do nothing;
  get diagnostics named = row_count;
  return named;
end
$$;

comment on function beacon.name_services() is
  'Gives every service of spans, of resources and of tracers a colour of its own, if it has none; returns how many it found.';

create function beacon.service_colors(names text[]) returns table (service text, color integer)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  last_color integer := coalesce((select max(x.color) from beacon.services x), -1);
begin
  -- A service that maintenance has not seen yet gets the number it is about to give.
  return query
  select n.name, coalesce(x.color, last_color + (count(*) filter (where x.color is null) over (order by n.name))::integer)
  from (select distinct unnest(names) as name) n
  left join beacon.services x on x.service = n.name;
end
$$;

comment on function beacon.service_colors(text[]) is 'Numbers of the colours of these services.';

create function beacon.service_stats(from_time timestamptz, to_time timestamptz) returns table (
  service text, color integer, spans bigint, traces bigint, errors bigint, error_pct double precision, p50_ms double precision,
  p95_ms double precision, last_seen_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  with counted as materialized (
    select c.service, c.counts[i][1] as bucket, sum(c.counts[i][2]) as calls, sum(c.counts[i][3]) as errors, max(c.last_at) as last_at
    from beacon.span_counts(from_time, to_time, interval '1 day', of_facet => 1) c
    cross join lateral generate_subscripts(c.counts, 1) i
    group by 1, 2
  ), each as (
    select c.service, sum(c.calls)::bigint as spans, sum(c.errors)::bigint as errors, max(c.last_at) as last_at,
      beacon.bucket_percentiles(array_agg(c.bucket order by c.bucket), array_agg(c.calls::bigint order by c.bucket), '{0.5,0.95}') as usual
    from counted c
    group by c.service
  ), in_traces as (
    select q.service, sum(q.traces)::bigint as traces
    from (
      select v.service, v.traces from beacon.service_traces v
      where v.at >= date_bin('10 minutes', from_time, '2000-01-01 00:00:00+00') and v.at < to_time
      union all
      select n.service, 1
      from beacon.traces t
      cross join lateral (select distinct x as service from unnest(t.services) x) n
      where t.baselined_at is null and t.started_at >= date_bin('10 minutes', from_time, '2000-01-01 00:00:00+00')
        and t.started_at < to_time) q
    group by q.service
  )
  select e.service, k.color, e.spans, coalesce(i.traces, 0), e.errors, round(100.0 * e.errors / nullif(e.spans, 0), 2)::double precision,
    e.usual[1], e.usual[2], e.last_at
  from each e
  join beacon.service_colors(array(select x.service from each x)) k on k.service = e.service
  left join in_traces i on i.service = e.service
  order by e.spans desc, e.service;
end
$$;

comment on function beacon.service_stats(timestamptz, timestamptz) is
  'Services with spans that began in this time: how many, in how many traces, how many failed, usual durations (to within 9 %).';

create function beacon.operation_stats(from_time timestamptz, to_time timestamptz, of_service text default null) returns table (
  service text, operation text, kind text, calls bigint, errors bigint, error_pct double precision, p50_ms double precision,
  p95_ms double precision, total_ms double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
  with counted as materialized (
    select c.service, c.operation, c.kind, c.counts[i][1] as bucket, sum(c.counts[i][2]) as calls, sum(c.counts[i][3]) as errors,
      -- Once a row, not once a class.
      sum(case when i = 1 then c.total_ms else 0 end) as total_ms
    from beacon.span_counts(from_time, to_time, interval '1 day', of_service) c
    cross join lateral generate_subscripts(c.counts, 1) i
    group by 1, 2, 3, 4
  ), each as (
    select c.service, c.operation, c.kind, sum(c.calls)::bigint as spans, sum(c.errors)::bigint as errors, sum(c.total_ms) as total_ms,
      beacon.bucket_percentiles(array_agg(c.bucket order by c.bucket), array_agg(c.calls::bigint order by c.bucket), '{0.5,0.95}') as usual
    from counted c
    group by c.service, c.operation, c.kind
  )
  select e.service, e.operation, e.kind, e.spans, e.errors, round(100.0 * e.errors / nullif(e.spans, 0), 2)::double precision,
    e.usual[1], e.usual[2],
    round(e.total_ms::numeric, 3)::double precision
  from each e
  order by e.total_ms desc, e.service, e.operation, e.kind;
end
$$;

comment on function beacon.operation_stats(timestamptz, timestamptz, text) is
  'Operations with spans that began in this time: calls, how many failed, usual durations (to within 9 %), time spent in all.';

create function beacon.service_names() returns setof text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  -- From one service to the next in the index: there may be many operations.
  return query
  with recursive each (service) as (
    (select n.service from beacon.span_names n order by n.service limit 1)
    union all
    select (select n.service from beacon.span_names n where n.service > e.service order by n.service limit 1)
    from each e where e.service is not null)
  select e.service from each e where e.service is not null;
end
$$;

comment on function beacon.service_names() is 'Services that have spans, in order; since the last are no older than retention.';

create function beacon.operation_names(of_service text) returns table (operation text, kind text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  select n.operation, n.kind from beacon.span_names n where n.service = of_service order by n.operation, n.kind;
end
$$;

comment on function beacon.operation_names(text) is 'Operations of a service that have spans, with their kinds.';
