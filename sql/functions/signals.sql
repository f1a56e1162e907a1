create function beacon.window_spans(from_time timestamptz, to_time timestamptz, is_incident boolean) returns table (
  incident boolean, trace_id uuid, span_id bytea, parent_span_id bytea, service text, operation text, kind text,
  from_ms double precision, ms double precision, failed boolean, code text, peer text, address text, resource_id bigint)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  with stored as materialized (
    select x.trace_id, x.span_id, x.parent_span_id, x.service, x.operation, x.kind, x.started_at, x.started_ns, x.duration_ms, x.status,
      x.error_type, x.metadata, x.resource_id
    from beacon.trace_spans x where x.started_at >= from_time and x.started_at < to_time and x.status <> 'started'
  )
  select is_incident, s.trace_id, s.span_id, s.parent_span_id, s.service, s.operation, s.kind,
    1000 * extract(epoch from s.started_at - from_time)::double precision + s.started_ns / 1e6, coalesce(s.duration_ms, 0),
    beacon.has_failed(s.status),
    case when beacon.has_failed(s.status) then coalesce(s.error_type, s.metadata ->> 'http.response.status_code', s.status) end,
    s.metadata ->> 'peer.service',
    case when s.kind = 'client' then (s.metadata ->> 'server.address') || ':' || (s.metadata ->> 'server.port') end,
    s.resource_id
  from (
    select x.* from stored x
    union all
    select a.trace_id, a.span_id, a.parent_span_id, a.service, a.operation, a.kind, a.started_at, a.started_ns, a.duration_ms, a.status,
      a.error_type, a.metadata, a.resource_id
    from beacon.archived_between(from_time, to_time) a) s
  where s.status <> 'started';
end
$$;

comment on function beacon.window_spans(timestamptz, timestamptz, boolean) is
  'Spans that started in a window and have ended, with what ranking needs of them; times are milliseconds from its start.';

create function beacon.window_calls(incident_from timestamptz, incident_to timestamptz, normal_from timestamptz, normal_to timestamptz)
returns table (incident boolean, service text, signal text, caller text, operation text, own_ms double precision,
  answer_ms double precision, code text, resource_id bigint, spans_service text, calls text[])
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  with s as materialized (
    select * from beacon.window_spans(incident_from, incident_to, true)
    union all
    select * from beacon.window_spans(normal_from, normal_to, false)
  ), child as materialized (
    -- What each child adds to the union of its siblings' intervals, cut to its parent's: overlapping children count once.
    select q.trace_id, q.parent_span_id, q.service, q.operation, q.failed, q.resource_id, greatest(0, q.parent_to - q.to_ms) as answer_ms,
      greatest(0, least(q.to_ms, q.parent_to) - greatest(q.from_ms, q.parent_from,
        max(q.to_ms) over (partition by q.trace_id, q.parent_span_id order by q.from_ms, q.span_id rows between unbounded preceding
          and 1 preceding))) as covers
    from (
      select c.trace_id, c.parent_span_id, c.span_id, c.service, c.operation, c.failed, c.resource_id, c.from_ms, c.from_ms + c.ms as to_ms,
        p.from_ms as parent_from, p.from_ms + p.ms as parent_to
      from s c
      join s p on p.trace_id = c.trace_id and p.span_id = c.parent_span_id and p.incident = c.incident
      where c.span_id <> p.span_id) q
  ), below as materialized (
    select c.trace_id, c.parent_span_id, count(*) as children, min(c.service) as service, sum(c.covers) as ms, bool_or(c.failed) as failed,
      min(c.answer_ms) as answer_ms, min(c.resource_id) as resource_id, array_agg(distinct c.service || E'\n' || c.operation) as calls
    from child c
    group by c.trace_id, c.parent_span_id
  ), listens as (
    -- Who answers at an address is known from the calls that were answered.
    select s.address, min(b.service) as service
    from s join below b on b.trace_id = s.trace_id and b.parent_span_id = s.span_id
    where s.address is not null and b.service <> s.service
    group by s.address
  )
  select s.incident, w.service, w.signal, case when w.signal = 'self' then coalesce(p.service, '') else s.service end, s.operation,
    greatest(0, s.ms - coalesce(b.ms, 0)), case when w.signal = 'edge' then b.answer_ms end,
    case when not coalesce(b.failed, false) then s.code end,
    case when w.signal = 'edge' then b.resource_id when w.signal = 'self' then s.resource_id end, s.service, b.calls
  from s
  left join below b on b.trace_id = s.trace_id and b.parent_span_id = s.span_id
  left join listens l on l.address = s.address
  left join (select distinct on (x.trace_id, x.span_id) x.trace_id, x.span_id, x.service from s x order by x.trace_id, x.span_id) p
    on p.trace_id = s.trace_id and p.span_id = s.parent_span_id
  cross join lateral (select
    case when b.children = 1 and b.service <> s.service then 'edge'
         when b.children is null and coalesce(s.peer, l.service) is not null then 'lone'
         else 'self' end as signal,
    case when b.children = 1 and b.service <> s.service then b.service
         when b.children is null then coalesce(s.peer, l.service, s.service)
         else s.service end as service) w;
end
$$;

comment on function beacon.window_calls(timestamptz, timestamptz, timestamptz, timestamptz) is
  'Spans of two windows, each with its own time (milliseconds its children do not account for) and the service to charge with it: self, '
  'the service that ran it; edge, the callee of a call whose only child is its answer, for the time on the way is the callee''s or the '
  'network''s before it; lone, the callee that left no span (peer.service, or who else answers at that address). answer_ms is the '
  'part of an edge after the callee''s span has ended. code is set where a failure began: the span failed and none of its children did.';

create function beacon.window_signals(incident_from timestamptz, incident_to timestamptz, normal_from timestamptz, normal_to timestamptz)
returns setof beacon.signal
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  with c as materialized (
    select * from beacon.window_calls(incident_from, incident_to, normal_from, normal_to)
  ), times as (
    -- The logarithm makes 2 ms instead of 1 weigh like 2 s instead of 1, and the 1 ms added makes what is below it noise.
    select c.signal, c.service, c.caller, c.operation, c.incident, count(*)::double precision as calls, avg(ln(1 + c.own_ms)) as level,
      var_pop(ln(1 + c.own_ms)) as spread, avg(ln(1 + c.answer_ms)) as answer_level, var_pop(ln(1 + c.answer_ms)) as answer_spread
    from c group by 1, 2, 3, 4, 5
  ), codes as (
    select c.service, c.code, count(*) filter (where not c.incident)::double precision as usual,
      count(*) filter (where c.incident)::double precision as now
    from c where c.code is not null group by 1, 2
  ), totals as (
    select c.service, count(*) filter (where not c.incident)::double precision as usual, count(*) filter (where c.incident)::double
      precision as now
    from c group by 1
  ), parents as (
    select c.spans_service as service, c.operation, c.incident, count(*)::double precision as calls from c group by 1, 2, 3
  ), instances as (
    select c.service, coalesce(r.attributes ->> 'service.instance.id', r.attributes ->> 'k8s.pod.name', r.attributes ->> 'host.name')
      as instance,
      count(*)::double precision as calls, avg(ln(1 + c.own_ms)) as level, count(c.code)::double precision as failures
    from c join beacon.trace_resources r on r.resource_id = c.resource_id
    where c.incident
    group by 1, 2
  ), made as (
    select c.spans_service as service, c.operation, k.call, c.incident, count(*)::double precision as times
    from c cross join lateral unnest(c.calls) k (call)
    where split_part(k.call, E'\n', 1) = c.spans_service
    group by 1, 2, 3, 4
  )
  select coalesce(i.signal, n.signal), coalesce(i.service, n.service), coalesce(i.caller, n.caller), coalesce(i.operation, n.operation),
    null::text,
    coalesce(n.calls, 0), coalesce(i.calls, 0), n.level, i.level, n.spread, i.spread
  from (select * from times where incident) i
  full join (select * from times where not incident) n
    on n.signal = i.signal and n.service = i.service and n.caller = i.caller and n.operation = i.operation
  union all
  select 'answer', i.service, i.caller, i.operation, null, n.calls, i.calls, n.answer_level, i.answer_level, n.answer_spread,
    i.answer_spread
  from times i
  join times n on n.signal = i.signal and n.service = i.service and n.caller = i.caller and n.operation = i.operation
    and not n.incident
  where i.incident and i.signal = 'edge'
  union all
  select 'error', e.service, null, null, e.code, t.usual, t.now, e.usual, e.now, null, null
  from codes e join totals t on t.service = e.service
  union all
  select 'instance', i.service, null, null, i.instance, null, i.calls, null, i.level, null, i.failures
  from instances i where i.instance is not null
  union all
  select 'vanished', n.service, null, n.operation, split_part(n.call, E'\n', 2), pn.calls, pi.calls, n.times, coalesce(i.times, 0), null,
    null
  from made n
  join parents pn on pn.service = n.service and pn.operation = n.operation and not pn.incident
  join parents pi on pi.service = n.service and pi.operation = n.operation and pi.incident
  left join made i on i.service = n.service and i.operation = n.operation and i.call = n.call and i.incident
  where not n.incident;
end
$$;

comment on function beacon.window_signals(timestamptz, timestamptz, timestamptz, timestamptz) is
  'What moved and what did not between two windows, a row an operation and caller, an error code, or a call that an operation makes.';
