create function beacon.find_timeout_root_cause(of_execution text, max_results integer default 20) returns table (
  rank integer, decided_outcome boolean, waiting_service text, waiting_operation text, gave_up_after_ms double precision,
  waited_for text, callee_state text, callee_ended_after_ms double precision, slowest_service text, slowest_operation text,
    slowest_ms double precision,
  usual_p50_ms double precision, usual_p95_ms double precision, usual_calls bigint, type text, role text, confidence double precision,
  summary text, recommendation text, trace_id uuid, span_ids bytea[])
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
as $$
#variable_conflict use_column
declare
  spans beacon.span_fact[];
begin
  spans := beacon.execution_spans(of_execution);
  if spans is null then
    return;
  end if;
  return query
  with timed_out as (
    select b.*, coalesce(b.callee_position, b.position) as top
    from beacon.failure_origins(spans) b
    where b.status = 'timeout'
    -- Each costs a look at what stands below it.
    order by b.explains_root desc, b.duration_ms desc, b.position
    limit max_results
  ), bounds as (
    -- Positions are depth first: what stands below a span follows it until the next span that is no deeper.
    select t.position, t.top, (
      select min(n.position) from unnest(spans) n
      where n.position > t.top and (n.depth <= (spans[t.top]).depth or n.trace_id <> t.trace_id)) as behind
    from timed_out t
  ), slowest as (
    select distinct on (o.position) o.position, f.service, f.operation, f.model_id, f.region, f.self_ms
    from bounds o
    join lateral unnest(spans) f on f.position >= o.top and (o.behind is null or f.position < o.behind)
      -- The waiting itself explains nothing: its own time counts only where nothing was seen below it.
      and (f.position <> o.position or o.behind = o.position + 1 or o.behind is null and f.position = cardinality(spans))
    order by o.position, f.self_ms desc, f.position
  ), usual as materialized (
    select * from beacon.usuals(spans)
  ), verdicts as materialized (
    select * from beacon.identify_root_cause(of_execution)
  )
  select (row_number() over (order by t.explains_root desc, v.rank nulls last, t.duration_ms desc))::integer, t.explains_root, t.service,
    t.operation,
    round(t.duration_ms::numeric, 3)::double precision, t.callee,
    case
      when t.callee_position is null then 'left no span: it never got the request, or is not traced'
      when not t.callee_ended and t.callee_status = 'lost' then 'its process died'
      when not t.callee_ended then 'had not ended when last seen'
      when t.callee_late_ms < -5 then 'ended in time, its answer did not arrive in time'
      else 'went on after its caller had given up'
    end,
    case when t.callee_ended then round((t.duration_ms + t.callee_late_ms)::numeric, 3)::double precision end,
    s.service, s.operation, round(s.self_ms::numeric, 3)::double precision, u.p50_ms, u.p95_ms, u.calls,
    v.type, v.role, v.confidence, v.summary, v.recommendation, t.trace_id, t.span_ids
  from timed_out t
  left join slowest s on s.position = t.position
  left join usual u on u.service = s.service and u.operation = s.operation
    and coalesce(u.model_id, '') = coalesce(s.model_id, '') and coalesce(u.region, '') = coalesce(s.region, '')
  left join lateral (
    select w.rank, w.type, w.role, w.confidence, w.summary, w.recommendation from verdicts w
    where w.trace_id = t.trace_id and t.span_id = any (w.span_ids)
    order by w.rank limit 1) v on true
  order by 1;
end
$$;

comment on function beacon.find_timeout_root_cause(text, integer) is
  'Calls of an execution that ran into their time-out, the one that decided the outcome first, then the longest: who gave up after how '
  'long, on whom, what became of the callee (callee_ended_after_ms counts from when the call began), which operation behind it took the '
  'most time of its own and what it usually takes, and the verdict of identify_root_cause on it. No row where nothing timed out.';
