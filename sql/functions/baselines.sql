create function beacon.duration_bucket(duration_ms double precision) returns smallint
language plpgsql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
begin
  return case when duration_ms <= 0.01 then 0 else least(127, floor(4 * ln(duration_ms / 0.01) / ln(2.0))) end;
end
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
  insert into beacon.operation_baselines as o (hour, service, operation, model_id, region, bucket, calls, errors, total_ms)
  select date_trunc('hour', s.started_at), s.service, s.operation, coalesce(s.model_id, ''), coalesce(s.region, ''),
    case when s.status = 'completed' then beacon.duration_bucket(s.duration_ms) else -1 end,
    count(*), count(*) filter (where s.status <> 'completed'), coalesce(sum(s.duration_ms) filter (where s.status = 'completed'), 0)
  from beacon.trace_spans s
  where s.trace_id = any (settled) and s.started_at between from_time and to_time and s.status <> 'started'
  group by 1, 2, 3, 4, 5, 6
  order by 1, 2, 3, 4, 5, 6
  on conflict (service, operation, model_id, region, hour, bucket) do update set
    calls = o.calls + excluded.calls, errors = o.errors + excluded.errors, total_ms = o.total_ms + excluded.total_ms;
  update beacon.traces set baselined_at = updated_at where trace_id = any (settled);
  return cardinality(settled);
end
$$;

comment on function beacon.settle_baselines(integer) is
  'Counts the spans of traces that have come to rest into operation_baselines, each trace once, at most so many at a time; returns how many traces.';

create function beacon.usual(of_service text, of_operation text, of_model text default null, of_region text default null,
  not_trace uuid default null) returns table (
  calls bigint, errors bigint, p50_ms double precision, p95_ms double precision, source text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  enough constant integer := 20;
begin
  -- The narrowest comparison with enough calls: same model and region, then the operation anywhere.
  for narrow in reverse 1 .. 0 loop
    return query
    with own as (
      select beacon.duration_bucket(s.duration_ms) as bucket, count(*) as calls
      from beacon.trace_spans s
      join beacon.traces t on t.trace_id = s.trace_id and t.baselined_at is not null
      where s.trace_id = not_trace and s.service = of_service and s.operation = of_operation and s.status = 'completed'
        and (narrow = 0 or (coalesce(s.model_id, '') = coalesce(of_model, '') and coalesce(s.region, '') = coalesce(of_region, '')))
      group by 1
    ), buckets as (
      select o.bucket, sum(o.calls) - coalesce(max(w.calls), 0) as calls, sum(o.errors) as errors
      from beacon.operation_baselines o
      left join own w on w.bucket = o.bucket
      where o.service = of_service and o.operation = of_operation and o.hour > beacon.clock() - interval '7 days'
        and (narrow = 0 or (o.model_id = coalesce(of_model, '') and o.region = coalesce(of_region, '')))
      group by o.bucket
    ), running as (
      select b.bucket, b.calls, sum(b.calls) over (order by b.bucket) as up_to, sum(b.calls) over () as total
      from buckets b where b.bucket >= 0 and b.calls > 0
    )
    select (sum(b.calls))::bigint, (sum(b.errors))::bigint,
      (select beacon.bucket_ms(r.bucket + 0.5) from running r where r.up_to >= 0.5 * r.total order by r.bucket limit 1),
      (select beacon.bucket_ms(r.bucket + 1) from running r where r.up_to >= 0.95 * r.total order by r.bucket limit 1),
      case when narrow = 1 and coalesce(of_model, of_region) is not null
        then concat_ws(' in ', coalesce(of_model, 'all models'), of_region) || ', last 7 days' else 'last 7 days' end
    from buckets b
    having (coalesce((select max(r.total) from running r), 0) >= enough or narrow = 0) and sum(b.calls) > 0;
    if found then
      return;
    end if;
  end loop;
end
$$;

comment on function beacon.usual(text, text, text, text, uuid) is
  'How an operation usually behaves, from the baselines of the last 7 days without the trace under diagnosis: calls, errors, median and 95th percentile of completed calls (milliseconds, to within 9 %), and what was compared. No row where nothing is known yet.';

create function beacon.recent_traces(before timestamptz, at_most integer default 200) returns uuid[]
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return array(
    select t.trace_id from beacon.traces t
    where t.started_at between before - interval '1 day' and before + interval '1 hour'
    order by t.started_at desc limit at_most);
end
$$;

comment on function beacon.recent_traces(timestamptz, integer) is
  'The newest traces of the day up to an hour after a moment: what "usually" means where baselines do not say.';

create function beacon.usually_calls_others(of_service text, of_operation text, not_trace uuid) returns boolean
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  at timestamptz := (select t.started_at from beacon.traces t where t.trace_id = not_trace);
begin
  return exists (
    select from beacon.trace_spans s
    where s.trace_id = any (beacon.recent_traces(at)) and s.trace_id <> not_trace and s.service = of_service
      and s.started_at between at - interval '2 days' and at + interval '2 hours'
      and s.operation = of_operation and exists (
        select from beacon.trace_spans o
        where o.trace_id = s.trace_id and o.service <> of_service
          and o.started_at between at - interval '2 days' and at + interval '2 hours'));
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
begin
  return exists (
    select from beacon.trace_spans s
    where s.trace_id = any (beacon.recent_traces(at)) and s.trace_id <> not_trace
      and s.started_at between at - interval '2 days' and at + interval '2 hours'
      and s.service = of_service and s.kind = 'server');
end
$$;

comment on function beacon.usually_answers(text, uuid) is
  'Whether this service leaves server spans in other recent traces, so that their absence means something.';
