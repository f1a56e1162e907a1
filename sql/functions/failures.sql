create function beacon.failing_traces(of_traces uuid[], from_time timestamptz, to_time timestamptz) returns table (
  trace_id uuid, model_id text, region text, print text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
begin
  -- Only what failed is read, through the index that holds nothing else. The services that answered are part of the
  -- print: a call that was never answered is another fault than one whose answer came late.
  return query
  with stored as materialized (
    select x.trace_id, x.model_id, x.region, x.parent_span_id is null as is_root,
      concat_ws(' ', x.service, x.operation, x.status, coalesce(x.error_type, x.metadata ->> 'http.response.status_code')) as failure
    from beacon.trace_spans x
    where of_traces is null and x.status <> 'completed' and beacon.has_failed(x.status)
      and x.started_at >= from_time - interval '1 hour' and x.started_at < to_time + interval '1 day'
  ), s as materialized (
    select x.* from stored x
    union all
    select x.trace_id, x.model_id, x.region, x.parent_span_id is null,
      concat_ws(' ', x.service, x.operation, x.status, coalesce(x.error_type, x.metadata ->> 'http.response.status_code'))
    from beacon.archived_between(from_time - interval '1 hour', to_time + interval '1 day', array[beacon.column_hash('status', 'failed'),
      beacon.column_hash('status', 'timeout'), beacon.column_hash('status', 'lost')], '{1,1,1}') x
    where of_traces is null and beacon.has_failed(x.status)
    union all
    select x.trace_id, x.model_id, x.region, x.parent_span_id is null,
      concat_ws(' ', x.service, x.operation, x.status, coalesce(x.error_type, x.metadata ->> 'http.response.status_code'))
    from beacon.spans_of(of_traces, from_time - interval '1 hour', to_time + interval '1 day') x
    where of_traces is not null and beacon.has_failed(x.status)
  ), g as (
    select s.trace_id, max(s.model_id) as model_id, max(s.region) as region, bool_or(s.is_root) as root_failed,
      array_agg(distinct s.failure collate "C") as failures
    from s
    group by s.trace_id
  )
  select g.trace_id, g.model_id, g.region,
    md5(concat_ws('|', array_to_string(g.failures, '|'), array_to_string(array(select distinct u from unnest(t.services) u order by 1),
      ',')))
  from g
  join beacon.traces t on t.trace_id = g.trace_id
  where t.started_at >= from_time and t.started_at < to_time and (g.root_failed or t.root_service is null);
end
$$;

comment on function beacon.failing_traces(uuid[], timestamptz, timestamptz) is
  'Traces of a time range whose root failed (or has not arrived), all or only those given, each with a print of what failed in it '
  '(service, operation, status, error type) and which services took part: equal prints, equal cause.';

create function beacon.failing_executions(of_traces uuid[], from_time timestamptz, to_time timestamptz) returns table (
  execution text, trace_id uuid, model_id text, region text, started_at timestamptz, print text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
begin
  -- What a later attempt made good has not failed. A recovery is no attempt: its root is another operation.
  return query
  with f as materialized (
    select * from beacon.failing_traces(of_traces, from_time, to_time)
  ), e as materialized (
    select distinct x.execution_id, x.execution_key from f join beacon.trace_executions x on x.trace_id = f.trace_id
  ), attempts as (
    select n.execution, t.trace_id, t.started_at,
      t.root_operation is not distinct from first_value(t.root_operation) over (partition by n.execution order by t.started_at)
        as is_attempt
    from (
      select x.execution_id::text as execution, x.trace_id from e join beacon.trace_executions x on x.execution_id = e.execution_id
      union all
      select x.execution_key, x.trace_id from e join beacon.trace_executions x on x.execution_key = e.execution_key) n
    join beacon.traces t on t.trace_id = n.trace_id
  ), last as (
    select distinct on (a.execution) a.execution, a.trace_id, a.started_at
    from attempts a
    where a.is_attempt
    order by a.execution, a.started_at desc
  )
  select l.execution, f.trace_id, f.model_id, f.region, l.started_at, f.print
  from last l
  join f on f.trace_id = l.trace_id
  union all
  select null::text, f.trace_id, f.model_id, f.region, t.started_at, f.print
  from f
  join beacon.traces t on t.trace_id = f.trace_id
  where not exists (select from beacon.trace_executions x where x.trace_id = f.trace_id);
end
$$;

comment on function beacon.failing_executions(uuid[], timestamptz, timestamptz) is
  'Executions of a time range whose last attempt failed, and failing traces that belong to none, with the print of what failed.';

create function beacon.trace_findings(from_time timestamptz, to_time timestamptz, of_traces uuid[] default null, max_examples integer
  default 20)
returns table (
  type text, service text, operation text, summary text, recommendation text, confidence double precision, executions bigint,
  first_at timestamptz, last_at timestamptz, example_execution_id bigint, example_trace_id uuid, span_ids bytea[], models text[],
    regions text[], example_execution_key text)
language plpgsql stable
set search_path = beacon, pg_catalog
set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with g as materialized (
    select q.print, count(*) as executions, min(q.started_at) as first_at, max(q.started_at) as last_at,
      array_agg(distinct q.model_id) filter (where q.model_id is not null) as models,
      array_agg(distinct q.region) filter (where q.region is not null) as regions,
      (array_agg(q.execution order by q.started_at desc, q.execution))[1] as execution,
      (array_agg(q.trace_id order by q.started_at desc, q.execution))[1] as trace_id,
      row_number() over (order by count(*) desc, max(q.started_at) desc) as place
    from beacon.failing_executions(of_traces, from_time, to_time) q
    group by q.print
  ), d as materialized (
    -- One example a print is diagnosed: the verdict is the engine's, the counting is exact.
    select g.*, coalesce(c.type, 'UNKNOWN') as type, c.service, c.operation, coalesce(c.summary, 'It failed, and no diagnosis says why.')
      as summary,
      c.recommendation, c.confidence, c.span_ids
    from g
    left join lateral beacon.first_finding(g.execution, g.trace_id) c on true
    where g.place <= max_examples
  ), m as (
    select d.*, first_value(d.place) over (partition by d.type, d.service, d.operation order by d.place) as leader from d
  )
  select u.type, u.service, u.operation, u.summary, u.recommendation, u.confidence, u.executions, u.first_at, u.last_at,
    beacon.execution_number(u.execution), u.trace_id, u.span_ids, u.models, u.regions, beacon.execution_key(u.execution)
  from (
    select max(m.type), max(m.service), max(m.operation), max(m.summary) filter (where m.place = m.leader),
      max(m.recommendation) filter (where m.place = m.leader), max(m.confidence) filter (where m.place = m.leader),
      sum(m.executions)::bigint, min(m.first_at), max(m.last_at), max(m.execution) filter (where m.place = m.leader),
      (array_agg(m.trace_id order by m.place))[1],
      case when (array_agg(m.span_ids::text order by m.place))[1] is not null
        then (array_agg(m.span_ids::text order by m.place))[1]::bytea[] end,
      beacon.merged(array_agg(to_jsonb(m.models))), beacon.merged(array_agg(to_jsonb(m.regions)))
    from m
    group by m.leader
    union all
    select 'NOT_DIAGNOSED', null, null,
      format('%s more failed in %s other ways, each rarer than those above.', sum(g.executions), count(*)),
      'Ask for more findings, or for a shorter time range.', null, sum(g.executions)::bigint, min(g.first_at), max(g.last_at),
      (array_agg(g.execution order by g.place))[1], (array_agg(g.trace_id order by g.place))[1], null,
      beacon.merged(array_agg(to_jsonb(g.models))), beacon.merged(array_agg(to_jsonb(g.regions)))
    from g
    where g.place > max_examples
    having count(*) > 0
  ) u (type, service, operation, summary, recommendation, confidence, executions, first_at, last_at, execution, trace_id, span_ids,
    models, regions)
  order by u.type = 'NOT_DIAGNOSED', u.executions desc, u.last_at desc;
end
$$;

comment on function beacon.trace_findings(timestamptz, timestamptz, uuid[], integer) is
  'Why executions of a time range failed, most frequent first: executions with the same failures are counted together, and one of each '
  'kind is diagnosed as identify_root_cause would. Counts are exact; traces that belong to no execution count as one each. What is beyond '
  'max_examples kinds stands in one row, NOT_DIAGNOSED.';

create function beacon.merged(lists jsonb[]) returns text[]
language plpgsql immutable
set search_path = beacon, pg_catalog
as $$
begin
  return array(select distinct e.value from unnest(lists) l, jsonb_array_elements_text(case when jsonb_typeof(l) = 'array' then l
    else '[]' end) e order by 1);
end
$$;

comment on function beacon.merged(jsonb[]) is 'The union of several lists of text, each a JSON array or null, sorted.';
