create function beacon.coverage(since timestamptz default null) returns table (
  records text, job_id text, executions bigint, traced bigint, coverage_pct double precision,
  untraced_execution_ids bigint[], last_created_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  r record;
  from_time timestamptz := coalesce(since, beacon.clock() - make_interval(days => beacon.setting('retention_days', '30')::integer));
begin
  for r in select * from beacon.readable_records() loop
    return query execute format(
      'with traced as materialized (
         select distinct x.execution_id from beacon.trace_executions x where x.started_at >= $1 - interval ''1 day''
       ), jobs as (
         select %s as job_id, count(*) as executions, count(x.execution_id) as traced,
           array_agg(e.%I::bigint) filter (where x.execution_id is null) as untraced, max(e.%I) as last_created_at
         from %s e
         left join traced x on x.execution_id = e.%I::bigint
         where e.%I >= $1
         group by 1
       )
       select %L::text, j.job_id, j.executions, j.traced, round(100.0 * j.traced / j.executions, 1)::double precision,
         nullif(array(select u from unnest(j.untraced) u order by u limit 20), ''{}''), j.last_created_at
       from jobs j
       order by j.last_created_at desc',
      beacon.record_column(r.relation, r.job_column, 'text'), r.id_column, r.created_column,
      to_regclass(r.relation), r.id_column, r.created_column, r.name)
    using from_time;
  end loop;
end
$$;

comment on function beacon.coverage(timestamptz) is
  'trace_coverage since a moment; default: as far back as spans are kept. Tables that cannot be read are left out: record_troubles names '
  'them.';
