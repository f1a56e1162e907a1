create function beacon.count_grid(from_time timestamptz) returns interval
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return case when from_time >= beacon.clock() - interval '6 hours' then interval '1 minute' else interval '10 minutes' end;
end
$$;

comment on function beacon.count_grid(timestamptz) is
  'How finely spans that began since then are counted in advance: by minute for the last six hours, else by ten minutes.';

create function beacon.span_counts(from_time timestamptz, to_time timestamptz, step interval, of_service text default null,
  of_operation text default null, of_facet integer default 0)
returns table (at timestamptz, service text, operation text, kind text, root boolean, counts integer[], total_ms double precision,
  last_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
-- One plan serves every stretch of time, and making it anew takes as long as the answer.
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  origin constant timestamptz := '2000-01-01 00:00:00+00';
  grid interval := beacon.count_grid(from_time);
  grid_s integer := extract(epoch from grid);
  from_grid timestamptz := date_bin(grid, from_time, origin);
  to_grid timestamptz := date_bin(grid, to_time + grid - interval '1 microsecond', origin);
  from_hour timestamptz;
  to_hour timestamptz;
  from_six timestamptz;
  to_six timestamptz;
begin
  if extract(epoch from step)::numeric % grid_s <> 0 then
    return query select * from beacon.count_spans('-infinity', 'infinity', from_time, to_time, step, of_service, of_operation);
    return;
  end if;
  -- Six hours at once where no finer step is wanted, whole hours around them, the grid around those.
  from_hour := date_bin('1 hour', from_grid + interval '1 hour' - interval '1 microsecond', origin);
  to_hour := date_bin('1 hour', to_grid, origin);
  if extract(epoch from step)::numeric % 3600 <> 0 or to_hour <= from_hour then
    to_hour := from_grid;
    from_hour := from_grid;
  end if;
  from_six := date_bin('6 hours', from_hour + interval '6 hours' - interval '1 microsecond', origin);
  to_six := date_bin('6 hours', to_hour, origin);
  if extract(epoch from step)::numeric % 21600 <> 0 or to_six <= from_six then
    to_six := from_hour;
    from_six := from_hour;
  end if;
  return query
  select date_bin(step, r.at, origin), r.service, r.operation, r.kind, r.root, r.counts, r.total_ms, r.last_at
  from (
    select x.* from beacon.span_rollups x where x.facet = of_facet and x.step_s = 21600 and x.at >= from_six and x.at < to_six
    union all
    select x.* from beacon.span_rollups x where x.facet = of_facet and x.step_s = 3600 and x.at >= from_hour and x.at < from_six
    union all
    select x.* from beacon.span_rollups x where x.facet = of_facet and x.step_s = 3600 and x.at >= to_six and x.at < to_hour
    union all
    select x.* from beacon.span_rollups x where x.facet = of_facet and x.step_s = grid_s and x.at >= from_grid and x.at < from_hour
    union all
    select x.* from beacon.span_rollups x where x.facet = of_facet and x.step_s = grid_s and x.at >= to_hour and x.at < to_grid
  ) r
  where (of_service is null or r.service = of_service) and (of_operation is null or r.operation = of_operation);
  -- What is not folded yet; a row a duration class, as they are to be added up anyway.
  return query
  select date_bin(step, q.minute_at, origin), case when of_facet < 2 then q.service else '' end,
    case when of_facet = 0 then q.operation else '' end, case when of_facet = 0 then q.kind else '' end, q.root,
    array[array[q.bucket, sum(q.calls)::integer, sum(q.errors)::integer]], sum(q.total), max(q.last_at)
  from beacon.unfolded(from_grid, to_grid) q
  where (of_service is null or q.service = of_service) and (of_operation is null or q.operation = of_operation)
  group by 1, 2, 3, 4, 5, q.bucket;
end
$$;

comment on function beacon.span_counts(timestamptz, timestamptz, interval, text, text, integer) is
  'How many spans an operation had in each step of time, and how many of them failed: counts as in span_rollups; rows of the same step '
  'are to be added up. Steps are aligned to 2000-01-01, and from_time and to_time to whole minutes (ten, where they begin more than six '
  'hours ago), except where steps are finer. of_facet as in span_rollups; with an operation it must be 0.';

create function beacon.unfolded(from_time timestamptz, to_time timestamptz) returns table (
  service text, operation text, kind text, root boolean, minute_at timestamptz, bucket integer, calls bigint, errors bigint,
  total double precision, last_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
declare
  origin constant timestamptz := '2000-01-01 00:00:00+00';
  from_minute integer := case when from_time > '1900-01-01' then floor(extract(epoch from from_time - origin) / 60)::integer
    else -100000000 end;
  to_minute integer := case when to_time < '2900-01-01' then ceil(extract(epoch from to_time - origin) / 60)::integer
    else 1000000000 end;
begin
  return query
  select n.service, n.operation, n.kind, c.class & 2 > 0, origin + c.minute * interval '1 minute', (c.class >> 2) - 1, c.calls,
    case when c.class & 1 > 0 then c.calls else 0 end, c.total, origin + c.minute * interval '1 minute' + c.last * interval '1 microsecond'
  from (
    select u.name_id, u.minute, u.class, sum(u.calls) as calls, sum(u.total) as total, max(u.last) as last
    from beacon.span_deltas d
    cross join lateral unnest(d.name_ids, d.minutes, d.lasts, d.classes, d.calls, d.totals) u (name_id, minute, last, class, calls, total)
    where d.minute_to >= from_minute and d.minute_from < to_minute and u.minute >= from_minute and u.minute < to_minute
    group by 1, 2, 3) c
  join beacon.span_names n on n.name_id = c.name_id
  where c.calls <> 0 or c.total <> 0;
end
$$;

comment on function beacon.unfolded(timestamptz, timestamptz) is
  'What of span_deltas is about spans that began in this time, a row a name, minute and class.';

create function beacon.fold_deltas(at_most integer default 500) returns integer
language plpgsql
set search_path = beacon, pg_catalog
set jit = off
as $$
declare
  origin constant timestamptz := '2000-01-01 00:00:00+00';
  taken bigint[] := array(select d.delta_id from beacon.span_deltas d order by d.delta_id limit at_most);
begin
  if cardinality(taken) = 0 then
    return 0;
  end if;
  insert into beacon.span_rollups as r (facet, step_s, at, service, operation, kind, root, counts, total_ms, last_at)
  with cells as materialized (
    select u.name_id, u.minute, u.class, sum(u.calls) as calls, sum(u.total) as total, max(u.last) as last
    from beacon.span_deltas d
    cross join lateral unnest(d.name_ids, d.minutes, d.lasts, d.classes, d.calls, d.totals) u (name_id, minute, last, class, calls, total)
    where d.delta_id = any (taken)
    group by 1, 2, 3
  ), o60 as materialized (
    select origin + c.minute * interval '1 minute' as at, n.service, n.operation, n.kind, c.class & 2 > 0 as root,
      (c.class >> 2) - 1 as bucket,
      sum(c.calls) as calls, sum(case when c.class & 1 > 0 then c.calls else 0 end) as errors, sum(c.total) as total,
      max(origin + c.minute * interval '1 minute' + c.last * interval '1 microsecond') as last_at
    from cells c join beacon.span_names n on n.name_id = c.name_id
    group by 1, 2, 3, 4, 5, 6
  ), o600 as materialized (
    -- Each step from the one before it: there are fewer and fewer.
    select date_bin('10 minutes', c.at, origin) as at, c.service, c.operation, c.kind, c.root, c.bucket, sum(c.calls) as calls,
      sum(c.errors) as errors, sum(c.total) as total, max(c.last_at) as last_at
    from o60 c group by 1, 2, 3, 4, 5, 6
  ), o3600 as materialized (
    select date_bin('1 hour', c.at, origin) as at, c.service, c.operation, c.kind, c.root, c.bucket, sum(c.calls) as calls,
      sum(c.errors) as errors, sum(c.total) as total, max(c.last_at) as last_at
    from o600 c group by 1, 2, 3, 4, 5, 6
  ), operations as (
    select 60 as step_s, c.* from o60 c
    union all select 600, c.* from o600 c
    union all select 3600, c.* from o3600 c
    union all
    select 21600, date_bin('6 hours', c.at, origin), c.service, c.operation, c.kind, c.root, c.bucket, sum(c.calls), sum(c.errors),
      sum(c.total), max(c.last_at)
    from o3600 c group by 2, 3, 4, 5, 6, 7
  ), services as materialized (
    select c.step_s, c.at, c.service, c.root, c.bucket, sum(c.calls) as calls, sum(c.errors) as errors, sum(c.total) as total,
      max(c.last_at) as last_at
    from operations c group by 1, 2, 3, 4, 5
  ), added as materialized (
    select 0 as facet, c.* from operations c where c.step_s > 60 or c.at > beacon.clock() - interval '7 hours'
    union all
    select 1, c.step_s, c.at, c.service, '', '', c.root, c.bucket, c.calls, c.errors, c.total, c.last_at
    from services c where c.step_s > 60 or c.at > beacon.clock() - interval '7 hours'
    union all
    select 2, c.step_s, c.at, '', '', '', c.root, c.bucket, sum(c.calls), sum(c.errors), sum(c.total), max(c.last_at)
    from services c where c.step_s > 60 or c.at > beacon.clock() - interval '7 hours'
    group by 2, 3, 7, 8
  ), touched as materialized (
    select distinct a.facet, a.step_s, a.at, a.service, a.operation, a.kind, a.root from added a
  ), summed as (
    select q.facet, q.step_s, q.at, q.service, q.operation, q.kind, q.root, q.bucket, sum(q.calls) as calls, sum(q.errors) as errors,
      sum(q.total) as total, max(q.last_at) as last_at
    from (
      select a.* from added a
      union all
      select x.facet, x.step_s, x.at, x.service, x.operation, x.kind, x.root, x.counts[i][1], x.counts[i][2], x.counts[i][3],
        -- Once a row, not once a class.
        case when i = 1 then x.total_ms else 0 end, x.last_at
      from touched t
      join beacon.span_rollups x on x.facet = t.facet and x.step_s = t.step_s and x.at = t.at and x.service = t.service
        and x.operation = t.operation and x.kind = t.kind and x.root = t.root
      cross join lateral generate_subscripts(x.counts, 1) i
    ) q
    group by 1, 2, 3, 4, 5, 6, 7, 8
  )
  select c.facet, c.step_s, c.at, c.service, c.operation, c.kind, c.root,
    coalesce(array_agg(array[c.bucket, c.calls::integer, c.errors::integer] order by c.bucket) filter (where c.calls <> 0 or c.errors <> 0),
      '{}'), sum(c.total), max(c.last_at)
  from summed c
  group by 1, 2, 3, 4, 5, 6, 7
  on conflict (facet, step_s, at, service, operation, kind, root) do update set
    counts = excluded.counts, total_ms = excluded.total_ms, last_at = greatest(r.last_at, excluded.last_at);
  delete from beacon.span_deltas d where d.delta_id = any (taken);
  return cardinality(taken);
end
$$;

comment on function beacon.fold_deltas(integer) is
  'Adds so many of the oldest rows of span_deltas to span_rollups, and removes them; returns how many. Only one session may do so at a '
  'time: see maintain.';

create function beacon.count_spans(created_from timestamptz, created_to timestamptz, from_time timestamptz, to_time timestamptz,
  step interval, of_service text, of_operation text)
returns table (at timestamptz, service text, operation text, kind text, root boolean, counts integer[], total_ms double precision,
  last_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
-- How much is asked for decides how it is read, and in which partitions.
set plan_cache_mode = force_custom_plan
set plan_cache_mode = auto
as $$
#variable_conflict use_column
begin
  -- A row a duration class, as they are to be added up anyway.
  return query
  with stored as materialized (
    select x.started_at, x.service, x.operation, x.kind, x.parent_span_id, x.duration_ms, x.status from beacon.trace_spans x
    where x.created_at >= created_from and x.created_at < created_to and x.started_at >= from_time and x.started_at < to_time
      and (of_service is null or x.service = of_service) and (of_operation is null or x.operation = of_operation)
  )
  select q.at, q.service, q.operation, q.kind, q.root, array[array[q.bucket, q.calls, q.errors]], q.total_ms, q.last_at
  from (
    select date_bin(step, s.started_at, '2000-01-01 00:00:00+00') as at, s.service, s.operation, s.kind, s.parent_span_id is null as root,
      coalesce(beacon.duration_bucket(s.duration_ms), -1) as bucket,
      count(*)::integer as calls, (count(*) filter (where beacon.has_failed(s.status)))::integer as errors,
      coalesce(sum(s.duration_ms), 0) as total_ms, max(s.started_at) as last_at
    from (
      select x.* from stored x
      union all
      select a.started_at, a.service, a.operation, a.kind, a.parent_span_id, a.duration_ms, a.status
      from beacon.archived_between(from_time, to_time) a
      where a.created_at >= created_from and a.created_at < created_to) s
    where (of_service is null or s.service = of_service) and (of_operation is null or s.operation = of_operation)
    group by 1, 2, 3, 4, 5, 6) q;
end
$$;

comment on function beacon.count_spans(timestamptz, timestamptz, timestamptz, timestamptz, interval, text, text) is
  'The same, counted span by span, of those stored in a stretch of time.';

create function beacon.bucket_percentiles(buckets integer[], calls bigint[], shares double precision[]) returns double precision[]
language plpgsql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
declare
  total double precision := 0;
  before double precision := 0;
  n double precision;
  next integer := 1;
  wanted integer := cardinality(shares);
  found double precision[];
begin
  for i in 1 .. coalesce(cardinality(buckets), 0) loop
    if buckets[i] >= 0 then
      total := total + calls[i];
    end if;
  end loop;
  for i in 1 .. coalesce(cardinality(buckets), 0) loop
    continue when buckets[i] < 0 or calls[i] = 0;
    n := calls[i];
    while next <= wanted and before + n >= shares[next] * total loop
      -- As beacon.bucket_ms, whose call would cost more than the rest.
      found[next] := round(100 * power(2, (buckets[i] + greatest(0, (shares[next] * total - before) / n)) / 4)) / 10000;
      next := next + 1;
    end loop;
    exit when next > wanted;
    before := before + n;
  end loop;
  return found;
end
$$;

comment on function beacon.bucket_percentiles(integer[], bigint[], double precision[]) is
  'Durations, in milliseconds, that these shares (0 to 1, ascending) of the calls stayed below: from counts by duration class, in '
  'ascending order, to within 9 %; null where no call has ended.';
