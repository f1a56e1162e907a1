create function beacon.trace_rows(of_trace uuid) returns table (
  span_id bytea, parent_span_id bytea, service text, operation text, kind smallint, status smallint, error_type text,
  error_message text, started_at timestamptz,
  started_ns smallint, duration_ms double precision, completed_at timestamptz, alive_until timestamptz, generation text)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Rows wait here until all are found: 100,000 of them in memory and not in a file.
set work_mem = '64MB'
set jit = off
-- How many spans a trace has is not known to the planner, who expects few.
set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  since timestamptz;
  until timestamptz;
  now_is timestamptz := beacon.clock();
begin
  select r.from_time, r.to_time into since, until from beacon.trace_range(of_trace) r;
  return query
  with stored as materialized (
    -- Not spans_of, and only what is asked for: 100,000 whole rows would wait there.
    select x.span_id, x.parent_span_id, x.service, x.operation, x.kind, x.status, x.error_type, x.error_message, x.started_at,
      x.started_ns, x.duration_ms, x.completed_at, x.tracer_id, x.metadata ? 'error.type' as is_typed,
      beacon.generation_note(x.metadata) as generation
    from beacon.trace_spans x where x.trace_id = of_trace and x.started_at between since and until
  )
  select s.span_id, s.parent_span_id, s.service, s.operation,
    (case s.kind when 'internal' then 0 when 'server' then 1 when 'client' then 2 when 'producer' then 3 else 4 end)::smallint,
    (case s.status when 'completed' then 0 when 'failed' then case when e.timed_out then 2 else 1 end when 'timeout' then 2
      when 'lost' then 3
      else case when t.last_alive is null then 4 else 3 end end)::smallint,
    case when e.error_type is null or s.is_typed then s.error_type else e.error_type end,
    coalesce(s.error_message, e.error_message,
      case when s.status = 'started' and t.last_alive is not null then 'its process ended before it did' end),
    s.started_at, s.started_ns, s.duration_ms, s.completed_at,
    case when s.status = 'started' then coalesce(t.last_alive, now_is) else t.last_alive end,
    s.generation
  from (
    select x.* from stored x
    union all
    select a.span_id, a.parent_span_id, a.service, a.operation, a.kind, a.status, a.error_type, a.error_message, a.started_at,
      a.started_ns, a.duration_ms, a.completed_at, a.tracer_id, a.metadata ? 'error.type', beacon.generation_note(a.metadata)
    from beacon.archived_spans(array[of_trace], since, until) a) s
  -- A table of the coordinator, or a cluster would send all of this to the worker that has the spans.
  left join beacon.traces own on own.trace_id = of_trace
  left join beacon.tracer_state() t on t.tracer_id = s.tracer_id and s.duration_ms is null
  left join beacon.logged_exceptions(of_trace, since, until) e on e.span_id = s.span_id;
end
$$;

comment on function beacon.trace_rows(uuid) is
  'Spans of a trace in no order, for code that lays out 100,000 of them itself; trace_tree gives them as a tree. kind 0 internal, 1 '
  'server, 2 client, 3 producer, 4 consumer; status 0 completed, 1 failed, 2 timeout, 3 lost, 4 started; '
  'alive_until is the last moment a span without an end may have run: when its process was last alive, or now; generation is '
  'what generation_note says.';

create function beacon.spans_of_traces(of_traces uuid[], at_most integer) returns setof beacon.trace_spans
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
declare
  known integer;
  since timestamptz;
  until timestamptz;
begin
  select count(*), min(t.started_at), max(coalesce(t.active_to, 'infinity')) into known, since, until
  from beacon.traces t where t.trace_id = any (of_traces);
  -- A trace that did not come through a writer may have no summary.
  if known < cardinality(of_traces) then
    since := '-infinity';
    until := 'infinity';
  end if;
  return query
  select s.* from beacon.spans_of(of_traces, since, until) s
  order by s.started_at, s.started_ns, s.span_id
  limit at_most;
end
$$;

comment on function beacon.spans_of_traces(uuid[], integer) is
  'The first spans of some traces by their start, at most so many, with all columns: for APIs that give back whole traces.';
