create function beacon.span_of_response(response_id text) returns table (trace_id uuid, span_id bytea)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
declare
  since timestamptz := beacon.clock() - interval '7 days';
  chunk record;
begin
  for chunk in
    select c.created_from, c.created_to, c.started_from, c.active_to
    from beacon.chunks_with(array[beacon.json_hash('gen_ai.response.id', to_jsonb(response_id))], '{1}', since, 'infinity') c
    where c.archived is null order by c.created_to desc limit 20
  loop
    return query
    select s.trace_id, s.span_id from beacon.trace_spans s
    where s.created_at between chunk.created_from and chunk.created_to and s.started_at between chunk.started_from and chunk.active_to
      and s.metadata ->> 'gen_ai.response.id' = response_id
    limit 1;
    if found then
      return;
    end if;
  end loop;
end
$$;

comment on function beacon.span_of_response(text) is
  'Span of the last seven days whose gen_ai.response.id is this one; no row where there is none.';

create function beacon.execution_of_span(of_trace uuid, of_span bytea) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
declare
  t record;
  s record;
  at bytea := of_span;
  since timestamptz;
  until timestamptz;
begin
  select coalesce(min(x.execution_key), min(x.execution_id)::text) as execution, count(*) as executions into t
  from beacon.trace_executions x where x.trace_id = of_trace;
  if t.executions <= 1 then
    return t.execution;
  end if;
  select r.from_time, r.to_time into since, until from beacon.trace_range(of_trace) r;
  -- A trace of several executions: the nearest span above that says which it is.
  for step in 1..200 loop
    select coalesce(q.execution_key, q.execution_id::text) as execution, q.parent_span_id into s
    from beacon.trace_spans q where q.trace_id = of_trace and q.span_id = at and q.started_at between since and until
    limit 1;
    if s.execution is not null then
      return s.execution;
    end if;
    at := s.parent_span_id;
    exit when at is null;
  end loop;
  return null;
end
$$;

comment on function beacon.execution_of_span(uuid, bytea) is
  'Execution a span worked for: the one of its trace, or, where that has several, the one the nearest span above it names. Null for none.';

create function beacon.label_value(label text) returns double precision
language sql immutable parallel safe
as $$
  select case when lower(btrim(label)) in ('pass', 'passed', 'correct', 'true', 'yes', 'relevant') then 1
    when lower(btrim(label)) in ('fail', 'failed', 'incorrect', 'false', 'no', 'not_relevant', 'not relevant', 'irrelevant') then 0 end
$$;

comment on function beacon.label_value(text) is
  '1 for a label that says yes, 0 for one that says no, as evaluators name them; null for any other.';

create function beacon.evaluations_of(of_traces uuid[]) returns table (trace_id uuid, span_id bytea, name text, value double precision,
  label text, explanation text, response_id text, service text, evaluated_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
declare
  event constant text := 'gen_ai.evaluation.result';
  slack constant interval := interval '1 day';
  since timestamptz;
  until timestamptz;
begin
  select min(t.started_at), max(coalesce(t.active_to, t.completed_at, t.started_at)) into since, until
  from beacon.traces t where t.trace_id = any (of_traces);
  return query
  select e.trace_id, e.span_id, left(btrim(e.said ->> 'gen_ai.evaluation.name'), 200), coalesce(v.number, beacon.label_value(v.label)),
    left(v.label, 200), left(e.said ->> 'gen_ai.evaluation.explanation', 10000), e.said ->> 'gen_ai.response.id', e.service, e.at
  from (
    select g.trace_id, g.span_id, g.attributes as said, r.attributes ->> 'service.name' as service, g.recorded_at as at
    -- Evaluations are made later than what they judge, and their traces may not be here yet.
    from beacon.logs_of_traces(of_traces, coalesce(since, beacon.clock()) - slack, greatest(until, beacon.clock()) + slack) g
    left join beacon.trace_resources r on r.resource_id = g.resource_id
    where g.event_name = event or g.attributes ->> 'event.name' = event
    union all
    select s.trace_id, case when s.operation = event then s.parent_span_id else s.span_id end, x.said, s.service, x.at
    from beacon.spans_of(of_traces, since, until) s
    cross join lateral (
      select q.value -> 'attributes' as said, s.started_at as at from jsonb_array_elements(s.events) q where q.value ->> 'name' = event
      union all
      -- Where the language's tracing has no events, as a span of its own below the one that is judged.
      select s.metadata, s.started_at where s.operation = event) x
    where s.events @> '[{"name": "gen_ai.evaluation.result"}]' or s.operation = event) e
  cross join lateral (
    select e.said ->> 'gen_ai.evaluation.score.label' as label, substring(e.said ->> 'gen_ai.evaluation.score.value'
      from '^[+-]?(?:\d{1,200}(?:\.\d{0,200})?|\.\d{1,200})(?:[eE][+-]?\d{1,2})?$')::double precision as number) v
  where btrim(e.said ->> 'gen_ai.evaluation.name') <> '' and num_nonnulls(v.number, v.label) > 0
  order by e.at, e.trace_id, e.span_id;
end
$$;

comment on function beacon.evaluations_of(uuid[]) is
  'What gen_ai.evaluation.result says in these traces: log records, events of spans, or spans of that name. One without a name, or with '
  'neither score nor label, says nothing.';

create function beacon.score_evaluations(of_traces uuid[]) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  e record;
  scored integer := 0;
  judged uuid;
  judged_span bytea;
  execution text;
  judge uuid;
  since timestamptz;
  until timestamptz;
  sent_by text;
begin
  for e in select * from beacon.evaluations_of(of_traces) loop
    judged := e.trace_id;
    judged_span := e.span_id;
    judge := null;
    -- Usually it is recorded in the span of that answer: no need to look for another.
    select r.from_time, r.to_time into since, until from beacon.trace_range(e.trace_id) r where e.response_id is not null;
    if e.response_id is not null and not exists (select 1 from beacon.trace_spans s where s.trace_id = e.trace_id
        and s.span_id = e.span_id and s.started_at between since and until and s.metadata ->> 'gen_ai.response.id' = e.response_id) then
      select r.trace_id, r.span_id into judged, judged_span from beacon.span_of_response(e.response_id) r;
      if judged is null then
        judged := e.trace_id;
        judged_span := e.span_id;
      elsif judged <> e.trace_id then
        judge := e.trace_id;
      end if;
    end if;
    sent_by := left('otlp:' || coalesce(e.service, 'unknown'), 200);
    execution := beacon.execution_of_span(judged, judged_span);
    if execution is not null then
      perform beacon.score(execution, e.name, e.value, sent_by, e.label, e.explanation, judge);
      -- What was judged before its spans arrived.
      delete from beacon.scores s where s.trace_id = judged and s.name = e.name and s.source = sent_by;
    else
      insert into beacon.scores as s (trace_id, job_id, name, value, label, explanation, source, judge_trace, scored_at)
      values (judged, (select t.job_id from beacon.traces t where t.trace_id = judged), e.name, e.value, e.label, e.explanation, sent_by,
        judge, beacon.clock())
      on conflict (trace_id, name, source) where trace_id is not null
      do update set value = excluded.value, label = excluded.label, explanation = excluded.explanation,
        judge_trace = excluded.judge_trace, job_id = coalesce(excluded.job_id, s.job_id), scored_at = excluded.scored_at;
    end if;
    scored := scored + 1;
  end loop;
  return scored;
end
$$;

comment on function beacon.score_evaluations(uuid[]) is
  'Makes a score of each gen_ai.evaluation.result in these traces, its source otlp: and the service that sent it; of several with one name '
  'the last counts. It judges the span with its gen_ai.response.id where there is one, else the span it was recorded in. The receiver of '
  'log records calls it at once, maintenance once a trace has come to rest. Returns how many.';
