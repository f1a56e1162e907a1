create function beacon.score(execution text, name text, value double precision, source text default 'sql', label text default null,
  explanation text default null, judge_trace uuid default null) returns void
language plpgsql
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  key text := beacon.execution_key(score.execution);
  id bigint := case when key is null then score.execution::bigint end;
  of_job text;
begin
  if btrim(coalesce(score.name, '')) = '' or length(score.name) > 200 then
    raise exception 'A score needs a name of 1 to 200 characters.' using errcode = 'invalid_parameter_value';
  end if;
  of_job := coalesce(
    (select a.job_id from beacon.answers a where a.execution_id = id or a.execution_key = key order by a.attempt desc limit 1),
    (select t.job_id from beacon.trace_executions x join beacon.traces t on t.trace_id = x.trace_id
      where x.execution_id = id or x.execution_key = key order by x.started_at desc limit 1));
  if id is not null then
    insert into beacon.scores as s (execution_id, job_id, name, value, label, explanation, source, judge_trace, scored_at)
    values (id, of_job, score.name, score.value, score.label, score.explanation, coalesce(score.source, 'sql'), score.judge_trace,
      beacon.clock())
    on conflict (execution_id, name, source) where execution_id is not null
    do update set value = excluded.value, label = excluded.label, explanation = excluded.explanation, judge_trace = excluded.judge_trace,
      scored_at = excluded.scored_at, job_id = coalesce(excluded.job_id, s.job_id);
  else
    insert into beacon.scores as s (execution_key, job_id, name, value, label, explanation, source, judge_trace, scored_at)
    values (key, of_job, score.name, score.value, score.label, score.explanation, coalesce(score.source, 'sql'), score.judge_trace,
      beacon.clock())
    on conflict (execution_key, name, source) where execution_key is not null
    do update set value = excluded.value, label = excluded.label, explanation = excluded.explanation, judge_trace = excluded.judge_trace,
      scored_at = excluded.scored_at, job_id = coalesce(excluded.job_id, s.job_id);
  end if;
end
$$;

comment on function beacon.score(text, text, double precision, text, text, text, uuid) is
  'Scores an execution: 1 and 0 for yes and no, or any number. The same name from the same source again replaces the score.';

create function beacon.score(execution bigint, name text, value double precision, source text default 'sql', label text default null,
  explanation text default null, judge_trace uuid default null) returns void
language plpgsql
set search_path = beacon, pg_catalog
as $$
begin
  perform beacon.score(execution::text, name, value, source, label, explanation, judge_trace);
end
$$;

comment on function beacon.score(bigint, text, double precision, text, text, text, uuid) is
  'The same for an execution whose key is a number.';

create function beacon.score_answer(scorer text, expected text, field text, answer text) returns double precision
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  found_value jsonb;
begin
  if answer is null or expected is null then
    return null;
  end if;
  case scorer
    when 'exact' then
      return (beacon.normalised_answer(answer) = beacon.normalised_answer(expected))::integer;
    when 'contains' then
      return (position(beacon.normalised_answer(expected) in beacon.normalised_answer(answer)) > 0)::integer;
    when 'regex' then
      return (answer ~ expected)::integer;
    when 'json' then
      -- Models like to put a fence around JSON, or a sentence before it.
      found_value := substring(answer from '\{.*\}')::jsonb #> string_to_array(coalesce(field, 'answer'), '.');
      return coalesce(beacon.normalised_answer(found_value #>> '{}') = beacon.normalised_answer(expected), false)::integer;
    else
      return null;
  end case;
exception
  when invalid_text_representation or untranslatable_character then
    return 0;
  when invalid_regular_expression then
    return null;
end
$$;

comment on function beacon.score_answer(text, text, text, text) is
  '1 where an answer is as expected, 0 where it is not: exact, contains, regex or json (see expected_answers). Null where that cannot be '
  'said: no answer, or an expression that is none.';

create function beacon.scores_due(of_job text) returns table (
  execution text, name text, value double precision, source text, explanation text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  if not exists (select from beacon.expected_answers x where x.job_id = of_job) then
    return;
  end if;
  return query
  with k as (
    select c.execution_id, c.execution_key, x.name, -- Where texts are not kept, equal hashes are equal answers.
      case when c.answer is null and x.scorer = 'exact' then (c.answer_group = beacon.answer_group(x.expected))::integer
        else beacon.score_answer(x.scorer, x.expected, x.field, c.answer) end::double precision as value,
      case when x.scorer = 'regex' then 'expected a match of ' else 'expected ' end || left(x.expected, 200) as said,
      'rule:' || x.scorer as source
    from beacon.execution_cells(of_job, true) c
    join beacon.expected_answers x on x.job_id = of_job and x.question_id = c.question_id
    where c.validity = 'answered'
  )
  select coalesce(k.execution_key, k.execution_id::text), k.name, k.value, k.source, k.said from k
  left join beacon.scores s on s.job_id = of_job and s.name = k.name and s.source = k.source
    and (s.execution_id = k.execution_id or s.execution_key = k.execution_key)
  where k.value is not null and num_nonnulls(k.execution_id, k.execution_key) > 0
    and (s.value is distinct from k.value or s.explanation is distinct from k.said);
end
$$;

comment on function beacon.scores_due(text) is
  'Scores that the expected answers of a job give its answered cells and that are not in scores yet: maintenance writes them.';

create function beacon.score_job(of_job text) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  scored integer;
begin
  select count(beacon.score(d.execution, d.name, d.value, d.source, null, d.explanation)::text) into scored
  from beacon.scores_due(of_job) d;
  return scored;
end
$$;

comment on function beacon.score_job(text) is
  'Scores the answered cells of a job by its expected answers; returns how many scores are new or changed.';

create function beacon.judgement_of(answer text) returns jsonb
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  said jsonb;
begin
  said := substring(answer from '\{.*\}')::jsonb;
  if jsonb_typeof(said -> 'score') = 'boolean' then
    said := jsonb_set(said, '{score}', to_jsonb((said ->> 'score')::boolean::integer));
  end if;
  if jsonb_typeof(said -> 'score') <> 'number' or abs((said ->> 'score')::numeric) > 1e100 then
    return null;
  end if;
  return said;
exception
  when invalid_text_representation or untranslatable_character then
    return null;
end
$$;

comment on function beacon.judgement_of(text) is
  'The JSON object in the answer of a judge, with its score as a number; null where it has none.';

create function beacon.score_judged(of_job text) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  scored integer;
begin
  if not exists (select from beacon.judgements j where j.job_id = of_job) then
    return 0;
  end if;
  with k as (
    select j.execution, j.name, (v.said ->> 'score')::double precision as value, left(v.said ->> 'label', 200) as label,
      left(coalesce(v.said ->> 'why', v.said ->> 'explanation', v.said ->> 'reason'), 10000) as why,
      left('judge:' || coalesce(c.response_model, c.model_id), 200) as source, c.trace_id
    from beacon.execution_cells(of_job, true) c
    join beacon.judgements j on j.job_id = of_job and j.question_id = c.question_id
    cross join lateral (select beacon.judgement_of(c.answer) as said) v
    where c.validity = 'answered' and v.said is not null
  ), changed as (
    select k.* from k
    where not exists (select from beacon.scores s where (s.execution_id = beacon.execution_number(k.execution)
        or s.execution_key = beacon.execution_key(k.execution)) and s.name = k.name and s.source = k.source and s.value = k.value
      and s.judge_trace is not distinct from k.trace_id)
  )
  select count(beacon.score(c.execution, c.name, c.value, c.source, c.label, c.why, c.trace_id)::text) into scored from changed c;
  return scored;
end
$$;

comment on function beacon.score_judged(text) is
  'Makes scores of the answers of a job that judges another: source judge: and the model, judge_trace the trace in which it judged. An '
  'answer without {"score": ...} makes none. Returns how many are new or changed.';

create function beacon.score_recent_jobs() returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  of_job text;
  scored integer := 0;
begin
  for of_job in
    select x.job_id from (select e.job_id from beacon.expected_answers e union select j.job_id from beacon.judgements j) x
    where exists (select from beacon.answers a where a.job_id = x.job_id and a.status = 'completed'
      and a.finished_at > beacon.clock() - interval '10 minutes')
    order by 1 limit 20
  loop
    scored := scored + beacon.score_job(of_job) + beacon.score_judged(of_job);
  end loop;
  return scored;
end
$$;

comment on function beacon.score_recent_jobs() is
  'Scores, by their expected answers or as judgements, the jobs in which something was answered in the last ten minutes; maintain calls '
  'it.';
