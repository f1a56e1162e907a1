create function beacon.duration_bucket(duration_ms double precision) returns integer
language sql immutable parallel safe
as $$
  -- Lower ends of all classes but the first: comparing has one answer wherever it is done, logarithms have not.
  select width_bucket(duration_ms, array[
    0.01189207115002721,0.014142135623730952,0.01681792830507429,0.02,0.02378414230005442,0.028284271247461905,0.03363585661014858,0.04,
    0.04756828460010884,0.05656854249492381,0.06727171322029717,0.08,0.09513656920021768,0.11313708498984762,0.13454342644059433,0.16,
    0.19027313840043536,0.22627416997969524,0.26908685288118867,0.32,0.3805462768008707,0.4525483399593905,0.5381737057623773,0.64,
    0.7610925536017414,0.905096679918781,1.0763474115247547,1.28,1.5221851072034829,1.810193359837562,2.1526948230495093,2.56,
    3.0443702144069658,3.620386719675124,4.305389646099019,5.12,6.0887404288139315,7.240773439350248,8.610779292198037,10.24,
    12.177480857627863,14.481546878700495,17.221558584396075,20.48,24.354961715255726,28.96309375740099,34.44311716879215,40.96,
    48.70992343051145,57.92618751480198,68.8862343375843,81.92,97.4198468610229,115.85237502960396,137.7724686751686,163.84,
    194.8396937220458,231.70475005920792,275.5449373503372,327.68,389.6793874440916,463.40950011841585,551.0898747006744,655.36,
    779.3587748881832,926.8190002368317,1102.1797494013488,1310.72,1558.7175497763665,1853.6380004736634,2204.3594988026975,2621.44,
    3117.435099552733,3707.276000947327,4408.718997605395,5242.88,6234.870199105466,7414.552001894654,8817.43799521079,10485.76,
    12469.740398210932,14829.104003789307,17634.87599042158,20971.52,24939.480796421863,29658.208007578614,35269.75198084316,41943.04,
    49878.96159284373,59316.41601515723,70539.50396168632,83886.08,99757.92318568745,118632.83203031446,141079.00792337264,167772.16,
    199515.8463713749,237265.66406062891,282158.0158467453,335544.32,399031.6927427498,474531.32812125783,564316.0316934906,671088.64,
    798063.3854854996,949062.6562425157,1128632.0633869811,1342177.28,1596126.7709709993,1898125.3124850313,2257264.1267739623,
    2684354.56,3192253.5419419985,3796250.6249700626,4514528.253547925,5368709.12,6384507.083883997,7592501.249940125,9029056.50709585,
    10737418.24,12769014.167767994,15185002.49988025,18058113.0141917,21474836.48,25538028.33553599,30370004.9997605,36116226.0283834
  ]::double precision[])
$$;

comment on function beacon.duration_bucket(double precision) is
  'Duration class of operation_baselines: four classes a doubling, from 0.01 ms up.';

create function beacon.bucket_ms(bucket double precision) returns double precision
language plpgsql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
begin
  return 0.01 * power(2, bucket / 4);
end
$$;

comment on function beacon.bucket_ms(double precision) is 'Lower end of a duration class, milliseconds; bucket + 1 gives its upper end.';

create function beacon.settle_baselines(at_most integer default 2000) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  settled uuid[];
  from_time timestamptz;
  to_time timestamptz;
begin
  -- A trace is counted once, when it has been quiet for 10 s; one with an open span waits up to an hour for its end.
  select array_agg(q.trace_id), min(q.started_at), max(coalesce(q.completed_at, q.started_at)) into settled, from_time, to_time
  from (
    select t.trace_id, t.started_at, t.completed_at from beacon.traces t
    where t.baselined_at is null
      and t.updated_at < beacon.clock() - case when t.open_count > 0 then interval '1 hour' else interval '10 seconds' end
    order by t.started_at
    limit at_most
    for update skip locked) q;
  if settled is null then
    return 0;
  end if;
  with counted as materialized (
    select date_trunc('hour', s.started_at) as hour, s.service, s.operation, coalesce(s.model_id, '') as model_id,
      coalesce(s.region, '') as region,
      case when s.status = 'completed' then beacon.duration_bucket(s.duration_ms) else -1 end as bucket, count(*) as calls,
      count(*) filter (where s.status <> 'completed') as errors,
      coalesce(sum(s.duration_ms) filter (where s.status = 'completed'), 0) as total_ms
    from beacon.spans_of(settled, from_time, to_time) s
    where s.status <> 'started'
    group by 1, 2, 3, 4, 5, 6
  ), by_day as (
    insert into beacon.operation_baseline_days as o (day, service, operation, model_id, region, bucket, calls, errors)
    select date_bin('1 day', c.hour, '2000-01-01 00:00:00+00'), c.service, c.operation, c.model_id, c.region, c.bucket, sum(c.calls),
      sum(c.errors)
    from counted c
    group by 1, 2, 3, 4, 5, 6
    order by 1, 2, 3, 4, 5, 6
    on conflict (service, operation, model_id, region, day, bucket) do update set
      calls = o.calls + excluded.calls, errors = o.errors + excluded.errors
  )
  insert into beacon.operation_baselines as o (hour, service, operation, model_id, region, bucket, calls, errors, total_ms)
  select c.hour, c.service, c.operation, c.model_id, c.region, c.bucket, c.calls, c.errors, c.total_ms from counted c
  order by 1, 2, 3, 4, 5, 6
  on conflict (service, operation, model_id, region, hour, bucket) do update set
    calls = o.calls + excluded.calls, errors = o.errors + excluded.errors, total_ms = o.total_ms + excluded.total_ms;
  insert into beacon.service_traces as v (at, service, traces)
  select date_bin('10 minutes', t.started_at, '2000-01-01 00:00:00+00'), n.service, count(*)
  from beacon.traces t
  cross join lateral (select distinct x as service from unnest(t.services) x) n
  where t.trace_id = any (settled)
  group by 1, 2
  order by 1, 2
  on conflict (at, service) do update set traces = v.traces + excluded.traces;
  perform beacon.count_calls(settled), beacon.collect_answers(settled),
    beacon.score_evaluations(settled);
  update beacon.traces set baselined_at = updated_at where trace_id = any (settled);
  return cardinality(settled);
end
$$;

comment on function beacon.settle_baselines(integer) is
  'Counts the spans of traces that have come to rest into operation_baselines, the traces of each service into service_traces, and the '
  'calls between services into service_calls, each trace once, at most so many at a time; returns how many traces.';

create function beacon.usuals(spans beacon.span_fact[]) returns table (
  service text, operation text, model_id text, region text, calls bigint, errors bigint, p50_ms double precision, p95_ms double precision,
  telling boolean, source text)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Planning anew for each array of spans would take longer than to answer.
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  -- Below 20 calls the 95th percentile is the largest of them.
  enough constant integer := 20;
  -- Siblings say little one by one: five that agree are the least that makes a sixth stand out.
  enough_siblings constant integer := 5;
  since constant timestamptz := beacon.clock() - interval '7 days';
  -- From here on whole days are read, before it hours.
  whole constant timestamptz := date_bin('1 day', since, '2000-01-01 00:00:00+00') + interval '1 day';
begin
  return query
  with mine as materialized (
    -- One pass over all spans; the rest works on as many rows as there are operations and classes of duration.
    select f.service, f.operation, coalesce(f.model_id, '') as model_id, coalesce(f.region, '') as region, f.trace_id,
      case when f.status = 'started' then null when f.status <> 'completed' then -1
        else beacon.duration_bucket(f.duration_ms) end as bucket,
      count(*) as calls, count(*) filter (where f.status <> 'completed') as errors
    from unnest(spans) f
    group by 1, 2, 3, 4, 5, 6
  ), wanted as materialized (
    select distinct m.service, m.operation, m.model_id, m.region from mine m
  ), counted as materialized (
    -- What these traces themselves have put into the baselines already is no comparison for them.
    select m.service, m.operation, m.model_id, m.region, m.bucket, sum(m.calls) as calls, sum(m.errors) as errors
    from mine m
    join beacon.traces t on t.trace_id = m.trace_id and t.baselined_at is not null
    where m.bucket is not null
    group by 1, 2, 3, 4, 5
  ), near as materialized (
    -- The same model and region: a range of the key each.
    select w.service, w.operation, w.model_id, w.region, o.bucket, o.calls - coalesce(c.calls, 0) as calls, o.errors - coalesce(c.errors,
      0) as errors
    from wanted w
    cross join lateral (
      select x.bucket, sum(x.calls) as calls, sum(x.errors) as errors from (
        select h.bucket, h.calls, h.errors from beacon.operation_baselines h
        where h.service = w.service and h.operation = w.operation and h.model_id = w.model_id and h.region = w.region
          and h.hour > since and h.hour < whole
        union all
        select d.bucket, d.calls, d.errors from beacon.operation_baseline_days d
        where d.service = w.service and d.operation = w.operation and d.model_id = w.model_id and d.region = w.region and d.day >= whole) x
      group by x.bucket) o
    left join counted c on c.service = w.service and c.operation = w.operation and c.model_id = w.model_id and c.region = w.region
      and c.bucket = o.bucket
  ), thin as materialized (
    select distinct w.service, w.operation
    from wanted w
    left join (
      select k.service, k.operation, k.model_id, k.region, sum(k.calls) as calls from near k where k.bucket >= 0 group by 1, 2, 3, 4) n
      on n.service = w.service and n.operation = w.operation and n.model_id = w.model_id and n.region = w.region
    where coalesce(n.calls, 0) < enough
  ), far as materialized (
    -- Too few there: the operation anywhere.
    select t.service, t.operation, o.bucket, o.calls - coalesce(c.calls, 0) as calls, o.errors - coalesce(c.errors, 0) as errors
    from thin t
    cross join lateral (
      select x.bucket, sum(x.calls) as calls, sum(x.errors) as errors from (
        select h.bucket, h.calls, h.errors from beacon.operation_baselines h
        where h.service = t.service and h.operation = t.operation and h.hour > since and h.hour < whole
        union all
        select d.bucket, d.calls, d.errors from beacon.operation_baseline_days d
        where d.service = t.service and d.operation = t.operation and d.day >= whole) x
      group by x.bucket) o
    left join (select x.service, x.operation, x.bucket, sum(x.calls) as calls, sum(x.errors) as errors from counted x group by 1, 2, 3) c
      on c.service = t.service and c.operation = t.operation and c.bucket = o.bucket
  ), running as materialized (
    select g.*, sum(g.calls) filter (where g.bucket >= 0) over (partition by g.narrow, g.service, g.operation, g.model_id, g.region
      order by g.bucket) as up_to,
      sum(g.calls) filter (where g.bucket >= 0) over (partition by g.narrow, g.service, g.operation, g.model_id, g.region) as total
    from (
      select true as narrow, k.service, k.operation, k.model_id, k.region, k.bucket, k.calls, k.errors from near k
      union all
      select false, k.service, k.operation, '', '', k.bucket, k.calls, k.errors from far k) g
  ), settled as materialized (
    select r.narrow, r.service, r.operation, r.model_id, r.region, sum(r.calls)::bigint as calls, sum(r.errors)::bigint as errors,
      max(r.total) as total,
      min(r.bucket) filter (where r.bucket >= 0 and r.calls > 0 and r.up_to >= 0.5 * r.total) as b50,
      min(r.bucket) filter (where r.bucket >= 0 and r.calls > 0 and r.up_to >= 0.95 * r.total) as b95
    from running r
    group by 1, 2, 3, 4, 5
  ), siblings as materialized (
    select s.service, s.operation, count(*) as calls, percentile_cont(0.5) within group (order by s.duration_ms) as p50_ms,
      max(s.duration_ms) as p95_ms
    from beacon.spans_with_jobs(array(select f.job_id from unnest(spans) f where f.job_id is not null limit 1),
      (select min(f.started_at) from unnest(spans) f) - interval '1 day',
      (select max(f.started_at) from unnest(spans) f) + interval '1 day') s
    where s.status = 'completed' and s.trace_id <> all (array(select distinct m.trace_id from mine m))
      and exists (select from thin t where not exists (
        select from settled n where not n.narrow and n.service = t.service and n.operation = t.operation and n.total >= enough))
    group by 1, 2
    having count(*) >= enough_siblings
  )
  select w.service, w.operation, nullif(w.model_id, ''), nullif(w.region, ''), q.calls, q.errors, q.p50_ms, q.p95_ms, q.telling, q.source
  from wanted w
  cross join lateral (
    select n.calls, n.errors, beacon.bucket_ms(n.b50 + 0.5) as p50_ms, beacon.bucket_ms(n.b95 + 1) as p95_ms, n.total >= enough as telling,
      case when n.narrow and w.model_id || w.region <> ''
        then concat_ws(' in ', nullif(w.model_id, ''), nullif(w.region, '')) || ', last 7 days' else 'last 7 days' end as source,
      case when n.narrow then 1 else 2 end as place
    from settled n
    where n.service = w.service and n.operation = w.operation and n.calls > 0
      and case when n.narrow then n.model_id = w.model_id and n.region = w.region and n.total >= enough else n.total >= enough
        or not exists (
        select from siblings b where b.service = w.service and b.operation = w.operation) end
    union all
    select b.calls, 0, b.p50_ms, b.p95_ms, true, format('no baseline yet: compared with %s siblings of its job', b.calls), 3
    from siblings b where b.service = w.service and b.operation = w.operation
    order by place
    limit 1) q;
end
$$;

comment on function beacon.usuals(beacon.span_fact[]) is
  'How each operation of these spans usually behaves, the spans'' own traces left out: calls, errors, median and 95th percentile of '
  'completed calls (milliseconds, to within 9 %), and what was compared. From the baselines of the last 7 days, the same model and region '
  'first; while an operation has fewer than 20 calls there, from other executions of the same job (at least five; their largest stands '
  'for the 95th percentile). telling is false where too little is known to call anything unusual.';

create function beacon.recent_traces(before timestamptz, at_most integer default 200) returns uuid[]
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return array(
    select q.trace_id from (
      select t.trace_id, sum(t.span_count) over (order by t.started_at desc, t.trace_id) as spans
      from (select n.trace_id, n.started_at, n.span_count from beacon.traces n
            where n.started_at between before - interval '1 day' and before
            order by n.started_at desc limit at_most) t) q
    -- What usually happens shows in few spans; reading a trace of 50,000 for it would cost more than the verdict.
    where q.spans <= 5000);
end
$$;

comment on function beacon.recent_traces(timestamptz, integer) is
  'The newest traces of the day before a moment, 5,000 spans in all at most: what "usually" means where baselines do not say. None '
  'that began later, so that a verdict does not change with what happens afterwards.';

create function beacon.usually_calls_others(of_service text, of_operation text, not_trace uuid) returns boolean
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  at timestamptz := (select t.started_at from beacon.traces t where t.trace_id = not_trace);
  others uuid[] := array_remove(beacon.recent_traces(at), not_trace);
begin
  if exists (
    select 1 from beacon.trace_spans s
    where s.trace_id = any (others) and s.service = of_service
      and s.started_at between at - interval '2 days' and at + interval '2 hours'
      and s.operation = of_operation and exists (
        select 1 from beacon.trace_spans o
        where o.trace_id = s.trace_id and o.service <> of_service
          and o.started_at between at - interval '2 days' and at + interval '2 hours')) then
    return true;
  end if;
  return exists (
    select from beacon.archived_spans(others, at - interval '2 days', at + interval '2 hours') s
    group by s.trace_id
    having bool_or(s.service = of_service and s.operation = of_operation) and bool_or(s.service <> of_service));
end
$$;

comment on function beacon.usually_calls_others(text, text, uuid) is
  'Whether other recent traces with this operation reached another service.';

create function beacon.usually_answers(of_service text, not_trace uuid) returns boolean
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  at timestamptz := (select t.started_at from beacon.traces t where t.trace_id = not_trace);
  others uuid[] := array_remove(beacon.recent_traces(at), not_trace);
begin
  if exists (
    select 1 from beacon.trace_spans s
    where s.trace_id = any (others) and s.started_at between at - interval '2 days' and at + interval '2 hours'
      and s.service = of_service and s.kind = 'server') then
    return true;
  end if;
  return exists (
    select from beacon.archived_spans(others, at - interval '2 days', at + interval '2 hours') s
    where s.service = of_service and s.kind = 'server');
end
$$;

comment on function beacon.usually_answers(text, uuid) is
  'Whether this service leaves server spans in other recent traces, so that their absence means something.';
