create function beacon.service_calls(from_time timestamptz, to_time timestamptz) returns table (
  service text, caller text, own_ms double precision, failed boolean)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  -- Own time of a span: what its direct children do not account for. An error is charged to the callee of the
  -- failing call that has no failing child: an aborted call leaves no server span.
  return query
  with s as materialized (
    select x.trace_id, x.span_id, x.parent_span_id, x.service, x.duration_ms, x.kind, x.metadata,
      x.status in ('failed', 'timeout', 'lost') as failed
    from beacon.trace_spans x
    where x.started_at >= from_time and x.started_at < to_time
  ), below as (
    select c.trace_id, c.parent_span_id, sum(c.duration_ms) as ms, bool_or(c.failed) as failed
    from s c where c.parent_span_id is not null
    group by c.trace_id, c.parent_span_id
  )
  select case when s.failed and not coalesce(b.failed, false) and s.kind = 'client'
      then coalesce(s.metadata ->> 'peer.service', s.service) else s.service end,
    p.service, greatest(0, s.duration_ms - coalesce(b.ms, 0)), s.failed and not coalesce(b.failed, false)
  from s
  left join below b on b.trace_id = s.trace_id and b.parent_span_id = s.span_id
  left join s p on p.trace_id = s.trace_id and p.span_id = s.parent_span_id;
end
$$;

comment on function beacon.service_calls(timestamptz, timestamptz) is
  'Spans of a window with their own time (milliseconds) and whether a failure began in them, charged to the service to blame.';

create function beacon.rank_root_causes(incident_from timestamptz, incident_to timestamptz, normal_from timestamptz, normal_to timestamptz)
returns table (rank integer, service text, score double precision, reason text, evidence jsonb)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  with numbers as (
    select q.service, q.incident, count(*)::double precision as calls, avg(ln(1 + q.own_ms)) as mean, coalesce(var_samp(ln(1 + q.own_ms)), 0) as variance,
      avg(q.own_ms) as own_ms, avg(q.failed::integer) as error_rate
    from (
      select c.service, true as incident, c.own_ms, c.failed from beacon.service_calls(incident_from, incident_to) c
      union all
      select c.service, false, c.own_ms, c.failed from beacon.service_calls(normal_from, normal_to) c) q
    group by q.service, q.incident
  ), moved as (
    select i.service, i.calls, n.calls as usual_calls, i.own_ms, n.own_ms as usual_own_ms, i.error_rate, n.error_rate as usual_error_rate,
      (i.mean - coalesce(n.mean, 0)) / sqrt(i.variance / i.calls + coalesce(n.variance / n.calls, 0) + 1e-4) as time_z,
      (i.error_rate - coalesce(n.error_rate, 0)) / sqrt(greatest(i.error_rate * (1 - i.error_rate), 0.01) / i.calls
        + greatest(coalesce(n.error_rate, 0) * (1 - coalesce(n.error_rate, 0)), 0.01) / greatest(coalesce(n.calls, 0), 1)) as error_z
    from numbers i
    left join numbers n on n.service = i.service and not n.incident
    where i.incident
  )
  select (row_number() over (order by greatest(m.time_z, m.error_z) desc, m.service))::integer, m.service,
    round(greatest(m.time_z, m.error_z)::numeric, 2)::double precision,
    case when m.error_z >= m.time_z then format('failures begin here: %s %% of its calls, usually %s %%', round(100 * m.error_rate, 1), round(100 * coalesce(m.usual_error_rate, 0), 1))
      else format('its own time rose from %s to %s ms a call', round(coalesce(m.usual_own_ms, 0)::numeric, 1), round(m.own_ms::numeric, 1)) end,
    jsonb_build_object('calls', m.calls, 'usual_calls', m.usual_calls, 'own_ms', round(m.own_ms::numeric, 2), 'usual_own_ms', round(m.usual_own_ms::numeric, 2),
      'error_rate', round(m.error_rate, 4), 'usual_error_rate', round(m.usual_error_rate, 4), 'time_z', round(m.time_z::numeric, 2), 'error_z', round(m.error_z::numeric, 2))
  from moved m
  where greatest(m.time_z, m.error_z) > 2
  order by 1;
end
$$;

comment on function beacon.rank_root_causes(timestamptz, timestamptz, timestamptz, timestamptz) is
  'Services whose behaviour in an incident differs from a normal window, worst first: the larger of two z-scores, own time a call (Welch''s t on its logarithm) and rate of failures that begin there. Only services above 2 are listed.';
