create function beacon.compare_with_usual(of_trace uuid) returns table (
  change text, service text, operation text, spans bigint, failed bigint, median_ms double precision, longest_ms double precision,
  usual_p50_ms double precision, usual_p95_ms double precision, times double precision, extra_ms double precision, usual_calls bigint,
  compared_with text, longest_span_id bytea)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
as $$
#variable_conflict use_column
declare
  tree beacon.span_fact[] := beacon.tree_of(of_trace);
begin
  return query
  with mine as materialized (
    select f.service, f.operation, coalesce(f.model_id, '') as model_id, coalesce(f.region, '') as region, count(*) as spans,
      count(*) filter (where beacon.has_failed(f.status)) as failed, sum(f.duration_ms) as total_ms, max(f.duration_ms) as longest_ms,
      percentile_cont(0.5) within group (order by f.duration_ms) as median_ms,
      (array_agg(f.span_id order by f.duration_ms desc, f.position))[1] as longest_span_id, min(f.position) as place
    from unnest(tree) f
    group by 1, 2, 3, 4
  ), usual as materialized (
    select * from beacon.usuals(tree)
  )
  select
    case when u.p50_ms is null then 'no baseline'
      when not u.telling then 'too few'
      when m.median_ms > u.p95_ms then 'slower'
      when m.median_ms < u.p50_ms / 2 then 'faster'
      else 'usual' end,
    m.service, m.operation, m.spans, m.failed, round(m.median_ms * 1000) / 1000, round(m.longest_ms * 1000) / 1000, u.p50_ms, u.p95_ms,
    round((m.median_ms / nullif(u.p50_ms, 0))::numeric, 2)::double precision,
    round((m.total_ms - m.spans * u.p50_ms) * 1000) / 1000, u.calls,
    case when u.p50_ms is null then 'no baseline yet: no completed call of it in other traces of the last 7 days'
      when not u.telling then format('%s, too few to tell (%s)', u.source, u.calls) else u.source end,
    m.longest_span_id
  from mine m
  left join usual u on u.service = m.service and u.operation = m.operation
    and coalesce(u.model_id, '') = m.model_id and coalesce(u.region, '') = m.region
  order by m.total_ms - m.spans * u.p50_ms desc nulls last, m.place;
end
$$;

comment on function beacon.compare_with_usual(uuid) is
  'How long each operation of a trace took, failed spans too, beside its median over the last 7 days (other traces only, see usuals), '
  'what took most more than usual first. change is slower (median here above the usual 95th percentile), faster (below half the usual '
  'median), usual, too few (hardly any calls to compare with) or no baseline.';
