-- PostgreSQL has lgamma only from 18 on.
create function beacon.log_gamma(x double precision) returns double precision
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  y double precision := x;
  product double precision := 1;
begin
  -- Stirling's series is exact enough from 15 on only: the recurrence lifts smaller numbers there.
  while y < 15 loop
    product := product * y;
    y := y + 1;
  end loop;
  return (y - 0.5) * ln(y) - y + 0.5 * ln(2 * pi()) + (1 / 12.0 - (1 / 360.0 - (1 / 1260.0 - (1 / 1680.0 - 1 / (1188 * y ^ 2)) / y ^ 2)
    / y ^ 2) / y ^ 2) / y - ln(product);
end
$$;

comment on function beacon.log_gamma(double precision) is
  'Logarithm of the gamma function of a positive number, to 14 digits: Stirling''s series (Abramowitz and Stegun 6.1.41) from 15 on; '
  'smaller numbers are lifted there by the recurrence.';

create function beacon.normal_tail(z double precision) returns double precision
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  x double precision := abs(z);
  term double precision := x;
  total double precision := x;
  k integer := 1;
begin
  -- What is left there is smaller than a double holds.
  if x > 37 then
    return case when z > 0 then 0 else 1 end;
  end if;
  if x < 3 then
    -- All terms are positive: nothing cancels before the last subtraction.
    while term > total * 1e-17 loop
      k := k + 2;
      term := term * x * x / k;
      total := total + term;
    end loop;
    total := 0.5 - total * exp(-x * x / 2) / sqrt(2 * pi());
  else
    total := x;
    for i in reverse 120..1 loop
      total := x + i / total;
    end loop;
    total := exp(-x * x / 2) / sqrt(2 * pi()) / total;
  end if;
  return case when z >= 0 then total else 1 - total end;
end
$$;

comment on function beacon.normal_tail(double precision) is
  'Probability that a standard normal variable exceeds z: by a series where |z| < 3, else by a continued fraction (Abramowitz and Stegun '
  '26.2.11 and 26.2.14).';

create function beacon.normal_quantile(tail double precision) returns double precision
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  p double precision := least(tail, 1 - tail);
  t double precision;
  step double precision;
  z double precision;
begin
  if not (tail > 0 and tail < 1) then
    return null;
  end if;
  t := sqrt(-2 * ln(p));
  z := t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ^ 3);
  for i in 1..3 loop
    step := (beacon.normal_tail(z) - p) * sqrt(2 * pi()) * exp(z * z / 2);
    z := z + step / (1 - z * step / 2);
  end loop;
  return case when tail <= 0.5 then z else -z end;
end
$$;

comment on function beacon.normal_quantile(double precision) is
  'The z that a standard normal variable exceeds with this probability: 1.96 for 0.025; null outside 0 to 1. A rational approximation '
  '(Abramowitz and Stegun 26.2.23), then Halley''s method.';

create function beacon.student_tail(t double precision, df integer) returns double precision
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  angle double precision := atan2(abs(t), sqrt(df));
  cosine2 double precision := cos(angle) ^ 2;
  term double precision := case when df % 2 = 1 then cos(angle) else 1 end;
  total double precision := 0;
begin
  for k in 1..df / 2 loop
    total := total + term;
    term := term * cosine2 * case when df % 2 = 1 then 2.0 * k / (2 * k + 1) else (2.0 * k - 1) / (2 * k) end;
  end loop;
  total := total * sin(angle);
  if df % 2 = 1 then
    total := (angle + total) * 2 / pi();
  end if;
  return case when t >= 0 then (1 - total) / 2 else (1 + total) / 2 end;
end
$$;

comment on function beacon.student_tail(double precision, integer) is
  'Probability that Student''s t with df degrees of freedom exceeds t: the finite sums of Abramowitz and Stegun 26.7.3 and 26.7.4, '
  'so the cost grows with df.';

create function beacon.student_quantile(tail double precision, df integer) returns double precision
language plpgsql immutable strict
set search_path = beacon, pg_catalog
as $$
declare
  z double precision := beacon.normal_quantile(tail);
  t double precision;
  low double precision := 0;
  high double precision := 1;
begin
  if df < 1 or z is null then
    return null;
  elsif tail > 0.5 then
    return -beacon.student_quantile(1 - tail, df);
  elsif df > 400 then
    return z + (z ^ 3 + z) / (4.0 * df) + (5 * z ^ 5 + 16 * z ^ 3 + 3 * z) / (96.0 * df ^ 2)
      + (3 * z ^ 7 + 19 * z ^ 5 + 17 * z ^ 3 - 15 * z) / (384.0 * df ^ 3);
  end if;
  while beacon.student_tail(high, df) > tail loop
    low := high;
    high := high * 2;
  end loop;
  for i in 1..60 loop
    t := (low + high) / 2;
    if beacon.student_tail(t, df) > tail then
      low := t;
    else
      high := t;
    end if;
    exit when high - low < 1e-13 * high;
  end loop;
  return (low + high) / 2;
end
$$;

comment on function beacon.student_quantile(double precision, integer) is
  'The value that Student''s t with df degrees of freedom exceeds with this probability: by bisection up to 400 degrees of freedom, above '
  'that by the expansion of Abramowitz and Stegun 26.7.5. Null for df below 1 or a probability outside 0 to 1.';
