create function beacon.has_failed(status text) returns boolean
language plpgsql immutable parallel safe
set search_path = beacon, pg_catalog
as $$
begin
  return status in ('failed', 'timeout', 'lost');
end
$$;

comment on function beacon.has_failed(text) is 'Whether a span with this status failed: failed, timeout or lost.';

create function beacon.blames(spans beacon.span_fact[]) returns setof beacon.blame
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  failing integer[];
  here integer;
  next_down integer;
  explained boolean[] := '{}';
  seen boolean[] := '{}';
begin
  -- From each failing span that no failing span contains, down to where it began.
  for here in
    select f.position from unnest(spans) f
    where beacon.has_failed(f.status)
      and (f.parent_position is null or not beacon.has_failed(spans[f.parent_position].status))
    order by f.position
  loop
    loop
      seen[here] := true;
      next_down := beacon.failing_child(spans, here);
      exit when next_down is null;
      here := next_down;
    end loop;
    explained[here] := true;
    return next beacon.blame_of(spans, here, true);
  end loop;
  -- Failures beside the way: earlier attempts, or failures that somebody above coped with.
  for here in
    select f.position from unnest(spans) f
    where beacon.has_failed(f.status) and seen[f.position] is null
      and not beacon.is_aborted_by_caller(spans, f.position)
      and beacon.failing_child(spans, f.position) is null
    order by f.position
  loop
    return next beacon.blame_of(spans, here, false);
  end loop;
end
$$;

comment on function beacon.blames(beacon.span_fact[]) is
  'Where the failures of these spans began, one row a failure: the deepest failing span on the way down from the outermost failing one, taking the failure that came last where several children failed. Failures beside that way follow, with explains_root false.';

create function beacon.failing_child(spans beacon.span_fact[], of_position integer) returns integer
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return (
    select f.position from unnest(spans) f
    where f.parent_position = of_position and beacon.has_failed(f.status)
      and not beacon.is_aborted_by_caller(spans, f.position)
    order by f.offset_ms + f.duration_ms desc, f.position desc
    limit 1);
end
$$;

comment on function beacon.failing_child(beacon.span_fact[], integer) is
  'Position of the failing child that explains why a span failed: the one that ended last; null when it has none.';

create function beacon.is_aborted_by_caller(spans beacon.span_fact[], of_position integer) returns boolean
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  f beacon.span_fact := spans[of_position];
  caller beacon.span_fact := spans[(spans[of_position]).parent_position];
begin
  -- A server that fails once its caller has hung up did not cause the time-out, it suffered from it. A process that
  -- died is another matter: that is why nobody answered. And a caller with an answer in hand, be it 504, did not hang up.
  return coalesce(caller.status = 'timeout' and not caller.metadata ? 'http.response.status_code' and f.kind = 'server' and f.status <> 'lost'
    and f.offset_ms + f.duration_ms >= caller.offset_ms + caller.duration_ms - 5, false);
end
$$;

comment on function beacon.is_aborted_by_caller(beacon.span_fact[], integer) is
  'Whether a failing server span failed only because its caller had given up: it ended no earlier than 5 ms before the caller''s time-out, and the caller got no answer.';

create function beacon.blame_of(spans beacon.span_fact[], of_position integer, on_the_way boolean) returns beacon.blame
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  f beacon.span_fact := spans[of_position];
  callee beacon.span_fact;
  up beacon.span_fact;
  b beacon.blame;
  at integer := of_position;
  codes text[] := '{}';
  statuses text[] := '{}';
begin
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
    select * into callee from unnest(spans) c
    where c.parent_position = of_position and c.kind in ('server', 'consumer')
    order by c.offset_ms desc limit 1;
    b.callee := coalesce(callee.service, beacon.called_service(spans, of_position));
    b.callee_operation := callee.operation;
    b.callee_position := callee.position;
    b.callee_status := callee.status;
    b.callee_ended := callee.ended;
    b.callee_late_ms := callee.offset_ms + callee.duration_ms - f.offset_ms - f.duration_ms;
    -- What the callee said once its caller had hung up is no part of why he did.
    if not (f.status = 'timeout' and not f.metadata ? 'http.response.status_code' and b.callee_late_ms > -5) then
      codes := array[callee.error_type];
      statuses := array[callee.metadata ->> 'http.response.status_code'];
    end if;
  end if;
  -- Outwards: the innermost code that says more than a number or "Error" wins, callers tend to rename it.
  while at is not null loop
    up := spans[at];
    codes := codes || up.error_type || (up.metadata ->> 'error.type') || (up.metadata ->> 'error.code');
    statuses := statuses || (up.metadata ->> 'http.response.status_code');
    b.message := coalesce(b.message, up.error_message);
    b.model_id := coalesce(b.model_id, up.model_id);
    b.region := coalesce(b.region, up.region);
    b.span_ids := up.span_id || coalesce(b.span_ids, '{}');
    b.path := concat_ws(' > ', up.service || ' ' || up.operation, b.path);
    b.explains_root := on_the_way and up.parent_position is null and beacon.has_failed(up.status);
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

comment on function beacon.blame_of(beacon.span_fact[], integer, boolean) is
  'Facts about one failure: its span, the callee if it was a call, the most telling code between it and the root, and the way up.';

create function beacon.called_service(spans beacon.span_fact[], of_position integer) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  f beacon.span_fact := spans[of_position];
  host text := coalesce(f.metadata ->> 'server.address', f.metadata ->> 'net.peer.name');
  port text := coalesce(f.metadata ->> 'server.port', f.metadata ->> 'net.peer.port');
  named text := coalesce(f.metadata ->> 'peer.service', spans[f.parent_position].metadata ->> 'peer.service');
begin
  if named is not null or host is null then
    return coalesce(named, f.metadata ->> 'db.system.name', f.metadata ->> 'rpc.service');
  end if;
  -- Nobody answered here, but somebody may have answered a call to the same address in another trace.
  select callee.service into named
  from beacon.trace_spans call
  join beacon.trace_spans callee on callee.trace_id = call.trace_id and callee.parent_span_id = call.span_id
  where call.trace_id = any (array(
      select t.trace_id from beacon.traces t
      where t.started_at between f.started_at - interval '1 day' and f.started_at + interval '1 hour'
      order by t.started_at desc limit 200))
    and call.started_at between f.started_at - interval '2 days' and f.started_at + interval '2 hours'
    and callee.started_at between f.started_at - interval '2 days' and f.started_at + interval '2 hours'
    and call.kind = 'client' and callee.kind = 'server'
    and call.metadata ->> 'server.address' = host and call.metadata ->> 'server.port' = port
  limit 1;
  return coalesce(named, concat_ws(':', host, port));
end
$$;

comment on function beacon.called_service(beacon.span_fact[], integer) is
  'Who a call was meant for when no server span answers it: peer.service, else whoever answered at the same address in the last 200 traces of the day, else the address itself.';

create function beacon.verdict(type text, b beacon.blame, confidence double precision, summary text, recommendation text,
  evidence jsonb default '{}', charged_to text default null, charged_operation text default null) returns beacon.finding
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  f beacon.finding;
begin
  f.type := type;
  f.service := coalesce(charged_to, b.callee, b.service);
  f.operation := coalesce(charged_operation, b.callee_operation, b.operation);
  -- What did not bring the execution down is a remark, not the cause.
  f.confidence := case when b.explains_root then confidence else round((confidence * 0.4)::numeric, 2) end;
  f.summary := summary;
  f.recommendation := recommendation;
  f.evidence := jsonb_strip_nulls(jsonb_build_object('code', b.code, 'http_status', b.http_status, 'message', b.message,
    'path', b.path, 'duration_ms', round(b.duration_ms::numeric, 1), 'region', b.region, 'model', b.model_id)) || evidence;
  f.trace_id := b.trace_id;
  f.span_ids := b.span_ids;
  return f;
end
$$;

comment on function beacon.verdict(text, beacon.blame, double precision, text, text, jsonb, text, text) is
  'A finding about a failure, charged to the callee where it was a call (or to whom the diagnosis names), with the evidence every finding carries. Confidence is multiplied by 0.4 when the failure did not bring the root down.';
