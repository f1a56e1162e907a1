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
declare
  traces uuid[] := beacon.unsettled_traces(of_job);
  open text[] := beacon.open_executions(of_job, false, traces);
begin
  return query
  with c as materialized (
    select x.model_id, x.region, x.question_id, x.validity, x.first_validity, x.answer_group, x.latency_ms, x.first_chunk_ms,
      x.input_tokens, x.output_tokens, x.served_region, x.response_model, x.system_fingerprint, x.simulated, x.reason
    from beacon.settled_cells x
    where x.job_id = of_job and (open = '{}' or not exists (select from unnest(open) o (e) where o.e = x.execution))
    union all
    select x.model_id, x.region, x.question_id, x.validity, x.first_validity, x.answer_group, x.latency_ms, x.first_chunk_ms,
      x.input_tokens, x.output_tokens, x.served_region, x.response_model, x.system_fingerprint, x.simulated, x.reason
    from beacon.open_cells(of_job, false, traces, open) x
  ), groups as (
    select c.question_id, coalesce(c.model_id, '') as model_id, c.answer_group, count(*) as n from c
    where c.validity = 'answered' and c.answer_group is not null group by c.question_id, coalesce(c.model_id, ''), c.answer_group
  ), majority as (
    -- No majority where two groups are as large.
    select g.question_id, g.model_id, sum(g.n) as of_all, case when count(*) filter (where g.n = g.top) = 1
      then max(g.answer_group) filter (where g.n = g.top) end as answer_group
    from (select x.*, max(x.n) over (partition by x.question_id, x.model_id) as top from groups x) g
    group by g.question_id, g.model_id
  ), kinds as materialized (
    -- By hash, without a sort: most cells are like many others.
    select c.model_id, c.region, c.validity, c.first_validity = 'answered' as at_first, c.served_region, c.response_model,
      c.system_fingerprint, c.simulated, case when c.validity = 'infrastructure' then c.reason end as reason, count(*) as n,
      count(*) filter (where c.validity = 'answered' and c.answer_group is not null and m.of_all > 1) as compared,
      count(*) filter (where c.validity = 'answered' and m.of_all > 1 and c.answer_group = m.answer_group) as agreed,
      sum(c.input_tokens) as tokens_in, sum(c.output_tokens) as tokens_out
    from c
    left join majority m on m.question_id = c.question_id and m.model_id = coalesce(c.model_id, '')
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
  ), regions as (
    select k.region, k.served_region, beacon.same_region(k.region, k.served_region) as same
    from (select distinct c.region, c.served_region from kinds c) k
  ), models as (
    select k.model_id, k.response_model, beacon.same_model(k.model_id, k.response_model) as same
    from (select distinct c.model_id, c.response_model from kinds c) k
  ), whys as (
    select w.model_id, w.region, (array_agg(w.reason order by w.n desc, w.reason))[1] as why
    from (select k.model_id, k.region, k.reason, sum(k.n) as n from kinds k where k.reason is not null group by 1, 2, 3) w
    group by w.model_id, w.region
  ), times as (
    select t.model_id, t.region, (select percentile_cont(0.5) within group (order by u.ms) from unnest(t.latencies) u (ms)) as p50_ms,
      (select percentile_cont(0.5) within group (order by u.ms) from unnest(t.first_chunks) u (ms)) as first_chunk_p50_ms
    from (select c.model_id, c.region, array_agg(c.latency_ms) as latencies,
        array_agg(c.first_chunk_ms) filter (where c.first_chunk_ms is not null) as first_chunks
      from c where c.validity = 'answered' group by c.model_id, c.region) t
  ), cells as (
    select c.model_id, c.region, sum(c.n)::bigint as cells, sum(c.n) filter (where c.validity = 'answered') as answered,
      sum(c.n) filter (where c.validity = 'refused') as refused, sum(c.n) filter (where c.validity = 'truncated') as truncated,
      sum(c.n) filter (where c.validity = 'empty') as empty, sum(c.n) filter (where c.validity = 'infrastructure') as infrastructure,
      sum(c.n) filter (where c.validity = 'cancelled') as cancelled, sum(c.n) filter (where c.validity = 'pending') as pending,
      sum(c.n) filter (where c.validity = 'flaky') as flaky, sum(c.n) filter (where c.at_first) as first_answered,
      sum(c.compared) as compared, sum(c.agreed) as agreed, sum(c.tokens_in) as tokens_in, sum(c.tokens_out) as tokens_out,
      sum(c.n) filter (where c.served_region is null and c.validity not in ('pending', 'cancelled', 'infrastructure')) as served_unknown,
      sum(c.n) filter (where r.same = false) as served_elsewhere,
      coalesce(array_agg(distinct c.served_region) filter (where c.served_region is not null), '{}') as served_regions,
      sum(c.n) filter (where d.same = false) as drifted,
      coalesce(array_agg(distinct c.response_model) filter (where c.response_model is not null), '{}') as response_models,
      coalesce(array_agg(distinct c.system_fingerprint) filter (where c.system_fingerprint is not null), '{}') as fingerprints,
      sum(c.n) filter (where c.simulated) as simulated
    from kinds c
    left join regions r on r.region = c.region and r.served_region = c.served_region
    left join models d on d.model_id = c.model_id and d.response_model = c.response_model
    group by c.model_id, c.region
  )
  select c.model_id, c.region, c.cells, coalesce(c.answered, 0)::bigint, coalesce(c.refused, 0)::bigint, coalesce(c.truncated, 0)::bigint,
    coalesce(c.empty, 0)::bigint, coalesce(c.infrastructure, 0)::bigint, coalesce(c.cancelled, 0)::bigint, coalesce(c.pending, 0)::bigint,
    coalesce(c.flaky, 0)::bigint, coalesce(c.first_answered, 0)::bigint, c.compared::bigint, c.agreed::bigint, t.p50_ms,
    t.first_chunk_p50_ms, c.tokens_in::bigint, c.tokens_out::bigint, coalesce(c.served_unknown, 0)::bigint,
    coalesce(c.served_elsewhere, 0)::bigint, c.served_regions, coalesce(c.drifted, 0)::bigint, c.response_models, c.fingerprints,
    coalesce(c.simulated, 0)::bigint, w.why
  from cells c
  left join times t on t.model_id is not distinct from c.model_id and t.region is not distinct from c.region
  left join whys w on w.model_id is not distinct from c.model_id and w.region is not distinct from c.region
  order by c.model_id, c.region;
end
$$;

comment on function beacon.job_validity(text) is
  'A job, a row for each model and region: cells by validity, after the first try and after all; of the answered ones that can be '
  'compared (compared) those that say what most regions say (agreed); latency of the answered; where they ran as far as it is known, '
  'and cells whose region or model was not the one asked for.';
