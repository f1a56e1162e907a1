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
  of_operation text default null)
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
  u record;
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
    select x.* from beacon.span_rollups x where x.step_s = 21600 and x.at >= from_six and x.at < to_six
    union all
    select x.* from beacon.span_rollups x where x.step_s = 3600 and x.at >= from_hour and x.at < from_six
    union all
    select x.* from beacon.span_rollups x where x.step_s = 3600 and x.at >= to_six and x.at < to_hour
    union all
    select x.* from beacon.span_rollups x where x.step_s = grid_s and x.at >= from_grid and x.at < from_hour
    union all
    select x.* from beacon.span_rollups x where x.step_s = grid_s and x.at >= to_hour and x.at < to_grid
  ) r
  where (of_service is null or r.service = of_service) and (of_operation is null or r.operation = of_operation);
  -- What is not counted yet: chunks with open spans, and what came since the last.
  for u in
    select c.created_from, c.created_to from beacon.span_chunks c where c.settled_at is null
    union all
    select coalesce(max(c.created_to), '-infinity'), 'infinity' from beacon.span_chunks c
  loop
    return query select * from beacon.count_spans(u.created_from, u.created_to, from_grid, to_grid, step, of_service, of_operation);
  end loop;
end
$$;

comment on function beacon.span_counts(timestamptz, timestamptz, interval, text, text) is
  'How many spans an operation had in each step of time, and how many of them failed: counts as in span_rollups; rows of the same step '
  'are to be added up. Steps are aligned to 2000-01-01, and from_time and to_time to whole minutes (ten, where they begin more than six '
  'hours ago), except where steps are finer.';

create function beacon.count_spans(created_from timestamptz, created_to timestamptz, from_time timestamptz, to_time timestamptz,
  step interval, of_service text, of_operation text)
returns table (at timestamptz, service text, operation text, kind text, root boolean, counts integer[], total_ms double precision,
  last_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
-- How much is asked for decides how it is read, and in which partitions.
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  -- A row a duration class, as they are to be added up anyway.
  return query
  select q.at, q.service, q.operation, q.kind, q.root, array[array[q.bucket, q.calls, q.errors]], q.total_ms, q.last_at
  from (
    select date_bin(step, s.started_at, '2000-01-01 00:00:00+00') as at, s.service, s.operation, s.kind, s.parent_span_id is null as root,
      coalesce(beacon.duration_bucket(s.duration_ms), -1) as bucket,
      count(*)::integer as calls, (count(*) filter (where beacon.has_failed(s.status)))::integer as errors,
      coalesce(sum(s.duration_ms), 0) as total_ms, max(s.started_at) as last_at
    from beacon.trace_spans s
    where s.created_at >= created_from and s.created_at < created_to and s.started_at >= from_time and s.started_at < to_time
      and (of_service is null or s.service = of_service) and (of_operation is null or s.operation = of_operation)
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
