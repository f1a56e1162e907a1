create function beacon.untraced_since(since timestamptz) returns table (
  executions bigint, untraced bigint, untraceable bigint, untraced_ids text[], jobs text[])
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  r record;
  c record;
  first_tracer timestamptz := (select min(t.started_at) from beacon.tracers t);
  first_span timestamptz := (select min(s.started_at) from beacon.traces s);
  begun timestamptz := coalesce(least(first_tracer, first_span), 'infinity');
begin
  executions := 0; untraced := 0; untraceable := 0; untraced_ids := '{}'; jobs := '{}';
  for r in select x.*, x as records, beacon.record_column(x.relation, x.job_column, 'text') as job,
      beacon.record_column(x.relation, x.status_column, 'text') as status
    from beacon.readable_records('{status_column}') x
  loop
    -- What has not begun cannot have a trace yet, and what has just begun need not be written yet.
    execute format(
      'select count(*) as n, count(*) filter (where x.is_traced is null and e.%I >= $2) as without,
         count(*) filter (where x.is_traced is null and e.%I < $2) as before,
         (array_agg(%s order by e.%I desc) filter (where x.is_traced is null))[1:20] as ids,
         (array_agg(distinct %s) filter (where x.is_traced is null))[1:10] as jobs
       from %s e
       left join (select distinct t.execution_id, t.execution_key, true as is_traced from beacon.trace_executions t) x on %s
       where e.%I >= $1 and (%s)',
      r.created_column, r.created_column, beacon.record_id(r.records), r.id_column,
      r.job, to_regclass(r.relation), beacon.record_trace(r.records), r.created_column,
      case when r.status_column is null then 'true' else format('%s not in (''pending'', ''processing'', ''queued'')', r.status) end)
    into c using since, begun;
    executions := executions + c.n;
    untraced := untraced + c.without;
    untraceable := untraceable + c.before;
    untraced_ids := untraced_ids || coalesce(c.ids, '{}');
    jobs := jobs || array_remove(coalesce(c.jobs, '{}'), null);
  end loop;
  return next;
end
$$;

comment on function beacon.untraced_since(timestamptz) is
  'Executions of the registered tables since a moment that have ended: how many, how many have no trace although a tracer had reported by '
  'then, and how many were made before any tracer ever did, which nothing can trace any more.';

create function beacon.doctor_write() returns table (stored boolean, error text, code text, milliseconds double precision)
language plpgsql
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  began timestamptz := clock_timestamp();
  probe uuid := gen_random_uuid();
  at constant timestamptz := now();
begin
  stored := false;
  begin
    insert into beacon.trace_resources (resource_id, attributes) values (-1, '{}') on conflict do nothing;
    insert into beacon.trace_spans (trace_id, span_id, service, operation, status, started_at, completed_at, duration_ms)
    values (probe, '\x0000000000000001', 'beacon doctor', 'beacon.probe', 'completed', at, at, 0);
    insert into beacon.traces (trace_id, started_at, span_count) values (probe, at, 1);
    insert into beacon.trace_executions (execution_id, trace_id, started_at) values (-1, probe, at);
    stored := exists (select 1 from beacon.trace_spans s where s.trace_id = probe and s.started_at = at);
    stored := stored and exists (select from beacon.traces t where t.trace_id = probe)
      and exists (select from beacon.trace_executions e where e.execution_id = -1 and e.trace_id = probe);
    raise exception using errcode = 'BE001', message = 'taken back';
  exception
    when sqlstate 'BE001' then null;
    when others then
      stored := false;
      error := sqlerrm;
      get stacked diagnostics code = returned_sqlstate;
  end;
  milliseconds := extract(epoch from clock_timestamp() - began) * 1000;
  return next;
end
$$;

comment on function beacon.doctor_write() is
  'Writes a span as the calling role, reads it back and takes it back again: nothing stays. Says what the database said.';

create function beacon.doctor_forget(of_trace uuid) returns void
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  now_is timestamptz := beacon.clock();
  resources bigint[];
begin
  with gone as (
    delete from beacon.trace_spans s where s.trace_id = of_trace and s.operation = 'beacon.probe'
      and s.started_at between now_is - interval '1 day' and now_is + interval '1 day'
    returning s.resource_id
  )
  select array_agg(distinct g.resource_id) into resources from gone g;
  delete from beacon.traces t where t.trace_id = of_trace and t.root_operation = 'beacon.probe';
  -- The resource of a service stays, others need it; that of a probe sent for Beacon itself has no other user.
  delete from beacon.trace_resources r where r.resource_id = any(resources)
    and r.attributes ->> 'service.name' in ('beacon doctor', 'beacon preflight');
end
$$;

comment on function beacon.doctor_forget(uuid) is 'Removes a span that beacon doctor or beacon preflight had written.';

create function beacon.doctor_forget_earlier(also uuid[] default '{}') returns bigint
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  probe uuid;
  forgotten bigint := 0;
begin
  -- Probes of a doctor that runs right now are younger.
  for probe in
    select t.trace_id from beacon.traces t where t.trace_id = any(also) and t.root_operation = 'beacon.probe'
    union
    select t.trace_id from beacon.traces t where t.root_operation = 'beacon.probe' and t.span_count = 1
      and t.started_at between beacon.clock() - interval '1 hour' and beacon.clock() - interval '1 minute'
  loop
    perform beacon.doctor_forget(probe);
    forgotten := forgotten + 1;
  end loop;
  return forgotten;
end
$$;

comment on function beacon.doctor_forget_earlier(uuid[]) is
  'Removes spans that earlier examinations had written and that arrived too late to be removed by them; those named, and all of the last '
  'hour older than a minute.';

create function beacon.doctor() returns table (
  hop text, state text, fault text, service text, summary text, evidence jsonb, fix text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  now_is timestamptz := beacon.clock();
  lost_after interval := make_interval(secs => beacon.setting('lost_after_seconds', '30')::double precision);
  t record;
  n bigint;
begin
  -- A process that is gone without a word and left nothing: it ended before its first flush.
  for t in
    select r.tracer_id, r.service, r.instance, r.started_at, r.heartbeat_at, r.spans_ended, r.spans_written, r.last_error, r.write_failures
    from beacon.tracers r
    where r.stopped_at is null and r.heartbeat_at < now_is - lost_after and r.heartbeat_at > now_is - interval '1 day'
      and r.heartbeat_at - r.started_at < interval '15 seconds'
      and r.spans_written < greatest(r.spans_ended, 1)
      and not exists (select from beacon.tracers l where l.service = r.service and l.started_at > r.started_at
        and (l.spans_written > 0 or l.stopped_at is not null or l.heartbeat_at > now_is - lost_after))
      and not exists (select from beacon.traces x where x.started_at > r.heartbeat_at and r.service = any(x.services))
    order by r.heartbeat_at desc
  loop
    continue when exists (select 1 from beacon.trace_spans s where s.tracer_id = t.tracer_id
      and s.started_at > t.started_at - interval '1 hour' and s.started_at < t.heartbeat_at + interval '2 hours');
    -- It did try: then what it was told is the cause.
    if t.last_error is not null then
      return query select 'committed', 'fault', 'WRITES_FAIL', t.service, format('%s: its writes failed until it ended', t.service),
        jsonb_build_object('process', t.instance, 'last_heard_of', t.heartbeat_at, 'last_error', t.last_error,
          'failed_writes', t.write_failures), 'The last error says why.';
      exit;
    end if;
    return query select 'committed', 'fault', 'EXIT_BEFORE_FLUSH', t.service,
      format('%s ended before its spans were written', t.service),
      jsonb_build_object('process', t.instance, 'lived_ms', round(extract(epoch from t.heartbeat_at - t.started_at) * 1000),
        'last_heard_of', t.heartbeat_at, 'stopped_in_order', false, 'spans_of_it_stored', 0),
      'Call `await tracer.shutdown()` before process.exit(), and in the handler of SIGTERM; a serverless function flushes before it '
      'returns.';
    exit;
  end loop;

  -- Beacon's own statements must not become spans: each flush would make the spans of the next one.
  for t in
    select s.service, count(*) as spans, (array_agg(s.operation order by s.started_at desc))[1] as operation,
      left((array_agg(coalesce(s.metadata ->> 'db.query.text', s.metadata ->> 'db.statement', s.operation)
        order by s.started_at desc))[1], 80) as statement
    from (select q.service, q.operation, q.metadata, q.started_at from beacon.trace_spans q
      where q.started_at > now_is - interval '1 hour' order by q.created_at desc limit 5000) s
    where s.started_at >= coalesce((select max(l.started_at) from beacon.tracers l where l.service = s.service), '-infinity')
      and coalesce(s.metadata ->> 'db.query.text', s.metadata ->> 'db.statement', s.operation)
      ~* '(insert into|copy|update)\s+beacon\.(trace_spans|traces|tracers|trace_resources|trace_executions)\y'
    group by s.service
  loop
    return query select 'sdk', 'fault', 'SELF_TRACING', t.service,
      format('%s traces the statements that write its own traces', t.service),
      jsonb_build_object('spans_of_beacons_statements_in_the_last_hour', t.spans, 'one_of_them', t.statement),
      'An instrumentation of the database driver ignores suppressed contexts: renew it, or exclude connections whose application_name '
      'starts with beacon-.';
  end loop;

  -- A single span that runs inside another single span of the same process belongs below it: the context was lost.
  for t in
    with recent as materialized (
      select s.trace_id, s.tracer_id, s.service, s.operation, s.started_at, s.completed_at
      from beacon.traces x
      join beacon.trace_spans s on s.trace_id = x.trace_id and s.started_at >= x.started_at and s.started_at <= x.started_at
        + interval '1 hour'
      where x.started_at > now_is - interval '1 hour' and x.span_count = 1 and s.parent_span_id is null
        and s.completed_at is not null and s.operation <> 'beacon.probe' and s.links is null
        -- What an earlier process did may be fixed in the one that runs now.
        and s.started_at >= coalesce((select max(l.started_at) from beacon.tracers l where l.service = s.service), '-infinity')
      order by x.started_at desc
      limit 1000
    )
    select a.service, a.operation, count(distinct a.trace_id) as inside, max(b.operation) as around,
      count(distinct b.operation) as arounds,
      (select count(*) from recent r where r.service = a.service and r.operation = a.operation) as total
    from recent a
    join recent b on b.tracer_id = a.tracer_id and b.trace_id <> a.trace_id and b.operation <> a.operation
      and b.started_at <= a.started_at and b.completed_at >= a.completed_at
    group by a.service, a.operation
    having count(distinct a.trace_id) >= 5 and count(distinct b.operation) = 1
  loop
    -- Chance puts some inside; a lost context puts all of them there.
    continue when t.inside < 0.9 * t.total;
    return query select 'linked', 'fault', 'CONTEXT_LOST', t.service,
      format('spans of %s do not find their parent: "%s" begins traces of its own inside "%s"', t.service, t.operation, t.around),
      jsonb_build_object('traces_of_a_single_span', t.inside, 'that_run_inside', t.around, 'of_all_such_spans', t.total),
      'The context is lost between the two: run callbacks, queue consumers and event handlers through context.bind or context.with, or '
      'use withSpan around the awaited work.';
  end loop;

  return query select * from beacon.doctor_links();

  -- Servers that take OTLP. Counters begin with the server: once something came through, what was refused may be history.
  for t in
    select i.instance, i.ports, i.spans_received, d.key as reason, d.value::bigint as refused, i.heartbeat_at, w.fault, w.what, w.fix,
      (select coalesce(sum(q.value::bigint), 0) from jsonb_each_text(i.requests) q) as requests, i.started_at as since
    from beacon.ingest i
    cross join jsonb_each_text(i.requests_refused) d
    left join (values
      ('token', 'OTLP_TOKEN_REFUSED', 'came without the right token', 'Set OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer <token>" in '
        'the processes that send, with the BEACON_TOKEN of this server.'),
      ('too_large', 'OTLP_TOO_LARGE', 'were larger than the server takes', 'Have the exporter send smaller batches '
        '(OTEL_BSP_MAX_EXPORT_BATCH_SIZE) or smaller attributes, or raise OTLP_MAX_REQUEST_MB of the server.'),
      ('no_such_path', 'OTLP_WRONG_PATH', 'went to another path than /v1/traces', 'OTEL_EXPORTER_OTLP_ENDPOINT goes without the path, '
        'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT with it.'),
      ('grpc_to_http', 'OTLP_WRONG_PROTOCOL', 'spoke gRPC to the port for HTTP', 'Set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf in the '
        'processes that send (SDKs of Python and .NET speak gRPC where it is not set), or send to the port for gRPC.'),
      ('http_to_grpc', 'OTLP_WRONG_PROTOCOL', 'spoke HTTP to the port for gRPC', 'Set OTEL_EXPORTER_OTLP_PROTOCOL=grpc in the '
        'processes that send, or send to the port for HTTP.'),
      ('tls_to_plain', 'OTLP_TLS', 'spoke TLS to a port without', 'Write http:// instead of https:// in the endpoint of the processes that '
        'send; for gRPC set OTEL_EXPORTER_OTLP_INSECURE=true.')) w(reason, fault, what, fix) on w.reason = d.key
    where i.stopped_at is null and i.heartbeat_at > now_is - greatest(lost_after, interval '15 seconds')
      and d.key not in ('disconnected', 'shutting_down', 'database', 'queue_full') and d.value::bigint > 0
    order by d.value::bigint desc
  loop
    -- The doctor's own spans come through, too.
    if t.fault is not null and not exists (select 1 from beacon.trace_spans s where s.created_at > t.since
      and s.started_at > t.since - interval '1 hour' and s.tracer_id is null and s.operation <> 'beacon.probe')
    then
      return query select 'accepted', 'fault', t.fault, null::text,
        format('%s requests over OTLP %s and were refused; none got through', t.refused, t.what),
        jsonb_build_object('server', t.instance, 'ports', t.ports, 'requests', t.requests, 'refused', t.refused, 'spans_received',
          t.spans_received, 'counted_until', t.heartbeat_at),
        t.fix;
    else
      return query select 'accepted', 'note', null::text, null::text,
        format('%s of %s requests over OTLP were refused since that server started (%s)', t.refused, t.requests, t.reason),
        jsonb_build_object('server', t.instance), coalesce(t.fix, 'The process that sent them was told why; its log says more.');
    end if;
  end loop;

  select count(*) into n from (select 1 from beacon.trace_spans_default s limit 1000) q;
  if n > 0 then
    return query select 'committed', 'note', null::text, null::text,
      format('%s spans lie outside the daily partitions', n), jsonb_build_object('spans', n),
      'Run `beacon maintain`, or check the clocks of the services.';
  end if;

  for t in select x.records, x.summary, x.fix from beacon.record_troubles() x loop
    return query select 'linked', 'note', null::text, null::text, t.summary || ': what it would tell is left out',
      jsonb_build_object('records', t.records), t.fix;
  end loop;

  select count(*) as traces, count(*) filter (where x.span_count = 1) as single,
    count(*) filter (where x.root_operation is null) as rootless into t
  from (select q.span_count, q.root_operation from beacon.traces q where q.started_at > now_is - interval '1 hour'
    order by q.started_at desc limit 10000) x;
  return query select 'linked', 'good', null::text, null::text,
    format('%s traces in the last hour: %s of a single span, %s without their root', t.traces, t.single, t.rootless),
    jsonb_build_object('traces', t.traces, 'single_span', t.single, 'without_root', t.rootless), null::text;
end
$$;

comment on function beacon.doctor() is
  'What the data says about the way of a span: faults with evidence and fix, notes, and what was found good. beacon doctor adds what only '
  'processes and networks can tell.';

create function beacon.doctor_session() returns jsonb
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  spans bigint;
  newest timestamptz;
begin
  select max(s.created_at) into newest from beacon.trace_spans s;
  select count(*) into spans from (select 1 from beacon.trace_spans limit 100000) q;
  return jsonb_build_object('database', current_database(), 'role', session_user, 'schema',
    (select max(m.name) from beacon.schema_migrations m where m.set_name = 'beacon'), 'spans', spans,
    'newest', newest, 'now', clock_timestamp(),
    'partition_of_today', to_regclass('beacon.trace_spans_' || to_char(beacon.clock() at time zone 'UTC', 'YYYYMMDD')) is not null,
    'tracers', (select count(*) from beacon.tracers));
end
$$;

comment on function beacon.doctor_session() is
  'Where one has landed: database, role, version of the schema, and how many spans (counted no further than 100,000) are really there.';
