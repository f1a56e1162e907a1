create function beacon.compare_jobs(job_a text, job_b text) returns table (
  change text, model_id text, region text, question_id text, question text, execution_a text, execution_b text, validity_a text,
  validity_b text, reason text, said_a text, said_b text, score text, score_a double precision, score_b double precision,
  latency_a double precision, latency_b double precision, cost_a double precision, cost_b double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  chosen text := (select s.name from beacon.scores s where s.job_id = job_b and s.value is not null
    group by s.name order by count(*) desc, s.name limit 1);
begin
  return query
  with cells as materialized (
    select c.*, coalesce(c.execution_key, c.execution_id::text) as execution, s.value as score,
      row_number() over (partition by c.job_id, c.model_id, c.region, c.question_id order by c.started_at, c.execution_id) as nth
    from (select * from beacon.execution_cells(job_a, true) union all select * from beacon.execution_cells(job_b, true)) c
    left join (select coalesce(x.execution_key, x.execution_id::text) as execution, avg(x.value) as value from beacon.scores x
      where x.name = chosen and x.job_id in (job_a, job_b) group by 1) s
      on s.execution = coalesce(c.execution_key, c.execution_id::text)
    where c.question_id is not null
  ), both_jobs as (
    select a, b, case
      when b.job_id is null then 'missing'
      when a.job_id is null then 'new'
      when b.validity in ('pending', 'cancelled') then b.validity
      when a.validity = 'answered' and b.validity <> 'answered' then 'newly failing'
      when a.validity <> 'answered' and b.validity = 'answered' then 'recovered'
      when a.validity <> 'answered' then 'still failing'
      when b.score < a.score then 'score worse'
      when b.score > a.score then 'score better'
      when a.answer_group is distinct from b.answer_group then 'answer changed'
      else 'same' end as change
    from (select * from cells where job_id = job_a) a
    full join (select * from cells where job_id = job_b) b on b.question_id = a.question_id and b.nth = a.nth
      and coalesce(b.model_id, '') = coalesce(a.model_id, '') and coalesce(b.region, '') = coalesce(a.region, '')
  )
  select j.change, coalesce((j.b).model_id, (j.a).model_id), coalesce((j.b).region, (j.a).region),
    coalesce((j.b).question_id, (j.a).question_id), coalesce((j.b).question, (j.a).question),
    (j.a).execution, (j.b).execution, (j.a).validity, (j.b).validity,
    case when (j.b).validity <> 'answered' then coalesce((j.b).verdict, (j.b).reason, (j.b).error_type) end, (j.a).answer, (j.b).answer,
    case when num_nonnulls((j.a).score, (j.b).score) > 0 then chosen end, (j.a).score, (j.b).score, (j.a).latency_ms, (j.b).latency_ms,
    (j.a).cost::double precision, (j.b).cost::double precision
  from both_jobs j
  order by array_position(array['newly failing', 'missing', 'score worse', 'pending', 'cancelled', 'still failing', 'answer changed',
    'recovered', 'score better', 'new', 'same'], j.change), 2, 3, 4;
end
$$;

comment on function beacon.compare_jobs(text, text) is
  'Two jobs cell by cell, a before b, what got worse first. change: newly failing (answered in a, not in b; reason says why), missing (b '
  'has no such cell), score worse, pending, cancelled, still failing, answer changed (their normalised texts differ), recovered, '
  'score better, new (only b has it) or same. Cells are paired by model, region and question; the score is the commonest of b.';

create function beacon.compared_cells(of_job text) returns table (
  cell bigint, execution text, execution_id bigint, question bigint, validity text, cause text, answer_group bigint,
  latency_ms double precision, cost double precision, started_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  traces uuid[] := beacon.unsettled_traces(of_job);
  open text[] := beacon.open_executions(of_job, false, traces);
  priced boolean := exists (select from beacon.prices);
begin
  return query
  with c as materialized (
    select x.execution, x.execution_id, x.model_id, x.region, hashtextextended(x.question_id, 0) as question, x.validity,
      case when x.validity <> 'answered' then coalesce(x.verdict, x.reason, x.error_type) end as cause, x.answer_group, x.latency_ms,
      x.started_at, x.input_tokens, x.output_tokens, x.cached_tokens, x.reasoning_tokens, x.response_model, x.provider,
      coalesce(x.served_region, x.region) as place, case when priced then (x.started_at at time zone 'UTC')::date end as day,
      null::double precision as cost
    from beacon.settled_cells x
    where x.job_id = of_job and x.question_id is not null
      and (open = '{}' or not exists (select from unnest(open) o (e) where o.e = x.execution))
    union all
    select coalesce(x.execution_key, x.execution_id::text), x.execution_id, x.model_id, x.region, hashtextextended(x.question_id, 0),
      x.validity, case when x.validity <> 'answered' then coalesce(x.verdict, x.reason, x.error_type) end, x.answer_group, x.latency_ms,
      x.started_at, null, null, null, null, null, null, null, null, x.cost::double precision
    from beacon.open_cells(of_job, false, traces, open) x where x.question_id is not null
  ), rates as materialized (
    select k.*, p.input::double precision, p.output::double precision, coalesce(p.cached, p.input)::double precision as cached,
      coalesce(p.reasoning, p.output)::double precision as reasoning, p.request::double precision, p.cached_in_input,
      p.reasoning_in_output
    from (select distinct c.model_id, c.response_model, c.provider, c.place, c.day from c where c.day is not null) k
    cross join lateral beacon.price_of(k.model_id, k.response_model, k.provider, k.place, k.day::timestamp at time zone 'UTC') p
  )
  select hashtextextended(coalesce(c.model_id, ''), hashtextextended(coalesce(c.region, ''), c.question)), c.execution, c.execution_id,
    c.question, c.validity, c.cause, c.answer_group, c.latency_ms,
    -- As token_cost, in double precision, which takes a tenth of the time.
    coalesce(c.cost, ((c.input_tokens - case when r.cached_in_input and c.cached_tokens <= c.input_tokens then c.cached_tokens else 0 end)
        * r.input + case when c.cached_tokens > 0 then c.cached_tokens * r.cached else 0 end
      + (c.output_tokens - case when r.reasoning_in_output and c.reasoning_tokens <= c.output_tokens then c.reasoning_tokens else 0 end)
        * r.output + case when c.reasoning_tokens > 0 then c.reasoning_tokens * r.reasoning else 0 end) / 1000000 + r.request),
    c.started_at
  from c
  left join rates r on r.day = c.day and coalesce(r.model_id, '') = coalesce(c.model_id, '')
    and coalesce(r.response_model, '') = coalesce(c.response_model, '') and coalesce(r.provider, '') = coalesce(c.provider, '')
    and coalesce(r.place, '') = coalesce(c.place, '');
end
$$;

comment on function beacon.compared_cells(text) is
  'Cells of a job as job_comparison pairs them: cell is a hash of model, region and question, cause why one was not answered.';

create function beacon.job_comparison(job_a text, job_b text) returns table (
  cells bigint, answered_a bigint, answered_b bigint, newly_failing bigint, missing bigint, score_worse bigint, unfinished bigint,
  still_failing bigint, answer_changed bigint, recovered bigint, score_better bigint, added bigint, regressions bigint, score text,
  score_a double precision, score_b double precision, scored bigint, p50_a double precision, p50_b double precision,
  p95_a double precision, p95_b double precision, p95_change double precision, cost_a double precision,
  cost_b double precision, cost_change double precision,
  unpriced bigint, causes jsonb, latency_said text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  chosen text := (select s.name from beacon.scores s where s.job_id = job_b and s.value is not null
    group by s.name order by count(*) desc, s.name limit 1);
begin
  return query
  with c as materialized (
    -- By hash: model, region and question of 100,000 cells sort slowly.
    select q.*, row_number() over (partition by q.old, q.cell order by q.started_at, q.execution_id) as nth
    from (
      select true as old, x.* from beacon.compared_cells(job_a) x
      union all
      select false, x.* from beacon.compared_cells(job_b) x where job_b <> job_a) q
  ), s as materialized (
    select coalesce(x.execution_key, x.execution_id::text) as execution, avg(x.value) as value from beacon.scores x
    where x.name = chosen and x.job_id in (job_a, job_b) group by 1
  ), j as materialized (
    select a.validity as validity_a, b.validity as validity_b, a.latency_ms as latency_a, b.latency_ms as latency_b, a.cost as cost_a,
      b.cost as cost_b, coalesce(b.cause, 'unknown') as reason, a.question, sa.value as score_a, sb.value as score_b, case
      when b.cell is null then 'missing'
      when a.cell is null then 'new'
      when b.validity in ('pending', 'cancelled') then b.validity
      when a.validity = 'answered' and b.validity <> 'answered' then 'newly failing'
      when a.validity <> 'answered' and b.validity = 'answered' then 'recovered'
      when a.validity <> 'answered' then 'still failing'
      when sb.value < sa.value then 'score worse'
      when sb.value > sa.value then 'score better'
      when a.answer_group is distinct from b.answer_group then 'answer changed'
      else 'same' end as change
    from (select * from c where c.old) a
    full join (select * from c where job_a = job_b or not c.old) b on b.cell = a.cell and b.nth = a.nth
    left join s sa on sa.execution = a.execution
    left join s sb on sb.execution = b.execution
  ), t as (
    select count(*) as cells, count(*) filter (where j.validity_a = 'answered') as answered_a,
      count(*) filter (where j.validity_b = 'answered') as answered_b, count(*) filter (where j.change = 'newly failing') as newly_failing,
      count(*) filter (where j.change = 'missing') as missing, count(*) filter (where j.change = 'score worse') as score_worse,
      count(*) filter (where j.change in ('pending', 'cancelled')) as unfinished,
      count(*) filter (where j.change = 'still failing') as still_failing,
      count(*) filter (where j.change = 'answer changed') as answer_changed, count(*) filter (where j.change = 'recovered') as recovered,
      count(*) filter (where j.change = 'score better') as score_better, count(*) filter (where j.change = 'new') as added,
      case when count(j.score_a) + count(j.score_b) > 0 then chosen end as score,
      count(*) filter (where num_nonnulls(j.score_a, j.score_b) = 2) as scored,
      avg(j.score_a) filter (where num_nonnulls(j.score_a, j.score_b) = 2) as score_a,
      avg(j.score_b) filter (where num_nonnulls(j.score_a, j.score_b) = 2) as score_b
    from j
  ), l as (
    -- Latency and cost of the cells that both answered: one that failed fast is not fast.
    select percentile_cont(array[0.5, 0.95]) within group (order by j.latency_a) as a,
      percentile_cont(array[0.5, 0.95]) within group (order by j.latency_b) as b,
      sum(j.cost_a) as cost_a, sum(j.cost_b) as cost_b, count(*) filter (where num_nonnulls(j.cost_a, j.cost_b) < 2) as unpriced
    from j where j.validity_a = 'answered' and j.validity_b = 'answered'
  ), k as (
    select jsonb_object_agg(r.reason, r.n order by r.n desc, r.reason) as causes
    from (select j.reason, count(*) as n from j where j.change = 'newly failing' group by 1) r
  ), v as (
    -- Clustered by question, where one has several cells.
    select array_agg(q.latency_a) as a, array_agg(q.latency_b) as b,
      case when max(q.nth) < count(*) then array_agg(q.nth) end as question
    from (select j.latency_a, j.latency_b, dense_rank() over (order by j.question)::integer as nth from j
      where j.validity_a = 'answered' and j.validity_b = 'answered') q
  ), d as (
    select p.*, beacon.smallest_effect(p.questions, p.low, p.high, 'median', 1) as smallest
    from v cross join lateral beacon.compare_pairs(v.a, v.b, v.question, 'median') p
  )
  select t.cells, t.answered_a, t.answered_b, t.newly_failing, t.missing, t.score_worse, t.unfinished, t.still_failing, t.answer_changed,
    t.recovered, t.score_better, t.added, t.newly_failing + t.missing + t.score_worse, t.score, t.score_a, t.score_b, t.scored,
    l.a[1], l.b[1], l.a[2], l.b[2], (l.b[2] - l.a[2]) / nullif(l.a[2], 0), case when l.unpriced = 0 then l.cost_a end,
    case when l.unpriced = 0 then l.cost_b end,
    case when l.unpriced = 0 then ((l.cost_b - l.cost_a) / nullif(l.cost_a, 0)) end, l.unpriced,
    coalesce(k.causes, '{}'),
    (select beacon.difference_sentence('latency', 'median', d.effect < 0, abs(d.effect), d.questions, d.p,
      coalesce(d.p <= beacon.difference_level(), false), d.smallest, job_a, job_b) from d)
  from t cross join l cross join k
  where t.cells > 0;
end
$$;

comment on function beacon.job_comparison(text, text) is
  'Two jobs in one row, a before b: how many cells changed how (see compare_jobs), scores, latency and cost of the cells that both '
  'answered, the causes of what newly fails, and whether latency really differs. regressions: newly failing, missing and score worse. '
  'Costs are null where one of those cells has none: unpriced counts them.';
