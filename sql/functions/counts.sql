create function beacon.span_counts(from_time timestamptz, to_time timestamptz, step interval, of_service text default null, of_operation text default null)
returns table (at timestamptz, service text, operation text, kind text, root boolean, bucket integer, calls bigint, errors bigint, total_ms double precision, last_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  select date_bin(step, s.started_at, '2000-01-01 00:00:00+00'), s.service, s.operation, s.kind, s.parent_span_id is null,
    case when s.duration_ms is null then -1 when s.duration_ms <= 0.01 then 0 else least(127, floor(4 * ln(s.duration_ms / 0.01) / ln(2.0)))::integer end,
    count(*), count(*) filter (where s.status in ('failed', 'timeout', 'lost')), coalesce(sum(s.duration_ms), 0), max(s.started_at)
  from beacon.trace_spans s
  where s.started_at >= from_time and s.started_at < to_time
    and (of_service is null or s.service = of_service) and (of_operation is null or s.operation = of_operation)
  group by 1, 2, 3, 4, 5, 6;
end
$$;

comment on function beacon.span_counts(timestamptz, timestamptz, interval, text, text) is
  'How many spans an operation had in each step of time, by duration class (as in operation_baselines; -1 has no duration yet), and how many of them failed. Steps are aligned to 2000-01-01.';

create function beacon.bucket_percentile(buckets integer[], calls bigint[], share double precision) returns double precision
language plpgsql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
declare
  total double precision := 0;
  before double precision := 0;
  n double precision;
begin
  for i in 1 .. coalesce(cardinality(buckets), 0) loop
    if buckets[i] >= 0 then
      total := total + calls[i];
    end if;
  end loop;
  for i in 1 .. coalesce(cardinality(buckets), 0) loop
    continue when buckets[i] < 0 or calls[i] = 0;
    n := calls[i];
    if before + n >= share * total then
      return round(beacon.bucket_ms(buckets[i] + greatest(0, (share * total - before) / n))::numeric, 4)::double precision;
    end if;
    before := before + n;
  end loop;
  return null;
end
$$;

comment on function beacon.bucket_percentile(integer[], bigint[], double precision) is
  'Duration, in milliseconds, that this share (0 to 1) of the calls stayed below: from counts by duration class, in ascending order, to within 9 %; null where no call has ended.';
