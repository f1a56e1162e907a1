create function beacon.job_answers(of_job text, of_sort text default 'disagreement', only_those text default 'all',
  of_question text default null, at_most integer default 50) returns table (
  question_id text, question text, model_id text, cells bigint, answered bigint, kinds bigint, agreement double precision,
  refused bigint, failed bigint, languages text[], groups jsonb, others jsonb, differs boolean)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  traces uuid[] := beacon.unsettled_traces(of_job);
  open text[] := beacon.open_executions(of_job, true, traces);
  texts_since timestamptz := beacon.kept_since();
begin
  return query
  with o as materialized (
    select x.*, coalesce(x.execution_key, x.execution_id::text) as execution from beacon.open_cells(of_job, true, traces, open) x
    where of_question is null or x.question_id = of_question
  ), c as materialized (
    -- Without their answers: those are read of the questions that are shown. A hash join needs =, which a null never is.
    select coalesce(x.question_id, '') as asked, coalesce(x.model_id, '') as model, x.question_id, x.model_id,
      case when x.started_at >= texts_since then x.question collate "C" end as question, x.validity, x.answer_group, x.language
    from beacon.settled_cells x
    where x.job_id = of_job and (of_question is null or x.question_id = of_question)
      and (open = '{}' or not exists (select from unnest(open) e (e) where e.e = x.execution))
    union all
    select coalesce(o.question_id, ''), coalesce(o.model_id, ''), o.question_id, o.model_id, o.question, o.validity, o.answer_group,
      o.language
    from o
  ), kinds as materialized (
    select c.asked, c.model, c.question_id, c.model_id, c.validity, c.language, c.answer_group, min(c.question) as question,
      count(*) as n
    from c group by 1, 2, 3, 4, 5, 6, 7
  ), g as materialized (
    select c.asked, c.model, c.answer_group, sum(c.n)::bigint as n from kinds c
    where c.validity = 'answered' and c.answer_group is not null group by c.asked, c.model, c.answer_group
  ), q as materialized (
    select c.asked, c.model, min(c.question_id) as question_id, min(c.model_id) as model_id,
      min(c.question) collate "default" as question, sum(c.n)::bigint as cells,
      coalesce(sum(c.n) filter (where c.validity = 'answered'), 0)::bigint as answered,
      coalesce(sum(c.n) filter (where c.validity = 'refused'), 0)::bigint as refused,
      coalesce(sum(c.n) filter (where c.validity in ('infrastructure', 'empty', 'truncated', 'flaky')), 0)::bigint as failed,
      coalesce(array_agg(distinct c.language) filter (where c.language is not null), '{}') as languages
    from kinds c group by c.asked, c.model
  ), judged as (
    select q.*, coalesce(k.kinds, 0) as kinds, case when k.of_all > 1 then k.top::double precision / k.of_all end as agreement,
      -- That one region refuses what another answers is a difference too; that it failed is none.
      coalesce(k.kinds, 0) + (q.refused > 0)::integer > 1 as differs
    from q
    left join (select g.asked, g.model, count(*) as kinds, max(g.n) as top, sum(g.n) as of_all from g
      group by g.asked, g.model) k on k.asked = q.asked and k.model = q.model
  ), picked as materialized (
    select j.*, row_number() over (order by
      case when of_sort = 'disagreement' then case when j.differs then 0 else 1 end end,
      case when of_sort = 'disagreement' then coalesce(j.agreement, 1) end, j.question, j.question_id, j.model_id) as nth
    from judged j
    where case only_those when 'differing' then j.differs when 'refused' then j.refused > 0 when 'failed' then j.failed > 0 else true end
    order by nth limit at_most
  ), shown as materialized (
    select p.nth, c.answer_group, c.validity, c.region, c.execution, c.trace_id, c.language, c.reason, c.attempts, c.first_validity,
      c.served_region, case when c.started_at >= texts_since then left(c.answer, 4000) end as answer, c.answer_chars, c.latency_ms
    from picked p
    join beacon.settled_cells c on coalesce(c.question_id, '') = p.asked and coalesce(c.model_id, '') = p.model
    where c.job_id = of_job and (open = '{}' or not exists (select from unnest(open) e (e) where e.e = c.execution))
    union all
    select p.nth, o.answer_group, o.validity, o.region, o.execution, o.trace_id, o.language, o.reason, o.attempts, o.first_validity,
      o.served_region, left(o.answer, 4000), o.answer_chars, o.latency_ms
    from picked p
    join o on coalesce(o.question_id, '') = p.asked and coalesce(o.model_id, '') = p.model
  ), said as (
    select s.nth, jsonb_agg(jsonb_build_object('answer', s.answer, 'chars', s.chars, 'n', s.n, 'language', s.language, 'cells', s.cells)
      order by s.n desc, s.answer) as groups
    from (
      select x.nth, x.answer_group, min(x.answer) as answer, max(x.answer_chars) as chars, count(*) as n, min(x.language) as language,
        jsonb_agg(jsonb_build_object('region', x.region, 'execution_id', x.execution, 'trace_id', x.trace_id, 'attempts', x.attempts,
          'first_validity', x.first_validity, 'served_region', x.served_region, 'served_elsewhere',
          case when beacon.same_region(x.region, x.served_region) = false then x.served_region end,
          'answer', x.answer, 'latency_ms', x.latency_ms)
          order by x.region, x.execution) as cells
      from shown x where x.validity = 'answered' and x.answer_group is not null group by x.nth, x.answer_group) s
    group by s.nth
  ), unsaid as (
    select x.nth, jsonb_agg(jsonb_build_object('region', x.region, 'execution_id', x.execution, 'trace_id', x.trace_id, 'validity',
      x.validity, 'reason', x.reason, 'answer', x.answer, 'language', x.language, 'attempts', x.attempts, 'first_validity',
      x.first_validity) order by x.region, x.execution) as others
    from shown x where x.validity <> 'answered' or x.answer_group is null group by x.nth
  )
  select p.question_id, p.question, p.model_id, p.cells, p.answered, p.kinds, p.agreement, p.refused, p.failed, p.languages,
    coalesce(s.groups, '[]'), coalesce(u.others, '[]'), p.differs
  from picked p
  left join said s on s.nth = p.nth
  left join unsaid u on u.nth = p.nth
  order by p.nth;
end
$$;

comment on function beacon.job_answers(text, text, text, text, integer) is
  'What a job was answered, a row for each question and model: the answers of all regions grouped by what they say (answer_group), the '
  'largest group first, and beside them the cells without an answer and why. agreement is the share of the largest group among the '
  'answered cells, null for fewer than two. Sorted by disagreement or by question; only all, differing, refused or failed.';

create function beacon.execution_answers(of_execution text) returns table (
  execution_id text, attempt integer, trace_id uuid, job_id text, model_id text, region text, served_region text, question_id text,
  question text, validity text, reason text, answer text, answer_chars integer, answer_group text, language text, finish_reason text,
  provider text, response_model text, system_fingerprint text, quantisation text, simulated boolean, input_tokens bigint,
  output_tokens bigint, cached_tokens bigint, reasoning_tokens bigint, latency_ms double precision, first_chunk_ms double precision,
  chunks_per_s double precision, error_type text, error_message text, started_at timestamptz, finished_at timestamptz,
  same_region boolean, same_model boolean)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  missing uuid[];
  r beacon.trace_records;
  q record;
  asked text;
  said text;
  keeps timestamptz := beacon.clock() - beacon.setting('answer_retention_days', beacon.setting('retention_days', '30'))::integer
    * interval '1 day';
begin
  missing := array(select t.trace_id from beacon.execution_traces(of_execution) t
    where not exists (select from beacon.answers a where a.execution_id = beacon.execution_number(of_execution) and a.source = 'runner')
      and not exists (select from beacon.answers a where a.execution_key = beacon.execution_key(of_execution) and a.source = 'runner')
      and not exists (select from beacon.answers a where a.trace_id = t.trace_id) limit 50);
  -- The business table may have what the spans do not tell.
  for r in select x.* from beacon.readable_records() x loop
    begin
      execute format('select q.question, q.output from (%s where e.%I::text = $1) q', replace(beacon.record_source(r, false),
        ' as execution,', format(' as execution, %s as output,', beacon.record_column(r.relation, r.output_column, 'text'))), r.id_column)
        into q using of_execution;
      if q.question is not null or q.output is not null then
        asked := q.question;
        said := beacon.output_answer(q.output);
      end if;
    exception when invalid_text_representation or numeric_value_out_of_range then
      null;
    end;
  end loop;
  return query
  select of_execution, a.attempt, a.trace_id, a.job_id, a.model_id, a.region, a.served_region,
    coalesce(a.question_id, beacon.question_id(asked)), case when a.started_at >= keeps then coalesce(a.question, asked) end, v.validity,
    case v.validity when 'refused' then coalesce(u.name, a.finish_reason, a.error_type) when 'truncated' then a.finish_reason
      when 'infrastructure' then coalesce(a.verdict, a.error_type, u.name) when 'empty' then coalesce(a.error_type, a.finish_reason) end,
    case when a.started_at >= keeps then coalesce(a.answer, o.answer) end, coalesce(a.answer_chars, length(btrim(o.answer))),
    coalesce(a.answer_group, beacon.answer_group(o.answer))::text, coalesce(a.language, beacon.answer_language(o.answer)),
    a.finish_reason, a.provider, a.response_model, a.system_fingerprint, a.quantisation,
    a.simulated, a.input_tokens, a.output_tokens, a.cached_tokens, a.reasoning_tokens, a.latency_ms, a.first_chunk_ms, a.chunks_per_s,
    a.error_type, a.error_message, a.started_at, a.finished_at, beacon.same_region(a.region, a.served_region),
    beacon.same_model(a.model_id, a.response_model)
  from (
    select x.* from beacon.answers x
    where x.execution_id = beacon.execution_number(of_execution) or x.execution_key = beacon.execution_key(of_execution)
    union all
    select s.* from beacon.answers_of_traces(missing) s
    where coalesce(s.execution_key, s.execution_id::text) = of_execution) a
  cross join lateral (select case when a.answer_group is null and a.status = 'completed' then said end as answer) o
  left join beacon.answer_rules u on u.name = coalesce(a.rule, beacon.answer_rule(o.answer))
  cross join lateral (select beacon.cell_validity(a.status, coalesce(a.answer_chars, length(btrim(o.answer))), a.output_tokens,
    a.finish_reason, u.validity, a.error_type) as validity) v
  order by a.attempt, a.started_at;
end
$$;

comment on function beacon.execution_answers(text) is
  'Every attempt of an execution: what was asked and answered, what the attempt is worth and why, and what served it; same_region and '
  'same_model say whether that was what was asked for, null where it is not known.';

create function beacon.judged_cells(of_job text) returns table (
  execution text, trace_id uuid, validity text, reason text, attempts integer, served_region text, agrees boolean)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  traces uuid[] := beacon.unsettled_traces(of_job);
  open text[] := beacon.open_executions(of_job, false, traces);
begin
  return query
  with c as materialized (
    select x.execution, x.trace_id, x.validity, x.reason, x.attempts, x.served_region, x.question_id, x.model_id,
      case when x.validity = 'answered' then x.answer_group end as answer_group
    from beacon.settled_cells x
    where x.job_id = of_job and (open = '{}' or not exists (select from unnest(open) o (e) where o.e = x.execution))
    union all
    select coalesce(x.execution_key, x.execution_id::text), x.trace_id, x.validity, x.reason, x.attempts, x.served_region,
      x.question_id, x.model_id, case when x.validity = 'answered' then x.answer_group end
    from beacon.open_cells(of_job, false, traces, open) x
  ), counted as (
    select coalesce(c.question_id, '') as question_id, coalesce(c.model_id, '') as model_id, c.answer_group, count(*) as n from c
    where c.answer_group is not null group by 1, 2, 3
  ), majority as (
    select g.question_id, g.model_id, max(g.answer_group) filter (where g.n = g.top) as answer_group
    from (select x.*, max(x.n) over w as top, sum(x.n) over w as of_all from counted x
      window w as (partition by x.question_id, x.model_id)) g
    where g.of_all > 1
    group by g.question_id, g.model_id having count(*) filter (where g.n = g.top) = 1
  )
  select c.execution, c.trace_id, c.validity, c.reason, c.attempts, c.served_region, c.answer_group = m.answer_group
  from c left join majority m on m.question_id = coalesce(c.question_id, '') and m.model_id = coalesce(c.model_id, '');
end
$$;

comment on function beacon.judged_cells(text) is
  'The cells of a job without their texts: validity, reason, attempts, where they ran, and whether they say what most regions say (null '
  'where nothing can be compared, or no answer is the commonest).';
