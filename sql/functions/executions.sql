create function beacon.execution_traces(of_execution text) returns table (trace_id uuid, started_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  number bigint := beacon.execution_number(of_execution);
  key text := beacon.execution_key(of_execution);
begin
  return query
  select e.trace_id, coalesce(t.started_at, e.started_at)
  from (
    select x.trace_id, x.started_at from beacon.trace_executions x where x.execution_id = number
    union all
    select x.trace_id, x.started_at from beacon.trace_executions x where x.execution_key = key) e
  left join beacon.traces t on t.trace_id = e.trace_id
  order by 2, 1;
  if not found then
    -- Rows that did not come through a writer (restored, inserted by hand) have no entry above.
    return query
    with stored as materialized (
      select q.trace_id, q.started_at from beacon.trace_spans q where q.execution_id = number
      union all
      select q.trace_id, q.started_at from beacon.trace_spans q where q.execution_key = key
    )
    select s.trace_id, min(s.started_at)
    from (
      select q.trace_id, q.started_at from stored q
      union all
      select a.trace_id, a.started_at
      from beacon.archived_between('-infinity', 'infinity', array[beacon.column_hash('execution', coalesce(key, number::text))], '{1}') a
      where a.execution_id = number or a.execution_key = key) s
    group by s.trace_id
    order by 2, 1;
  end if;
end
$$;

comment on function beacon.execution_traces(text) is 'Traces of an execution, earliest first: one an attempt, usually.';

create function beacon.execution_spans(of_execution text) returns beacon.span_fact[]
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  spans beacon.span_fact[];
  tree beacon.span_fact[];
  f beacon.span_fact;
  of_trace uuid;
  before integer := 0;
  kept integer[];
  key text := beacon.execution_text(of_execution);
begin
  for of_trace in select t.trace_id from beacon.execution_traces(of_execution) t loop
    tree := beacon.tree_of(of_trace);
    -- A trace may hold a whole job: branches of other executions are not ours, what stands above all of them is.
    if before = 0 and not exists (select from unnest(tree) o where o.execution <> key) then
      spans := tree;
      before := coalesce(cardinality(tree), 0);
      continue;
    end if;
    kept := '{}';
    for f in select * from unnest(tree) loop
      if f.execution is null or f.execution = key then
        before := before + 1;
        kept[f.position] := before;
        f.parent_position := kept[f.parent_position];
        f.position := before;
        spans[before] := f;
      end if;
    end loop;
  end loop;
  return spans;
end
$$;

comment on function beacon.execution_spans(text) is
  'All spans of all traces of an execution, also those of services that know nothing of executions, numbered through: position counts '
  'over all its traces and is the element''s index. Branches that belong to other executions are left out. Null for an execution without '
  'spans.';
