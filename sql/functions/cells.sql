create function beacon.job_records(of_job text) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  r beacon.trace_records;
  branches text[] := '{}';
begin
  for r in select x.* from beacon.readable_records('{job_column}') x where x.job_column is not null loop
    begin
      execute format('select from (select 1) k where %s', replace(beacon.record_job_condition(r, '$1'),
        format('e.%I', r.job_column), format('(null::%s)', (select format_type(a.atttypid, a.atttypmod) from pg_attribute a
          where a.attrelid = to_regclass(r.relation) and a.attname = r.job_column)))) using array[of_job];
    exception when invalid_text_representation or numeric_value_out_of_range then
      -- This table's jobs have numbers, or ids of another form: it cannot have this one.
      continue;
    end;
    branches := branches || format(
      'select q.execution, q.job_id, q.model_id, q.region, q.question, q.status, q.error_type, q.tokens_in, q.tokens_out, q.latency_ms,
         q.created_at, q.finished_at, q.output from (%s where %s) q',
      replace(beacon.record_source(r, false), ' as execution,', format(' as execution, %s as output,',
        beacon.record_column(r.relation, r.output_column, 'text'))), beacon.record_job_condition(r, '$1'));
  end loop;
  return array_to_string(branches, ' union all ');
end
$$;

comment on function beacon.job_records(text) is
  'A select of the rows that the registered business tables have of a job ($1: an array with its id), with their outputs; empty where none '
  'can have it.';

create function beacon.kept_since() returns timestamptz
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return beacon.clock() - beacon.setting('answer_retention_days', beacon.setting('retention_days', '30'))::integer * interval '1 day';
end
$$;

comment on function beacon.kept_since() is 'Texts of answers before this are not shown: answer_retention_days.';

create function beacon.unsettled_traces(of_job text) returns uuid[]
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
begin
  -- Traces that have not come to rest have no rows in answers yet: the newest of them are read as they are.
  return array(
    with t as materialized (
      select x.trace_id, x.execution_id, x.execution_key, x.started_at
      from beacon.traces x
      left join (select a.trace_id from beacon.answers a where a.job_id = of_job) k on k.trace_id = x.trace_id
      where x.job_id = of_job and k.trace_id is null
    )
    select t.trace_id from t
    where not exists (select from beacon.answers a where a.trace_id = t.trace_id)
      and not exists (select from beacon.answers a where a.execution_id = t.execution_id and a.source = 'runner')
      and not exists (select from beacon.answers a where a.execution_key = t.execution_key and a.source = 'runner')
    order by t.started_at desc limit 500);
end
$$;

comment on function beacon.unsettled_traces(text) is
  'Traces of a job whose answers are not in the table answers yet, the newest 500: execution_attempts reads their spans.';

create function beacon.open_executions(of_job text, with_texts boolean, of_traces uuid[]) returns text[]
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
declare
  -- Asked for here, never taken as a parameter: what runs is made of registered names alone.
  records text := beacon.job_records(of_job);
  open text[];
  cells bigint;
  hashes numeric;
  as_recorded boolean := true;
  more text[] := '{}';
begin
  select count(*) filter (where a.counts), sum(hashtextextended(a.execution, 0)) filter (where a.counts),
    coalesce(array_agg(distinct a.execution) filter (where a.lacks), '{}')
    into cells, hashes, open
  from (
    select coalesce(x.execution_key, x.execution_id::text) as execution, x.cell_validity is not null as counts,
      x.validity is null or records <> '' and (x.model_id is null or x.region is null or x.question_id is null
        or with_texts and x.question is null and x.started_at >= beacon.kept_since()
        or x.status = 'completed' and (x.answer_group is null and x.answer_chars is null
          or x.source = 'spans' and (x.input_tokens is null or x.output_tokens is null))) as lacks
    from beacon.answers x where x.job_id = of_job) a;
  if records <> '' then
    -- As many rows of the same executions, by the sum of 64-bit hashes, and none of them open: the rule, at half the price of a join.
    execute format('select count(*) = $2 and coalesce(sum(hashtextextended(e.execution, 0)) = $3, $2 = 0)
      and not coalesce(bool_or(e.status in (''pending'', ''running'', ''cancelled'')), false) from (%s) e', records)
      into as_recorded using array[of_job], cells, hashes;
  end if;
  if not as_recorded then
    execute format(
      'select array_agg(e.execution) from (%s) e
       left join (select coalesce(x.execution_key, x.execution_id::text) as execution, x.cell_validity from beacon.answers x
         where x.job_id = $2 and x.cell_validity is not null) a on a.execution = e.execution
       where a.execution is null
         or a.cell_validity <> ''answered'' and e.status in (''pending'', ''running'', ''cancelled'')', records)
      into more using array[of_job], of_job;
  end if;
  if more <> '{}' or of_traces <> '{}' then
    open := array(select distinct k.execution from (select unnest(open || more) as execution union all
      select coalesce(t.execution_key, t.execution_id::text) from beacon.traces t where t.trace_id = any (of_traces)) k
      where k.execution is not null);
  end if;
  return array_remove(open, null);
end
$$;

comment on function beacon.open_executions(text, boolean, uuid[]) is
  'Executions of a job of which the table answers does not have the last word: not settled, not written yet, running again, or with '
  'columns that only the business table has. The others are read as they are stored.';

create function beacon.open_attempts(of_job text, with_texts boolean, of_traces uuid[], executions text[]) returns table (
  job_id text, execution_id bigint, trace_id uuid, attempt integer, model_id text, region text, served_region text, question_id text,
  question text, validity text, reason text, answer text, answer_chars integer, answer_group bigint, language text, status text,
  finish_reason text, provider text, response_model text, system_fingerprint text, quantisation text, simulated boolean,
  input_tokens bigint, output_tokens bigint, cached_tokens bigint, reasoning_tokens bigint, latency_ms double precision,
  first_chunk_ms double precision, chunks_per_s double precision, error_type text, error_message text, verdict text,
  recorded_status text, started_at timestamptz, finished_at timestamptz, execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  -- An execution that a trace that is not at rest belongs to may have no key at all.
  traced boolean := cardinality(of_traces) > 0;
  records text := beacon.job_records(of_job);
begin
  if executions = '{}' and not traced then
    return;
  end if;
  return query execute format(
    'with e as materialized (select * from (%s) q where q.execution = any ($6)),
     a as materialized (
       select q.*, coalesce(q.execution_key, q.execution_id::text) as execution from (
         select * from beacon.answers a where a.job_id = $2 and coalesce(a.execution_key, a.execution_id::text) = any ($6)
         %s) q),
     asked as materialized (
       select q.question, beacon.question_id(q.question) as question_id from (select distinct e.question from e) q),
     l as (
       select a.execution_id, a.execution_key, a.trace_id, a.attempt,
         coalesce(a.model_id, e.model_id) as model_id, coalesce(a.region, e.region) as region,
         coalesce(a.question_id, w.question_id) as question_id, coalesce(a.question, e.question) as question, a.status,
         coalesce(a.answer, o.answer) as answer, coalesce(a.answer_chars, length(btrim(o.answer))) as answer_chars, a.answer_group,
         coalesce(a.language, case when o.answer <> '''' then beacon.answer_language(o.answer) end) as language,
         coalesce(a.rule, case when o.answer <> '''' then beacon.answer_rule(o.answer) end) as rule,
         a.finish_reason, a.served_region, a.provider, a.response_model, a.system_fingerprint,
         a.quantisation, a.simulated, coalesce(a.input_tokens, e.tokens_in) as input_tokens,
         coalesce(a.output_tokens, e.tokens_out) as output_tokens, a.cached_tokens, a.reasoning_tokens, a.latency_ms, a.first_chunk_ms,
         a.chunks_per_s, a.error_type, a.error_message, a.verdict, e.status as recorded, a.started_at, a.finished_at
       from a left join e on e.execution = a.execution
       left join asked w on w.question = e.question
       -- Spans without contents leave the answer to the business table.
       cross join lateral (select case when a.answer_group is null and a.status = ''completed'' and e.status = ''completed''
         then beacon.output_answer(e.output) end as answer) o
       union all
       select beacon.execution_number(e.execution), beacon.execution_key(e.execution), t.trace_id, 1,
         e.model_id, e.region, w.question_id, e.question, e.status, o.answer, length(btrim(o.answer)), null,
         case when o.answer <> '''' then beacon.answer_language(o.answer) end,
         case when o.answer <> '''' then beacon.answer_rule(o.answer) end,
         null, null, null, null, null, null, false, e.tokens_in, e.tokens_out, null, null, e.latency_ms, null, null, e.error_type, null,
         null, e.status, e.created_at, e.finished_at
       from e
       left join asked w on w.question = e.question
       cross join lateral (select case when e.status = ''completed'' then beacon.output_answer(e.output) end as answer) o
       left join lateral (select x.trace_id from beacon.trace_executions x
         where x.execution_id = beacon.execution_number(e.execution) or x.execution_key = beacon.execution_key(e.execution)
         order by x.started_at desc limit 1) t on e.status <> ''pending''
       where not exists (select from a where a.execution = e.execution))
     select $2, l.execution_id, l.trace_id, l.attempt, l.model_id, l.region, l.served_region, l.question_id,
       case when $4 and l.started_at >= $5 then l.question end,
       v.validity, beacon.attempt_reason(v.validity, l.rule, l.finish_reason, l.verdict, l.error_type),
       case when $4 and l.started_at >= $5 then l.answer end, l.answer_chars,
       coalesce(l.answer_group, case when l.answer <> '''' then beacon.answer_group(l.answer) end), l.language, l.status, l.finish_reason,
       l.provider, l.response_model, l.system_fingerprint, l.quantisation, l.simulated, l.input_tokens, l.output_tokens, l.cached_tokens,
       l.reasoning_tokens, l.latency_ms, l.first_chunk_ms, l.chunks_per_s, l.error_type, l.error_message, l.verdict, l.recorded,
       l.started_at, l.finished_at, l.execution_key
     from l
     left join beacon.answer_rules u on u.name = l.rule
     cross join lateral (select beacon.cell_validity(l.status, l.answer_chars, l.output_tokens, l.finish_reason, u.validity, l.error_type)
       as validity) v',
    case when records <> '' then records else 'select null::text as execution, null::text as job_id, null::text as model_id,
      null::text as region, null::text as question, null::text as status, null::text as error_type, null::bigint as tokens_in,
      null::bigint as tokens_out, null::double precision as latency_ms, null::timestamptz as created_at,
      null::timestamptz as finished_at, null::text as output where false' end,
    case when traced then 'union all
         select s.* from beacon.answers_of_traces($3) s where s.job_id = $2
           and not exists (select from beacon.answers x where (x.execution_id = s.execution_id or x.execution_key = s.execution_key)
             and x.attempt = s.attempt)' else '' end)
  using array[of_job], of_job, of_traces, with_texts, beacon.kept_since(), executions;
end
$$;

comment on function beacon.open_attempts(text, boolean, uuid[], text[]) is
  'The attempts of executions that open_executions names, from answers, business tables and, where a trace has not come to rest, its '
  'spans, judged as they are read; columns as in execution_attempts.';

create function beacon.execution_attempts(of_job text, with_texts boolean default true) returns table (
  job_id text, execution_id bigint, trace_id uuid, attempt integer, model_id text, region text, served_region text, question_id text,
  question text, validity text, reason text, answer text, answer_chars integer, answer_group bigint, language text, status text,
  finish_reason text, provider text, response_model text, system_fingerprint text, quantisation text, simulated boolean,
  input_tokens bigint, output_tokens bigint, cached_tokens bigint, reasoning_tokens bigint, latency_ms double precision,
  first_chunk_ms double precision, chunks_per_s double precision, error_type text, error_message text, verdict text,
  recorded_status text, started_at timestamptz, finished_at timestamptz, execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  traces uuid[] := beacon.unsettled_traces(of_job);
  open text[] := beacon.open_executions(of_job, with_texts, traces);
  texts_since timestamptz := case when with_texts then beacon.kept_since() else 'infinity' end;
begin
  return query
  select a.job_id, a.execution_id, a.trace_id, a.attempt, a.model_id, a.region, a.served_region, a.question_id,
    case when a.started_at >= texts_since then a.question end, a.validity, a.reason,
    case when a.started_at >= texts_since then a.answer end, a.answer_chars, a.answer_group, a.language, a.status, a.finish_reason,
    a.provider, a.response_model, a.system_fingerprint, a.quantisation, a.simulated, a.input_tokens, a.output_tokens, a.cached_tokens,
    a.reasoning_tokens, a.latency_ms, a.first_chunk_ms, a.chunks_per_s, a.error_type, a.error_message, a.verdict, null::text,
    a.started_at, a.finished_at, a.execution_key
  from beacon.answers a
  where a.job_id = of_job and a.validity is not null
    and (open = '{}' or not exists (select from unnest(open) o (e) where o.e = coalesce(a.execution_key, a.execution_id::text)));
  return query select * from beacon.open_attempts(of_job, with_texts, traces, open);
end
$$;

comment on function beacon.execution_attempts(text, boolean) is
  'Every attempt of the executions of a job, from answers, from registered business tables and, where a trace has not come to rest, from '
  'its spans. validity is of the attempt (cell_validity), reason the rule, finish reason, root cause or code that decided it, '
  'recorded_status what the business table says where it was asked. Texts older than answer_retention_days are null; without texts it is '
  'faster.';

create function beacon.open_cells(of_job text, with_texts boolean, of_traces uuid[], executions text[]) returns table (
  job_id text, execution_id bigint, trace_id uuid, attempt integer, attempts integer, model_id text, region text, served_region text,
  question_id text, question text, validity text, first_validity text, reason text, answer text, first_answer text, answer_chars integer,
  answer_group bigint, first_group bigint, language text, status text, finish_reason text, provider text, response_model text,
  system_fingerprint text, quantisation text, simulated boolean, input_tokens bigint, output_tokens bigint, cached_tokens bigint,
  reasoning_tokens bigint, latency_ms double precision, first_chunk_ms double precision, chunks_per_s double precision, error_type text,
  error_message text, verdict text, started_at timestamptz, finished_at timestamptz, cost numeric, execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
begin
  if executions = '{}' and of_traces = '{}' then
    return;
  end if;
  return query
  with a as materialized (
    select q.*, coalesce(q.execution_key, q.execution_id::text) as execution
    from beacon.open_attempts(of_job, with_texts, of_traces, executions) q
  ), several as (
    select a.execution, count(*)::integer as attempts,
      -- Attempts disagree where models said different things; one without an answer says nothing.
      count(distinct (a.validity, a.answer_group)) filter (where a.validity in ('answered', 'refused', 'truncated')) > 1
        as disagree
    -- Most have one attempt: those are not grouped at all.
    from a where a.execution in (select m.execution from a m where m.attempt > 1) group by a.execution having count(*) > 1
  ), of_several as (
    select distinct on (a.execution) a.*, s.attempts, s.disagree,
      first_value(a.validity) over w as first_validity, first_value(a.answer) over w as first_answer,
      first_value(a.answer_group) over w as first_group
    from a join several s on s.execution = a.execution
    window w as (partition by a.execution order by a.attempt)
    -- The first that is an answer counts, else the last.
    order by a.execution, a.validity = 'answered' desc, case when a.validity = 'answered' then a.attempt else -a.attempt end
  ), cells as (
    select o.* from of_several o
    union all
    select a.*, 1, false, a.validity, a.answer, a.answer_group from a
    where not exists (select from several s where s.execution = a.execution)
  ), priced as materialized (
    select k.*, p as price
    from (select distinct c.model_id, c.response_model, c.provider, coalesce(c.served_region, c.region) as place,
        (c.started_at at time zone 'UTC')::date as day from cells c where exists (select from beacon.prices)) k
    cross join lateral beacon.price_of(k.model_id, k.response_model, k.provider, k.place, k.day::timestamp at time zone 'UTC') p
  )
  select c.job_id, c.execution_id, c.trace_id, c.attempt, c.attempts, c.model_id, c.region, c.served_region, c.question_id, c.question,
    case when c.disagree then 'flaky'
      when c.validity <> 'answered' and c.recorded_status in ('pending', 'running') then 'pending'
      when c.validity <> 'answered' and c.recorded_status = 'cancelled' then 'cancelled'
      else c.validity end,
    c.first_validity, c.reason, c.answer, c.first_answer, c.answer_chars, c.answer_group, c.first_group, c.language, c.status,
    c.finish_reason, c.provider, c.response_model, c.system_fingerprint, c.quantisation, c.simulated, c.input_tokens, c.output_tokens,
    c.cached_tokens, c.reasoning_tokens, c.latency_ms, c.first_chunk_ms, c.chunks_per_s, c.error_type, c.error_message, c.verdict,
    c.started_at, c.finished_at, case when k.day is not null then
      beacon.token_cost(c.input_tokens, c.output_tokens, c.cached_tokens, c.reasoning_tokens, k.price) end, c.execution_key
  from cells c
  left join priced k on coalesce(k.model_id, '') = coalesce(c.model_id, '')
    and coalesce(k.response_model, '') = coalesce(c.response_model, '') and coalesce(k.provider, '') = coalesce(c.provider, '')
    and coalesce(k.place, '') = coalesce(c.served_region, c.region, '') and k.day = (c.started_at at time zone 'UTC')::date;
end
$$;

comment on function beacon.open_cells(text, boolean, uuid[], text[]) is
  'The cells of executions that open_executions names, from their open_attempts; columns as in execution_cells.';

create function beacon.execution_cells(of_job text, with_texts boolean default true) returns table (
  job_id text, execution_id bigint, trace_id uuid, attempt integer, attempts integer, model_id text, region text, served_region text,
  question_id text, question text, validity text, first_validity text, reason text, answer text, first_answer text, answer_chars integer,
  answer_group bigint, first_group bigint, language text, status text, finish_reason text, provider text, response_model text,
  system_fingerprint text, quantisation text, simulated boolean, input_tokens bigint, output_tokens bigint, cached_tokens bigint,
  reasoning_tokens bigint, latency_ms double precision, first_chunk_ms double precision, chunks_per_s double precision, error_type text,
  error_message text, verdict text, started_at timestamptz, finished_at timestamptz, cost numeric, execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  traces uuid[] := beacon.unsettled_traces(of_job);
  open text[] := beacon.open_executions(of_job, with_texts, traces);
  texts_since timestamptz := case when with_texts then beacon.kept_since() else 'infinity' end;
  priced boolean := exists (select from beacon.prices);
begin
  return query
  with priced as materialized (
    select k.*, p as price
    from (select distinct c.model_id, c.response_model, c.provider, coalesce(c.served_region, c.region) as place,
        (c.started_at at time zone 'UTC')::date as day from beacon.answers c where priced and c.job_id = of_job) k
    cross join lateral beacon.price_of(k.model_id, k.response_model, k.provider, k.place, k.day::timestamp at time zone 'UTC') p
  )
  select a.job_id, a.execution_id, a.trace_id, a.attempt, a.attempts, a.model_id, a.region, a.served_region, a.question_id,
    case when a.started_at >= texts_since then a.question end, a.cell_validity, a.first_validity, a.reason,
    case when a.started_at >= texts_since then a.answer end,
    case when a.started_at >= texts_since then case when a.attempts = 1 then a.answer else (select f.answer from beacon.answers f
      where f.execution_id = a.execution_id or f.execution_key = a.execution_key order by f.attempt limit 1) end end,
    a.answer_chars, a.answer_group, a.first_group, a.language, a.status, a.finish_reason, a.provider, a.response_model,
    a.system_fingerprint, a.quantisation, a.simulated, a.input_tokens, a.output_tokens, a.cached_tokens, a.reasoning_tokens,
    a.latency_ms, a.first_chunk_ms, a.chunks_per_s, a.error_type, a.error_message, a.verdict, a.started_at, a.finished_at,
    case when k.day is not null then
      beacon.token_cost(a.input_tokens, a.output_tokens, a.cached_tokens, a.reasoning_tokens, k.price) end, a.execution_key
  from beacon.answers a
  left join priced k on priced and coalesce(k.model_id, '') = coalesce(a.model_id, '')
    and coalesce(k.response_model, '') = coalesce(a.response_model, '') and coalesce(k.provider, '') = coalesce(a.provider, '')
    and coalesce(k.place, '') = coalesce(a.served_region, a.region, '') and k.day = (a.started_at at time zone 'UTC')::date
  where a.job_id = of_job and a.cell_validity is not null and a.validity is not null
    and (open = '{}' or not exists (select from unnest(open) o (e) where o.e = coalesce(a.execution_key, a.execution_id::text)));
  return query select * from beacon.open_cells(of_job, with_texts, traces, open);
end
$$;

comment on function beacon.execution_cells(text, boolean) is
  'The cells of a job, model x region x question: one row an execution. validity is answered, refused, truncated, empty, infrastructure, '
  'cancelled, pending, or flaky where its attempts disagree; means and comparisons take answered cells only. The columns are those of the '
  'attempt that counts, the first that is an answer, else the last, and so is cost; first_validity, first_answer and first_group are of '
  'the first try.';

create function beacon.output_answer(output text) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  parsed jsonb;
  key text;
begin
  if output is null or left(ltrim(output), 1) not in ('{', '"') then
    return output;
  end if;
  begin
    parsed := output::jsonb;
  exception when invalid_text_representation or untranslatable_character then
    return output;
  end;
  if jsonb_typeof(parsed) = 'string' then
    return parsed #>> '{}';
  end if;
  foreach key in array array['answer', 'output', 'content', 'text', 'result', 'response'] loop
    if parsed ? key then
      return coalesce(parsed ->> key, '');
    end if;
  end loop;
  return case when parsed = '{}' then '' else output end;
end
$$;

comment on function beacon.output_answer(text) is
  'The answer in the output column of a business table: the text itself, or the member answer (output, content, text, result, response) of '
  'its JSON.';
