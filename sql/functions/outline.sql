create function beacon.trace_outline(of_trace uuid, max_lines integer default 40) returns table (
  line integer, parent_line integer, depth integer, service text, operation text, status text, spans bigint,
  on_critical_path boolean, offset_ms double precision, duration_ms double precision,
  total_ms double precision, self_ms double precision, error_type text, error_message text, note text, span_id bytea,
  below_spans bigint, below_failed bigint, below_self_ms double precision, trace_started_at timestamptz, trace_spans bigint,
    trace_failed bigint)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
-- 50,000 spans sort in memory; a trace of usual size needs a hundredth of it.
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  facts beacon.span_fact[];
  parents integer[];
  names text[];
  critical boolean[];
  keys bigint[];     -- by position: hash of the way down, equal for siblings that repeat each other
  lines integer[];   -- by position: the line that shows the span, 0 for none
  above integer[];   -- by position: the line that shows it or its nearest ancestor, 0 for none
  step record;
begin
  facts := beacon.tree_of(of_trace);
  if facts is null then
    return;
  end if;
  select array_agg(coalesce(t.parent_position, 0)), array_agg(concat_ws(chr(31), t.service, t.operation, t.status, coalesce(t.error_type,
    '')))
    into parents, names
  from unnest(facts) t;
  critical := array_fill(false, array[cardinality(facts)]);
  for step in select distinct s.position as at from beacon.critical_segments(facts) s loop
    critical[step.at] := true;
  end loop;
  keys := array_fill(0::bigint, array[cardinality(facts)]);
  for i in 1 .. cardinality(facts) loop
    -- Depth first: a parent has its key before its children ask for it. What failed, and what decided how long the trace
    -- took, is not folded into siblings that did neither.
    keys[i] := hashtextextended(names[i] || critical[i], case when parents[i] > 0 then keys[parents[i]] else 0 end);
  end loop;

  with f as materialized (
    select x.position, x.depth, x.self_ms, x.duration_ms, critical[x.position] as critical, keys[x.position] as key,
      beacon.has_failed(x.status) as failed
    from unnest(facts) x
  ), folds as materialized (
    select f.key, min(f.position) as first, min(f.depth) as depth, bool_or(f.failed) as failed, bool_or(f.critical) as critical,
      sum(f.self_ms) as self_ms, max(f.duration_ms) as longest_ms
    from f group by f.key
  ), ranked as (
    -- Each way of mattering has its turn: where the trace begins, where it failed, what decided its time, who did the work.
    select folds.key, least(
      case when folds.depth = 0 then 3 * row_number() over (partition by folds.depth order by folds.longest_ms desc, folds.first) - 2 end,
      case when folds.failed then 3 * row_number() over (partition by folds.failed order by folds.depth desc, folds.first desc) - 1 end,
      case when folds.critical then 3 * row_number() over (partition by folds.critical order by folds.self_ms desc, folds.first) end,
      3 * row_number() over (order by folds.self_ms desc, folds.first) + 1) as turn, folds.first
    from folds
  ), chosen as (
    select r.key, row_number() over (order by r.first) as line from (select * from ranked order by turn, first limit max_lines) r
  )
  select array_agg(coalesce(c.line, 0) order by f.position) into lines from f left join chosen c on c.key = f.key;

  above := lines;
  for i in 1 .. cardinality(facts) loop
    if above[i] = 0 and parents[i] > 0 then
      above[i] := above[parents[i]];
    end if;
  end loop;

  return query
  with recursive f as materialized (
    select x.*, lines[x.position] as line, above[x.position] as above_line, beacon.has_failed(x.status) as failed,
      case when parents[x.position] > 0 then above[parents[x.position]] else 0 end as from_line
    from unnest(facts) x
  ), shown as materialized (
    select f.line, min(f.position) as first, min(f.from_line) as from_line, count(*) as spans, min(f.offset_ms) as offset_ms,
      sum(f.duration_ms) as total_ms, sum(f.self_ms) as self_ms,
      (array_agg(f.position order by f.duration_ms desc, f.position))[1] as longest
    from f where f.line > 0 group by f.line
  ), hidden as materialized (
    select f.above_line as line, count(*) as spans, count(*) filter (where f.failed) as failed, sum(f.self_ms) as self_ms
    from f where f.line = 0 group by f.above_line
  ), placed as (
    -- The children of a fold may begin behind its first member's siblings: the tree decides the order, not the position.
    select s.line, array[s.first] as way from shown s where s.from_line = 0
    union all
    select s.line, p.way || s.first from placed p join shown s on s.from_line = p.line
  )
  select (row_number() over (order by p.way))::integer, (select nullif(count(*), 0)::integer from placed q where q.way <= u.way),
    l.depth, l.service, l.operation, l.status, s.spans, critical[s.longest],
    round(s.offset_ms::numeric, 3)::double precision, round(l.duration_ms::numeric, 3)::double precision,
    round(s.total_ms::numeric, 3)::double precision, round(s.self_ms::numeric, 3)::double precision,
    l.error_type, l.error_message, beacon.span_note(l.is_orphan, l.skew_ms, l.status, l.duration_ms, l.metadata), l.span_id,
    coalesce(h.spans, 0), coalesce(h.failed, 0), round(coalesce(h.self_ms, 0)::numeric, 3)::double precision,
    (select min(f.started_at) from f), cardinality(facts)::bigint, (select count(*) from f where f.failed)
  from placed p
  join shown s on s.line = p.line
  join f l on l.position = s.longest
  left join placed u on u.line = s.from_line
  left join hidden h on h.line = s.line
  order by p.way;
end
$$;

comment on function beacon.trace_outline(uuid, integer) is
  'A trace in at most so many lines: siblings that repeat each other (same service, operation, status, error and place in the tree) are '
  'folded into one line, and the lines that matter are kept: roots, failures, the critical path, the most work. spans: how many a line '
  'stands for; of these, duration_ms is the longest, total_ms and self_ms are sums, span_id the longest. below_…: spans below it that '
  'have no line of their own. Every figure counts all spans of the trace.';
