create function beacon.doctor_guards() returns table (kind text, relation text, name text)
language sql stable
set search_path = beacon, pg_catalog
as $$
  with tables as (
    select c.oid, c.oid::regclass::text as relation, c.relrowsecurity
    from pg_class c
    where c.relnamespace = 'beacon'::regnamespace and c.relkind in ('r', 'p')
      and c.relname ~ '^(trace_spans.*|traces|tracers|trace_resources|trace_executions)$'
  )
  select 'trigger', t.relation, g.tgname::text from tables t join pg_trigger g on g.tgrelid = t.oid
  where not g.tgisinternal and g.tgenabled <> 'D' and g.tgparentid = 0
  union all
  select 'rule', t.relation, r.rulename::text from tables t join pg_rewrite r on r.ev_class = t.oid
  union all
  select 'policy', t.relation, coalesce(min(p.polname)::text, '') from tables t left join pg_policy p on p.polrelid = t.oid
  where t.relrowsecurity
  group by t.relation
  order by 1 desc, 2, 3
$$;

comment on function beacon.doctor_guards() is
  'What an owner has put on Beacon''s tables that may keep rows from being stored or seen: triggers, rules, row-level security.';

create function beacon.doctor_links() returns table (
  hop text, state text, fault text, service text, summary text, evidence jsonb, fix text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  now_is timestamptz := beacon.clock();
  t record;
  r beacon.trace_records;
  c record;
begin
  -- Clocks, by what was stored: what lies ahead is in no range that is ever searched. A later span with the right time clears it.
  for t in
    select s.service, count(*) as spans, max(s.started_at) as furthest, max(s.created_at) as seen
    from (select q.service, q.started_at, q.created_at from beacon.trace_spans q
      where q.started_at > now_is + interval '5 minutes' and q.created_at > now_is - interval '1 hour' limit 10000) s
    group by s.service
  loop
    continue when exists (select 1 from beacon.traces x where x.started_at between t.seen and now_is + interval '5 minutes'
      and t.service = any(x.services));
    return query select 'visible', 'fault', 'CLOCK_WRONG', t.service,
      format('the clock of %s is ahead by %s: its spans lie outside the time that is searched', t.service,
        date_trunc('second', t.furthest - t.seen)),
      jsonb_build_object('spans_ahead', t.spans, 'furthest', t.furthest, 'stored_at', t.seen),
      'Set the clock of that machine (NTP, chrony), or correct what gives its spans their times; then restart the process.';
  end loop;

  -- The id is there under a name that fills no column.
  for t in
    select s.service, count(*) as spans, min(k.key) as key
    from (select q.service, q.metadata from beacon.trace_spans q
      where q.created_at > now_is - interval '15 minutes' and q.execution_id is null and q.execution_key is null
      order by q.created_at desc limit 2000) s
    cross join lateral (select u.key from unnest(array['execution_id', 'execution.id', 'executionId', 'executionid',
      'beacon.executionId', 'beacon.execution.id', 'beacon_execution_id']) u(key) where s.metadata ? u.key limit 1) k
    group by s.service
  loop
    continue when exists (select 1 from (select q.service, q.execution_id, q.execution_key from beacon.trace_spans q
      where q.created_at > now_is - interval '15 minutes' order by q.created_at desc limit 2000) s
      where s.service = t.service and (s.execution_id is not null or s.execution_key is not null));
    return query select 'linked', case when exists (select 1 from beacon.trace_records) then 'fault' else 'note' end,
      case when exists (select 1 from beacon.trace_records) then 'EXECUTION_ID_UNDER_OTHER_NAME' end, t.service,
      format('%s gives its executions as "%s", and the column is filled from "beacon.execution_id"', t.service, t.key),
      jsonb_build_object('spans_with_it', t.spans, 'attribute', t.key, 'spans_with_an_execution', 0),
      format('Name the attribute beacon.execution_id instead of %s, or call tracer.setExecutionContext.', t.key);
  end loop;

  -- Failures without a word about why, all of a service's: exceptions that left as log records and were stored nowhere.
  for t in
    select s.service, count(*) as spans, (array_agg(s.operation order by s.created_at desc))[1] as operation,
      array_agg(s.trace_id) as traces, min(s.started_at) as since, max(s.started_at) as until
    from (select q.* from beacon.trace_spans q where q.created_at > now_is - interval '15 minutes' and q.status = 'failed'
      order by q.created_at desc limit 500) s
    group by s.service
    having count(*) >= 3 and bool_and(s.error_message is null and s.error_type is null and s.events is null
      and not exists (select 1 from jsonb_object_keys(s.metadata) k(key) where k.key ~ 'status|code|error|exception'))
  loop
    continue when exists (select 1 from beacon.trace_logs l where l.trace_id = any (t.traces)
      and l.recorded_at between t.since - interval '1 minute' and t.until + interval '1 hour');
    return query select 'linked', 'fault', 'EXCEPTIONS_NOT_SENT', t.service,
      format('%s failed spans of %s say nothing about why: no exception, no message, no log record came with them', t.spans, t.service),
      jsonb_build_object('failed_spans_of_the_last_15_minutes', t.spans, 'with_a_reason', 0, 'one_of_them', t.operation),
      'Where exceptions leave as log records (OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN=logs), send those to /v1/logs, too '
      '(OTEL_LOGS_EXPORTER=otlp), or set it to logs/dup; else call recordException, or give the status a message.';
  end loop;

  -- Ids that no registered row has, while the registered rows have no trace.
  for r in select x.* from beacon.readable_records() x loop
    execute format(
      'select count(*) as ids, count(*) filter (where exists (select 1 from %s e where %s)) as known,
         min(i.execution) as one_of_them
       from (select distinct q.execution from (
         select coalesce(t.execution_key, t.execution_id::text) as execution from beacon.trace_executions t
         where t.started_at > $1 - interval ''1 hour'' order by t.started_at desc limit 1000) q limit 50) i',
      to_regclass(r.relation), beacon.record_is(r, 'i.execution')) into c using now_is;
    continue when c.ids < 3 or c.known > 0 or (select count(*) from beacon.trace_records) > 1;
    return query select 'linked', 'fault', 'IDS_OF_ANOTHER_TABLE', null::text,
      format('the execution ids of recent spans are in no row of %s', r.relation),
      jsonb_build_object('ids_looked_at', c.ids, 'found_in_the_table', 0, 'one_of_them', c.one_of_them, 'id_column', r.id_column),
      format('Give spans the value of %s.%s as beacon.execution_id, or register the table whose ids they carry (beacon records).',
        r.relation, r.id_column);
  end loop;

  -- Executions in a table that is not registered.
  if not exists (select 1 from beacon.trace_records) then
    for t in
      select k.oid::regclass::text as relation
      from pg_class k join pg_namespace n on n.oid = k.relnamespace
      where k.relkind in ('r', 'p') and k.relname = 'executions' and n.nspname not in ('beacon', 'information_schema')
        and n.nspname !~ '^pg_' and has_table_privilege(k.oid, 'select')
        and exists (select 1 from pg_attribute a where a.attrelid = k.oid and a.attname = 'id' and not a.attisdropped)
      limit 1
    loop
      execute format('select exists (select 1 from %s)', t.relation) into c;
      continue when not c.exists;
      return query select 'linked', 'fault', 'EXECUTIONS_NOT_REGISTERED', null::text,
        format('the table %s is not registered, so no execution is ever missed', t.relation),
        jsonb_build_object('table', t.relation, 'registered_tables', 0),
        format('insert into beacon.trace_records (name, relation, id_column, created_column) values (''executions'', %L, ''id'', '
          '''created_at''); with the name of its column of time.', t.relation);
    end loop;
  end if;

  -- A server that begins a trace of its own inside each call that another service makes was not told of the caller's trace.
  for t in
    with recent as materialized (
      select q.trace_id, q.span_id, q.service, q.kind, q.parent_span_id, q.started_at, q.completed_at
      from (select s.trace_id, s.span_id, s.service, s.kind, s.parent_span_id, s.started_at, s.completed_at, s.operation
        from beacon.trace_spans s where s.created_at > now_is - interval '15 minutes' order by s.created_at desc limit 3000) q
      where q.completed_at is not null and q.kind in ('client', 'server') and q.operation <> 'beacon.probe'
    ),
    calls as (select * from recent q where q.kind = 'client' order by q.started_at desc limit 300),
    roots as (select * from recent q where q.kind = 'server' and q.parent_span_id is null order by q.started_at desc limit 300),
    pairs as (
      select a.service as caller, b.service as callee, a.span_id as call, b.trace_id as root,
        count(*) over (partition by a.service, a.span_id, b.service) as roots_in_call
      from calls a join roots b on b.service <> a.service and b.trace_id <> a.trace_id
        and b.started_at >= a.started_at - interval '5 milliseconds' and b.completed_at <= a.completed_at + interval '5 milliseconds'
    )
    select p.caller, p.callee, count(distinct p.call) as calls_cut, count(distinct p.root) as traces_cut,
      (select count(*) from roots q where q.service = p.callee) as roots,
      (select count(*) from recent q where q.service = p.callee and q.kind = 'server' and q.parent_span_id is not null) as joined
    from pairs p
    where p.roots_in_call = 1
    group by p.caller, p.callee
    having count(distinct p.call) >= 5
  loop
    -- Chance puts some inside; a header that is dropped puts all of them there.
    continue when t.joined > 0 or t.traces_cut < 0.9 * t.roots;
    return query select 'linked', 'fault', 'TRACEPARENT_DROPPED', t.callee,
      format('%s does not continue the traces of %s: each of its requests begins a trace of its own', t.callee, t.caller),
      jsonb_build_object('requests_inside_calls_of_' || t.caller, t.traces_cut, 'of_all_its_requests', t.roots, 'continued', t.joined),
      format('The header traceparent gets lost between the two: let the HTTP client of %s inject it (tracer.inject, or its '
        'instrumentation), let proxies and gateways pass it on, and let %s extract it.', t.caller, t.callee);
  end loop;
end
$$;

comment on function beacon.doctor_links() is
  'What the stored spans say about links that are missing: clocks, ids under other names or of other tables, '
  'executions of tables that are not registered, '
  'and traces that are cut between two services. Part of beacon.doctor().';
