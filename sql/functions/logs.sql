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

create function beacon.logged_events(of_traces uuid[], of_spans bytea[], since timestamptz, until timestamptz) returns table (
  trace_id uuid, span_id bytea, events jsonb)
language plpgsql stable
set search_path = beacon, pg_catalog
set plan_cache_mode = auto
as $$
#variable_conflict use_column
begin
  return query
  select l.trace_id, l.span_id, jsonb_agg(jsonb_build_object('name', l.event_name, 'attributes', l.attributes) order by l.recorded_at desc)
  from beacon.trace_logs l
  where l.trace_id = any (of_traces) and l.span_id = any (of_spans) and l.recorded_at between since and until
    and l.attributes ?| array['exception.type', 'exception.message']
  group by l.trace_id, l.span_id;
end
$$;

comment on function beacon.logged_events(uuid[], bytea[], timestamptz, timestamptz) is
  'Log records about exceptions that these spans met, as events of the spans, the last one first. The times are of the records.';

create function beacon.json_compares(value jsonb, operator text, wanted text, number numeric) returns boolean
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
declare
  said text := value #>> '{}';
  order_of integer;
begin
  if said is null then
    return null;
  elsif operator = '~' then
    return strpos(lower(said), lower(wanted)) > 0;
  elsif operator = '!=' then
    return said <> wanted and (number is null or value <> to_jsonb(number));
  end if;
  -- As numbers where both are, else by the order of their bytes.
  if number is not null and (jsonb_typeof(value) = 'number'
      or jsonb_typeof(value) = 'string' and said ~ '^-?[0-9]{1,30}([.][0-9]{1,30})?$') then
    order_of := sign(said::numeric - number);
  elsif number is null or jsonb_typeof(value) = 'string' then
    order_of := case when said collate "C" < wanted collate "C" then -1 when said = wanted then 0 else 1 end;
  end if;
  return case operator when '=' then order_of = 0 when '>' then order_of > 0 when '>=' then order_of >= 0 when '<' then order_of < 0
    when '<=' then order_of <= 0 end;
end
$$;

comment on function beacon.json_compares(jsonb, text, text, numeric) is
  'Whether a value of an attribute compares so with what a filter names: ~ contains, != is another; number is what the text of the filter '
  'may stand for. Null where they cannot be compared.';

create function beacon.logged_spans(attribute text, operator text, wanted text, number numeric, objects jsonb[]) returns table (
  trace_id uuid, span_id bytea)
language plpgsql stable
set search_path = beacon, pg_catalog
-- The index of attributes serves however many partitions there are.
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  object jsonb;
begin
  if operator = '=' then
    -- One after the other, which is what the index can do.
    foreach object in array objects loop
      return query select l.trace_id, l.span_id from beacon.trace_logs l where l.attributes @> object and l.span_id is not null;
    end loop;
  else
    return query
    select l.trace_id, l.span_id from beacon.trace_logs l
    where l.attributes ? attribute and l.span_id is not null
      and (operator = 'has' or beacon.json_compares(l.attributes -> attribute, operator, wanted, number));
  end if;
  if attribute = 'name' then
    return query
    select l.trace_id, l.span_id from beacon.trace_logs l
    where l.event_name is not null and l.span_id is not null and (operator = '=' or not l.attributes ? 'name')
      and (operator = 'has' or beacon.json_compares(to_jsonb(l.event_name), operator, wanted, number));
  end if;
end
$$;

comment on function beacon.logged_spans(text, text, text, numeric, jsonb[]) is
  'Spans with a log record whose attributes fit a term of a filter as those of an event would (operator has: it is there; =: it contains '
  'one of the objects). The attribute name is the name of the event.';

create function beacon.logged_chunks(attribute text, operator text, wanted text, number numeric, objects jsonb[],
  from_time timestamptz, to_time timestamptz)
returns table (created_from timestamptz, created_to timestamptz, started_from timestamptz, active_to timestamptz, spans integer,
  archived integer)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
declare
  max_traces constant integer := 1000;
  of_traces uuid[];
  of_spans bytea[];
  since timestamptz;
  until timestamptz;
begin
  select array_agg(distinct l.trace_id), array_agg(distinct l.span_id) into of_traces, of_spans
  from (select * from beacon.logged_spans(attribute, operator, wanted, number, objects) limit 20 * max_traces) l;
  if of_traces is null then
    return;
  end if;
  if cardinality(of_traces) > max_traces or cardinality(of_spans) >= 20 * max_traces then
    return query
    select '-infinity'::timestamptz, 'infinity'::timestamptz, '-infinity'::timestamptz, 'infinity'::timestamptz, 2000000000, null::integer
    union all
    select c.created_from, c.created_to, c.started_from, c.active_to, c.spans, c.chunk_id
    from beacon.archive_chunks c where c.chunk_id = any (beacon.archived_with('{}', '{}', from_time, to_time));
    return;
  end if;
  select min(t.started_at), max(coalesce(t.active_to, 'infinity')) into since, until
  from beacon.traces t where t.trace_id = any (of_traces);
  return query
  select s.created_at, s.created_at, min(s.started_at), max(greatest(s.started_at, s.completed_at)), count(*)::integer,
    null::integer
  from beacon.trace_spans s
  where s.trace_id = any (of_traces) and s.span_id = any (of_spans) and s.started_at between since and until and s.started_at < to_time
    and (s.started_at >= from_time or s.completed_at >= from_time or s.completed_at is null)
  group by s.created_at;
  return query
  select c.created_from, c.created_to, c.started_from, c.active_to, c.spans, c.chunk_id
  from beacon.archive_chunks c where c.chunk_id = any (beacon.archived_in(of_traces, since, until));
end
$$;

comment on function beacon.logged_chunks(text, text, text, numeric, jsonb[], timestamptz, timestamptz) is
  'Where the spans of logged_spans are, as chunks_with says it: records and their span are stored apart. One chunk of everything where '
  'there are more than 1,000 traces.';

create function beacon.log_fits(attributes jsonb, event_name text, attribute text, operator text, wanted text, number numeric,
  objects jsonb[]) returns boolean
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  if operator = '=' then
    return attributes @> any (objects) or attribute = 'name' and event_name is not distinct from wanted;
  elsif operator = 'has' then
    return attributes ? attribute or attribute = 'name' and event_name is not null;
  end if;
  return coalesce(beacon.json_compares(coalesce(attributes -> attribute, case when attribute = 'name' then to_jsonb(event_name) end),
    operator, wanted, number), false);
end
$$;

comment on function beacon.log_fits(jsonb, text, text, text, text, numeric, jsonb[]) is
  'Whether one log record fits a term of a filter, as logged_spans decides it.';
