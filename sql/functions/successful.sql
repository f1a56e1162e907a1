create function beacon.successful_twin(of_execution text) returns table (
  trace_id uuid, twin_execution_id bigint, twin_trace_id uuid, chosen_because text, twin_execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
as $$
#variable_conflict use_column
declare
  mine record;
  own record;
  candidates uuid[];
begin
  -- The last attempt speaks for the execution.
  select t.trace_id, t.started_at, t.root_service, t.root_operation, r.model_id, r.region into mine
  from beacon.execution_traces(of_execution) e
  join beacon.traces t on t.trace_id = e.trace_id
  left join lateral (
    select s.model_id, s.region from beacon.spans_of(array[t.trace_id], t.started_at) s
    where s.parent_span_id is null
    order by s.started_at limit 1) r on true
  order by e.started_at desc limit 1;
  if mine.trace_id is null then
    return;
  end if;
  select f.calls into own from beacon.trace_features(array[mine.trace_id], mine.started_at - interval '1 hour',
    mine.started_at + interval '1 day') f;
  -- The newest 300 of the same kind within a week keep this a bounded amount of work.
  candidates := array(
    select t.trace_id from beacon.traces t
    where t.started_at between mine.started_at - interval '7 days' and mine.started_at + interval '7 days'
      and t.error_count = 0 and t.open_count = 0 and t.completed_at is not null and t.trace_id <> mine.trace_id
      and coalesce(t.execution_key, t.execution_id::text) is distinct from beacon.execution_text(of_execution)
      and t.root_service = mine.root_service and t.root_operation = mine.root_operation
    order by t.started_at desc limit 300);
  return query
  with features as materialized (
    select * from beacon.trace_features(candidates, mine.started_at - interval '8 days', mine.started_at + interval '8 days')
  ), roots as materialized (
    select distinct on (s.trace_id) s.trace_id, s.model_id, s.region
    from beacon.spans_of(candidates, mine.started_at - interval '8 days', mine.started_at + interval '8 days') s
    where s.parent_span_id is null
    order by s.trace_id, s.started_at
  )
  select mine.trace_id, t.execution_id, t.trace_id,
    concat_ws(', ',
      case when r.model_id = mine.model_id then 'same model' when mine.model_id is not null then 'another model' end,
      case when r.region = mine.region then 'same region' when mine.region is not null then 'another region' end,
      format('%s %% of the calls alike', round(100 * beacon.overlap(own.calls, f.calls)::numeric)),
      beacon.duration_text(abs(1000 * extract(epoch from t.started_at - mine.started_at))::double precision)
        || case when t.started_at < mine.started_at then ' earlier' else ' later' end),
    t.execution_key
  from features f
  join beacon.traces t on t.trace_id = f.trace_id
  left join roots r on r.trace_id = f.trace_id
  order by (r.model_id is not distinct from mine.model_id) desc, (r.region is not distinct from mine.region) desc,
    -- A trace that failed early is short: what the twin did in common counts, not what it did more.
    beacon.overlap(own.calls, f.calls) desc, abs(extract(epoch from t.started_at - mine.started_at)), t.trace_id
  limit 1;
end
$$;

comment on function beacon.successful_twin(text) is
  'The execution that worked and is most like this one: same root operation, without a failed or open span, same model and region where '
  'there is one, then the most calls in common, then the nearest in time; among the newest 300 of the week before and after. '
  'chosen_because says it in words.';

create function beacon.compare_with_successful(of_execution text) returns table (
  change text, depth integer, service text, operation text, successful_status text, status text, successful_ms double precision,
  ms double precision, delta_ms double precision, successful_self_ms double precision, self_ms double precision,
  trace_id uuid, successful_execution_id bigint, successful_trace_id uuid, chosen_because text,
  successful_execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
as $$
#variable_conflict use_column
begin
  return query
  select c.change, c.depth, c.service, c.operation, c.a_status, c.b_status, c.a_ms, c.b_ms, c.delta_ms, c.a_self_ms, c.b_self_ms,
    w.trace_id, w.twin_execution_id, w.twin_trace_id, w.chosen_because, w.twin_execution_key
  from beacon.successful_twin(of_execution) w
  cross join lateral beacon.compare_traces(w.twin_trace_id, w.trace_id) c
  where c.change <> 'same' or c.depth = 0;
end
$$;

comment on function beacon.compare_with_successful(text) is
  'How an execution differs from the one most like it that worked: its root and every span that is missing, added, ended differently, or '
  'took at least half more or less time of its own (and 5 ms). No row where none of that kind has worked.';
