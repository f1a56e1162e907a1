create function beacon.share_interval(questions bigint, total double precision, squares double precision, out low double precision,
  out high double precision)
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  -- Half a pair is added to each of the four ways in which a pair can come out.
  n constant integer := questions + 2;
  half double precision;
begin
  half := beacon.student_quantile(0.025, n - 1) * sqrt(greatest(0, (squares + 1) / n - (total / n) ^ 2) / n);
  low := greatest(-1, total / n - half);
  high := least(1, total / n + half);
end
$$;

comment on function beacon.share_interval(bigint, double precision, double precision) is
  '95 % interval of the mean of paired differences of yes-no outcomes, one a question, from their number, sum and sum of squares: Agresti '
  'and Min (2005), with Student''s t.';

create function beacon.median_interval(sorted double precision[], out effect double precision, out low double precision,
  out high double precision)
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  n constant bigint := cardinality(sorted);
  k bigint := floor((n - 1.96 * sqrt(n)) / 2)::bigint;
begin
  effect := (sorted[(n + 1) / 2] + sorted[n / 2 + 1]) / 2;
  if n <= 1000 then
    k := k + 2;
    while k > 0 and beacon.mcnemar_p(k - 1, n - k + 1) > 0.05 loop
      k := k - 1;
    end loop;
  end if;
  if k > 0 then
    low := sorted[k];
    high := sorted[n + 1 - k];
  end if;
end
$$;

comment on function beacon.median_interval(double precision[]) is
  'Median of sorted values with its 95 % interval, which lies between two of them and assumes nothing about how they are spread; null '
  'below six values, whose extremes hold the median with less than 95 %.';

create function beacon.compare_pairs(a double precision[], b double precision[], question integer[], kind text, out questions bigint,
  out pairs bigint, out effect double precision, out low double precision, out high double precision, out p double precision)
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  net integer[];
  differences double precision[];
  total double precision;
  squares double precision;
  up bigint;
begin
  if kind = 'share' and question is null then
    select count(*), count(*) filter (where u.y > u.x), count(*) filter (where u.y <> u.x) into questions, up, squares
    from unnest(a, b) u (x, y) where u.x is not null and u.y is not null;
    pairs := questions;
    total := 2 * up - squares;
    p := beacon.mcnemar_p(up, squares::bigint - up);
  elsif question is null then
    differences := array(select u.y - u.x from unnest(a, b) u (x, y) where u.x is not null and u.y is not null);
    questions := cardinality(differences);
    pairs := questions;
  else
    select count(*), coalesce(sum(q.pairs), 0), array_agg(q.net), array_agg(q.difference), sum(q.difference), sum(q.difference ^ 2)
    into questions, pairs, net, differences, total, squares
    from (
      select count(*) as pairs, avg(u.y - u.x) as difference, case when kind = 'share' then sum(u.y - u.x)::integer end as net
      from unnest(a, b, question) u (x, y, question) where u.x is not null and u.y is not null group by u.question) q;
  end if;
  if questions = 0 then
    p := null;
  elsif kind = 'share' then
    p := coalesce(p, beacon.net_p(net));
    effect := total / questions;
    select s.low, s.high into low, high from beacon.share_interval(questions, total, squares) s;
  else
    p := beacon.wilcoxon_p(differences);
    if kind = 'mean' then
      select avg(d), stddev_samp(d) / sqrt(questions) * beacon.student_quantile(0.025, questions::integer - 1) into effect, high
      from unnest(differences) d;
      low := effect - high;
      high := effect + high;
    else
      select m.effect, m.low, m.high into effect, low, high
      from beacon.median_interval(array(select d from unnest(differences) d order by d)) m;
    end if;
  end if;
end
$$;

comment on function beacon.compare_pairs(double precision[], double precision[], integer[], text) is
  'Two aligned lists of values, null where there is none, compared pair by pair and clustered by the question of each pair (null: each has '
  'its own). See paired_differences.';

create function beacon.paired_differences(cells beacon.measured[], kind text) returns table (
  a text, b text, questions bigint, pairs bigint, left_out bigint, value_a double precision, value_b double precision,
  effect double precision, low double precision, high double precision, test text, p double precision)
language plpgsql immutable strict
set search_path = beacon, pg_catalog
set jit = off
set work_mem = '64MB'
-- The cells are one array: the planner takes it for a hundred rows, whatever its size.
set enable_nestloop = off
as $$
#variable_conflict use_column
begin
  return query
  with numbered as materialized (
    select h.*, row_number() over (partition by h.compared, h.question_key, h.pair_key order by h.value) as nth
    from (
      select u.compared collate "C" as compared, u.value, hashtextextended(u.question, 0) as question_key,
        hashtextextended(u.pairing, 1) as pair_key
      from unnest(cells) u) h
  ), sizes as materialized (
    select n.compared, count(*) as cells,
      case when kind = 'median' then percentile_cont(0.5) within group (order by n.value) else avg(n.value) end as value
    from numbered n group by n.compared
  ), pair as materialized (
    select n.question_key, n.pair_key, n.nth from numbered n group by n.question_key, n.pair_key, n.nth
  ), gap as (
    -- Where every group has a cell of every pair, which is the rule, there is nothing to look for.
    select s.compared, null::double precision as value, p.question_key, p.pair_key, p.nth
    from sizes s
    cross join pair p
    where (select count(*) from pair) * (select count(*) from sizes) > (select count(*) from numbered)
      and not exists (select from numbered n where n.compared = s.compared and n.question_key = p.question_key
        and n.pair_key = p.pair_key and n.nth = p.nth)
  ), cluster as materialized (
    select case when count(distinct p.question) < count(*) then array_agg(p.question order by p.question_key, p.pair_key, p.nth) end
      as of_pair
    from (select p.*, dense_rank() over (order by p.question_key)::integer as question from pair p) p
  ), vector as materialized (
    select c.compared, array_agg(c.value order by c.question_key, c.pair_key, c.nth) as values, s.cells, s.value
    from (select n.compared, n.value, n.question_key, n.pair_key, n.nth from numbered n union all select g.* from gap g) c
    join sizes s on s.compared = c.compared
    group by c.compared, s.cells, s.value
  )
  select x.compared, y.compared, c.questions, c.pairs, x.cells + y.cells - 2 * c.pairs, x.value, y.value, c.effect, c.low, c.high,
    case when c.questions = 0 then null when kind <> 'share' then 'Wilcoxon signed rank'
      when c.pairs = c.questions then 'exact McNemar' else 'exact McNemar, clustered by question' end, c.p
  from vector x
  join vector y on y.compared > x.compared
  cross join cluster q
  cross join lateral beacon.compare_pairs(x.values, y.values, q.of_pair, kind) c
  order by x.compared, y.compared;
end
$$;

comment on function beacon.paired_differences(beacon.measured[], text) is
  'Every group of cells against every other, paired by question and clustered by it: a question that several models answered counts once. '
  'kind is share (yes-no outcomes, 0 and 1: exact McNemar), mean or median (Wilcoxon signed rank on one difference a question; the effect '
  'is their mean or median). Cells that have no value, or whose partner has none, are left out and counted. value_a and value_b are over '
  'all cells of the group that have a value; effect is b less a, over the pairs.';

create function beacon.difference_level() returns double precision
language sql immutable parallel safe
as $$
  select 0.02::double precision
$$;

comment on function beacon.difference_level() is
  'p-value, after Holm, at or below which groups are called different: 2 %, so that of 200 jobs without any difference hardly ever more '
  'than 5 % are called so, by chance either.';

create function beacon.smallest_effect(questions bigint, low double precision, high double precision, kind text, tests bigint)
returns double precision
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  -- So many questions that all differ one way are the fewest that Holm's first step takes for a difference.
  fewest constant integer := ceil(log(2, (2 * greatest(tests, 1) / beacon.difference_level())::numeric));
  seen double precision;
begin
  if questions < fewest then
    return null;
  end if;
  seen := (high - low) / 2 * (beacon.normal_quantile(beacon.difference_level() / 2 / greatest(tests, 1)) + beacon.normal_quantile(0.2))
    / beacon.normal_quantile(0.025);
  return case when kind = 'share' then greatest(seen, fewest::double precision / questions) else seen end;
end
$$;

comment on function beacon.smallest_effect(bigint, double precision, double precision, text, bigint) is
  'The smallest true difference that so many questions would have shown four times of five, at difference_level over this many tests '
  '(Holm''s first step), given how far the measured ones spread; null where no difference, however large, could have been shown.';
