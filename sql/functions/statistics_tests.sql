create function beacon.mcnemar_p(b bigint, c bigint) returns double precision
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  n bigint := b + c;
  k bigint := least(b, c);
  term double precision;
  total double precision;
begin
  if b = c then
    return 1;
  end if;
  term := beacon.log_gamma(n + 1) - beacon.log_gamma(k + 1) - beacon.log_gamma(n - k + 1) - n * ln(2::double precision);
  -- PostgreSQL refuses results too small for it.
  if term < -640 then
    return 0;
  end if;
  term := exp(term);
  total := term;
  while k > 0 and term > total * 1e-17 loop
    term := term * k / (n - k + 1);
    total := total + term;
    k := k - 1;
  end loop;
  return least(1, 2 * total);
end
$$;

comment on function beacon.mcnemar_p(bigint, bigint) is
  'Two-sided p of the exact McNemar test, which is the sign test: of pairs that differ, b one way and c the other (binomial, p = 1/2). As '
  'statsmodels'' mcnemar(exact=True) and scipy''s binomtest.';

create function beacon.sign_flips(weights integer[], observed integer) returns double precision
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  total integer := 0;
  ways double precision[] := array[1::double precision];
  below double precision := 0;
  above double precision := 0;
  w integer;
begin
  -- How many of the 2^n choices of signs give each sum of the positive ones; as shares, so that n may be large.
  foreach w in array weights loop
    for s in total + 2..total + w + 1 loop
      ways[s] := 0;
    end loop;
    for s in reverse total + w..0 loop
      ways[s + 1] := (ways[s + 1] + case when s >= w then ways[s - w + 1] else 0 end) / 2;
    end loop;
    total := total + w;
  end loop;
  for s in 0..total loop
    if s <= observed then
      below := below + ways[s + 1];
    end if;
    if s >= observed then
      above := above + ways[s + 1];
    end if;
  end loop;
  return least(1, 2 * least(below, above));
end
$$;

comment on function beacon.sign_flips(integer[], integer) is
  'Two-sided p of a sum of positive weights, where each of the weights counts or not with probability 1/2: the exact distribution, in '
  'as many steps as there are weights times their sum.';

create function beacon.net_p(net integer[]) returns double precision
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  weights integer[];
  up bigint;
  positive bigint;
  size bigint;
  squares double precision;
begin
  select coalesce(array_agg(abs(x)), '{}'), count(*) filter (where x > 0), coalesce(sum(x) filter (where x > 0), 0),
    coalesce(sum(abs(x)), 0), sum(x::double precision ^ 2)
  into weights, up, positive, size, squares
  from unnest(net) x where x <> 0;
  if size = 0 then
    return 1;
  elsif size = cardinality(weights) then
    return beacon.mcnemar_p(up, size - up);
  elsif size * cardinality(weights) <= 200000 then
    return beacon.sign_flips(weights, positive::integer);
  end if;
  return least(1, 2 * beacon.normal_tail(abs(2 * positive - size) / sqrt(squares)));
end
$$;

comment on function beacon.net_p(integer[]) is
  'Two-sided p of yes-no outcomes clustered by question: for each question, how many more of its pairs changed one way than the other. '
  'Exact (signs flipped by question; McNemar''s test where a question has one pair), normal where that is more than 200,000 steps.';

create function beacon.wilcoxon_p(differences double precision[]) returns double precision
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  ranks integer[];
  n bigint;
  ties double precision;
  positive double precision;
  given bigint := cardinality(differences);
begin
  -- Twice the rank, so that the mean rank of a tie is a whole number.
  select sum(g.alike), sum(g.alike::double precision ^ 3 - g.alike), sum(g.up * g.rank::double precision)
  into n, ties, positive
  from (
    select d.alike, d.up, 2 * sum(d.alike) over (order by d.size) - d.alike + 1 as rank
    from (select abs(x) as size, count(*) as alike, count(*) filter (where x > 0) as up from unnest(differences) x where x <> 0
      group by 1) d) g;
  if n is null then
    return 1;
  elsif given <= 50 and ((ties = 0 and n = given) or given <= 13) then
    ranks := array(select rank() over (order by abs(x)) * 2 + count(*) over (partition by abs(x)) - 1 from unnest(differences) x
      where x <> 0);
    if ties = 0 then
      ranks := array(select r / 2 from unnest(ranks) r);
      positive := positive / 2;
    end if;
    return beacon.sign_flips(ranks, positive::integer);
  end if;
  return 2 * beacon.normal_tail(abs(positive / 2 - n * (n + 1) / 4.0)
    / sqrt((n * (n + 1.0) * (2 * n + 1) - ties / 2) / 24));
end
$$;

comment on function beacon.wilcoxon_p(double precision[]) is
  'Two-sided p of Wilcoxon''s signed rank test, zeros left out, as scipy''s wilcoxon with its defaults: exact up to 50 differences without '
  'ties or zeros and up to 13 with them, else the normal approximation with the correction for ties. 1 where all differences are zero.';

create function beacon.holm(p double precision[]) returns double precision[]
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
begin
  return array(
    select case when s.p is not null then max(least(1, s.p * (s.m - s.nth + 1))) over (order by s.nth) end
    from (
      select x.p, x.at, row_number() over (order by x.p, x.at) as nth, count(x.p) over () as m
      from unnest(holm.p) with ordinality x (p, at)) s
    order by s.at);
end
$$;

comment on function beacon.holm(double precision[]) is
  'p-values adjusted by Holm''s step-down method, in the order given; a null is no test and stays null. As statsmodels'' '
  'multipletests(method=''holm'').';
