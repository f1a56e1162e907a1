create function beacon.job_status(executions bigint, pending bigint, running bigint, failed bigint, cancelled bigint) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return case
    when pending = executions then 'pending'
    when pending + running > 0 then 'running'
    when failed > 0 then 'failed'
    when cancelled > 0 then 'cancelled'
    else 'completed' end;
end
$$;

comment on function beacon.job_status(bigint, bigint, bigint, bigint, bigint) is
  'State of a job by those of its executions: pending, running, failed (all have ended, some failed), cancelled or completed.';

create function beacon.jobs(from_time timestamptz, to_time timestamptz, max_results integer default 50) returns table (
  job_id text, status text, executions bigint, finished bigint, failed bigint, running bigint, traced bigint,
  coverage_pct double precision, models text[], regions text[], questions bigint, created_at timestamptz,
  finished_at timestamptz, p50_ms double precision, p95_ms double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
declare
  r beacon.trace_records;
  recorded text[] := '{}';
  branches text[] := '{}';
  unknown text[];
  known text;
begin
  for r in select x.* from beacon.readable_records('{job_column}') x where x.job_column is not null loop
    branches := branches || format(
      'select q.* from (%s where e.%I in (
         select c.%I from %s c where c.%I >= $1 and c.%I < $2 and c.%I is not null group by 1 order by max(c.%I) desc limit $3)) q',
      beacon.record_source(r, false), r.job_column, r.job_column, to_regclass(r.relation), r.created_column, r.created_column,
      r.job_column, r.created_column);
    recorded := recorded || format('exists (select from %s e where %s)', to_regclass(r.relation), beacon.record_is(r, 'x.execution'));
  end loop;
  -- Jobs that only spans tell of. One execution a job is enough to see whether a business table has it.
  known := case when recorded = '{}' then 'false' else array_to_string(recorded, ' or ') end;
  execute format(
    'select array_agg(x.job_id) from (
       select x.job_id from (
         select t.job_id, max(coalesce(t.execution_key, t.execution_id::text)) as execution, max(t.started_at) as newest
         from beacon.traces t
         where t.job_id is not null and t.started_at >= $1 and t.started_at < $2 group by t.job_id) x
       where x.execution is null or not (%s)
       order by x.newest desc limit $3) x', known)
  into unknown using from_time, to_time, max_results;
  branches := branches || 'select o.execution, o.job_id, o.model_id, o.region, null::text as question, o.status, null::boolean as '
    'output_empty, o.error_type,
    null::bigint as tokens_in, null::bigint as tokens_out, o.latency_ms, o.created_at, o.finished_at from beacon.spans_of_jobs($4, $1, '
      '$2) o'::text;
  return query execute format(
    'with e as materialized (
       select q.*, q.execution is null
         or exists (select from beacon.trace_executions x where x.execution_id = beacon.execution_number(q.execution))
         or exists (select from beacon.trace_executions x where x.execution_key = beacon.execution_key(q.execution)) as traced
       from (%s) q
     ), j as (
       select e.job_id, count(*) as executions, count(*) filter (where e.status = ''pending'') as pending,
         count(*) filter (where e.status = ''running'') as running, count(*) filter (where e.status = ''failed'') as failed,
         count(*) filter (where e.status = ''cancelled'') as cancelled, count(*) filter (where e.traced) as traced,
         array_agg(distinct e.model_id) filter (where e.model_id is not null) as models,
         array_agg(distinct e.region) filter (where e.region is not null) as regions, count(distinct e.question) as questions,
         min(e.created_at) as created_at, max(e.finished_at) as finished_at,
         percentile_cont(array[0.5, 0.95]) within group (order by e.latency_ms)
           filter (where e.status in (''completed'', ''failed'')) as latency
       from e group by e.job_id
     )
     select j.job_id, beacon.job_status(j.executions, j.pending, j.running, j.failed, j.cancelled), j.executions,
       j.executions - j.pending - j.running, j.failed, j.pending + j.running, j.traced,
       round(100.0 * j.traced / j.executions, 1)::double precision, coalesce(j.models, ''{}''), coalesce(j.regions, ''{}''), j.questions,
       j.created_at, case when j.pending + j.running = 0 then j.finished_at end, j.latency[1], j.latency[2]
     from j
     order by j.created_at desc, j.job_id
     limit $3', array_to_string(branches, ' union all '))
  using from_time, to_time, max_results, coalesce(unknown, '{}');
end
$$;

comment on function beacon.jobs(timestamptz, timestamptz, integer) is
  'Jobs with an execution in a time range, newest first, each whole: from the registered business tables, and from spans where no table '
  'has the job. running counts those that have not ended, waiting ones included.';

create function beacon.spans_of_jobs(of_jobs text[], from_time timestamptz, to_time timestamptz) returns table (
  execution text, trace_id uuid, job_id text, model_id text, region text, status text, error_type text,
  latency_ms double precision, created_at timestamptz, finished_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  -- An execution's last attempt speaks for it; a trace without an execution for itself.
  return query
  select distinct on (s.job_id, coalesce(s.execution_key, s.execution_id::text, s.trace_id::text))
    coalesce(s.execution_key, s.execution_id::text), s.trace_id, s.job_id, s.model_id, s.region,
    case when s.status = 'started' then 'running' when beacon.has_failed(s.status) then 'failed' else 'completed' end, s.error_type,
    s.duration_ms, s.started_at, s.completed_at
  from beacon.spans_with_jobs(of_jobs, from_time - interval '1 day', to_time + interval '1 day') s
  where s.parent_span_id is null
  order by s.job_id, coalesce(s.execution_key, s.execution_id::text, s.trace_id::text), s.started_at desc;
end
$$;

comment on function beacon.spans_of_jobs(text[], timestamptz, timestamptz) is
  'Executions of jobs as their root spans tell them, within a day around a time range: for jobs that no business table has.';
