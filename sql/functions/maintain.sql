create function beacon.drop_expired() returns jsonb
language plpgsql
set search_path = beacon, pg_catalog
-- By hand too: what waits for a partition makes every writer wait.
set lock_timeout = '2s'
as $$
declare
  today date := (beacon.clock() at time zone 'UTC')::date;
  keep_days integer := beacon.setting('retention_days', '30')::integer;
  oldest date := today - keep_days;
  expired timestamptz := oldest::timestamp at time zone 'UTC';
  archive_days integer := greatest(keep_days, beacon.setting('archive_retention_days', keep_days::text)::integer);
  -- What finds a trace stays as long as the trace.
  summary_days integer := greatest(archive_days, beacon.setting('summary_retention_days', archive_days::text)::integer);
  forgotten timestamptz := (today - summary_days)::timestamp at time zone 'UTC';
  chunks integer[];
  dropped text[] := '{}';
  strays bigint;
  partition_name text;
begin
  -- A day that is to be kept in the archive goes when it is there.
  for partition_name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent in ('beacon.trace_spans'::regclass, 'beacon.trace_logs'::regclass) and c.relname ~ '^trace_(spans|logs)_\d{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') < oldest and (archive_days = keep_days or c.relname ~ '^trace_logs'
        or pg_relation_size(c.oid) = 0 or to_date(right(c.relname, 8), 'YYYYMMDD') < today - archive_days)
      and (c.relname ~ '^trace_logs' or pg_relation_size(c.oid) = 0 or beacon.may_drop(to_date(right(c.relname, 8), 'YYYYMMDD')))
    order by c.relname
  loop
    execute format('drop table beacon.%I', partition_name);
    dropped := dropped || partition_name;
  end loop;
  delete from beacon.trace_spans_default where started_at < expired;
  get diagnostics strays = row_count;
  delete from beacon.trace_logs_default where recorded_at < expired;
  chunks := array(
    select c.chunk_id from beacon.archive_chunks c
    where c.day in (select d.day from (select distinct x.day from beacon.archive_chunks x where x.day < today - archive_days) d
      where beacon.may_drop(d.day)));
  perform beacon.drop_archived(chunks);
  select least(forgotten, min(d.day)::timestamp at time zone 'UTC') into forgotten
  from (
    select min(c.day) as day from beacon.archive_chunks c
    union all
    select to_date(right(c.relname, 8), 'YYYYMMDD') from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'beacon.trace_spans'::regclass and c.relname ~ '^trace_spans_\d{8}$' and pg_relation_size(c.oid) > 0) d;
  delete from beacon.trace_executions where started_at < forgotten;
  -- Where an earlier attempt goes, the later ones must say anew which counts.
  update beacon.answers a set validity = null
  where a.attempt > 1 and a.started_at >= expired and exists (select from beacon.answers x
    where x.started_at < expired and (x.execution_id = a.execution_id or x.execution_key = a.execution_key));
  delete from beacon.answers where started_at < expired;
  delete from beacon.alert_deliveries where created_at < expired and acknowledged_at is not null;
  delete from beacon.alerts where resolved_at < expired;
  delete from beacon.scores where scored_at < expired;
  update beacon.answers set question = null, answer = null
  where started_at < beacon.clock() - beacon.setting('answer_retention_days', keep_days::text)::integer * interval '1 day'
    and (question is not null or answer is not null);
  delete from beacon.traces where started_at < forgotten;
  delete from beacon.long_traces where started_at < forgotten;
  delete from beacon.operation_baselines where hour < expired;
  delete from beacon.operation_baseline_days where day < expired;
  delete from beacon.tracers where heartbeat_at < expired;
  delete from beacon.ingest where heartbeat_at < expired;
  delete from beacon.service_traces where at < forgotten;
  delete from beacon.service_calls where at < forgotten - interval '10 minutes';
  delete from beacon.late_traces l where not exists (select from beacon.traces t where t.trace_id = l.trace_id);
  perform beacon.drop_old_chunks(expired);
  return jsonb_build_object('partitions_dropped', to_jsonb(dropped), 'stray_spans_deleted', strays,
    'archive_chunks_dropped', cardinality(chunks));
end
$$;

comment on function beacon.drop_expired() is
  'Drops what is older than retention_days (30): whole partitions of trace_spans and trace_logs, and the rows about them elsewhere; of the '
  'archive what is older than archive_retention_days, of the summaries of traces what is older than summary_retention_days. Each of '
  'these is at least the one before it. Days for which may_drop says no stay. Gives up after two seconds when something holds a '
  'partition: call it again later.';

create function beacon.maintain() returns jsonb
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  done jsonb;
  began timestamptz := clock_timestamp();
  step integer;
  folded integer := 0;
  merged integer := 0;
  settled integer := 0;
  late integer;
  last_hourly text := (select value from beacon.settings where name = 'last_hourly_maintenance');
begin
  -- Several servers may call this at once; one works, the others need not wait.
  if not pg_try_advisory_xact_lock(hashtextextended('beacon.maintain', 0)) then
    return jsonb_build_object('skipped', 'another session is at it');
  end if;
  done := jsonb_build_object('services_named', beacon.name_services(), 'spans_lost', beacon.mark_lost());
  -- Each for so long at most: what is left over is for the next round, which then comes at once.
  loop
    step := beacon.fold_deltas();
    folded := folded + step;
    exit when step = 0 or clock_timestamp() > began + interval '2 seconds';
  end loop;
  loop
    step := beacon.merge_chunks();
    merged := merged + step;
    exit when step = 0 or clock_timestamp() > began + interval '3 seconds';
  end loop;
  late := beacon.count_late_calls();
  loop
    step := beacon.settle_baselines();
    settled := settled + step;
    exit when step < 2000 or clock_timestamp() > began + interval '4 seconds';
  end loop;
  done := done || jsonb_build_object('answers_judged', beacon.judge_when_rules_change(), 'attempts_settled',
    beacon.settle_open_answers(), 'attempts_diagnosed', beacon.diagnose_attempts(), 'answers_scored', beacon.score_recent_jobs(),
    'deltas_folded', folded, 'chunks_merged', merged, 'traces_settled', settled, 'late_traces_counted', late,
    'more', clock_timestamp() > began + interval '2 seconds');
  if last_hourly is null or last_hourly::timestamptz < beacon.clock() - interval '1 hour' then
    -- Partitions come and go under strong locks. Waiting for one behind a long query would make every writer wait
    -- behind us: better to try again at the next call.
    perform set_config('lock_timeout', '2s', true);
    begin
      done := done || jsonb_build_object('partitions_made', beacon.ensure_partitions()) || beacon.drop_expired();
      insert into beacon.settings (name, value) values ('last_hourly_maintenance', beacon.clock()::text)
      on conflict (name) do update set value = excluded.value;
    exception when lock_not_available then
      done := done || jsonb_build_object('partitions_postponed', sqlerrm);
    end;
  end if;
  return done;
end
$$;

comment on function beacon.maintain() is
  'What the server does every few seconds, and a scheduler may do instead: marks lost spans, settles baselines, names services, adds up '
  'counts, puts small chunks together, and once an hour creates partitions ahead and drops expired ones. Returns what it did; more '
  'says that there is more to do now.';
