create function beacon.fellow_spans(of_traces uuid[], of_service text, of_operation text, at timestamptz) returns table (
  trace_id uuid, failed boolean, facts jsonb, input_size bigint)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  fellows uuid[];
begin
  fellows := array(
    select t.trace_id from beacon.traces t
    where t.started_at between at - interval '1 hour' and at + interval '30 minutes' and of_service = any (t.services)
    order by t.started_at desc limit 200) || of_traces;
  return query
  with spans as materialized (
    select o.* from beacon.spans_of(fellows, at - interval '1 day', at + interval '1 hour') o
    where o.parent_span_id is null or (o.service = of_service and o.operation = of_operation)
  )
  select distinct on (s.trace_id) s.trace_id, beacon.has_failed(s.status),
    coalesce(r.attributes, '{}') || coalesce(root.metadata, '{}') || coalesce(s.metadata, '{}')
      || jsonb_strip_nulls(jsonb_build_object('model', s.model_id, 'region', s.region)),
    coalesce(beacon.input_tokens(s.metadata), substring(coalesce(s.metadata ->> 'http.request.body.size',
      s.metadata ->> 'http.request_content_length', s.metadata ->> 'messaging.message.body.size') from '^\d{1,12}$')::bigint)
  from spans s
  left join beacon.trace_resources r on r.resource_id = s.resource_id
  left join spans root on root.trace_id = s.trace_id and root.parent_span_id is null and root.span_id <> s.span_id
  where s.service = of_service and s.operation = of_operation and s.status <> 'started'
  order by s.trace_id, beacon.has_failed(s.status) desc, s.started_at desc;
end
$$;

comment on function beacon.fellow_spans(uuid[], text, text, timestamptz) is
  'The same operation in the newest 200 traces around a moment (an hour before, half an hour after) and in the given ones, one span a '
  'trace: whether it failed, its attributes with those of its root and resource, and the size of its input (tokens or bytes).';

create function beacon.failing_share(b beacon.failure_origin, at timestamptz) returns table (
  fact text, value text, failed bigint, of_failed bigint, well bigint, of_well bigint)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  -- Five that agree on one side and five on the other come about by chance once in 250 times, for one fact.
  enough constant integer := 5;
  -- What follows from the failure, or names one request, sets nothing apart.
  consequence constant text := '(^|[._])(status|error|exception|response|usage|duration|finish|stop|retry|retries|attempts?|trace|span|'
    'request_id|message_id|invocation_id|time|timestamp|offset|flags|code|size|length|port|stacktrace|output|completion|state|body|'
    'thread|event)([._]|$)|^llm\.model_name|^beacon\.|^telemetry\.|^otel\.|^net\.|^network\.|^url\.|^http\.(url|target|user_agent)|'
    '^user_agent|^guid|^process\.pid';
  nearby bigint;
begin
  select count(*) into nearby
  from (select 1 from beacon.trace_spans s
    where s.service = b.service and s.operation = b.operation and s.status <> 'completed' and beacon.has_failed(s.status)
      and s.started_at between at - interval '1 hour' and at + interval '30 minutes' limit enough) q;
  if nearby < enough and (select count(*) from (select 1 from beacon.archived_between(at - interval '1 hour', at + interval '30 minutes',
      array[beacon.column_hash('service', b.service), beacon.column_hash('operation', b.operation)], '{1,2}') s
      where s.service = b.service and s.operation = b.operation and beacon.has_failed(s.status) limit enough) q) < enough then
    return;
  end if;
  return query
  with f as materialized (
    select * from beacon.fellow_spans(array[b.trace_id], b.service, b.operation, at)
  ), n as materialized (
    select count(*) filter (where f.failed) as failed, count(*) filter (where not f.failed) as well from f
  ), mine as materialized (
    select a.key, a.value from f, jsonb_each(f.facts) a
    where f.trace_id = b.trace_id and jsonb_typeof(a.value) in ('string', 'number', 'boolean') and a.key !~* consequence
      and length(a.value #>> '{}') between 1 and 100
  ), counted as materialized (
    select m.key, m.value #>> '{}' as value, count(*) filter (where f.failed) as failed, count(*) filter (where not f.failed) as well
    from mine m join f on f.facts -> m.key = m.value
    group by 1, 2
  )
  select q.fact, q.value, q.failed, q.of_failed, q.well, q.of_well from (
    select c.key as fact, c.value, c.failed, n.failed as of_failed, c.well, n.well as of_well,
      case when c.key ~ 'version|deployment|image|commit|revision' then 1
        when c.key ~ 'tenant|customer|account|organi[sz]ation|org_id|workspace' then 2
        when c.key ~ 'user|client_id|merchant' then 3 when c.key ~ 'flag|variant|experiment' then 4 when c.key ~ 'region|zone' then 5
        when c.key ~ 'model' then 6 when c.key ~ 'pod|instance|host|node|container' then 8 else 7 end as kind
    from counted c, n
    where n.failed >= enough and n.well >= enough and c.failed >= 0.9 * n.failed and c.well <= 0.1 * n.well
    union all
    -- All that failed were asked with more than any that went well.
    select z.key, '> ' || z.most, z.failed, z.of_failed, 0, z.of_well, 9 from (
      select a.key, max((a.value #>> '{}')::numeric) filter (where not f.failed) as most,
        min((a.value #>> '{}')::numeric) filter (where f.failed) as least, count(*) filter (where f.failed) as failed,
        count(*) filter (where not f.failed) as well, n.failed as of_failed, n.well as of_well
      from f, jsonb_each(f.facts || case when f.input_size is null then '{}' else jsonb_build_object('size of the input', f.input_size)
        end) a, n
      where jsonb_typeof(a.value) = 'number' and a.key ~* 'size|length|tokens|count|chars|bytes|items|rows|prompt|batch|pages'
        and a.key !~* 'output|completion|response|duration|port|total|reasoning|cache'
      group by a.key, n.failed, n.well) z
    where z.of_failed >= enough and z.of_well >= enough and z.least > z.most and z.failed >= 0.9 * z.of_failed and z.well >= enough) q
  order by q.failed::double precision / q.of_failed - q.well::double precision / q.of_well > 0.95 desc, q.kind, q.fact
  limit 3;
end
$$;

comment on function beacon.failing_share(beacon.failure_origin, timestamptz) is
  'What the failures of an operation have in common and its successes have not, the most telling first, at most three facts: attributes of '
  'the span, its root or its resource (version, tenant, region, model, instance, ...), or more input than any success had. Among the '
  'traces '
  'of an hour before and half an hour after; at least five of each, nine in ten of the failed, at most one in ten of the others.';

create function beacon.with_shared(f beacon.finding, b beacon.failure_origin, at timestamptz) returns beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  shared jsonb;
  first record;
begin
  select * into first from beacon.failing_share(b, at) limit 1;
  if first.fact is null then
    return f;
  end if;
  select jsonb_agg(jsonb_build_object('fact', s.fact, 'value', s.value, 'failed', format('%s of %s', s.failed, s.of_failed),
    'went_well', format('%s of %s', s.well, s.of_well))) into shared
  from beacon.failing_share(b, at) s;
  f.summary := format('%s What the failing ones share: %s %s (%s of %s that failed, %s of %s that went well).', f.summary, first.fact,
    first.value, first.failed, first.of_failed, first.well, first.of_well);
  f.recommendation := concat_ws(' ', case
    when first.fact ~ 'version|deployment|image|commit|revision' then format('Roll %s back, or compare this release with the one '
      'before.', b.service)
    when first.fact ~ 'tenant|customer|account|organi[sz]ation|org_id|workspace|user'
      then format('Look at what is particular to %s %s: its data, limits and settings.', first.fact, first.value)
    when first.fact ~ 'pod|instance|host|node|container' then format('Take %s out of service and start it afresh; the others work.',
      first.value)
    when first.value like '> %' then format('Shorten or split the input (a long prompt, a large batch): where it worked, %s was never '
      'above %s.',
      first.fact, substr(first.value, 3))
    else format('Look at what is different where %s is %s.', first.fact, first.value) end, f.recommendation);
  f.evidence := f.evidence || jsonb_build_object('failing_ones_share', shared);
  return f;
end
$$;

comment on function beacon.with_shared(beacon.finding, beacon.failure_origin, timestamptz) is
  'A finding with what the failures of that operation share, in its sentence, advice and evidence, where there is something.';
