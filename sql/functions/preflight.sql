create function beacon.record_columns(relation text) returns table (began text, ended text, took text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  names text[] := array(select a.attname::text from pg_attribute a
    where a.attrelid = to_regclass(relation) and a.attnum > 0 and not a.attisdropped);
begin
  began := case when 'started_at' = any(names) then 'e.started_at' else 'null::timestamptz' end;
  ended := case when 'completed_at' = any(names) then 'e.completed_at' when 'finished_at' = any(names) then 'e.finished_at'
    else 'null::timestamptz' end;
  took := case when 'duration_ms' = any(names) then 'e.duration_ms::double precision'
    else format('extract(epoch from %s - %s)::double precision * 1000', ended, began) end;
  return next;
end
$$;

comment on function beacon.record_columns(text) is
  'Expressions over a registered table, by the usual names of columns: when a row began and ended, and how many milliseconds it took.';

create function beacon.preflight_baseline(since timestamptz, until timestamptz, traced boolean default null) returns table (
  executions bigint, timed bigint, average_ms double precision, max_ms double precision, p95_ms double precision, variance double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  branches text;
begin
  select string_agg(format(
    'select %s as ms, e.%I as at from %s e where e.%I >= $1 and e.%I < $2 and ($3 is null or $3 = exists (
       select from beacon.trace_executions x where %s))%s',
    c.took, r.created_column, to_regclass(r.relation), r.created_column, r.created_column, beacon.record_trace(r.records),
    case when r.status_column is null then '' else format(' and %s = ''completed''', r.status) end), ' union all ')
  into branches
  from (select x.*, x as records, beacon.record_column(x.relation, x.status_column, 'text') as status
    from beacon.readable_records('{status_column}') x) r,
    beacon.record_columns(r.relation) c;
  if branches is null then
    -- Where nothing is registered yet, a table with the usual name and columns of time will do.
    select format('select extract(epoch from e.completed_at - e.started_at)::double precision * 1000 as ms, e.started_at as at from %s e
        where e.started_at >= $1 and e.started_at < $2 and ($3 is null or $3 = exists (
          select from beacon.trace_executions x where coalesce(x.execution_key, x.execution_id::text) = e.id::text))%s', k.oid::regclass,
        case when bool_or(a.attname = 'status') then ' and e.status::text = ''completed''' else '' end)
    into branches
    from pg_class k join pg_namespace n on n.oid = k.relnamespace join pg_attribute a on a.attrelid = k.oid and not a.attisdropped
    where k.relkind in ('r', 'p') and k.relname = 'executions' and n.nspname not in ('beacon', 'information_schema')
      and n.nspname !~ '^pg_' and has_table_privilege(k.oid, 'select')
    group by k.oid
    having count(*) filter (where a.attname in ('id', 'started_at', 'completed_at')) = 3
    order by k.oid
    limit 1;
  end if;
  if branches is null then
    return query select 0::bigint, 0::bigint, null::double precision, null::double precision, null::double precision,
      null::double precision;
    return;
  end if;
  -- Executions that follow one another share the machine's moods, so they say less than so many independent ones would.
  -- Batch means (Law, Simulation Modeling and Analysis): the variance of the averages of 20 batches in order of time, times
  -- the size of a batch, where that is more than the variance of single executions.
  return query execute format(
    'with q as materialized (%s), b as (
       select avg(n.ms) as ms from (select q.ms, ntile(20) over (order by q.at) as batch from q where q.ms is not null) n group by n.batch)
     select count(*), count(q.ms), avg(q.ms), max(q.ms),
       percentile_cont(0.95) within group (order by q.ms),
       greatest(var_samp(q.ms), case when count(q.ms) >= 100 then (select var_samp(b.ms) from b) * count(q.ms) / 20 end)
     from q', branches)
  using since, until, traced;
end
$$;

comment on function beacon.preflight_baseline(timestamptz, timestamptz, boolean) is
  'How long executions of the registered tables took between two moments, those that completed; with or without a trace only, if asked. '
  'The variance is one by which the error of the average is sqrt(variance / timed): of batches where executions near each other are alike.';

create function beacon.preflight_compare(of_preflight uuid) returns table (
  before_executions bigint, before_ms double precision, after_executions bigint, after_ms double precision,
  overhead_pct double precision, low_pct double precision, high_pct double precision, verdict text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  p beacon.preflights;
  a record;
  error_ms double precision;
  allowed double precision;
begin
  select * into p from beacon.preflights where preflight_id = of_preflight;
  select * into a from beacon.preflight_baseline(p.taken_at, beacon.clock() + interval '1 minute', true);
  before_executions := (p.baseline ->> 'timed')::bigint;
  before_ms := (p.baseline ->> 'average_ms')::double precision;
  after_executions := a.timed;
  after_ms := a.average_ms;
  allowed := coalesce((p.baseline ->> 'overhead_pct_allowed')::double precision, 5);
  if before_executions >= 2 and after_executions >= 2 and before_ms > 0 then
    -- Welch: the two need not vary alike. 1.96 standard errors hold 95 of 100 repetitions.
    error_ms := 1.96 * sqrt((p.baseline ->> 'variance')::double precision / before_executions + a.variance / after_executions);
    overhead_pct := 100 * (after_ms - before_ms) / before_ms;
    low_pct := 100 * (after_ms - before_ms - error_ms) / before_ms;
    high_pct := 100 * (after_ms - before_ms + error_ms) / before_ms;
  end if;
  verdict := case when overhead_pct is null then 'too few' when (p.baseline ->> 'traced')::boolean then 'traced before'
    when high_pct < -allowed then 'incomparable' when high_pct < allowed then 'below' when low_pct > allowed then 'above'
      else 'undecided' end;
  return next;
end
$$;

comment on function beacon.preflight_compare(uuid) is
  'Executions traced since a preflight against its baseline: overhead in percent with a 95 % interval; below or above what is allowed (5 '
  '%), undecided when the interval holds both, traced before when the baseline holds traced executions only, incomparable when executions '
  'became faster by more than that: then something else changed.';

create function beacon.storage_forecast(limit_bytes double precision) returns table (
  spans double precision, bytes double precision, bytes_per_span double precision, spans_per_day double precision,
  bytes_per_day double precision, days_until_full double precision, retention_days integer, bytes_at_retention double precision,
  retention_suggested integer, basis text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  first_span timestamptz;
  traced double precision;
  executions double precision;
  archived record;
  after_days double precision := least(beacon.setting('retention_days', '30')::integer,
    coalesce(nullif(beacon.setting('archive_after_days', '2'), 'off')::integer, 1000000));
  archive_days double precision;
  bytes_archived double precision;
begin
  select coalesce(sum(c.spans), 0)::double precision as spans, beacon.archive_bytes() as bytes,
    coalesce(sum(c.spans) filter (where c.started_from > beacon.clock() - interval '7 days'), 0)::double precision as recent
  into archived from beacon.archive_chunks c;
  select coalesce(sum(beacon.bytes_of(i.inhrelid)), 0) into bytes from pg_inherits i
    where i.inhparent in ('beacon.trace_spans'::regclass, 'beacon.trace_logs'::regclass);
  select bytes + beacon.bytes_of('beacon.traces') + beacon.bytes_of('beacon.trace_executions')
    + beacon.bytes_of('beacon.trace_resources') into bytes;
  select coalesce(sum(t.span_count), 0), min(t.started_at), count(*) into spans, first_span, traced
  from beacon.traces t where t.started_at > beacon.clock() - interval '7 days';
  -- Of a few spans the empty pages of the indexes would be measured.
  bytes_per_span := case when spans - archived.recent >= 10000 then bytes / (spans - archived.recent) else 350 end;
  basis := case when spans - archived.recent >= 10000 then 'measured here' else 'assumed: fewer than 10,000 spans are here to measure' end;
  if spans > 0 then
    -- Of less than a day nothing is extrapolated: one hour's burst is not a day.
    spans_per_day := spans / greatest(1, extract(epoch from beacon.clock() - first_span) / 86400);
  else
    select b.executions into executions from beacon.preflight_baseline(beacon.clock() - interval '7 days', beacon.clock()) b;
    spans_per_day := executions / 7 * 7;
    basis := basis || '; 7 spans an execution assumed';
  end if;
  bytes_per_day := spans_per_day * bytes_per_span;
  days_until_full := case when bytes_per_day > 0 then greatest(0, (limit_bytes - bytes) / bytes_per_day) end;
  retention_days := beacon.setting('retention_days', '30')::integer;
  -- Spans are at rest in the archive for all but their first days.
  bytes_archived := case when archived.spans >= 10000 then archived.bytes / archived.spans else bytes_per_span / 10 end;
  archive_days := case when after_days >= retention_days then 0
    else greatest(retention_days, beacon.setting('archive_retention_days', retention_days::text)::integer) - after_days end;
  bytes := bytes + archived.bytes;
  bytes_at_retention := bytes_per_day * after_days + spans_per_day * bytes_archived * archive_days;
  -- A fifth is left for what comes in bursts.
  retention_suggested := case when bytes_per_day > 0 then least(greatest(retention_days, after_days + archive_days), greatest(1, floor(
    case when 0.8 * limit_bytes <= bytes_per_day * after_days or archive_days = 0 then 0.8 * limit_bytes / bytes_per_day
      else after_days + (0.8 * limit_bytes - bytes_per_day * after_days) / (spans_per_day * bytes_archived) end)))::integer
    else retention_days end;
  return next;
end
$$;

comment on function beacon.storage_forecast(double precision) is
  'How much spans take, with their log records, how much they will take at the pace of the last 7 days, when a limit in bytes is '
  'reached without retention, and the retention that keeps below it.';

create function beacon.backfill(max_executions integer default 10000) returns bigint
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  r record;
  e record;
  trace uuid;
  done bigint := 0;
  state text;
  made uuid[] := '{}';
begin
  for r in select t.*, t as records, c.began, c.ended, beacon.record_column(t.relation, t.status_column, 'text') as status
    -- What is written here stays: of a table whose columns have changed nothing is, until it is registered anew.
    from beacon.readable_records('{job_column,status_column,model_column,region_column}') t, beacon.record_columns(t.relation) c
      order by t.name
  loop
    for e in execute format(
      'select %s as id, coalesce(%s, e.%I) as began, %s as ended, %s as job, %s as model, %s as region, %s as status
       from %s e
       where not exists (select from beacon.trace_executions x where %s)
         and e.%I > $1 and %s
       order by e.%I desc limit $2',
      beacon.record_id(r.records), r.began, r.created_column, r.ended,
      beacon.record_column(r.relation, r.job_column, 'text'), beacon.record_column(r.relation, r.model_column, 'text'),
      beacon.record_column(r.relation, r.region_column, 'text'), case when r.status_column is null then '''completed''' else r.status end,
      to_regclass(r.relation), beacon.record_trace(r.records), r.created_column,
      case when r.status_column is null then 'true' else format('%s not in (''pending'', ''processing'', ''queued'')', r.status) end,
      r.created_column)
    using beacon.clock() - make_interval(days => beacon.setting('retention_days', '30')::integer), max_executions - done
    loop
      trace := gen_random_uuid();
      state := case when e.status in ('completed', 'failed', 'timeout') then e.status else 'failed' end;
      perform beacon.ensure_partition((e.began at time zone 'UTC')::date);
      insert into beacon.trace_spans (trace_id, span_id, service, operation, status, started_at, completed_at, duration_ms,
        execution_id, execution_key, job_id, model_id, region, metadata)
      values (trace, decode(substr(replace(trace::text, '-', ''), 1, 16), 'hex'), r.name, 'execution', state, e.began,
        coalesce(e.ended, e.began), extract(epoch from coalesce(e.ended, e.began) - e.began) * 1000, beacon.execution_number(e.id),
        beacon.execution_key(e.id), e.job, e.model, e.region,
        jsonb_build_object('synthetic', true, 'beacon.synthetic', true, 'beacon.synthetic_from', r.relation));
      insert into beacon.traces (trace_id, started_at, completed_at, execution_id, execution_key, job_id, root_service, root_operation,
        services, span_count, error_count, baselined_at, active_to)
      values (trace, e.began, coalesce(e.ended, e.began), beacon.execution_number(e.id), beacon.execution_key(e.id), e.job, r.name,
        'execution', array[r.name], 1,
        (state <> 'completed')::integer, beacon.clock(), coalesce(e.ended, e.began));
      insert into beacon.trace_executions (execution_id, execution_key, trace_id, started_at)
      values (beacon.execution_number(e.id), beacon.execution_key(e.id), trace, e.began);
      made := made || trace;
      done := done + 1;
    end loop;
    exit when done >= max_executions;
  end loop;
  perform beacon.note_spans(made, array[now()]);
  return done;
end
$$;

comment on function beacon.backfill(integer) is
  'One synthetic span for each execution of the registered tables that ended and has no trace, made from its row and flagged synthetic; '
  'within retention. Not counted into baselines.';
