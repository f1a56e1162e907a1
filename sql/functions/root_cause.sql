create function beacon.findings(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  chosen beacon.span_fact[] := beacon.notable(spans, origins);
  diagnosis record;
begin
  -- Every function finding_… is a diagnosis, adding one is adding a file; a pattern_… counts over all spans, however many.
  for diagnosis in
    select p.oid::regproc as run, p.proname like 'pattern%' as on_all from pg_proc p
    where p.pronamespace = 'beacon'::regnamespace and p.proname ~ '^(finding|pattern)_'
    order by p.proname
  loop
    if diagnosis.on_all then
      return query execute format('select * from %s($1, $2)', diagnosis.run) using spans, coalesce(origins, '{}');
    else
      return query execute format('select * from %s($1, $2)', diagnosis.run) using chosen, coalesce(origins, '{}');
    end if;
  end loop;
end
$$;

comment on function beacon.findings(beacon.span_fact[], beacon.failure_origin[])
  is 'What every diagnosis has to say about these spans, unranked.';

create function beacon.ranked_findings(spans beacon.span_fact[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
-- 50,000 spans sort in memory; a trace of usual size needs a hundredth of it.
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  origins beacon.failure_origin[];
  decisive uuid;
  of_traces uuid[];
  ranked beacon.finding[];
  origin beacon.failure_origin;
begin
  select array_agg(b) into origins from beacon.failure_origins(spans) b;
  of_traces := array(select distinct f.trace_id from unnest(spans) f);
  decisive := case when cardinality(of_traces) = 1 then of_traces[1] else beacon.decisive_trace(spans) end;
  with told as materialized (
    select (row_number() over ())::integer as nth, d.* from beacon.findings(spans, origins) f
    -- Trouble of another attempt did not end the execution, and what is more likely wrong than right accuses nothing.
    cross join lateral beacon.demoted(f, f.trace_id <> decisive or f.confidence < beacon.confidence('possible')) d
  ), found as materialized (
    -- Where something failed by itself, what was cancelled was cancelled for its sake.
    select t.nth, d.* from told t
    cross join lateral beacon.demoted((t.type, t.role, t.service, t.operation, t.confidence, t.summary, t.evidence, t.recommendation,
      t.trace_id, t.span_ids, t.origin)::beacon.finding, t.type = 'CANCELLED' and exists (
        select from told o where o.role = 'cause' and o.type <> 'CANCELLED' and o.origin is not null)) d
  ), replaced as materialized (
    select g.nth, min(f.nth) as by_nth from found g
    join beacon.replacements() r on r.general = g.type
    join found f on f.type = r.specific and f.trace_id = g.trace_id and f.origin is not distinct from g.origin
      and f.role in ('cause', g.role)
    group by g.nth
  ), best as (
    select distinct on (f.role, f.type, f.service, f.operation) f.* from found f
    where f.nth not in (select r.nth from replaced r)
    order by f.role, f.type, f.service, f.operation, f.confidence desc, f.nth
  )
  select array_agg((s.type, s.role, s.service, s.operation, s.confidence, s.summary, s.evidence, s.recommendation, s.trace_id, s.span_ids,
      s.origin)::beacon.finding order by s.role, s.origin is null and s.role = 'remark', s.confidence desc, s.type, s.service)
    into ranked
  from (
    select b.type, b.role, b.service, b.operation, b.confidence, b.summary, b.evidence || coalesce((
        select jsonb_build_object('replaces', jsonb_agg(distinct concat_ws(' of ', g.type, g.service)))
        from replaced r join found g on g.nth = r.nth where r.by_nth = b.nth having count(*) > 0), '{}') as evidence,
      b.recommendation, b.trace_id, b.span_ids, b.origin
    from best b
    -- Once as a cause is enough.
    where b.role = 'cause' or not exists (
      select from best c where c.role = 'cause' and (c.type, c.service, c.operation) is not distinct from (b.type, b.service, b.operation))
    union all
    select u.* from beacon.unexplained(cardinality(spans), origins, decisive) u
    where not exists (select from best b where b.role = 'cause')) s;
  -- The first cause also says what the failures of its operation share: finding out reads other traces.
  if ranked[1].role = 'cause' and ranked[1].origin is not null then
    select b.* into origin from unnest(origins) b where b.position = ranked[1].origin limit 1;
    ranked[1] := beacon.with_shared(ranked[1], origin, spans[ranked[1].origin].started_at);
  end if;
  return query select * from unnest(ranked);
end
$$;

comment on function beacon.ranked_findings(beacon.span_fact[]) is
  'What the diagnoses say of these spans, once each: causes first, then remarks (on failures before others), the surest first. '
  'A finding that a more specific one replaces (see replacements) is left out. UNKNOWN is the cause where an attempt failed and nothing '
  'explains it.';

create function beacon.ranked_causes(spans beacon.span_fact[], of_execution text) returns table (
  rank integer, type text, role text, service text, operation text, confidence double precision, summary text, evidence jsonb,
  recommendation text, trace_id uuid, span_ids bytea[])
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
declare
  of_traces uuid[] := array(select distinct f.trace_id from unnest(spans) f);
begin
  return query
  with found as materialized (
    select * from beacon.ranked_findings(spans)
  )
  select q.place::integer, q.type, q.role, q.service, q.operation, q.confidence, q.summary,
    q.evidence || case when q.type = 'UNKNOWN' then '{}' else beacon.scope_of(of_execution, spans[1].job_id) end
      || jsonb_strip_nulls(jsonb_build_object('runner_up', case when q.place = 1 and q.next_type is not null then
        jsonb_build_object('type', q.next_type, 'role', q.next_role, 'service', q.next_service, 'confidence', q.next_confidence) end))
      || jsonb_build_object('counter_evidence', case when q.place <= 3
        then beacon.counter_evidence(q.service, of_traces, spans[1].started_at) else '[]' end),
    q.recommendation, q.trace_id, q.span_ids
  from (
    select f.*, row_number() over ranked as place, lead(f.type) over ranked as next_type, lead(f.role) over ranked as next_role,
      lead(f.service) over ranked as next_service, lead(f.confidence) over ranked as next_confidence
    from (
      select * from found
      union all
      select u.* from beacon.recorded_finding(of_execution, spans) u where not exists (select from found c where c.role = 'cause')) f
    window ranked as (order by f.role, f.origin is null and f.role = 'remark', f.confidence desc, f.type, f.service)) q
  order by 1;
end
$$;

comment on function beacon.ranked_causes(beacon.span_fact[], text) is
  'Causes of the failures among these spans and remarks on them, ranked, with what speaks for and against each: what '
  'identify_root_cause says of an execution, or of a trace.';

create function beacon.first_finding(of_execution text, of_trace uuid) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
begin
  return query
  select f.* from beacon.ranked_findings(coalesce(
    case when of_execution is not null then beacon.execution_spans(of_execution) end, beacon.tree_of(of_trace))) f
  where f.role = 'cause'
  limit 1;
end
$$;

comment on function beacon.first_finding(text, uuid) is
  'The first cause that identify_root_cause gives for an execution, or for a trace without one, sooner: without what speaks for '
  'and against it. No row where there are only remarks.';

create function beacon.identify_root_cause(of_execution text) returns table (
  rank integer, type text, role text, service text, operation text, confidence double precision, summary text, evidence jsonb,
  recommendation text, trace_id uuid, span_ids bytea[])
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  spans beacon.span_fact[];
begin
  spans := beacon.execution_spans(of_execution);
  if spans is null then
    return query
    select 1, u.type, u.role, u.service, u.operation, u.confidence, u.summary, u.evidence, u.recommendation, u.trace_id, u.span_ids
    from beacon.untraced(of_execution) u;
  else
    return query select c.* from beacon.ranked_causes(spans, of_execution) c;
  end if;
end
$$;

comment on function beacon.identify_root_cause(text) is
  'Why an execution failed or was slow, best first. role says what a row is: a cause decided how it ended, or made it slow; a '
  'remark happened beside that (a failure that was coped with, a call somewhat slower than usual). A healthy execution has no '
  'cause, and no row at all where nothing about it is worth a remark. Each row has a confidence, evidence (with the runner-up, and '
  'as counter_evidence what speaks against it), a recommendation and the spans that show it. An execution without spans yields '
  'UNTRACED with what the tracers report; a failure that no diagnosis explains yields UNKNOWN with what was looked at.';

create function beacon.identify_trace_root_cause(of_trace uuid) returns table (
  rank integer, type text, role text, service text, operation text, confidence double precision, summary text, evidence jsonb,
  recommendation text, trace_id uuid, span_ids bytea[])
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  spans beacon.span_fact[];
begin
  spans := beacon.tree_of(of_trace);
  if spans is not null then
    return query select c.* from beacon.ranked_causes(spans, null) c;
  end if;
end
$$;

comment on function beacon.identify_trace_root_cause(uuid) is
  'The same as identify_root_cause for one trace, whichever executions it worked for, or none. No cause for a healthy trace, no '
  'row for one without spans.';

create function beacon.decisive_trace(spans beacon.span_fact[]) returns uuid
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return (
    select r.trace_id from unnest(spans) r
    where r.parent_position is null
      and (r.service, r.operation) = (
        select f.service, f.operation from unnest(spans) f where f.parent_position is null order by f.started_at limit 1)
    order by r.started_at desc
    limit 1);
end
$$;

comment on function beacon.decisive_trace(beacon.span_fact[]) is
  'The attempt that decided how an execution ended: the latest trace whose root is the same operation as that of the first (what a '
  'recovery did in between is no attempt).';

create function beacon.unexplained(looked_at integer, origins beacon.failure_origin[], decisive uuid) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('UNKNOWN', b, 'weak',
    format('%s %s failed%s, and no diagnosis explains why.', b.service, b.operation, coalesce(': ' || coalesce(b.message, b.code),
      ' without a message')),
    format('Open the waterfall, read the log of %s with this trace id, and record error.type on that span so that it can be told next '
      'time.', b.service),
    jsonb_build_object('spans_looked_at', looked_at, 'diagnoses_run',
      (select count(*) from pg_proc p where p.pronamespace = 'beacon'::regnamespace and p.proname ~ '^(finding|pattern)_'))) v
  where b.trace_id = decisive and b.explains_root
  limit 1;
end
$$;

comment on function beacon.unexplained(integer, beacon.failure_origin[], uuid) is
  'UNKNOWN: the execution failed and no diagnosis explains it; says where it failed and how much was looked at.';

create function beacon.scope_of(of_execution text, of_job text) returns jsonb
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  scope jsonb;
  since timestamptz;
  until timestamptz;
begin
  if of_job is null then
    return '{}';
  end if;
  select coalesce(min(t.started_at), '-infinity'), coalesce(max(case when t.open_count = 0 then t.completed_at else 'infinity' end),
    'infinity')
    into since, until
  from beacon.traces t where t.job_id = of_job;
  -- Which of the job's regions and models fail: one region failing whole is one cause, not many.
  with spans as materialized (
    select coalesce(s.execution_key, s.execution_id::text) as execution, s.region, s.model_id, s.status, s.started_at
    from beacon.spans_with_jobs(array[of_job], since, until) s
    where s.parent_span_id is null and num_nonnulls(s.execution_key, s.execution_id) > 0
  ), mine as (
    select s.region, s.model_id from spans s
    where s.execution = beacon.execution_text(of_execution)
    order by s.started_at limit 1
  ), ended as (
    select distinct on (s.execution) s.execution, s.region, s.model_id, beacon.has_failed(s.status) as failed
    from spans s
    order by s.execution, s.started_at desc
  )
  select jsonb_strip_nulls(jsonb_build_object(
    'same_region_failed', count(*) filter (where e.region = m.region and e.failed) || ' of ' || nullif(count(*) filter
      (where e.region = m.region), 0),
    'other_regions_failed', count(*) filter (where e.region <> m.region and e.failed) || ' of ' || nullif(count(*) filter
      (where e.region <> m.region), 0)))
    into scope
  from ended e, mine m;
  return coalesce(scope, '{}');
end
$$;

comment on function beacon.scope_of(text, text) is
  'How the rest of the job fared: executions that failed in the same region, and in the others.';

create function beacon.untraced(of_execution text) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  f beacon.finding;
  alive jsonb;
begin
  select coalesce(jsonb_agg(jsonb_build_object('service', t.service, 'flag', t.flag, 'spans_written', t.spans_written, 'last_error',
    t.last_error)
    order by t.service), '[]') into alive
  from beacon.tracers t
  where t.stopped_at is null and t.heartbeat_at > beacon.clock() - interval '1 minute';
  f.type := 'UNTRACED';
  f.role := 'cause';
  f.confidence := 1;
  f.summary := format('Execution %s has no span. %s', of_execution,
    case when alive = '[]' then 'No tracer is running: tracing is switched off, or the processes cannot reach this database.'
      else format('Tracers running: %s.', (select string_agg(distinct a ->> 'service', ', ') from jsonb_array_elements(alive) a)) end);
  f.evidence := jsonb_build_object('tracers_alive', alive);
  f.recommendation := case when alive = '[]'
    then 'Set ENABLE_DB_TRACING=true for every service of the execution and look for the line "DBTracer: ENABLED" in its log; GET '
      '/health/tracing shows what the process itself saw.'
    else 'Those processes do trace: the execution ran in others, before they were started, or past the code that is traced. `beacon '
      'doctor` sends a span through each of them and names the hop where it ends.' end;
  return next f;
end
$$;

comment on function beacon.untraced(text) is
  'UNTRACED: the execution has no span; says which tracers are alive and what they report.';
