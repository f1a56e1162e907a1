create function beacon.critical_path(of_trace uuid) returns table (
  step integer, service text, operation text, from_ms double precision, to_ms double precision, ms double precision,
  share_pct double precision, "position" integer, span_id bytea)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with spans as materialized (select beacon.tree_of(of_trace) as all_of)
  select (row_number() over (order by p.from_ms, p.to_ms))::integer, f.service, f.operation, p.from_ms, p.to_ms, p.to_ms - p.from_ms,
    round((100 * (p.to_ms - p.from_ms) / sum(p.to_ms - p.from_ms) over ())::numeric, 1)::double precision, f.position, f.span_id
  from spans s
  cross join lateral beacon.critical_segments(s.all_of) p
  join lateral unnest(s.all_of) f on f.position = p.position
  where s.all_of is not null
  order by p.from_ms, p.to_ms;
end
$$;

comment on function beacon.critical_path(uuid) is
  'The chain of work that decided how long the trace took: segments in order of time, each charged to the span that was working itself. '
  'Shortening anything else changes nothing.';

create function beacon.critical_segments(spans beacon.span_fact[]) returns table (
  "position" integer, from_ms double precision, to_ms double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  n integer := coalesce(cardinality(spans), 0);
  starts double precision[];
  ends double precision[];
  children integer[];      -- positions, grouped by parent, who ended last first
  first_child integer[];   -- by position: where its children begin in children, 0 for none
  parent_of integer[];
  root integer;
  stack_at integer[];
  stack_until double precision[];
  top integer := 1;
  here integer;
  cursor_ms double precision;
  here_starts double precision;
  c integer;
  k integer;
begin
  if n = 0 then
    return;
  end if;
  -- They come in order of their position. The one sorted aggregate stands alone: PostgreSQL may sort for all of a query.
  select array_agg(f.offset_ms), array_agg(f.offset_ms + f.duration_ms), array_agg(coalesce(f.parent_position, 0))
    into starts, ends, parent_of
  from unnest(spans) f;
  select array_agg(f.position order by coalesce(f.parent_position, 0), f.offset_ms + f.duration_ms desc, f.position desc) into children
  from unnest(spans) f;
  for i in 1 .. n loop
    if parent_of[i] = 0 and (root is null or ends[i] - starts[i] > ends[root] - starts[root]) then
      root := i;
    end if;
  end loop;
  first_child := array_fill(0, array[n]);
  for k in reverse n .. 1 loop
    if parent_of[children[k]] > 0 then
      first_child[parent_of[children[k]]] := k;
    end if;
  end loop;
  -- Backwards from the end of the longest root: who finished last decided, then who finished last before he began.
  stack_at := array[root];
  stack_until := array[ends[root]];
  while top > 0 loop
    here := stack_at[top];
    cursor_ms := stack_until[top];
    here_starts := starts[here];
    top := top - 1;
    k := first_child[here];
    while k > 0 and k <= n loop
      c := children[k];
      exit when parent_of[c] <> here;
      k := k + 1;
      continue when starts[c] >= cursor_ms or starts[c] < here_starts;
      if cursor_ms > ends[c] then
        position := here;
        from_ms := ends[c];
        to_ms := cursor_ms;
        return next;
      end if;
      top := top + 1;
      stack_at[top] := c;
      stack_until[top] := least(cursor_ms, ends[c]);
      cursor_ms := starts[c];
    end loop;
    if cursor_ms > here_starts then
      position := here;
      from_ms := here_starts;
      to_ms := cursor_ms;
      return next;
    end if;
  end loop;
end
$$;

comment on function beacon.critical_segments(beacon.span_fact[]) is
  'Segments of the critical path of these spans, unordered: position of the span that was working itself, from, to (milliseconds from the '
  'start of the trace).';

create function beacon.diagnose_execution_trace(of_execution text) returns table (
  trace_id uuid, "position" integer, depth integer, service text, operation text, status text,
  offset_ms double precision, duration_ms double precision, self_ms double precision, share_pct double precision,
  on_critical_path boolean, baseline_p50_ms double precision, baseline_p95_ms double precision, baseline_calls bigint,
  anomaly text, error_type text, error_message text, span_id bytea, parent_span_id bytea)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
-- 50,000 spans sort in memory; a trace of usual size needs a hundredth of it.
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  spans beacon.span_fact[];
  alone boolean;
begin
  spans := beacon.execution_spans(of_execution);
  alone := (select count(distinct f.trace_id) = 1 from unnest(spans) f);
  return query
  with works as materialized (
    select f.trace_id, sum(f.self_ms) as ms from unnest(spans) f group by f.trace_id
  ), facts as (
    select f.*, w.ms as work_ms from unnest(spans) f join works w on w.trace_id = f.trace_id
  ), operations as materialized (
    select * from beacon.usuals(spans)
  ), critical as materialized (
    select distinct p.position
    from (select spans as of_trace, 0 as before where alone
          union all
          select array_agg(f order by f.position), min(f.position) - 1 from unnest(spans) f where not alone group by f.trace_id) t
    cross join lateral beacon.critical_segments(beacon.renumbered(t.of_trace, t.before)) q
    cross join lateral (select q.position + t.before as position) p
  ), parents as materialized (
    select distinct f.parent_position as position from unnest(spans) f
  )
  select f.trace_id, f.position, f.depth, f.service, f.operation, f.status,
    -- To microseconds; round(numeric, 3) says the same at ten times the price.
    round(f.offset_ms * 1000) / 1000, round(f.duration_ms * 1000) / 1000, round(f.self_ms * 1000) / 1000,
    round(1000 * f.self_ms / greatest(f.work_ms, 0.000001)) / 10,
    c.position is not null, o.p50_ms, o.p95_ms, o.calls,
    nullif(concat_ws('; ',
      case when beacon.has_failed(f.status) then f.status || coalesce(': ' || f.error_type, '') end,
      case when f.status = 'completed' and o.telling and f.duration_ms > 2 * o.p95_ms and f.duration_ms - o.p95_ms > 5
        then format('%s times the usual (p95 %s ms%s)', round((f.duration_ms / o.p95_ms)::numeric, 1), round(o.p95_ms),
          case when o.source like 'no baseline%' then '; ' || o.source else '' end) end,
      case when c.position is not null and f.self_ms > 50 and f.self_ms > 0.3 * f.work_ms
          and k.position is not null
        then format('%s ms of its own that no child explains', round(f.self_ms)) end,
      case when (f.metadata ->> 'faas.coldstart') = 'true' then 'cold start' end,
      case when f.is_orphan or f.skew_ms <> 0 or f.status in ('lost', 'started') then beacon.span_note(f.is_orphan, f.skew_ms,
        nullif(f.status, 'lost'), f.duration_ms) end), ''),
    f.error_type, f.error_message, f.span_id, f.parent_span_id
  from facts f
  left join operations o on o.service = f.service and o.operation = f.operation
    and coalesce(o.model_id, '') = coalesce(f.model_id, '') and coalesce(o.region, '') = coalesce(f.region, '')
  left join critical c on c.position = f.position
  left join parents k on k.position = f.position
  order by f.position;
end
$$;

comment on function beacon.diagnose_execution_trace(text) is
  'Every span of an execution in drawing order with its share of the work, whether it lies on the critical path, what the operation '
  'usually takes (other executions only), and what is odd about it. Times are milliseconds.';

create function beacon.renumbered(spans beacon.span_fact[], before integer) returns beacon.span_fact[]
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  if before = 0 then
    return spans;
  end if;
  for i in 1 .. cardinality(spans) loop
    spans[i].position := spans[i].position - before;
    spans[i].parent_position := spans[i].parent_position - before;
  end loop;
  return spans;
end
$$;

comment on function beacon.renumbered(beacon.span_fact[], integer) is
  'The same spans with positions counted from 1: one trace out of the many of an execution.';
