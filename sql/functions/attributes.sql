create function beacon.logs_of_traces(of_traces uuid[], since timestamptz, until timestamptz) returns setof beacon.trace_logs
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query select l.* from beacon.trace_logs l where l.trace_id = any (of_traces) and l.recorded_at between since and until;
end
$$;

comment on function beacon.logs_of_traces(uuid[], timestamptz, timestamptz) is 'Log records of several traces, recorded in a time.';

create function beacon.newest_spans(from_time timestamptz, to_time timestamptz, at_most integer default 5000) returns setof
  beacon.trace_spans
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select s.* from beacon.trace_spans s
  where s.started_at >= from_time and s.started_at < to_time
  order by s.created_at desc limit at_most;
end
$$;

comment on function beacon.newest_spans(timestamptz, timestamptz, integer) is
  'The spans of this time that were written last: a sample of what attributes there are.';

create function beacon.attributes_of(spans_from timestamptz, spans_to timestamptz, at_most integer default 5000) returns table (
  place text, key text, value text, spans bigint)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  with sample as materialized (
    select s.metadata, s.events, s.links, s.resource_id, jsonb_build_object('service', s.service, 'operation', s.operation, 'status',
      s.status,
      'kind', s.kind, 'job', s.job_id, 'execution', beacon.execution_name(s.execution_id, s.execution_key),
      'model', s.model_id, 'region', s.region, 'error', s.error_type) as known
    from beacon.newest_spans(spans_from, spans_to, at_most) s
  ), resources as materialized (
    select s.resource_id, count(*) as spans from sample s where s.resource_id is not null group by s.resource_id
  ), each as (
    select 'column' as place, a.key, a.value as json, 1::bigint as spans from sample s, jsonb_each(s.known) a where a.value <> 'null'
    union all
    select 'span', a.key, a.value, 1 from sample s, jsonb_each(s.metadata) a
    union all
    select 'resource', a.key, a.value, n.spans from resources n join beacon.trace_resources r on r.resource_id = n.resource_id,
      jsonb_each(r.attributes) a
    union all
    select 'scope', a.key, a.value, n.spans from resources n join beacon.trace_resources r on r.resource_id = n.resource_id,
      jsonb_each(coalesce(r.otel -> 'scope_attributes', '{}') || jsonb_strip_nulls(jsonb_build_object('name', r.scope_name, 'version',
        r.scope_version))) a
    union all
    select 'event', a.key, a.value, 1 from sample s, jsonb_array_elements(s.events) e, jsonb_each(coalesce(e -> 'attributes', '{}')
      || jsonb_build_object('name', e -> 'name')) a
    where s.events is not null
    union all
    select 'event', a.key, a.value, 1
    from (
      select l.attributes, l.event_name from beacon.trace_logs l
      where l.span_id is not null and l.recorded_at >= spans_from and l.recorded_at < spans_to
      order by l.recorded_at desc limit at_most / 4) l,
      jsonb_each(jsonb_strip_nulls(jsonb_build_object('name', l.event_name)) || l.attributes) a
    union all
    select 'link', a.key, a.value, 1 from sample s, jsonb_array_elements(s.links) e, jsonb_each(e -> 'attributes') a
    where s.links is not null and jsonb_typeof(e -> 'attributes') = 'object'
  )
  select e.place, e.key, e.json #>> '{}', sum(e.spans)::bigint
  from each e
  group by e.place, e.key, e.json;
end
$$;

comment on function beacon.attributes_of(timestamptz, timestamptz, integer) is
  'Attributes and their values among the spans of this time that were written last, with how many spans have them: what completion '
  'offers. Place is column, span, resource, scope, event or link.';
