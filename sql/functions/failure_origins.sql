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
  telling integer[];       -- by position: how well that child explains it
  callees integer[];       -- by position: the server span that answered a failing call
  seen boolean[];
  roots integer[];         -- by position: the root above it; at first its parent
  called text[];           -- by position: caller and address of a failing call without an answering span here
  names jsonb := '{}';     -- who that is: many calls fail alike, and finding out reads other traces
  known jsonb := '{}';     -- by its name: whether a callee leaves spans in other traces
  callee_name text;
  failed integer[];        -- positions of what failed, or was refused by a mesh
  callers integer[] := '{}';  -- in the same order: the failing span above each
  link record;
  here integer;
  begun integer;
  origins beacon.failure_origin[];
begin
  if spans is null then
    return;
  end if;
  worst_child := array_fill(0, array[cardinality(spans)]);
  callees := worst_child;
  seen := array_fill(false, array[cardinality(spans)]);
  telling := worst_child;
  -- A mesh that refuses a call for a reason of its own says so beside a status that counts as no failure.
  failed := array(
    select f.position from unnest(spans) f
    where beacon.has_failed(f.status)
      or f.metadata ? 'response_flags' and f.metadata ->> 'response_flags' not in ('-', '', 'DC') and beacon.http_status(f.metadata)
        >= 400);
  -- Not in the query below: a query is planned with a copy of the array, and each call in it would unpack that anew.
  foreach here in array failed loop
    callers := callers || beacon.failing_ancestor(spans, spans[here].parent_position);
  end loop;
  for link in
    with failing as materialized (
      select f.position, f.kind, f.status, f.trace_id, f.span_id, f.started_at, f.duration_ms, f.offset_ms + f.duration_ms as ended_ms,
        f.kind in ('client', 'producer') or beacon.calls_a_model(f.kind, f.metadata) as is_call,
        f.kind = 'client' and f.metadata ?| array['db.system', 'db.system.name'] as is_statement,
        beacon.http_status(f.metadata) is not null as answered, beacon.gave_up(f.status, f.error_type, f.error_message, f.metadata)
          as gave_up, f.error_type, f.error_message,
        -- What says nothing of its own, was cancelled for another's sake, or only cleaned up, does not explain its parent.
        concat_ws(' ', f.error_type, f.error_message) ~* 'cancell?ed|\mabort'
          or f.operation ~* '\m(rollback|commit|release|close|disconnect)\M'
          or f.kind = 'internal' and coalesce(f.error_type, '') ~ '^\d*$' and coalesce(f.error_message, '') = '' as is_echo,
        -- Sending an answer that says that something failed is no failure of its own.
        f.kind = 'internal' and f.metadata ? 'asgi.event.type' and beacon.http_status(f.metadata) >= 400 as is_answer,
        concat_ws(':', coalesce(beacon.called_name(f.metadata), beacon.called_host(f.metadata), beacon.called_kind(f.metadata)),
          beacon.called_port(f.metadata)) as address, f.service, f.operation, x.caller
      from unnest(failed, callers) x (position, caller)
      join unnest(spans) f on f.position = x.position
    ), answers as materialized (
      select c.parent_position as caller, max(array[c.offset_ms, c.position]) as latest
      from unnest(spans) c
      where c.kind in ('server', 'consumer')
        and c.parent_position in (select f.position from failing f where f.kind in ('client', 'producer'))
      group by c.parent_position
    )
    select f.position, f.trace_id, f.is_call, f.kind, f.service, f.operation, f.address, p.position as failing_parent,
      -- How well it explains its parent: in the parent's own words, by an answer, by its own word, or hardly.
      case
        when length(f.error_message) > 5 and position(lower(left(f.error_message, 200)) in lower(p.error_message)) > 0
          or f.error_type ~ '\w{6}$' and position(lower(regexp_replace(f.error_type, '^.*[.:]', '')) in lower(concat_ws(' ', p.error_type,
            p.error_message))) > 0 and f.error_type !~* '^(error|exception)$' then 3
        when f.is_echo then 0
        when f.answered or exists (select from failing d where d.caller = f.position) then 2
        else 1 end as telling,
      (a.latest[2])::integer as callee,
      -- A server that fails once its caller has hung up did not cause the time-out, it suffered from it. A process that
      -- died before that is another matter: that is why no answer came. And a caller with an answer in hand, be it 504, did not hang up.
      coalesce(p.gave_up and p.kind in ('client', 'producer') and not p.answered and f.kind = 'server'
        and case f.status when 'lost' then beacon.outlived(f.trace_id, f.span_id, p.started_at + p.duration_ms * interval '1 ms')
              else f.ended_ms >= p.ended_ms - 5 end
        -- A driver's handshake within a command: the server does not know a part of it, and the command fails for reasons of its own.
        or f.is_statement and p.is_statement and f.service = p.service and f.error_message <> '' and p.error_message <> ''
          and position(lower(left(f.error_message, 200)) in lower(p.error_message)) = 0
          and position(lower(left(p.error_message, 200)) in lower(f.error_message)) = 0, false) as aborted
    from failing f
    left join failing p on p.position = f.caller
    left join answers a on a.caller = f.position
    where not f.is_answer or p.position is null
    order by f.ended_ms, f.position
  loop
    callees[link.position] := link.callee;
    if link.callee is null and link.is_call then
      called[link.position] := concat_ws(' ', link.service, link.operation, link.address);
      if not names ? called[link.position] then
        callee_name := beacon.called_service(spans, link.position);
        names := names || jsonb_build_object(called[link.position], callee_name);
        if not known ? coalesce(callee_name, '') then
          known := known || jsonb_build_object(coalesce(callee_name, ''), beacon.usually_answers(callee_name, link.trace_id));
        end if;
      end if;
    end if;
    -- Work that was handed over fails for itself, unless the one who handed it over waited and repeats its words.
    if link.failing_parent is null or link.kind = 'consumer' and link.telling < 3 then
      outermost := outermost || link.position;
    elsif not link.aborted then
      -- In order of their end: of those that explain it equally well, the last to fail.
      if worst_child[link.failing_parent] = 0 or link.telling >= telling[link.failing_parent] then
        worst_child[link.failing_parent] := link.position;
        telling[link.failing_parent] := link.telling;
      end if;
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
    origins := origins || beacon.failure_origin_of(spans, here, callees[here], names ->> called[here],
      (known ->> (names ->> called[here]))::boolean, beacon.has_failed(spans[begun].status) or begun = any (outermost));
  end loop;
  -- Failures beside the way: earlier attempts, or failures that a caller coped with.
  for here in
    select o.at from unnest(aside) o (at) where not seen[o.at] and worst_child[o.at] = 0 order by o.at limit at_most
  loop
    origins := origins || beacon.failure_origin_of(spans, here, callees[here], names ->> called[here],
      (known ->> (names ->> called[here]))::boolean, false);
    -- What stands above it is about the failure that came later.
    origins[cardinality(origins)].way := array[here];
  end loop;
  if origins is null then
    origins := beacon.quiet_failures(spans);
  end if;
  return query select * from beacon.understood(spans, origins);
end
$$;

comment on function beacon.failure_origins(beacon.span_fact[]) is
  'Where the failures of these spans began, and what they mean, one row a failure: the deepest failing span on the way down from the '
  'outermost failing one (also through spans inside one service that do not say that they failed), taking the failure that came last '
  'where several failed (a server that only failed because its caller had hung up, without an answer, within 5 ms before it or later, '
  'explains nothing). Failures beside that way follow, with explains_root false; at most 200 of each.';

create function beacon.quiet_failures(spans beacon.span_fact[]) returns beacon.failure_origin[]
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  at integer;
  b beacon.failure_origin;
  origins beacon.failure_origin[];
begin
  for at in
    select f.position from unnest(spans) f
    where f.status = 'completed' and f.error_message <> ''
      and not exists (select from unnest(spans) c where c.parent_position = f.position and c.status = 'completed' and c.error_message <> '')
    order by f.offset_ms + f.duration_ms desc, f.position limit 3
  loop
    -- A server that raised and answered nothing did not cope; all others may have.
    b := beacon.failure_origin_of(spans, at, null, case when spans[at].kind = 'client' then beacon.called_service(spans, at) end, null,
      spans[at].parent_position is null and spans[at].kind in ('server', 'consumer') and beacon.http_status(spans[at].metadata) is null
        and not spans[at].metadata ?| array['rpc.system', 'rpc.system.name', 'messaging.system']);
    b.status := 'failed';
    origins := origins || b;
  end loop;
  return origins;
end
$$;

comment on function beacon.quiet_failures(beacon.span_fact[]) is
  'For a trace in which no span counts as failed: the last three that hold an exception nonetheless, as failures beside the way. Only '
  'where the root is a server that raised it and has no status (Go records a panic so) did it bring the root down.';

create function beacon.failing_ancestor(spans beacon.span_fact[], from_position integer) returns integer
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  at integer := from_position;
  climbed integer := 0;
begin
  while at is not null and climbed < 20 loop
    if beacon.has_failed(spans[at].status) then
      return at;
    end if;
    -- A service that ended well has coped with what happened below it; libraries wrap calls of their own in calls.
    if spans[at].kind not in ('internal', 'client', 'producer') or spans[at].service <> spans[from_position].service then
      return null;
    end if;
    at := spans[at].parent_position;
    climbed := climbed + 1;
  end loop;
  return null;
end
$$;

comment on function beacon.failing_ancestor(beacon.span_fact[], integer) is
  'Position of the failed span at a position or next above it, past internal spans that say nothing of a failure; null where a call or '
  'a service above it ended well.';

create function beacon.failure_origin_of(spans beacon.span_fact[], of_position integer, callee_at integer, callee_named text,
  callee_known boolean, root_failed boolean) returns beacon.failure_origin
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
  message_elsewhere text;
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
  b.http_status := beacon.http_status(f.metadata);
  if f.kind in ('client', 'producer') or beacon.calls_a_model(f.kind, f.metadata) then
    if callee_at > 0 then
      callee := spans[callee_at];
    end if;
    b.callee := coalesce(callee.service, callee_named);
    b.callee_operation := callee.operation;
    b.callee_position := callee.position;
    b.callee_status := case
      when callee.status = 'lost' and beacon.gave_up(f.status, f.error_type, f.error_message, f.metadata)
          and beacon.outlived(f.trace_id, callee.span_id, f.started_at + f.duration_ms * interval '1 ms')
        then 'started' else callee.status end;
    b.callee_ended := callee.ended;
    b.callee_late_ms := callee.offset_ms + callee.duration_ms - f.offset_ms - f.duration_ms;
    b.callee_is_known := callee.position is not null or coalesce(callee_known, false);
    -- What the callee said once its caller had hung up is no part of why it did.
    -- Nor is that its process was ended later: what maintenance then wrote into the span tells of another moment.
    b.callee_aborted := beacon.gave_up(f.status, f.error_type, f.error_message, f.metadata) and b.http_status is null
      and (b.callee_late_ms > -5 or callee.status = 'lost' and b.callee_status = 'started');
    if b.callee_position is not null and not b.callee_aborted then
      codes := array[callee.error_type];
      b.http_status := coalesce(b.http_status, beacon.http_status(callee.metadata));
      message_elsewhere := callee.error_message;
    end if;
  end if;
  if b.http_status < 400 then
    b.http_status := null;
  end if;
  -- Outwards, at most 50 levels: the innermost code that says more than a number or "Error" wins, callers tend to rename it.
  while at is not null and climbed < 50 loop
    up := spans[at];
    climbed := climbed + 1;
    codes := codes || up.error_type || (up.metadata ->> 'error.type') || (up.metadata ->> 'error.code');
    b.path := concat_ws(' > ', up.service || ' ' || up.operation, b.path);
    b.span_ids := up.span_id || coalesce(b.span_ids, '{}');
    b.way := b.way || at;
    message_elsewhere := coalesce(message_elsewhere, up.error_message);
    b.model_id := coalesce(b.model_id, up.model_id);
    b.region := coalesce(b.region, up.region);
    at := up.parent_position;
  end loop;
  b.message := coalesce(b.message, message_elsewhere);
  select c.code into b.code from unnest(codes) with ordinality c (code, n)
  where c.code is not null
  order by c.code ~ '^\d{3}$' or lower(c.code) in ('error', '_other', 'typeerror', 'exception', 'unknown'), c.n
  limit 1;
  return b;
end
$$;

comment on function beacon.failure_origin_of(beacon.span_fact[], integer, integer, text, boolean, boolean) is
  'Facts about one failure: its span, the callee if it was a call, the most telling code between it and the root, and the way up (of a '
  'very deep trace the 50 innermost levels). What it means is still to be found.';

create function beacon.outlived(of_trace uuid, of_span bytea, at timestamptz) returns boolean
language plpgsql stable
set search_path = beacon, pg_catalog
set plan_cache_mode = auto
as $$
declare
  tracer uuid;
begin
  select s.tracer_id into tracer from beacon.spans_of(array[of_trace], at - interval '1 day', at + interval '1 hour') s
  where s.span_id = of_span;
  -- A heartbeat comes every few seconds; other work that the process finished later tells more finely.
  return exists (select from beacon.tracers t where t.tracer_id = tracer and coalesce(t.stopped_at, t.heartbeat_at) > at)
    or exists (
      select from beacon.spans_of(array(
          select t.trace_id from beacon.traces t
          where t.started_at between at - interval '1 minute' and at + interval '1 minute' order by t.started_at desc limit 200),
        at - interval '1 minute', at + interval '1 hour') s
      where s.tracer_id = tracer and s.completed_at > at);
end
$$;

comment on function beacon.outlived(uuid, bytea, timestamptz) is
  'Whether the process of a span gave a sign of life after a moment, by its heartbeat or by other spans it ended (among the newest 200 '
  'traces of the minute before and after): what it left open until then it had not died of.';
