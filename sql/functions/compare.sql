create function beacon.trace_paths(of_trace uuid) returns table (
  path text, "position" integer, depth integer, service text, operation text, status text, duration_ms double precision,
    self_ms double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  spans beacon.span_fact[] := beacon.tree_of(of_trace);
  nth bigint[];      -- by position: the how manieth of its name below its parent
  hashes text[] := '{}';
  f beacon.span_fact;
begin
  select array_agg(n.nth order by n.position) into nth
  from (
    select x.position, row_number() over (partition by x.parent_position, x.service, x.operation order by x.position) as nth
      from unnest(spans) x
  ) n;
  for i in 1 .. coalesce(cardinality(spans), 0) loop
    f := spans[i];
    -- A hash of the way down, the n-th of its name below the same parent: equal in both traces where they did the same.
    path := md5(coalesce(hashes[f.parent_position], '') || f.service || ' ' || f.operation || ' ' || nth[i]);
    hashes[i] := path;
    "position" := f.position;
    depth := f.depth;
    service := f.service;
    operation := f.operation;
    status := f.status;
    duration_ms := f.duration_ms;
    self_ms := f.self_ms;
    return next;
  end loop;
end
$$;

comment on function beacon.trace_paths(uuid) is
  'Spans of a trace with a path that is the same in another trace where the same operations nest in the same way.';

create function beacon.compare_traces(a uuid, b uuid) returns table (
  change text, depth integer, service text, operation text, a_status text, b_status text,
  a_ms double precision, b_ms double precision, delta_ms double precision, a_self_ms double precision, b_self_ms double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  with aligned as (
    select x.path as x_path, y.path as y_path, x.position as x_position, y.position as y_position,
      coalesce(x.depth, y.depth) as depth, coalesce(x.service, y.service) as service, coalesce(x.operation, y.operation) as operation,
      x.status as x_status, y.status as y_status, x.duration_ms as x_ms, y.duration_ms as y_ms, x.self_ms as x_self, y.self_ms as y_self,
      -- What is only in b stands behind what precedes it there.
      coalesce(x.position, max(x.position) over (order by y.position)) as place
    from beacon.trace_paths(compare_traces.a) x
    full join beacon.trace_paths(compare_traces.b) y on y.path = x.path
  )
  select case
      when z.y_path is null then 'missing'
      when z.x_path is null then 'added'
      when z.x_status <> z.y_status then 'status'
      when abs(z.y_self - z.x_self) > 5 and z.y_self > 1.5 * z.x_self then 'slower'
      when abs(z.y_self - z.x_self) > 5 and z.x_self > 1.5 * z.y_self then 'faster'
      else 'same' end,
    z.depth, z.service, z.operation, z.x_status, z.y_status, z.x_ms, z.y_ms, z.y_ms - z.x_ms, z.x_self, z.y_self
  from aligned z
  order by z.place nulls first, z.x_position nulls last, z.y_position;
end
$$;

comment on function beacon.compare_traces(uuid, uuid) is
  'Two traces side by side, aligned by where each operation stands in the tree: same, status (ended differently), slower or faster (own '
  'time by half or more, and 5 ms), missing (only in a), added (only in b).';
