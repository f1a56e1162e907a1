create function beacon.region_words(region text) returns text[]
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  said text := lower(region);
begin
  -- Clouds put the same words in another order, abbreviate them, or name the city.
  said := regexp_replace(said, 'virginia|ohio', 'useast');
  said := regexp_replace(said, 'oregon|california', 'uswest');
  said := regexp_replace(said, 'ireland|london|paris', 'euwest');
  said := regexp_replace(said, 'frankfurt', 'eucentral');
  said := regexp_replace(said, 'singapore', 'asiasoutheast');
  said := regexp_replace(said, 'tokyo|osaka|seoul', 'asianortheast');
  said := regexp_replace(said, 'mumbai', 'asiasouth');
  said := regexp_replace(regexp_replace(said, 'europe', 'eu', 'g'), '\m(ap|apac)\M', 'asia');
  return (select array_agg(distinct w.m[1] order by w.m[1])
    from regexp_matches(said, '(north|south|east|west|central|us|eu|asia|uk|canada|ca|sa|brazil|india|japan|australia|africa)', 'g') w (m));
end
$$;

comment on function beacon.region_words(text) is
  'The words in the name of a region that clouds share, sorted: {east,us} of us-east-1 and of East US 2; null where there are none.';

create function beacon.same_region(asked text, served text) returns boolean
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  a text := regexp_replace(lower(asked), '[^[:alnum:]]', '', 'g');
  s text := regexp_replace(lower(served), '[^[:alnum:]]', '', 'g');
  of_a text[];
  of_s text[];
begin
  if coalesce(a, '') = '' or coalesce(s, '') in ('', 'global', 'unknown', 'auto', 'any', 'local') or a in ('global', 'any', 'auto') then
    return null;
  end if;
  if starts_with(a, s) or starts_with(s, a) then
    return true;
  end if;
  of_a := beacon.region_words(asked);
  of_s := beacon.region_words(served);
  if of_a is null and of_s is null then
    return false;
  end if;
  if of_a is null or of_s is null then
    return null;
  end if;
  if not (of_a <@ of_s or of_s <@ of_a) then
    return false;
  end if;
  -- us-east-1 is not us-east-2; where one has no number, or another cloud named it, nothing contradicts.
  return not (a ~ '\d' and s ~ '\d' and regexp_replace(a, '\d+.*$', '') = regexp_replace(s, '\d+.*$', '')
    and substring(a from '\d+') <> substring(s from '\d+'));
end
$$;

comment on function beacon.same_region(text, text) is
  'Whether the region that served is the one asked for, as far as names tell: clouds write them differently, and a name without a number '
  'stands for any. Null where they cannot be compared.';

create function beacon.same_model(asked text, answering text) returns boolean
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  a text := regexp_replace(lower(asked), '^.*/|^((us|eu|apac|global)\.)?(anthropic|meta|amazon|mistral|cohere|ai21|deepseek)\.', '');
  b text := regexp_replace(lower(answering), '^.*/|^((us|eu|apac|global)\.)?(anthropic|meta|amazon|mistral|cohere|ai21|deepseek)\.', '');
  rest text;
begin
  if coalesce(a, '') = '' or coalesce(b, '') = '' then
    return null;
  end if;
  a := regexp_replace(a, '[^a-z0-9]+', '-', 'g');
  b := regexp_replace(b, '[^a-z0-9]+', '-', 'g');
  if a = b then
    return true;
  end if;
  -- gpt-4o and gpt-4o-2024-08-06, claude-x-latest and claude-x-20250219: an alias and its snapshot. gpt-4o-mini is another model.
  a := regexp_replace(a, '-(latest|preview|default|stable)$', '');
  b := regexp_replace(b, '-(latest|preview|default|stable)$', '');
  if starts_with(b, a) then
    rest := substr(b, length(a) + 1);
  elsif starts_with(a, b) then
    rest := substr(a, length(b) + 1);
  else
    return false;
  end if;
  return rest ~ ('^(-?v?\d{1,2})?(-\d{4}-?\d{2}(-?\d{2})?|-\d{2}-\d{2}(-\d{4})?|-\d{3,4}|-v\d+(-\d+)*|-\d{6,8})?'
    '(-(it|instruct|chat|turbo|hf|fp8|fp16|bf16|awq|gptq|gguf|q\d\w*|v\d+(-\d+)*))*$');
end
$$;

comment on function beacon.same_model(text, text) is
  'Whether the model that answered is the one asked for: the same name, or an alias and its dated snapshot, whatever stands before it. '
  'Null where one is not known.';

create function beacon.job_validity(of_job text) returns table (
  model_id text, region text, cells bigint, answered bigint, refused bigint, truncated bigint, empty bigint, infrastructure bigint,
  cancelled bigint, pending bigint, flaky bigint, first_answered bigint, compared bigint, agreed bigint, p50_ms double precision,
  first_chunk_p50_ms double precision, tokens_in bigint, tokens_out bigint, served_unknown bigint, served_elsewhere bigint,
  served_regions text[], drifted bigint, response_models text[], fingerprints text[], simulated bigint, why text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
begin
  return query
  with c as materialized (
    select x.model_id, x.region, x.question_id, x.validity, x.first_validity, x.answer_group, x.latency_ms, x.first_chunk_ms,
      x.input_tokens, x.output_tokens, x.served_region, x.response_model, x.system_fingerprint, x.simulated, x.reason
    from beacon.execution_cells(of_job, false) x
  ), groups as (
    select c.question_id, coalesce(c.model_id, '') as model_id, c.answer_group, count(*) as n from c
    where c.validity = 'answered' and c.answer_group is not null group by c.question_id, coalesce(c.model_id, ''), c.answer_group
  ), majority as (
    -- No majority where two groups are as large.
    select g.question_id, g.model_id, sum(g.n) as of_all, case when count(*) filter (where g.n = g.top) = 1
      then max(g.answer_group) filter (where g.n = g.top) end as answer_group
    from (select x.*, max(x.n) over (partition by x.question_id, x.model_id) as top from groups x) g
    group by g.question_id, g.model_id
  ), regions as (
    select k.region, k.served_region, beacon.same_region(k.region, k.served_region) as same
    from (select distinct c.region, c.served_region from c) k
  ), models as (
    select k.model_id, k.response_model, beacon.same_model(k.model_id, k.response_model) as same
    from (select distinct c.model_id, c.response_model from c) k
  )
  select c.model_id, c.region, count(*), count(*) filter (where c.validity = 'answered'), count(*) filter (where c.validity = 'refused'),
    count(*) filter (where c.validity = 'truncated'), count(*) filter (where c.validity = 'empty'),
    count(*) filter (where c.validity = 'infrastructure'), count(*) filter (where c.validity = 'cancelled'),
    count(*) filter (where c.validity = 'pending'), count(*) filter (where c.validity = 'flaky'),
    count(*) filter (where c.first_validity = 'answered'),
    count(*) filter (where c.validity = 'answered' and c.answer_group is not null and m.of_all > 1),
    count(*) filter (where c.validity = 'answered' and m.of_all > 1 and c.answer_group = m.answer_group),
    percentile_cont(0.5) within group (order by c.latency_ms) filter (where c.validity = 'answered'),
    percentile_cont(0.5) within group (order by c.first_chunk_ms) filter (where c.validity = 'answered'),
    sum(c.input_tokens)::bigint, sum(c.output_tokens)::bigint,
    count(*) filter (where c.served_region is null and c.validity not in ('pending', 'cancelled', 'infrastructure')),
    count(*) filter (where r.same = false), coalesce(array_agg(distinct c.served_region) filter (where c.served_region is not null), '{}'),
    count(*) filter (where d.same = false),
    coalesce(array_agg(distinct c.response_model) filter (where c.response_model is not null), '{}'),
    coalesce(array_agg(distinct c.system_fingerprint) filter (where c.system_fingerprint is not null), '{}'),
    count(*) filter (where c.simulated), mode() within group (order by c.reason) filter (where c.validity = 'infrastructure')
  from c
  left join majority m on m.question_id = c.question_id and m.model_id = coalesce(c.model_id, '')
  left join regions r on r.region = c.region and r.served_region = c.served_region
  left join models d on d.model_id = c.model_id and d.response_model = c.response_model
  group by c.model_id, c.region
  order by c.model_id, c.region;
end
$$;

comment on function beacon.job_validity(text) is
  'A job, a row for each model and region: cells by validity, after the first try and after all; of the answered ones that can be '
  'compared (compared) those that say what most regions say (agreed); latency of the answered; where they ran as far as it is known, '
  'and cells whose region or model was not the one asked for.';

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
begin
  return query
  with c as materialized (
    -- A hash join needs =, which a null never is.
    select x.*, coalesce(x.execution_key, x.execution_id::text) as execution, coalesce(x.question_id, '') as asked,
      coalesce(x.model_id, '') as model
    from beacon.execution_cells(of_job) x
    where of_question is null or x.question_id = of_question
  ), g as materialized (
    select c.asked, c.model, c.answer_group, count(*) as n from c
    where c.validity = 'answered' and c.answer_group is not null group by c.asked, c.model, c.answer_group
  ), q as materialized (
    select c.asked, c.model, min(c.question_id) as question_id, min(c.model_id) as model_id, min(c.question) as question,
      min(c.started_at) as started_at, count(*) as cells,
      count(*) filter (where c.validity = 'answered') as answered, count(*) filter (where c.validity = 'refused') as refused,
      count(*) filter (where c.validity in ('infrastructure', 'empty', 'truncated', 'flaky')) as failed,
      coalesce(array_agg(distinct c.language) filter (where c.language is not null), '{}') as languages
    from c group by c.asked, c.model
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
      c.served_region, left(c.answer, 4000) as answer, c.answer_chars, c.latency_ms
    from picked p
    join c on c.asked = p.asked and c.model = p.model
  ), said as (
    select s.nth, jsonb_agg(jsonb_build_object('answer', s.answer, 'chars', s.chars, 'n', s.n, 'language', s.language, 'cells', s.cells)
      order by s.n desc, s.answer) as groups
    from (
      select x.nth, x.answer_group, min(x.answer) as answer, max(x.answer_chars) as chars, count(*) as n, min(x.language) as language,
        jsonb_agg(jsonb_build_object('region', x.region, 'execution_id', x.execution, 'trace_id', x.trace_id, 'attempts', x.attempts,
          'first_validity', x.first_validity, 'served_region', x.served_region, 'answer', x.answer, 'latency_ms', x.latency_ms)
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
begin
  return query
  with c as materialized (
    select coalesce(x.execution_key, x.execution_id::text) as execution, x.trace_id, x.validity, x.reason, x.attempts, x.served_region,
      x.question_id, x.model_id, case when x.validity = 'answered' then x.answer_group end as answer_group
    from beacon.execution_cells(of_job, false) x
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
