create function beacon.has_failed(status text) returns boolean
language sql immutable parallel safe
as $$
  select status in ('failed', 'timeout', 'lost')
$$;

comment on function beacon.has_failed(text) is 'Whether a span with this status failed: failed, timeout or lost.';

create function beacon.failure_origins(spans beacon.span_fact[]) returns setof beacon.failure_origin
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  -- More failures than this beside the one that matters repeat each other; each costs a look at the way up.
  at_most constant integer := 200;
  outermost integer[];
  aside integer[];
  worst_child integer[];   -- by position: the failing child that explains it, 0 for none
  callees integer[];       -- by position: the server span that answered a failing call
  seen boolean[];
  roots integer[];         -- by position: the root above it; at first its parent
  called text[];           -- by position: caller and address of a failing call nobody answered here
  names jsonb := '{}';     -- who that is: many calls fail alike, and finding out reads other traces
  link record;
  here integer;
  begun integer;
begin
  if spans is null then
    return;
  end if;
  worst_child := array_fill(0, array[cardinality(spans)]);
  callees := worst_child;
  seen := array_fill(false, array[cardinality(spans)]);
  for link in
    with failing as materialized (
      select f.position, f.parent_position, f.kind, f.status, f.trace_id, f.span_id, f.started_at, f.duration_ms,
        f.offset_ms + f.duration_ms as ended_ms, f.metadata ? 'http.response.status_code' as answered,
        concat_ws(':', coalesce(f.metadata ->> 'peer.service', f.metadata ->> 'server.address', f.metadata ->> 'net.peer.name',
          f.metadata ->> 'db.system.name'),
          coalesce(f.metadata ->> 'server.port', f.metadata ->> 'net.peer.port')) as address, f.service, f.operation
      from unnest(spans) f where beacon.has_failed(f.status)
    ), answers as materialized (
      select c.parent_position as caller, max(array[c.offset_ms, c.position]) as latest
      from unnest(spans) c
      where c.kind in ('server', 'consumer') and c.parent_position in (select f.position from failing f where f.kind in ('client',
        'producer'))
      group by c.parent_position
    )
    select f.position, f.parent_position, f.kind, f.service, f.operation, f.address, p.position as failing_parent, (a.latest[2])::integer
      as callee,
      -- A server that fails once its caller has hung up did not cause the time-out, it suffered from it. A process that
      -- died before that is another matter: that is why nobody answered. And a caller with an answer in hand, be it 504, did not hang up.
      coalesce(p.status = 'timeout' and not p.answered and f.kind = 'server'
        and case f.status when 'lost' then beacon.outlived(f.trace_id, f.span_id, p.started_at + p.duration_ms * interval '1 ms')
              else f.ended_ms >= p.ended_ms - 5 end, false) as aborted
    from failing f
    left join failing p on p.position = f.parent_position
    left join answers a on a.caller = f.position
    order by f.ended_ms, f.position
  loop
    callees[link.position] := link.callee;
    if link.callee is null and link.kind in ('client', 'producer') then
      called[link.position] := concat_ws(' ', link.service, link.operation, link.address);
      if not names ? called[link.position] then
        names := names || jsonb_build_object(called[link.position], beacon.called_service(spans, link.position));
      end if;
    end if;
    if link.failing_parent is null then
      outermost := outermost || link.position;
    elsif not link.aborted then
      -- In order of their end: the last to fail is the one that explains its parent.
      worst_child[link.failing_parent] := link.position;
      aside := aside || link.position;
    end if;
  end loop;
  -- From each failing span that no failing span contains, down to where it began.
  select array_agg(coalesce(f.parent_position, 0)) into roots from unnest(spans) f where outermost is not null;
  for i in 1 .. coalesce(cardinality(roots), 0) loop
    roots[i] := case when roots[i] = 0 then i else roots[roots[i]] end;
  end loop;
  for here in select o.at from unnest(outermost) o (at) order by o.at limit at_most loop
    begun := roots[here];
    seen[here] := true;
    while worst_child[here] > 0 loop
      here := worst_child[here];
      seen[here] := true;
    end loop;
    return next beacon.failure_origin_of(spans, here, callees[here], names ->> called[here], beacon.has_failed(spans[begun].status));
  end loop;
  -- Failures beside the way: earlier attempts, or failures that somebody above coped with.
  for here in
    select o.at from unnest(aside) o (at) where not seen[o.at] and worst_child[o.at] = 0 order by o.at limit at_most
  loop
    return next beacon.failure_origin_of(spans, here, callees[here], names ->> called[here], false);
  end loop;
end
$$;

comment on function beacon.failure_origins(beacon.span_fact[]) is
  'Where the failures of these spans began, one row a failure: the deepest failing span on the way down from the outermost failing one, '
  'taking the failure that came last where several children failed (a server that only failed because its caller had hung up, without an '
  'answer, within 5 ms before it or later, explains nothing). Failures beside that way follow, with explains_root false; at most 200 of '
  'each.';

create function beacon.failure_origin_of(spans beacon.span_fact[], of_position integer, callee_at integer, callee_named text,
  root_failed boolean) returns beacon.failure_origin
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  f beacon.span_fact := spans[of_position];
  callee beacon.span_fact;
  up beacon.span_fact;
  b beacon.failure_origin;
  at integer := of_position;
  climbed integer := 0;
  codes text[] := '{}';
  statuses text[] := '{}';
begin
  b.explains_root := root_failed;
  b.trace_id := f.trace_id;
  b.position := f.position;
  b.span_id := f.span_id;
  b.service := f.service;
  b.operation := f.operation;
  b.kind := f.kind;
  b.status := f.status;
  b.offset_ms := f.offset_ms;
  b.duration_ms := f.duration_ms;
  b.message := f.error_message;
  b.model_id := f.model_id;
  b.region := f.region;
  b.metadata := f.metadata;
  if f.kind in ('client', 'producer') then
    if callee_at > 0 then
      callee := spans[callee_at];
    end if;
    b.callee := coalesce(callee.service, callee_named);
    b.callee_operation := callee.operation;
    b.callee_position := callee.position;
    b.callee_status := case
      when callee.status = 'lost' and f.status = 'timeout' and beacon.outlived(f.trace_id, callee.span_id, f.started_at + f.duration_ms
        * interval '1 ms')
        then 'started' else callee.status end;
    b.callee_ended := callee.ended;
    b.callee_late_ms := callee.offset_ms + callee.duration_ms - f.offset_ms - f.duration_ms;
    -- What the callee said once its caller had hung up is no part of why he did.
    if not (f.status = 'timeout' and not f.metadata ? 'http.response.status_code' and b.callee_late_ms > -5) then
      codes := array[callee.error_type];
      statuses := array[callee.metadata ->> 'http.response.status_code'];
    end if;
  end if;
  -- Outwards, at most 50 levels: the innermost code that says more than a number or "Error" wins, callers tend to rename it.
  while at is not null and climbed < 50 loop
    up := spans[at];
    climbed := climbed + 1;
    codes := codes || up.error_type || (up.metadata ->> 'error.type') || (up.metadata ->> 'error.code');
    statuses := statuses || (up.metadata ->> 'http.response.status_code');
    b.path := concat_ws(' > ', up.service || ' ' || up.operation, b.path);
    b.span_ids := up.span_id || coalesce(b.span_ids, '{}');
    b.message := coalesce(b.message, up.error_message);
    b.model_id := coalesce(b.model_id, up.model_id);
    b.region := coalesce(b.region, up.region);
    at := up.parent_position;
  end loop;
  select c.code into b.code from unnest(codes) with ordinality c (code, n)
  where c.code is not null
  order by c.code ~ '^\d{3}$' or lower(c.code) in ('error', '_other', 'typeerror', 'exception', 'unknown'), c.n
  limit 1;
  select s.status::integer into b.http_status from unnest(statuses) with ordinality s (status, n)
  where s.status ~ '^\d{3}$' and s.status::integer >= 400
  order by s.n
  limit 1;
  return b;
end
$$;

comment on function beacon.failure_origin_of(beacon.span_fact[], integer, integer, text, boolean) is
  'Facts about one failure: its span, the callee if it was a call, the most telling code between it and the root, and the way up (of a '
  'very deep trace the 50 innermost levels).';

create function beacon.called_service(spans beacon.span_fact[], of_position integer) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  f beacon.span_fact := spans[of_position];
  host text := coalesce(f.metadata ->> 'server.address', f.metadata ->> 'net.peer.name');
  port text := coalesce(f.metadata ->> 'server.port', f.metadata ->> 'net.peer.port');
  recent uuid[];
  since timestamptz;
  until timestamptz;
  named text := coalesce(f.metadata ->> 'peer.service', spans[f.parent_position].metadata ->> 'peer.service');
begin
  if named is not null or host is null then
    return coalesce(named, f.metadata ->> 'db.system.name', f.metadata ->> 'rpc.service');
  end if;
  -- Nobody answered here, but somebody may have answered a call to the same address in another trace; or else, whoever
  -- alone answers this operation's calls, wherever they go.
  recent := beacon.recent_traces(f.started_at, 200);
  select min(t.started_at), max(coalesce(t.completed_at, t.updated_at)) into since, until from beacon.traces t
    where t.trace_id = any (recent);
  with s as materialized (
    select x.trace_id, x.span_id, x.parent_span_id, x.service, x.operation, x.kind,
      case when x.kind = 'client' then x.metadata ->> 'server.address' end as host, case when x.kind = 'client'
        then x.metadata ->> 'server.port' end as port
    from beacon.trace_spans x
    where x.trace_id = any (recent) and x.started_at between since and until
      and (x.kind = 'server' or (x.kind = 'client' and x.service = f.service))
  ), answered as (
    select callee.service, call.host = f.metadata ->> 'server.address' and call.port = f.metadata ->> 'server.port' as there,
      call.operation = f.operation as alike
    from s call
    join s callee on callee.trace_id = call.trace_id and callee.parent_span_id = call.span_id and callee.kind = 'server'
    where call.kind = 'client'
  )
  select coalesce((select a.service from answered a where a.there limit 1),
    (select min(a.service) from answered a where a.alike having count(distinct a.service) = 1 and count(*) >= 5)) into named;
  return coalesce(named, concat_ws(':', host, port));
end
$$;

comment on function beacon.called_service(beacon.span_fact[], integer) is
  'Who a call was meant for when no server span answers it: peer.service, else whoever answered at the same address in the last 200 '
  'traces of the day, else whoever alone answered calls of the same operation there (five or more), else the address itself.';

create function beacon.outlived(of_trace uuid, of_span bytea, at timestamptz) returns boolean
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  tracer uuid;
begin
  select s.tracer_id into tracer from beacon.trace_spans s
  where s.trace_id = of_trace and s.span_id = of_span and s.started_at between at - interval '1 day' and at + interval '1 hour';
  -- A heartbeat comes every few seconds; other work that the process finished later tells more finely.
  return exists (select from beacon.tracers t where t.tracer_id = tracer and coalesce(t.stopped_at, t.heartbeat_at) > at)
    or exists (
      select from beacon.trace_spans s
      where s.trace_id = any (array(
          select t.trace_id from beacon.traces t
          where t.started_at between at - interval '1 minute' and at + interval '1 minute' order by t.started_at desc limit 200))
        and s.tracer_id = tracer and s.completed_at > at
        and s.started_at between at - interval '1 minute' and at + interval '1 hour');
end
$$;

comment on function beacon.outlived(uuid, bytea, timestamptz) is
  'Whether the process of a span gave a sign of life after a moment, by its heartbeat or by other spans it ended (among the newest 200 '
  'traces of the minute before and after): what it left open until then it had not died of.';
