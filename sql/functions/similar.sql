create function beacon.trace_features(of_traces uuid[], from_time timestamptz, to_time timestamptz) returns table (
  trace_id uuid, calls text[], failures text[])
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  -- What a trace did, and how it failed: as sets, so that how often a loop ran does not drown the rest.
  return query
  with s as materialized (
    select x.trace_id, x.span_id, x.parent_span_id, x.service || ' ' || x.operation as name, x.status,
      case when beacon.has_failed(x.status) then coalesce(x.error_type, x.metadata ->> 'http.response.status_code') end as code
    from beacon.spans_of(of_traces, from_time, to_time) x
  )
  select s.trace_id, array_agg(distinct concat_ws(' > ', p.name, s.name) collate "C"),
    coalesce(array_agg(distinct concat_ws(' ', s.name, s.status, s.code) collate "C") filter (where beacon.has_failed(s.status)), '{}')
  from s
  left join s p on p.trace_id = s.trace_id and p.span_id = s.parent_span_id
  group by s.trace_id;
end
$$;

comment on function beacon.trace_features(uuid[], timestamptz, timestamptz) is
  'Two sets a trace: the operations it called, each with its caller, and the failures it saw (service, operation, status, error type).';

create function beacon.overlap(a text[], b text[]) returns double precision
language plpgsql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
declare
  -- Both are sets already: what they share decides the rest.
  both_of integer := (select count(*) from unnest(a) x join unnest(b) y on y = x);
  either integer := cardinality(a) + cardinality(b) - both_of;
begin
  return case when either = 0 then 1 else both_of::double precision / either end;
end
$$;

comment on function beacon.overlap(text[], text[]) is 'Jaccard index of two sets: shared over all, 1 for two empty ones.';

create function beacon.find_similar_traces(of_execution text, max_results integer default 10) returns table (
  execution_id bigint, trace_id uuid, similarity double precision, outcome text, started_at timestamptz,
  duration_ms double precision, fingerprint text, difference text, execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
as $$
#variable_conflict use_column
declare
  mine uuid;
  at timestamptz;
  failed boolean;
  own_calls text[];
  own_failures text[];
  candidates uuid[];
  since timestamptz;
  until timestamptz;
begin
  -- The last attempt speaks for the execution.
  select e.trace_id, e.started_at into mine, at from beacon.execution_traces(of_execution) e order by e.started_at desc limit 1;
  if mine is null then
    return;
  end if;
  select f.calls, f.failures, f.failures <> '{}' into own_calls, own_failures, failed
  from beacon.trace_range(mine) r, beacon.trace_features(array[mine], r.from_time, r.to_time) f;
  -- Of the same outcome first; the newest 300 within a week, as far as their spans go, keep this a bounded amount of work.
  candidates := array(
    select q.trace_id from (
      select n.trace_id, row_number() over newest as place, sum(n.span_count) over newest as spans
      from (select t.trace_id, t.started_at, t.span_count from beacon.traces t
            where t.started_at between at - interval '7 days' and at + interval '7 days'
              and coalesce(t.execution_key, t.execution_id::text) <> beacon.execution_text(of_execution)
              and (not failed or t.error_count > 0)
            order by t.started_at desc limit 300) n
      window newest as (order by n.started_at desc, n.trace_id)) q
    where q.spans <= 10000 or q.place <= 10);
  select min(t.started_at), max(case when t.open_count = 0 then t.completed_at else 'infinity' end) into since, until
  from beacon.traces t where t.trace_id = any (candidates);
  return query
  with features as materialized (
    select * from beacon.trace_features(candidates, since, until)
  ), scored as materialized (
    select f.trace_id, case when failed then 0.65 * beacon.overlap(own_failures, f.failures) + 0.35 * beacon.overlap(own_calls, f.calls)
      else beacon.overlap(own_calls, f.calls) end as score
    from features f
  ), best as materialized (
    select t.execution_id, t.execution_key, t.trace_id, t.started_at, t.completed_at, t.error_count, t.open_count, s.score
    from scored s
    join beacon.traces t on t.trace_id = s.trace_id
    where s.score > 0
    order by s.score desc, t.started_at desc
    limit max_results
  )
  select r.execution_id, r.trace_id, round(r.score::numeric, 3)::double precision,
    case when r.error_count > 0 then 'failed' when r.open_count > 0 then 'running' else 'completed' end,
    r.started_at, 1000 * extract(epoch from r.completed_at - r.started_at)::double precision,
    coalesce(nullif(array_to_string(f.failures, ' | '), ''), 'no failure'),
    coalesce(nullif(concat_ws('; ',
      'only here: ' || nullif(array_to_string(array(select unnest(own_calls || own_failures) except select unnest(f.calls || f.failures)
        order by 1 limit 5), ', '), ''),
      'only there: ' || nullif(array_to_string(array(select unnest(f.calls || f.failures) except select unnest(own_calls || own_failures)
        order by 1 limit 5), ', '), '')), ''),
      'none'), r.execution_key
  from best r
  join features f on f.trace_id = r.trace_id
  order by r.score desc, r.started_at desc;
end
$$;

comment on function beacon.find_similar_traces(text, integer) is
  'Traces of other executions that failed (or worked) most alike: similarity is 0.65 times the overlap of failures plus 0.35 times the '
  'overlap of structure, that is of operations with their callers (structure alone for a healthy one). Looks at the newest 300 of the '
  'week before and after (of large traces fewer: 10,000 spans in all, ten traces at least); says how each ended and what differs.';
