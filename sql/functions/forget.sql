create function beacon.uncount_spans(spans jsonb) returns void
language plpgsql
set search_path = beacon, pg_catalog
set jit = off
as $$
begin
  insert into beacon.span_deltas (name_ids, minutes, lasts, classes, calls, totals, minute_from, minute_to)
  select array_agg(c.name_id), array_agg(c.minute), array_agg(0), array_agg(c.class), array_agg(-c.calls), array_agg(-c.total),
    min(c.minute), max(c.minute)
  from (
    select beacon.name_hash(s.service, s.operation, s.kind) as name_id,
      floor(round(1000000 * extract(epoch from s.started_at - '2000-01-01 00:00:00+00'))::bigint / 60000000.0)::integer as minute,
      (4 * (coalesce(beacon.duration_bucket(s.duration_ms), -1) + 1) + case when s.root then 2 else 0 end
        + case when beacon.has_failed(s.status) then 1 else 0 end)::smallint as class,
      count(*)::integer as calls, coalesce(sum(s.duration_ms), 0) as total
    from jsonb_to_recordset(spans) s (service text, operation text, kind text, root boolean, status text, started_at timestamptz,
      duration_ms double precision)
    group by 1, 2, 3) c
  having count(*) > 0;
  -- Of traces that had come to rest; counted as settle_baselines does.
  with gone as (
    select date_trunc('hour', s.started_at) as hour, s.service, s.operation, coalesce(s.model_id, '') as model_id,
      coalesce(s.region, '') as region, case when s.status = 'completed' then beacon.duration_bucket(s.duration_ms) else -1 end as bucket,
      count(*) as calls, count(*) filter (where s.status <> 'completed') as errors,
      coalesce(sum(s.duration_ms) filter (where s.status = 'completed'), 0) as total_ms
    from jsonb_to_recordset(spans) s (service text, operation text, status text, started_at timestamptz, duration_ms double precision,
      model_id text, region text, settled boolean)
    where s.settled and s.status <> 'started'
    group by 1, 2, 3, 4, 5, 6
  ), by_day as (
    update beacon.operation_baseline_days o
    set calls = o.calls - g.calls, errors = greatest(0, o.errors - g.errors)
    from (
      select date_bin('1 day', x.hour, '2000-01-01 00:00:00+00') as day, x.service, x.operation, x.model_id, x.region, x.bucket,
        sum(x.calls) as calls, sum(x.errors) as errors
      from gone x
      group by 1, 2, 3, 4, 5, 6) g
    where o.service = g.service and o.operation = g.operation and o.model_id = g.model_id and o.region = g.region and o.day = g.day
      and o.bucket = g.bucket
  )
  update beacon.operation_baselines o
  set calls = o.calls - g.calls, errors = greatest(0, o.errors - g.errors), total_ms = greatest(0, o.total_ms - g.total_ms)
  from gone g
  where o.service = g.service and o.operation = g.operation and o.model_id = g.model_id and o.region = g.region and o.hour = g.hour
    and o.bucket = g.bucket;
  delete from beacon.operation_baselines o
  using jsonb_to_recordset(spans) s (service text, operation text)
  where o.service = s.service and o.operation = s.operation and o.calls <= 0;
  delete from beacon.operation_baseline_days o
  using jsonb_to_recordset(spans) s (service text, operation text)
  where o.service = s.service and o.operation = s.operation and o.calls <= 0;
end
$$;

comment on function beacon.uncount_spans(jsonb) is
  'Takes spans that were removed out of the counts and baselines: a list of {service, operation, kind, root, status, started_at, '
  'duration_ms, model_id, region, settled}, settled where their trace was counted into the baselines.';

create function beacon.forget_names(names jsonb, resources bigint[]) returns jsonb
language plpgsql
set search_path = beacon, pg_catalog
set jit = off
as $$
declare
  gone_names bigint;
  gone_services text[];
  gone_resources bigint;
  used bigint[];
begin
  -- Two sessions that fold would count twice.
  perform pg_advisory_xact_lock(hashtextextended('beacon.maintain', 0));
  loop
    exit when beacon.fold_deltas(10000) = 0;
  end loop;
  delete from beacon.span_rollups r where r.counts = '{}';
  delete from beacon.span_names n
  using jsonb_to_recordset(names) g (service text, operation text, kind text)
  where n.service = g.service and n.operation = g.operation and n.kind = g.kind and not exists (
    select from beacon.span_rollups r where r.facet = 0 and r.service = n.service and r.operation = n.operation and r.kind = n.kind);
  get diagnostics gone_names = row_count;
  delete from beacon.operation_baselines o
  using jsonb_to_recordset(names) g (service text, operation text)
  where o.service = g.service and o.operation = g.operation and not exists (
    select from beacon.span_names n where n.service = o.service and n.operation = o.operation);
  delete from beacon.operation_baseline_days o
  using jsonb_to_recordset(names) g (service text, operation text)
  where o.service = g.service and o.operation = g.operation and not exists (
    select from beacon.span_names n where n.service = o.service and n.operation = o.operation);
  gone_services := array(select distinct g.service from jsonb_to_recordset(names) g (service text)
    where not exists (select from beacon.span_names n where n.service = g.service));
  delete from beacon.service_calls c where c.caller = any (gone_services) or c.callee = any (gone_services);
  delete from beacon.service_traces v where v.service = any (gone_services);
  delete from beacon.services v where v.service = any (gone_services);
  used := array(select distinct s.resource_id from beacon.trace_spans s where s.resource_id = any (resources));
  used := used || array(select distinct l.resource_id from beacon.trace_logs l where l.resource_id = any (resources));
  delete from beacon.trace_resources r where r.resource_id = any (resources) and r.resource_id <> all (used);
  get diagnostics gone_resources = row_count;
  return jsonb_build_object('names', gone_names, 'resources', gone_resources);
end
$$;

comment on function beacon.forget_names(jsonb, bigint[]) is
  'Forgets what only removed spans were called, a list of {service, operation, kind}, and resources that nothing is of any more; says how '
  'many. A writer knows its resources for ten minutes: spans that come meanwhile have none.';
