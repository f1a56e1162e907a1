create function beacon.coverage(since timestamptz default null) returns table (
  records text, job_id text, executions bigint, traced bigint, coverage_pct double precision,
  untraced_execution_ids bigint[], last_created_at timestamptz, untraced_execution_keys text[])
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  r beacon.trace_records;
  from_time timestamptz := coalesce(since, beacon.clock() - make_interval(days => beacon.setting('retention_days', '30')::integer));
begin
  for r in select x.* from beacon.readable_records() x loop
    return query execute format(
      'with traced as materialized (
         select distinct q.execution_id, q.execution_key from beacon.trace_executions q where q.started_at >= $1 - interval ''1 day''
       ), jobs as (
         select %s as job_id, count(*) as executions, count(coalesce(x.execution_key, x.execution_id::text)) as traced,
           array_agg(%s) filter (where x.execution_id is null and x.execution_key is null) as untraced, max(e.%I) as last_created_at
         from %s e
         left join traced x on %s
         where e.%I >= $1
         group by 1
       )
       select %L::text, j.job_id, j.executions, j.traced, round(100.0 * j.traced / j.executions, 1)::double precision,
         nullif(array(select n from unnest(j.untraced) u cross join lateral beacon.execution_number(u) n where n is not null
           order by n limit 20), ''{}''), j.last_created_at,
         nullif(array(select k from unnest(j.untraced) u cross join lateral beacon.execution_key(u) k where k is not null
           order by k limit 20), ''{}'')
       from jobs j
       order by j.last_created_at desc',
      beacon.record_column(r.relation, r.job_column, 'text'), beacon.record_id(r), r.created_column,
      to_regclass(r.relation), beacon.record_trace(r), r.created_column, r.name)
    using from_time;
  end loop;
end
$$;

comment on function beacon.coverage(timestamptz) is
  'trace_coverage since a moment; default: as far back as spans are kept. Tables that cannot be read are left out: record_troubles names '
  'them.';
