create function beacon.measure_kind(of_job text, measure text) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  if measure in ('latency', 'first-chunk', 'length', 'tokens') then
    return 'median';
  elsif measure in ('answered', 'answered-first') then
    return 'share';
  elsif measure = 'cost' then
    return 'mean';
  end if;
  return (select case when bool_and(s.value in (0, 1)) then 'share' else 'mean' end from beacon.scores s
    where s.job_id = of_job and s.name = measure having count(s.value) > 0);
end
$$;

comment on function beacon.measure_kind(text, text) is
  'How a measure of a job is compared: share (yes or no), mean or median; null where it is none: neither latency, first-chunk, length, '
  'tokens, cost, answered or answered-first, nor the name of a score of the job.';

create function beacon.measured_cells(of_job text, measure text) returns table (
  model_id text, region text, question_id text, elsewhere boolean, value double precision)
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
    select x.execution, x.model_id, x.region, x.question_id, lower(x.served_region) <> lower(x.region) as elsewhere, x.validity,
      case measure when 'answered' then (x.validity = 'answered')::integer
        when 'answered-first' then (x.first_validity = 'answered')::integer
        when 'latency' then x.latency_ms when 'first-chunk' then x.first_chunk_ms when 'length' then x.answer_chars
        when 'tokens' then x.output_tokens end::double precision as value
    from beacon.settled_cells x
    where measure <> 'cost' and x.job_id = of_job and x.validity not in ('pending', 'cancelled') and x.question_id is not null
      and (open = '{}' or not exists (select from unnest(open) o (e) where o.e = x.execution))
    union all
    select coalesce(x.execution_key, x.execution_id::text), x.model_id, x.region, x.question_id, lower(x.served_region) <> lower(x.region),
      x.validity, case measure when 'answered' then (x.validity = 'answered')::integer
        when 'answered-first' then (x.first_validity = 'answered')::integer
        when 'latency' then x.latency_ms when 'first-chunk' then x.first_chunk_ms when 'length' then x.answer_chars
        when 'tokens' then x.output_tokens end
    from beacon.open_cells(of_job, false, traces, open) x
    where measure <> 'cost' and x.validity not in ('pending', 'cancelled') and x.question_id is not null
    union all
    select coalesce(x.execution_key, x.execution_id::text), x.model_id, x.region, x.question_id, lower(x.served_region) <> lower(x.region),
      x.validity, x.cost
    from beacon.execution_cells(of_job, false) x
    where measure = 'cost' and x.validity not in ('pending', 'cancelled') and x.question_id is not null
  ), s as materialized (
    select coalesce(x.execution_key, x.execution_id::text) as execution, avg(x.value) as value from beacon.scores x
    where x.name = measure and x.job_id = of_job and x.trace_id is null
      and measure not in ('latency', 'first-chunk', 'length', 'tokens', 'cost', 'answered', 'answered-first')
    group by 1
  )
  select c.model_id, c.region, c.question_id, c.elsewhere,
    case when measure in ('answered', 'answered-first') or c.validity = 'answered' then coalesce(c.value, s.value) end
  from c left join s on s.execution = c.execution;
end
$$;

comment on function beacon.measured_cells(text, text) is
  'A measure of the cells of a job that have ended and belong to a question; null where they have none. See job_differences.';

create function beacon.job_differences(of_job text, by_what text default 'region', of_measure text default null, against text default null)
returns table (measure text, kind text, a text, b text, different boolean, effect double precision, low double precision,
  high double precision, value_a double precision, value_b double precision, questions bigint, pairs bigint, left_out bigint,
  p double precision, p_holm double precision, smallest_effect double precision, test text, said text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  chosen text := coalesce(of_measure, (select s.name from beacon.scores s where s.job_id = of_job and s.value is not null group by s.name
    order by count(*) desc, s.name limit 1), 'latency');
  how text := coalesce(beacon.measure_kind(of_job, chosen), beacon.measure_kind(against, chosen));
  cells beacon.measured[];
begin
  if by_what not in ('region', 'model', 'job') then
    raise exception 'Differences are between regions, models or jobs (got "%").', by_what using errcode = 'invalid_parameter_value';
  elsif by_what = 'job' and against is null then
    raise exception 'Name the job to compare with: against.' using errcode = 'invalid_parameter_value';
  elsif how is null then
    raise exception 'Job % has no measure "%": there are latency, first-chunk, length, tokens, cost, answered, answered-first and scores.',
      of_job, chosen using errcode = 'invalid_parameter_value';
  end if;
  cells := array(
    select row(case by_what when 'region' then c.region when 'model' then c.model_id else c.job_id end, c.question_id,
        case by_what when 'region' then c.model_id when 'model' then c.region else concat_ws(e'\n', c.model_id, c.region) end
          || case when by_what <> 'job' and against is not null then e'\n' || c.job_id else '' end,
        -- What another region answered says nothing about this one.
        case when not (by_what = 'region' and coalesce(c.elsewhere, false)) then c.value end)::beacon.measured
    from (
      select of_job as job_id, x.* from beacon.measured_cells(of_job, chosen) x
      union all
      select against, x.* from beacon.measured_cells(against, chosen) x where against is not null and against <> of_job) c);
  return query
  with d as materialized (
    select p.*, count(p.p) over () as tests from beacon.paired_differences(cells, how) p
    where by_what <> 'job' or against in (p.a, p.b)
  ), h as (
    select beacon.holm(array_agg(d.p order by d.a, d.b)) as adjusted from d
  ), n as (
    select d.*, row_number() over (order by d.a, d.b) as nth,
      beacon.smallest_effect(d.questions, d.low, d.high, how, d.tests) as smallest
    from d
  ), judged as (
    select n.*, h.adjusted[n.nth] as p_holm, coalesce(h.adjusted[n.nth] <= beacon.difference_level(), false) as different,
      -- b less a; of two jobs the new one is compared with the old one, whatever they are called.
      by_what = 'job' and n.b = against as turned
    from n cross join h
  )
  select chosen, how, case when j.turned then j.b else j.a end, case when j.turned then j.a else j.b end, j.different,
    case when j.turned then -j.effect else j.effect end, case when j.turned then -j.high else j.low end,
    case when j.turned then -j.low else j.high end, case when j.turned then j.value_b else j.value_a end,
    case when j.turned then j.value_a else j.value_b end, j.questions, j.pairs, j.left_out, j.p, j.p_holm, j.smallest, j.test,
    beacon.difference_sentence(chosen, how, j.turned <> (j.effect < 0), abs(j.effect), j.questions, j.p_holm, j.different, j.smallest,
      case when j.turned then j.b else j.a end, case when j.turned then j.a else j.b end)
  from judged j
  order by j.different desc, j.p_holm, j.a, j.b;
end
$$;

comment on function beacon.job_differences(text, text, text, text) is
  'Whether the regions (or models) of a job, or two jobs, really differ in a measure: every pair, paired by question and clustered by it, '
  'p-values adjusted by Holm over all pairs, different at 2 %. Values are of answered cells only (answered and answered-first: of all that '
  'ended), and, by region, of cells that no other region served. effect is b less a, low to high its 95 % interval, questions the '
  'effective n, left_out the cells without a partner, smallest_effect the smallest that four of five such jobs would have shown.';

create function beacon.difference_sentence(measure text, kind text, less boolean, size double precision, questions bigint,
  p_holm double precision, different boolean, smallest double precision, a text, b text) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  unit constant text := case when measure in ('latency', 'first-chunk') then ' ms' when measure = 'length' then ' characters'
    when measure = 'tokens' then ' tokens' else '' end;
  amount text;
  least_amount text;
begin
  amount := case when kind = 'share' then round((100 * size)::numeric, 1) || ' points' else beacon.short_number(size) || unit end;
  least_amount := case when kind = 'share' then round((100 * smallest)::numeric, 1) || ' points'
    else beacon.short_number(smallest) || unit end;
  if questions = 0 or p_holm is null then
    return format('%s and %s have no question in common that both answered.', a, b);
  elsif different then
    return format('%s of %s is %s %s than that of %s, over %s questions.', measure, b, amount,
      case when less then 'lower' else 'higher' end, a, questions);
  elsif smallest is null then
    return format('%s questions are too few to show any difference between %s and %s.', questions, a, b);
  end if;
  return format('No difference shown between %s and %s over %s questions; one of %s would have been, four times of five.', a, b, questions,
    least_amount);
end
$$;

comment on function beacon.difference_sentence(text, text, boolean, double precision, bigint, double precision, boolean, double precision,
  text, text) is 'What a row of job_differences says, in a sentence.';

create function beacon.short_number(value double precision) returns text
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return case when value is null then null when value = 0 then '0'
    else trim_scale(round(value::numeric, greatest(0, 2 - floor(log(abs(value)::numeric))::integer)))::text end;
end
$$;

comment on function beacon.short_number(double precision) is 'A number with three digits, for a sentence.';
