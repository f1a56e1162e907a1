create function beacon.trace_range(of_trace uuid, out from_time timestamptz, out to_time timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  -- An open span may start after the last one ended, and a trace that came past the writer has no summary.
  select t.started_at, case when t.open_count = 0 then t.completed_at end into from_time, to_time
  from beacon.traces t where t.trace_id = of_trace;
  from_time := coalesce(from_time, '-infinity');
  to_time := coalesce(to_time, 'infinity');
end
$$;

comment on function beacon.trace_range(uuid) is
  'Within which all spans of a trace start, from its summary: so that only the partitions of its days are read.';

create function beacon.trace_facts(of_trace uuid) returns setof beacon.span_fact
language plpgsql stable
set search_path = beacon, pg_catalog
-- How many spans a trace has is not known to the planner, who expects one: 400 of them took seconds in nested loops.
set enable_nestloop = off
as $$
declare
  since timestamptz;
  until timestamptz;
  trace_start timestamptz;
  last_sign timestamptz;
begin
  select r.from_time, r.to_time into since, until from beacon.trace_range(of_trace) r;
  -- Now, while something in it may still run; else the last moment anything in it was seen.
  select min(s.started_at), greatest(max(s.started_at), max(s.completed_at),
           max(case when s.status = 'started' then coalesce(t.last_alive, beacon.clock()) when s.duration_ms is null then t.last_alive end))
    into trace_start, last_sign
  from beacon.spans_of(array[of_trace], since, until) s
  left join beacon.tracer_state() t on t.tracer_id = s.tracer_id;

  return query
  with base as materialized (
    select s.trace_id, s.span_id, s.parent_span_id, s.service, s.operation, s.kind, s.status, s.started_at, s.started_ns, s.completed_at,
      s.duration_ms, coalesce(s.execution_key, s.execution_id::text) as execution, s.job_id, s.model_id, s.region,
      s.error_type, s.error_message, s.metadata, s.links, s.tracer_id,
      row_number() over (order by s.started_at, s.started_ns, s.completed_at desc nulls first, s.span_id)::integer as rn
    from beacon.spans_of(array[of_trace], since, until) s
  ), owner as materialized (
    select b.span_id, min(b.rn) as rn, coalesce(min(b.rn) filter (where b.kind <> 'server'), min(b.rn)) as calling,
      min(b.rn) filter (where b.kind = 'server') as answering, count(*) > 1 as shared
    from base b group by b.span_id
  ), halves as materialized (
    select b.span_id, b.service, coalesce(min(b.rn) filter (where b.kind = 'server'), min(b.rn)) as rn
    from base b join owner o on o.span_id = b.span_id and o.shared group by b.span_id, b.service
  ), logged as materialized (
    select * from beacon.logged_exceptions(of_trace, since, until)
  )
  select b.trace_id, b.rn,
    -- Zipkin's client and server share one span id: the server is the child of the client, and what either did is below that one.
    case when o.calling <> b.rn and b.kind = 'server' then o.calling else nullif(coalesce(h.rn, p.answering, p.rn), b.rn) end,
    0, b.span_id, b.parent_span_id, b.service, b.operation, b.kind,
    case when b.status = 'started' and t.last_alive is not null then 'lost' when b.status = 'failed' and e.timed_out then 'timeout'
      else b.status end,
    b.started_at,
    1000 * extract(epoch from b.started_at - trace_start)::double precision + b.started_ns / 1e6,
    coalesce(b.duration_ms, greatest(0, 1000 * extract(epoch from
      least(last_sign, coalesce(t.last_alive, last_sign)) - b.started_at)::double precision)),
    0::double precision, b.completed_at is not null,
    b.parent_span_id is not null and nullif(coalesce(h.rn, p.answering, p.rn), b.rn) is null, 0::double precision,
    b.execution, b.job_id, b.model_id, b.region,
    -- As with an exception event: error.type says more, a status code less.
    case when e.error_type is null or b.metadata ? 'error.type' then b.error_type else e.error_type end,
    coalesce(b.error_message, e.error_message,
      case when b.status = 'started' and t.last_alive is not null then 'its process ended before it did' end),
    b.metadata, b.links
  from base b
  join owner o on o.span_id = b.span_id
  left join owner p on p.span_id = b.parent_span_id
  left join halves h on h.span_id = b.parent_span_id and h.service = b.service
  left join beacon.tracer_state() t on t.tracer_id = b.tracer_id
  left join logged e on e.span_id = b.span_id
  order by b.rn;
end
$$;

comment on function beacon.trace_facts(uuid) is
  'Spans of a trace in order of their start, each with the number of its parent''s row; no tree yet (depth, self time and clock '
  'correction are 0). A span left open by a process that is gone counts as lost.';

create function beacon.tracer_state() returns table (tracer_id uuid, last_alive timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  lost_after interval := make_interval(secs => beacon.setting('lost_after_seconds', '30')::double precision);
begin
  return query
  select t.tracer_id, coalesce(t.stopped_at, t.heartbeat_at)
  from beacon.tracers t
  where t.stopped_at is not null or t.heartbeat_at < beacon.clock() - lost_after;
end
$$;

comment on function beacon.tracer_state() is
  'Tracers that are gone, with the last moment they were alive: those that stopped, and those whose heartbeat is older than '
  'lost_after_seconds (30).';

create function beacon.tree_of(of_trace uuid) returns beacon.span_fact[]
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  spans beacon.span_fact[];
  f beacon.span_fact;
  n integer;
  starts double precision[];
  ends double precision[];
  parents integer[];
  executions text[];
  offsets jsonb;          -- clock of a service against that of its caller: {"caller callee": milliseconds}
  clocks_differ boolean;
  last_child integer[];   -- children as linked lists, latest first
  earlier integer[];
  depths integer[];
  shifts double precision[];
  covered double precision[];
  reach double precision[];
  places integer[];       -- row -> position in depth-first order
  stack integer[];
  top integer;
  placed integer := 0;
  i integer;
  p integer;
  c integer;
begin
  select array_agg(t), array_agg(t.offset_ms), array_agg(t.offset_ms + t.duration_ms),
         array_agg(coalesce(t.parent_position, 0)), array_agg(t.execution)
    into spans, starts, ends, parents, executions
  from beacon.trace_facts(of_trace) t;
  n := coalesce(cardinality(spans), 0);
  if n = 0 then
    return null;
  end if;
  offsets := beacon.clock_offsets(spans);
  clocks_differ := offsets <> '{}';
  last_child := array_fill(0, array[n]);
  earlier := last_child;
  depths := last_child;
  places := last_child;
  stack := array_fill(0, array[n + 1]);
  shifts := array_fill(0::double precision, array[n]);
  covered := shifts;
  reach := shifts;

  for i in 1 .. n loop
    p := parents[i];
    if p > 0 then
      earlier[i] := last_child[p];
      last_child[p] := i;
    end if;
  end loop;

  -- Depth first with a stack of our own, so that a chain of 50,000 spans is a loop and no recursion. Rows without a
  -- parent first; what they do not reach hangs in a cycle of parents, and the first of a cycle is made a root.
  for pass in 1 .. 2 loop
    exit when placed = n;
    for root in 1 .. n loop
      continue when places[root] > 0 or (pass = 1 and parents[root] > 0);
      parents[root] := 0;
      top := 1;
      stack[1] := root;
      while top > 0 loop
        i := stack[top];
        top := top - 1;
        continue when places[i] > 0;
        placed := placed + 1;
        places[i] := placed;
        p := parents[i];
        if p > 0 then
          depths[i] := depths[p] + 1;
          executions[i] := coalesce(executions[i], executions[p]);
          shifts[i] := shifts[p];
          -- Taking a span out of the array costs more than all else here together.
          if clocks_differ then
            f := spans[i];
            if f.kind = 'server' then
              shifts[i] := shifts[i] + coalesce((offsets ->> (spans[p].service || ' ' || f.service))::double precision, 0);
            end if;
          end if;
          starts[i] := starts[i] + shifts[i];
          ends[i] := ends[i] + shifts[i];
          -- Siblings come in order of their start, so the union of their intervals grows at one end only.
          if least(ends[i], ends[p]) > greatest(starts[i], reach[p]) then
            covered[p] := covered[p] + least(ends[i], ends[p]) - greatest(starts[i], reach[p]);
            reach[p] := least(ends[i], ends[p]);
          end if;
        end if;
        reach[i] := starts[i];
        c := last_child[i];
        while c > 0 loop
          top := top + 1;
          stack[top] := c;
          c := earlier[c];
        end loop;
      end loop;
    end loop;
  end loop;

  -- In one statement: taking each out of the array, changing it and putting it back costs several times as much.
  return array(
    select (s.trace_id, s.place, case when s.parent > 0 then places[s.parent] end, s.depth, s.span_id, s.parent_span_id, s.service,
      s.operation, s.kind, s.status, s.started_at, s.start_ms, s.duration_ms,
      greatest(0, s.end_ms - s.start_ms - s.covered_ms), s.ended, s.is_orphan, s.shift_ms, s.execution, s.job_id, s.model_id, s.region,
      s.error_type, s.error_message, s.metadata, s.links)::beacon.span_fact
    from rows from (unnest(spans), unnest(places), unnest(parents), unnest(depths), unnest(starts), unnest(ends), unnest(covered),
      unnest(shifts), unnest(executions)) s (trace_id, was_position, was_parent, was_depth, span_id, parent_span_id, service, operation,
      kind, status, started_at, was_offset_ms, duration_ms, was_self_ms, ended, is_orphan, was_skew_ms, was_execution, job_id, model_id,
      region, error_type, error_message, metadata, links, place, parent, depth, start_ms, end_ms, covered_ms, shift_ms, execution)
    order by s.place);
end
$$;

comment on function beacon.tree_of(uuid) is
  'Spans of a trace as a tree, depth first, the element''s index its position: parent, depth, self time, clock correction; execution '
  'is inherited from the nearest ancestor that has one. Orphans and the first span of a cycle of parents stand as roots. Null for a trace '
  'without spans.';

create function beacon.trace_tree(of_trace uuid) returns setof beacon.span_fact
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query select f.* from unnest(beacon.tree_of(of_trace)) f;
end
$$;

comment on function beacon.trace_tree(uuid) is 'The spans of tree_of as rows.';

create function beacon.clock_offsets(spans beacon.span_fact[]) returns jsonb
language plpgsql stable
set search_path = beacon, pg_catalog
-- Planned without the values, that is without a copy of all spans.
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
as $$
declare
  offsets jsonb;
begin
  offsets := (
    with pairs as (
      -- A server cannot start before it was called, nor, where its caller waited for the answer, end after it. Ending
      -- after a caller that gave up is no proof, nor is being longer than the call.
      select p.service || ' ' || c.service as pair, p.offset_ms - c.offset_ms as at_least,
        case when p.status = 'completed' and c.duration_ms <= p.duration_ms then p.offset_ms + p.duration_ms - c.offset_ms
          - c.duration_ms end as at_most
      from unnest(spans) with ordinality c
      join unnest(spans) with ordinality p on p.ordinality = c.parent_position
      where c.kind = 'server' and c.service <> p.service
    ), services as (
      select q.pair, max(q.at_least) as at_least, min(q.at_most) as at_most,
        percentile_cont(0.5) within group (order by (q.at_least + coalesce(q.at_most, q.at_least)) / 2) as middle
      from pairs q
      group by q.pair
    )
    select coalesce(jsonb_object_agg(s.pair, case
        when s.at_most is null then s.at_least
        -- All calls together leave a range, split evenly; where they contradict each other, the middle of what each says.
        when s.at_least <= s.at_most then (s.at_least + s.at_most) / 2
        else s.middle end), '{}')
    from services s
    -- A client's span may end with the headers of an answer whose body is still on its way, or before a busy machine has come to
    -- end the server's: that is no clock.
    where s.at_least > 0 or s.at_most < -50);
  if offsets = '{}' then
    return offsets;
  end if;
  -- Two services on one host have one clock, however late a busy machine came to either.
  return coalesce((
    with hosts as materialized (
      select * from beacon.service_hosts(spans[1].trace_id, (select min(f.started_at) from unnest(spans) f),
        (select max(f.started_at) from unnest(spans) f))
    )
    select jsonb_object_agg(o.key, o.value) from jsonb_each(offsets) o
    where not exists (
      select from hosts a join hosts b on b.host = a.host and a.service <> b.service where o.key = a.service || ' ' || b.service)), '{}');
end
$$;

comment on function beacon.clock_offsets(beacon.span_fact[]) is
  'Milliseconds to add to the times of a service so that its server spans lie inside the calls that caused them, by pair of services '
  '("caller callee"), estimated from all calls between the two; only pairs whose clocks contradict each other, and never two on one '
  'host (host.id, host.name). Spans as trace_facts returns them.';

create function beacon.service_hosts(of_trace uuid, from_time timestamptz, to_time timestamptz) returns table (service text, host text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  select q.service, min(q.host) from (
    select distinct x.service, coalesce(r.attributes ->> 'host.id', r.attributes ->> 'host.name') as host
    from beacon.spans_of(array[of_trace], from_time, to_time) x
    left join beacon.trace_resources r on r.resource_id = x.resource_id) q
  group by q.service
  having count(*) = 1 and min(q.host) is not null;
end
$$;

comment on function beacon.service_hosts(uuid, timestamptz, timestamptz) is
  'The host (host.id, else host.name) of each service of a trace that ran on one alone: two on the same host have one clock. Services '
  'that name no host, or several, are left out.';
