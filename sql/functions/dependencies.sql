create function beacon.calls_of(of_traces uuid[], seen_to timestamptz[] default null) returns table (
  started_at timestamptz, caller text, callee text, failed boolean, duration_ms double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
-- How many spans there are is a guess; with nested loops a wrong one costs minutes.
set enable_nestloop = off
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  since timestamptz;
  until timestamptz;
begin
  select min(t.started_at), max(coalesce(t.active_to, 'infinity')) into since, until
  from beacon.traces t where t.trace_id = any (of_traces);
  return query
  with near as materialized (
    select s.trace_id, s.span_id, s.parent_span_id, s.service, s.kind, s.status, s.duration_ms, s.started_at, s.created_at
    from beacon.spans_of(of_traces, since, until) s
  ), seen as (
    select n.* from near n where seen_to is null
    union all
    select n.* from near n join unnest(of_traces, seen_to) w (trace_id, until) on w.trace_id = n.trace_id and n.created_at <= w.until
  )
  -- Where work came from another service: what the parent was called says from whom.
  select c.started_at, p.service, c.service, beacon.has_failed(c.status), c.duration_ms
  from seen c
  join seen p on p.trace_id = c.trace_id and p.span_id = c.parent_span_id and p.service <> c.service
  union all
  -- Zipkin's client and server share a span id.
  select c.started_at, p.service, c.service, beacon.has_failed(c.status), c.duration_ms
  from seen c
  join seen p on p.trace_id = c.trace_id and p.span_id = c.span_id and p.service <> c.service
  where c.kind = 'server' and p.kind = 'client';
end
$$;

comment on function beacon.calls_of(uuid[], timestamptz[]) is
  'Calls of these traces from one service into another; with seen_to, a moment for each trace, of the spans that were stored until then.';

create function beacon.count_calls(of_traces uuid[]) returns void
language plpgsql
set search_path = beacon, pg_catalog
as $$
begin
  insert into beacon.service_calls as v (at, caller, callee, bucket, calls, errors)
  select date_bin('10 minutes', c.started_at, '2000-01-01 00:00:00+00'), c.caller, c.callee,
    coalesce(beacon.duration_bucket(c.duration_ms), -1)::smallint, count(*), count(*) filter (where c.failed)
  from beacon.calls_of(of_traces) c
  group by 1, 2, 3, 4
  order by 1, 2, 3, 4
  on conflict (at, caller, callee, bucket) do update set calls = v.calls + excluded.calls, errors = v.errors + excluded.errors;
end
$$;

comment on function beacon.count_calls(uuid[]) is 'Adds the calls of these traces to service_calls.';

create function beacon.count_late_calls(at_most integer default 500) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  late uuid[];
  seen_to timestamptz[];
begin
  select array_agg(q.trace_id), array_agg(q.baselined_at) into late, seen_to
  from (
    select t.trace_id, t.baselined_at
    from beacon.late_traces l join beacon.traces t on t.trace_id = l.trace_id
    where t.updated_at < beacon.clock() - interval '10 seconds' and t.baselined_at is not null
    order by t.trace_id
    limit at_most
    for update of t skip locked) q;
  if late is null then
    return 0;
  end if;
  insert into beacon.service_calls as v (at, caller, callee, bucket, calls, errors)
  select date_bin('10 minutes', d.started_at, '2000-01-01 00:00:00+00'), d.caller, d.callee,
    coalesce(beacon.duration_bucket(d.duration_ms), -1)::smallint, sum(d.n), coalesce(sum(d.n) filter (where d.failed), 0)
  from (
    select c.*, 1 as n from beacon.calls_of(late) c
    union all
    select c.*, -1 from beacon.calls_of(late, seen_to) c) d
  group by 1, 2, 3, 4
  having sum(d.n) <> 0
  order by 1, 2, 3, 4
  on conflict (at, caller, callee, bucket) do update set calls = v.calls + excluded.calls, errors = v.errors + excluded.errors;
  perform beacon.collect_answers(late), beacon.score_evaluations(late);
  update beacon.traces t set baselined_at = t.updated_at where t.trace_id = any (late);
  delete from beacon.late_traces l where l.trace_id = any (late);
  return cardinality(late);
end
$$;

comment on function beacon.count_late_calls(integer) is
  'Adds the calls of spans that came after their trace had settled to service_calls; returns of how many traces.';

create function beacon.dependencies(from_time timestamptz, to_time timestamptz, of_service text default null, hops integer default 1)
  returns table (
  caller text, callee text, calls bigint, errors bigint, error_pct double precision, p50_ms double precision, p95_ms double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
declare
  origin constant timestamptz := '2000-01-01 00:00:00+00';
  since timestamptz := date_bin('10 minutes', from_time, origin);
  until timestamptz := date_bin('10 minutes', to_time + interval '10 minutes' - interval '1 microsecond', origin);
  fresh uuid[] := array(
    select t.trace_id from beacon.traces t
    where t.baselined_at is null and t.started_at < until and coalesce(t.active_to, 'infinity') >= since);
  late uuid[];
  seen_to timestamptz[];
begin
  select coalesce(array_agg(t.trace_id), '{}'), coalesce(array_agg(t.baselined_at), '{}') into late, seen_to
  from beacon.late_traces l join beacon.traces t on t.trace_id = l.trace_id
  where t.baselined_at is not null and t.started_at < until and coalesce(t.active_to, 'infinity') >= since;
  return query
  with counted as materialized (
    select q.caller, q.callee, q.bucket, sum(q.calls) as calls, sum(q.errors) as errors
    from (
      select v.caller, v.callee, v.bucket::integer, v.calls, v.errors from beacon.service_calls v where v.at >= since and v.at < until
      union all
      select c.caller, c.callee, coalesce(beacon.duration_bucket(c.duration_ms), -1), c.n, case when c.failed then c.n else 0 end
      from (
        select x.*, 1 as n from beacon.calls_of(fresh) x
        union all select x.*, 1 from beacon.calls_of(late) x
        union all select x.*, -1 from beacon.calls_of(late, seen_to) x) c
      where c.started_at >= since and c.started_at < until) q
    group by 1, 2, 3
    having sum(q.calls) <> 0
  ), edges as materialized (
    select c.caller, c.callee, sum(c.calls)::bigint as calls, sum(c.errors)::bigint as errors,
      beacon.bucket_percentiles(array_agg(c.bucket order by c.bucket), array_agg(c.calls::bigint order by c.bucket), '{0.5,0.95}') as usual
    from counted c
    group by c.caller, c.callee
  ), around as (
    select of_service as service
    union
    select unnest(array[e.caller, e.callee]) from edges e where hops > 1 and of_service in (e.caller, e.callee)
  )
  select e.caller, e.callee, e.calls, e.errors, round(100.0 * e.errors / e.calls, 2)::double precision, e.usual[1], e.usual[2]
  from edges e
  where of_service is null or e.caller in (select n.service from around n) or e.callee in (select n.service from around n)
  order by e.calls desc, e.caller, e.callee;
end
$$;

comment on function beacon.dependencies(timestamptz, timestamptz, text, integer) is
  'Which service called which in this time, to whole ten minutes: calls that arrived, how many failed, usual durations at the callee (to '
  'within 9 %). Around one service: its own edges (hops 1), or those of its neighbours too (2).';
