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
as $$
#variable_conflict use_column
begin
  return query
  with c as materialized (
    select * from beacon.compare_jobs(job_a, job_b)
  ), t as (
    select count(*) as cells, count(*) filter (where c.validity_a = 'answered') as answered_a,
      count(*) filter (where c.validity_b = 'answered') as answered_b, count(*) filter (where c.change = 'newly failing') as newly_failing,
      count(*) filter (where c.change = 'missing') as missing, count(*) filter (where c.change = 'score worse') as score_worse,
      count(*) filter (where c.change in ('pending', 'cancelled')) as unfinished,
      count(*) filter (where c.change = 'still failing') as still_failing,
      count(*) filter (where c.change = 'answer changed') as answer_changed, count(*) filter (where c.change = 'recovered') as recovered,
      count(*) filter (where c.change = 'score better') as score_better, count(*) filter (where c.change = 'new') as added,
      max(c.score) as score, count(*) filter (where num_nonnulls(c.score_a, c.score_b) = 2) as scored,
      avg(c.score_a) filter (where num_nonnulls(c.score_a, c.score_b) = 2) as score_a,
      avg(c.score_b) filter (where num_nonnulls(c.score_a, c.score_b) = 2) as score_b
    from c
  ), l as (
    -- Latency and cost of the cells that both answered: one that failed fast is not fast.
    select percentile_cont(array[0.5, 0.95]) within group (order by c.latency_a) as a,
      percentile_cont(array[0.5, 0.95]) within group (order by c.latency_b) as b,
      sum(c.cost_a) as cost_a, sum(c.cost_b) as cost_b, count(*) filter (where num_nonnulls(c.cost_a, c.cost_b) < 2) as unpriced
    from c where c.validity_a = 'answered' and c.validity_b = 'answered'
  ), k as (
    select jsonb_object_agg(r.reason, r.n order by r.n desc, r.reason) as causes
    from (select coalesce(c.reason, 'unknown') as reason, count(*) as n from c where c.change = 'newly failing' group by 1) r
  )
  select t.cells, t.answered_a, t.answered_b, t.newly_failing, t.missing, t.score_worse, t.unfinished, t.still_failing, t.answer_changed,
    t.recovered, t.score_better, t.added, t.newly_failing + t.missing + t.score_worse, t.score, t.score_a, t.score_b, t.scored,
    l.a[1], l.b[1], l.a[2], l.b[2], (l.b[2] - l.a[2]) / nullif(l.a[2], 0), case when l.unpriced = 0 then l.cost_a end,
    case when l.unpriced = 0 then l.cost_b end,
    case when l.unpriced = 0 then ((l.cost_b - l.cost_a) / nullif(l.cost_a, 0)) end, l.unpriced,
    coalesce(k.causes, '{}'),
    (select d.said from beacon.job_differences(job_b, 'job', 'latency', job_a) d limit 1)
  from t cross join l cross join k
  where t.cells > 0;
end
$$;

comment on function beacon.job_comparison(text, text) is
  'Two jobs in one row, a before b: how many cells changed how (see compare_jobs), scores, latency and cost of the cells that both '
  'answered, the causes of what newly fails, and whether latency really differs. regressions: newly failing, missing and score worse. '
  'Costs are null where one of those cells has none: unpriced counts them.';
