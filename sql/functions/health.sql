create function beacon.health() returns table (item text, value double precision, unit text, state text, detail text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  now_is timestamptz := beacon.clock();
  lost_after interval := make_interval(secs => beacon.setting('lost_after_seconds', '30')::double precision);
  most constant integer := 100000;   -- counting further would make asking for health expensive
  spread boolean := beacon.is_distributed();
  stored double precision;
  n double precision;
  newest timestamptz;
  last_partition date;
  t record;
begin
  if pg_is_in_recovery() then
    n := extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp());
    return query select 'replica_lag', n, 'seconds', case when n < 30 then 'ok' else 'warn' end,
      case when n is null then 'this replica has not replayed anything yet'
        when n < 30 then 'this is a replica; age of the newest transaction it has replayed'
        else 'this replica has replayed nothing newer: it falls behind, is cut off, or the primary writes nothing' end;
  end if;

  if spread then
    -- What writers have noted of their spans lies here; asking every shard for it would take some forty statements.
    select coalesce(sum(c.spans) filter (where c.created_to > now_is - interval '5 minutes'), 0), max(c.created_to),
      coalesce(sum(c.spans), 0) into n, newest, stored
    from beacon.span_chunks c;
  else
    select count(*) into n from (select 1 from beacon.trace_spans s where s.created_at > now_is - interval '5 minutes' limit most) q;
    select max(s.created_at) into newest from beacon.trace_spans s;
  end if;
  return query select 'spans_last_5_minutes', n, 'spans', 'ok',
    case when newest is null then 'no span has ever been written' else format('newest %s s ago%s',
      round(extract(epoch from now_is - newest)),
      case when n = most then '; counted no further than ' || most else '' end) end;

  select case when not spread then sum(beacon.rows_about(c.oid)) end as sum, sum(beacon.bytes_of(c.oid)) as bytes into t
  from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'beacon.trace_spans'::regclass;
  if spread then
    return query select 'spans_stored', stored, 'spans', 'ok', 'counted by their writers';
  elsif t.sum < most then
    select count(*) into n from (select 1 from beacon.trace_spans s limit most) q;
    return query select 'spans_stored', n, 'spans', 'ok', case when n = most then 'at least; counted no further' else 'counted' end;
  else
    return query select 'spans_stored', t.sum::double precision, 'spans', 'ok', 'estimate of the planner, renewed by autovacuum';
  end if;
  return query select 'storage', t.bytes::double precision, 'bytes', 'ok', pg_size_pretty(t.bytes::bigint)
    || ' for spans with their indexes';

  select coalesce(sum(c.spans), 0) as spans, coalesce(sum(c.bytes_before), 0) as before,
    beacon.archive_bytes() as now
  into t from beacon.archive_chunks c;
  return query select 'spans_archived', t.spans::double precision, 'spans', 'ok', case when t.spans = 0 then 'the archive is empty'
    else format('%s, which were %s before: a %sth; %s bytes a span', pg_size_pretty(t.now), pg_size_pretty(t.before),
      round(t.before / t.now, 1), round(t.now / t.spans)) end;

  select max(to_date(right(c.relname, 8), 'YYYYMMDD')) into last_partition
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'beacon.trace_spans'::regclass and c.relname ~ '^trace_spans_\d{8}$';
  n := last_partition - (now_is at time zone 'UTC')::date;
  return query select 'partitions_ahead', n, 'days', case when n >= 2 then 'ok' when n >= 0 then 'warn' else 'fail' end,
    case when n >= 2 then format('last one is %s', last_partition) else 'maintenance does not run: start beacon serve, or schedule select '
      'beacon.maintain()' end;

  select count(*) into n from (select 1 from beacon.trace_spans_default limit most) q;
  return query select 'spans_outside_partitions', n, 'spans', case when n = 0 then 'ok' else 'warn' end,
    case when n = 0 then 'every span lies in the partition of its day'
      else 'their time lies outside the partitions: a clock is wrong, or maintenance did not run' end;

  if spread then
    select coalesce(sum(x.open_count), 0) into n from beacon.traces x where x.open_count > 0 and x.started_at > now_is - interval '1 day';
  else
    select count(*) into n from (select 1 from beacon.trace_spans s
      where s.status = 'started' and s.started_at > now_is - interval '1 day' limit most) q;
  end if;
  return query select 'spans_open', n, 'spans', 'ok', 'started within the last day and not ended';

  select count(*) into n from (select 1 from beacon.trace_spans s
    where s.status = 'lost' and s.started_at > now_is - interval '1 day' limit most) q;
  return query select 'spans_lost', n, 'spans', case when n = 0 then 'ok' else 'warn' end,
    case when n = 0 then 'no process died with a span open in the last day' else 'processes died with these spans open in the last day' end;

  select count(*) filter (where x.alive) as alive, count(*) filter (where x.stopped_at is null and not x.alive) as dead,
    sum(x.spans_written) filter (where x.heartbeat_at > now_is - interval '1 day') as written,
    sum(x.write_failures) filter (where x.heartbeat_at > now_is - interval '1 day') as failures,
    max(x.last_error_at) as last_error_at, (array_agg(x.service || ': ' || x.last_error order by x.last_error_at desc nulls last))[1]
      as last_error,
    max(abs(x.clock_offset_ms)) filter (where x.alive) as clock_offset
  into t from (select r.*, r.stopped_at is null and r.heartbeat_at > now_is - lost_after as alive from beacon.tracers r) x;
  return query select 'tracers_alive', t.alive::double precision, 'processes', case when t.alive > 0 then 'ok' else 'warn' end,
    case when t.alive > 0 then (select string_agg(distinct r.service, ', ' order by r.service) from beacon.tracers r
        where r.stopped_at is null and r.heartbeat_at > now_is - lost_after)
      else 'no process reports a running tracer; spans can still come over OTLP' end;
  return query select 'tracers_silent', t.dead::double precision, 'processes', case when t.dead = 0 then 'ok' else 'warn' end,
    case when t.dead = 0 then 'every tracer that started either runs or stopped in order'
      else 'their heartbeat stopped without a shutdown' end;
  return query select 'write_failures', coalesce(t.failures, 0)::double precision, 'flushes', case when coalesce(t.failures, 0) = 0
    then 'ok' else 'warn' end,
    coalesce('last: ' || t.last_error, 'no flush failed in the last day');
  return query select 'clock_offset', coalesce(t.clock_offset, 0), 'ms', case when coalesce(t.clock_offset, 0) < 1000 then 'ok'
    else 'warn' end,
    'largest difference between a running tracer''s clock and the database''s';

  return query
  select 'spans_dropped_' || d.key, sum(d.value::double precision), 'spans', 'warn',
    string_agg(distinct r.service, ', ' order by r.service) || ', last day'
  from beacon.tracers r, jsonb_each_text(r.spans_dropped) d
  where r.heartbeat_at > now_is - interval '1 day' and d.value::double precision > 0
  group by d.key
  order by d.key;
  if not found then
    return query select 'spans_dropped', 0::double precision, 'spans', 'ok', 'no tracer dropped a span in the last day';
  end if;
  return query select 'values_redacted', coalesce(sum(r.values_redacted), 0)::double precision, 'values', 'ok',
    'taken out as secrets by tracers, last day'
  from beacon.tracers r where r.heartbeat_at > now_is - interval '1 day';

  select count(*) filter (where x.alive) as alive, count(*) filter (where x.stopped_at is null and not x.alive) as dead,
    sum(x.spans_stored) as stored, sum(x.spans_duplicate) as duplicate, sum(x.values_redacted) as redacted, sum(x.spans_repaired)
      as repaired,
    sum(x.flush_failures) as failures, (array_agg(x.last_error order by x.last_error_at desc nulls last))[1] as last_error,
    string_agg(format('%s (%s)', x.instance, (select string_agg(d.key || ' ' || d.value, ', ' order by d.key)
      from jsonb_each_text(x.ports) d)), ', '
      order by x.instance) filter (where x.alive) as ports
  into t from (select i.*, i.stopped_at is null and i.heartbeat_at > now_is - lost_after as alive from beacon.ingest i
    where i.heartbeat_at > now_is - interval '1 day') x;
  return query select 'ingest_alive', t.alive::double precision, 'processes', case when t.dead > 0 and t.alive = 0 then 'warn'
    else 'ok' end,
    case when t.alive > 0 then 'OTLP is taken by ' || t.ports
      when t.dead > 0 then 'a server that took OTLP stopped without a shutdown' else 'no server takes OTLP now' end;
  return query select 'ingest_spans_stored', coalesce(t.stored, 0)::double precision, 'spans', 'ok',
    format('over OTLP, last day; %s more had been stored before', coalesce(t.duplicate, 0));
  return query select 'ingest_values_redacted', coalesce(t.redacted, 0)::double precision, 'values', 'ok',
    format('taken out as secrets, last day; %s spans had a value changed to be storable', coalesce(t.repaired, 0));
  return query select 'ingest_flush_failures', coalesce(t.failures, 0)::double precision, 'flushes',
    case when coalesce(t.failures, 0) = 0 then 'ok' else 'warn' end, coalesce('last: ' || t.last_error, 'no flush failed in the last day');
  return query
  select 'ingest_spans_rejected_' || d.key, sum(d.value::double precision), 'spans', 'warn', 'not stored, and the client was told; last day'
  from beacon.ingest i, jsonb_each_text(i.spans_rejected) d
  where i.heartbeat_at > now_is - interval '1 day' and d.value::double precision > 0
  group by d.key order by d.key;
  return query
  select 'ingest_logs_stored', coalesce(sum(i.logs_stored), 0)::double precision, 'log records', 'ok',
    format('over OTLP, last day; %s more had been stored before', coalesce(sum(i.logs_duplicate), 0))
  from beacon.ingest i where i.heartbeat_at > now_is - interval '1 day';
  return query
  select 'scores_over_otlp', count(*)::double precision, 'scores', 'ok', 'made of gen_ai.evaluation.result, last day'
  from beacon.scores s where s.source like 'otlp:%' and s.scored_at > now_is - interval '1 day' having count(*) > 0;
  return query
  select 'ingest_logs_rejected_' || d.key, sum(d.value::double precision), 'log records', 'ok',
    case d.key when 'no_trace' then 'they belong to no trace; the client was told; last day'
      when 'no_answer' then 'they evaluate answers that no span has; the client was told; last day'
      else 'not stored, and the client was told; last day' end
  from beacon.ingest i, jsonb_each_text(i.logs_rejected) d
  where i.heartbeat_at > now_is - interval '1 day' and d.value::double precision > 0
  group by d.key order by d.key;
  return query
  select 'ingest_requests_refused_' || d.key, sum(d.value::double precision), 'requests', 'warn',
    'turned away whole, and the client was told; last day'
  from beacon.ingest i, jsonb_each_text(i.requests_refused) d
  where i.heartbeat_at > now_is - interval '1 day' and d.value::double precision > 0
  group by d.key order by d.key;

  select count(*) as n, string_agg(r.summary || ': ' || r.fix, '; ') as detail into t from beacon.record_troubles() r;
  return query select 'records_unreadable', t.n::double precision, 'names', case when t.n = 0 then 'ok' else 'warn' end,
    coalesce(t.detail, 'every registered table is there, with its columns');

  select count(*), min(q.updated_at) into n, newest
  from (select b.updated_at from beacon.traces b where b.baselined_at is null and b.open_count = 0 and b.started_at > now_is
    - interval '1 day' limit most) q;
  return query select 'baselines_waiting', n, 'traces', case when newest < now_is - interval '5 minutes' then 'warn' else 'ok' end,
    case when newest < now_is - interval '5 minutes' then 'maintenance does not run, or cannot keep up'
      else 'traces not yet counted into the baselines' end;
end
$$;

comment on function beacon.health() is 'Rows of trace_spans_health.';
