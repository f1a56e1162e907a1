create function beacon.answers_of_traces(of_traces uuid[]) returns setof beacon.answers
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
declare
  -- An attribute that says: a model was called here.
  of_model constant text[] := array['gen_ai.request.model', 'gen_ai.operation.name', 'gen_ai.system', 'gen_ai.provider.name',
    'gen_ai.usage.input_tokens', 'gen_ai.usage.output_tokens', 'gen_ai.usage.prompt_tokens', 'gen_ai.usage.completion_tokens',
    'gen_ai.aggregated_usage.input_tokens', 'gen_ai.response.model', 'llm.model_name', 'llm.token_count.prompt',
    'llm.token_count.completion', 'llm.request.type', 'openinference.span.kind', 'ai.model.id', 'ai.usage.promptTokens',
    'ai.usage.inputTokens', 'langfuse.observation.type', 'beacon.answer', 'beacon.served_region'];
  from_time timestamptz;
  to_time timestamptz;
begin
  select min(t.started_at), max(coalesce(t.active_to, t.completed_at, t.started_at)) into from_time, to_time
  from beacon.traces t where t.trace_id = any (of_traces);
  return query
  with recursive spans as materialized (
    select s.trace_id, s.span_id, s.parent_span_id, s.service, s.operation, s.kind, s.status, s.started_at, s.completed_at, s.duration_ms,
      coalesce(s.execution_key, s.execution_id::text) as execution, s.job_id, s.model_id, s.region, s.error_type, s.error_message,
      s.metadata, s.events, s.resource_id,
      coalesce(s.metadata ?| of_model, false)
        and coalesce(s.metadata ->> 'openinference.span.kind', 'LLM') not in ('TOOL', 'RETRIEVER', 'EMBEDDING', 'RERANKER', 'GUARDRAIL')
        and coalesce(s.metadata ->> 'gen_ai.operation.name', 'chat') not in ('execute_tool', 'embeddings', 'retrieval') as is_model,
      beacon.input_tokens(s.metadata) as tokens_in, beacon.output_tokens(s.metadata) as tokens_out
    from beacon.spans_of(of_traces, from_time, to_time) s
  ), said as materialized (
    select g.trace_id, g.span_id,
      jsonb_agg(jsonb_build_object('name', g.event_name, 'attributes', g.attributes, 'body', g.body) order by g.recorded_at) as logs
    from beacon.logs_of_traces(of_traces, from_time - interval '1 hour', to_time + interval '1 hour') g
    where g.event_name like 'gen\_ai.%'
    group by 1, 2
  ), up as (
    -- From every call of a model to its root: the first execution on the way, and the calls it is part of.
    select s.trace_id, s.span_id, s.started_at as at, s.parent_span_id as next, s.execution, 0 as steps, null::bytea as above,
      null::timestamptz as above_at
    from spans s where s.is_model
    union all
    select u.trace_id, u.span_id, u.at, p.parent_span_id, coalesce(u.execution, p.execution), u.steps + 1,
      case when p.is_model and (p.tokens_in is not null or p.tokens_out is not null) then p.span_id else u.above end,
      case when p.is_model and (p.tokens_in is not null or p.tokens_out is not null) then p.started_at else u.above_at end
    from up u
    join spans p on p.trace_id = u.trace_id and p.span_id = u.next
    where u.steps < 200
  ), calls as materialized (
    -- The topmost call with tokens above it, itself where there is none.
    select distinct on (u.trace_id, u.span_id, u.at) s.*, coalesce(u.execution, t.execution_key, t.execution_id::text) as of_execution,
      coalesce(u.above, s.span_id) as top, coalesce(u.above_at, s.started_at) as top_at, u.above is null as is_top, u.steps
    from up u
    join spans s on s.trace_id = u.trace_id and s.span_id = u.span_id and s.started_at = u.at
    join beacon.traces t on t.trace_id = u.trace_id
    order by u.trace_id, u.span_id, u.at, u.steps desc
  ), counted as materialized (
    -- Two instrumentations that record one call side by side tell of the same tokens: the inner one of equals is not counted.
    select c.*, not exists (select from calls o where o.trace_id = c.trace_id and o.span_id <> c.span_id and o.top <> c.top
        and o.is_top and c.is_top and o.resource_id <> c.resource_id and o.tokens_in is not distinct from c.tokens_in
        and o.tokens_out is not distinct from c.tokens_out and o.started_at <= c.started_at and o.completed_at >= c.completed_at
        and (o.started_at, o.span_id) < (c.started_at, c.span_id)) as counts,
      not exists (select from calls d join up u on u.trace_id = d.trace_id and u.span_id = d.span_id and u.at = d.started_at
        where d.trace_id = c.trace_id and u.next = c.span_id and (d.tokens_in is not null or d.tokens_out is not null)) as is_leaf
    from calls c
    where c.tokens_in is not null or c.tokens_out is not null
  ), tops as (
    -- What an agent says it used is the sum of its calls: the two are never added up.
    select c.trace_id, c.of_execution, c.top, greatest(max(c.tokens_in) filter (where c.is_top), sum(c.tokens_in) filter (where c.is_leaf))
        as tokens_in, greatest(max(c.tokens_out) filter (where c.is_top), sum(c.tokens_out) filter (where c.is_leaf)) as tokens_out,
      greatest(max(beacon.cached_tokens(c.metadata)) filter (where c.is_top),
        sum(beacon.cached_tokens(c.metadata)) filter (where c.is_leaf)) as tokens_cached,
      greatest(max(beacon.reasoning_tokens(c.metadata)) filter (where c.is_top),
        sum(beacon.reasoning_tokens(c.metadata)) filter (where c.is_leaf)) as tokens_reasoned
    from counted c
    where c.counts
    group by c.trace_id, c.of_execution, c.top, c.top_at
  ), tokens as (
    select o.trace_id, o.of_execution, sum(o.tokens_in)::bigint as tokens_in, sum(o.tokens_out)::bigint as tokens_out,
      sum(o.tokens_cached)::bigint as tokens_cached, sum(o.tokens_reasoned)::bigint as tokens_reasoned
    from tops o group by o.trace_id, o.of_execution
  ), texts as materialized (
    select c.trace_id, c.of_execution, c.span_id, c.started_at, c.completed_at, c.status, c.error_type, c.metadata, c.steps,
      beacon.asked_text(c.metadata, c.events, l.logs) as question,
      coalesce(beacon.answered_text(c.metadata, c.events, l.logs),
        case when c.metadata ?| array['gen_ai.output.messages', 'output.value', 'ai.response.text', 'llm.output_messages.0.message.role',
            'gen_ai.completion.0.role'] and not beacon.has_failed(c.status)
          and concat_ws(' ', c.metadata ->> 'gen_ai.output.messages', c.metadata ->> 'output.value', c.metadata ->> 'ai.response.toolCalls')
            !~ 'tool_?[cC]all|tool_use|function_?[cC]all' then '' end) as answer
    from calls c
    left join said l on l.trace_id = c.trace_id and l.span_id = c.span_id
  ), spoke as (
    -- The last call that gave an answer speaks for the execution; where none did, the last call.
    select distinct on (x.trace_id, x.of_execution) x.*
    from texts x
    order by x.trace_id, x.of_execution, btrim(x.answer) <> '' desc nulls last, x.completed_at desc nulls last, x.steps desc
  ), firsts as (
    select x.trace_id, x.of_execution, (array_agg(x.question order by x.started_at, x.steps) filter (where x.question is not null))[1]
        as question,
      (array_agg(beacon.model_asked(x.metadata) order by x.started_at desc) filter (where beacon.model_asked(x.metadata) is not null))[1]
        as model, (array_agg(beacon.model_answering(x.metadata) order by x.started_at desc)
          filter (where beacon.model_answering(x.metadata) is not null))[1] as response_model,
      (array_agg(beacon.fingerprint_of(x.metadata) order by x.started_at desc)
        filter (where beacon.fingerprint_of(x.metadata) is not null))[1] as fingerprint,
      (array_agg(beacon.finish_reasons(x.metadata) order by x.started_at desc)
        filter (where beacon.finish_reasons(x.metadata) is not null))[1] as finish,
      max(beacon.served_region(x.metadata)) as served, max(coalesce(x.metadata ->> 'beacon.provider', x.metadata ->> 'gen_ai.provider.name',
        x.metadata ->> 'gen_ai.system', x.metadata ->> 'llm.provider', x.metadata ->> 'llm.system', x.metadata ->> 'ai.model.provider'))
        as provider, min(beacon.first_chunk_ms(x.metadata)) as first_chunk,
      max(coalesce(x.metadata ->> 'gen_ai.response.quantization', x.metadata ->> 'beacon.quantisation')) as quantisation,
      bool_or(coalesce(x.metadata ->> 'beacon.simulated' = 'true', false)) as simulated
    from texts x group by x.trace_id, x.of_execution
  ), outer_spans as (
    -- The outermost span of each execution says how the attempt ended.
    select distinct on (s.trace_id, coalesce(s.execution, t.execution_key, t.execution_id::text)) s.trace_id,
      coalesce(s.execution, t.execution_key, t.execution_id::text) as of_execution, coalesce(s.job_id, t.job_id) as job_id,
      s.status, s.started_at, s.completed_at, s.duration_ms, s.error_type,
      s.error_message, s.region, s.model_id, s.operation, beacon.whole_number(s.metadata ->> 'beacon.attempt')::integer as attempt
    from spans s
    join beacon.traces t on t.trace_id = s.trace_id
    where s.execution is not null or s.parent_span_id is null
    order by s.trace_id, coalesce(s.execution, t.execution_key, t.execution_id::text), s.parent_span_id is null desc, s.started_at,
      s.duration_ms desc
  ), served as (
    -- A service that answers for a model says where it runs; the region of the one that asks says nothing.
    select s.trace_id, max(s.metadata ->> 'cloud.region') as region
    from spans s
    join beacon.traces t on t.trace_id = s.trace_id
    where s.is_model and s.kind = 'server' and s.metadata ? 'cloud.region' and s.parent_span_id is not null and s.service <> t.root_service
    group by s.trace_id having count(distinct s.metadata ->> 'cloud.region') = 1
  )
  select beacon.execution_number(r.of_execution), beacon.execution_key(r.of_execution), r.trace_id,
    coalesce(r.attempt, row_number() over (partition by r.of_execution order by r.started_at)::integer
      + coalesce((select count(*)::integer from beacon.execution_traces(r.of_execution) e
        where e.started_at < r.started_at and e.trace_id <> all (of_traces)), 0)),
    r.job_id, coalesce(r.model_id, f.model), r.region, beacon.question_id(q.question),
    case when q.question !~ h.pattern then q.question end,
    case when r.status = 'started' then 'running' when beacon.has_failed(r.status) then 'failed' else 'completed' end,
    case when x.answer !~ h.pattern then x.answer end,
    case when x.answer !~ h.pattern then length(btrim(x.answer, e' \n\t\r')) end,
    beacon.answer_group(x.answer), case when x.answer !~ h.pattern then beacon.answer_language(x.answer) end,
    case when x.answer !~ h.pattern then beacon.answer_rule(x.answer) end,
    btrim(coalesce(beacon.finish_reasons(x.metadata), f.finish), '[]" '), coalesce(f.served, v.region), f.provider, f.response_model,
    f.fingerprint, f.quantisation, f.simulated, k.tokens_in, k.tokens_out, k.tokens_cached, k.tokens_reasoned, r.duration_ms,
    f.first_chunk, null::double precision, r.error_type, r.error_message, null::text, null::text, null::text, null::text,
    null::integer, null::text, null::bigint, 'spans', r.started_at, r.completed_at
  from outer_spans r
  join spoke x on x.trace_id = r.trace_id and x.of_execution is not distinct from r.of_execution
  join firsts f on f.trace_id = r.trace_id and f.of_execution is not distinct from r.of_execution
  left join tokens k on k.trace_id = r.trace_id and k.of_execution is not distinct from r.of_execution
  left join served v on v.trace_id = r.trace_id
  cross join (select '^\[\d+ characters, sha256 [0-9a-f]+\]$' as pattern) h
  cross join lateral (select coalesce(x.question, f.question) as question) q;
end
$$;

comment on function beacon.answers_of_traces(uuid[]) is
  'What GenAI spans say that models were asked and answered, as rows of answers, one an execution and trace: the last call that gave an '
  'answer speaks, the outermost span of the execution says how it ended. Tokens of an agent and of its calls are counted once.';

create function beacon.collect_answers(of_traces uuid[]) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  ours uuid[];
  stored integer;
begin
  ours := array(select t.trace_id from beacon.traces t where t.trace_id = any (of_traces)
    and (t.job_id is not null or t.execution_id is not null or t.execution_key is not null)
    -- What the program itself wrote is never replaced by what its spans say.
    and not exists (select from beacon.answers a where a.execution_id = t.execution_id and a.source = 'runner')
    and not exists (select from beacon.answers a where a.execution_key = t.execution_key and a.source = 'runner'));
  if ours = '{}' then
    return 0;
  end if;
  delete from beacon.answers a where a.source = 'spans' and a.trace_id = any (ours);
  insert into beacon.answers
  select distinct on (coalesce(c.execution_key, c.execution_id::text, c.trace_id::text), c.attempt) c.*
  from beacon.answers_of_traces(ours) c
  where not exists (select from beacon.answers a where (a.execution_id = c.execution_id or a.execution_key = c.execution_key)
    and (a.source = 'runner' or a.attempt = c.attempt))
  order by coalesce(c.execution_key, c.execution_id::text, c.trace_id::text), c.attempt, c.started_at;
  get diagnostics stored = row_count;
  perform beacon.settle_answers(array_remove(array_agg(distinct a.execution_id), null),
    array_remove(array_agg(distinct a.execution_key), null), ours)
  from beacon.answers a where a.trace_id = any (ours);
  return stored;
end
$$;

comment on function beacon.collect_answers(uuid[]) is
  'Reads the answers of traces that belong to a job or an execution into the table answers, and says how many; maintenance does it once a '
  'trace has come to rest. Executions whose program wrote its answers itself are left alone.';

create function beacon.diagnose_attempts() returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  began timestamptz := clock_timestamp();
  done integer := 0;
  n integer;
  a record;
begin
  -- A diagnosis costs as much as some hundred rows: attempts of a job that failed alike share one.
  while clock_timestamp() < began + interval '1 second' loop
    select coalesce(x.execution_key, x.execution_id::text) as execution, x.trace_id, x.job_id, x.error_type, x.region, x.provider into a
    from beacon.answers x
    where x.verdict is null and x.trace_id is not null and x.status = 'failed' and x.finished_at < beacon.clock() - interval '5 seconds'
    limit 1;
    exit when not found;
    with alike as materialized (
      select coalesce(x.execution_key, x.execution_id::text) as execution, x.trace_id, x.attempt from beacon.answers x
      where x.verdict is null and x.trace_id is not null and x.status = 'failed' and x.job_id is not distinct from a.job_id
        and x.error_type is not distinct from a.error_type and x.region is not distinct from a.region
        and x.provider is not distinct from a.provider
      order by x.trace_id <> a.trace_id limit 2000
    ), prints as materialized (
      select s.trace_id, array_to_string(array_agg(distinct concat_ws(' ', s.service, s.operation, s.status, s.error_type)), '|') as print
      from beacon.spans_of(array(select distinct k.trace_id from alike k)) s
      where s.status <> 'completed' and beacon.has_failed(s.status) group by s.trace_id
    )
    update beacon.answers u set verdict = f.type, reason = case when u.validity = 'infrastructure' then f.type else u.reason end
    from alike k
    cross join (select coalesce((select x.type from beacon.first_finding(a.execution, a.trace_id) x), 'UNKNOWN') as type) f
    left join prints p on p.trace_id = k.trace_id
    where u.trace_id = k.trace_id and u.attempt = k.attempt
      and coalesce(u.execution_key, u.execution_id::text) is not distinct from k.execution
      and p.print is not distinct from (select m.print from prints m where m.trace_id = a.trace_id);
    get diagnostics n = row_count;
    exit when n = 0;
    done := done + n;
  end loop;
  return done;
end
$$;

comment on function beacon.diagnose_attempts() is
  'Gives failed attempts in answers the type of their first root cause, for a second at most: one diagnosis for all of a job whose spans '
  'failed alike. Says how many got one.';
