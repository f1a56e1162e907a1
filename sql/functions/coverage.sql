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
  for r in select * from beacon.trace_records order by name loop
    -- A registered table that was dropped must not take the view down with it.
    continue when to_regclass(r.relation) is null;
    return query execute format(
      'select %L::text, q.job_id, count(*), count(q.trace_id), round(100.0 * count(q.trace_id) / count(*), 1)::double precision,
         (array_agg(q.execution_id order by q.execution_id) filter (where q.trace_id is null))[1:20], max(q.created_at)
       from (
         select e.%I::bigint as execution_id, %s as job_id, e.%I as created_at,
           (select x.trace_id from beacon.trace_executions x where x.execution_id = e.%I::bigint limit 1) as trace_id
         from %s e where e.%I >= $1) q
       group by q.job_id
       order by max(q.created_at) desc',
      r.name, r.id_column, coalesce(format('e.%I::text', r.job_column), 'null::text'), r.created_column, r.id_column,
      to_regclass(r.relation), r.created_column)
    using from_time;
  end loop;
end
$$;

comment on function beacon.coverage(timestamptz) is
  'trace_coverage since a moment; default: as far back as spans are kept.';
