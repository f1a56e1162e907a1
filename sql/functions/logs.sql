create function beacon.logged_exceptions(of_trace uuid, since timestamptz, until timestamptz) returns table (
  span_id bytea, error_type text, error_message text, timed_out boolean)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  -- A record that brings no time has the one of its arrival.
  slack constant interval := interval '1 hour';
begin
  return query
  select distinct on (l.span_id) l.span_id, l.attributes ->> 'exception.type', l.attributes ->> 'exception.message', l.timed_out
  from beacon.trace_logs l
  where l.trace_id = of_trace and l.recorded_at between since - slack and until + slack and l.span_id is not null
    and l.attributes ?| array['exception.type', 'exception.message']
  -- What was logged as a warning was survived.
  order by l.span_id, l.severity >= 17 or l.severity = 0 desc, l.recorded_at desc, l.recorded_ns desc, l.content_hash;
end
$$;

comment on function beacon.logged_exceptions(uuid, timestamptz, timestamptz) is
  'For each span of a trace the last exception that a log record says it met: what its last exception event is where exceptions are '
  'recorded as events. Errors come before what was logged below that. The times are those within which the trace''s spans start.';
