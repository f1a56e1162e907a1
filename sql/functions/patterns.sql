create function beacon.fellow_executions(of_traces uuid[], at timestamptz) returns table (
  execution text, region text, model_id text, failed boolean)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  recent uuid[];
  since timestamptz := at - interval '30 minutes';
  until timestamptz := at + interval '30 minutes';
begin
  -- The newest 300 of that hour: what an outage looks like does not change with the three thousandth failure.
  recent := array(
    select t.trace_id from beacon.traces t
    where t.started_at between since and until and (t.execution_id is not null or t.execution_key is not null)
    order by t.started_at desc limit 300) || of_traces;
  return query
  select distinct on (s.execution) s.execution, s.region, s.model_id, beacon.has_failed(s.status)
  from (
    select q.*, coalesce(q.execution_key, q.execution_id::text) as execution
    from beacon.spans_of(recent, since - interval '1 day', until + interval '1 hour') q) s
  where s.parent_span_id is null and s.execution is not null and s.status <> 'started'
  order by s.execution, s.started_at desc;
end
$$;

comment on function beacon.fellow_executions(uuid[], timestamptz) is
  'How the executions of the half hour before and after a moment ended (the newest 300, with the given traces), by their last attempt: '
  'region, model, failed.';

create function beacon.outage_of(spans beacon.span_fact[], dimension text) returns table (
  value text, failed bigint, of_all bigint, elsewhere_failed bigint, elsewhere bigint, level text)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  root beacon.span_fact;
begin
  select f.* into root from unnest(spans) f
  where f.parent_position is null and (f.region is not null or f.model_id is not null)
  order by f.started_at desc limit 1;
  -- With fewer failing traces than that no dimension has failed: there is no need to read what the others did.
  if (select count(*) from (
      select from beacon.traces t
      where t.error_count > 0 and t.started_at between root.started_at - interval '30 minutes' and root.started_at + interval '30 minutes'
      limit 3) x) + (select count(distinct f.trace_id) from unnest(spans) f) < 3 then
    return;
  end if;
  return query
  select q.value, q.failed, q.of_all, q.elsewhere_failed, q.elsewhere,
    -- Five of five beside five that went well elsewhere happen by chance once in 250 times; three of three, once in 20.
    case when q.failed >= 5 and q.elsewhere >= 5 and q.failed >= 0.9 * q.of_all and q.elsewhere_failed <= 0.1 * q.elsewhere
      then 'certain' else 'possible' end
  from (
    select m.value, count(*) filter (where e.mine and e.failed) as failed, count(*) filter (where e.mine) as of_all,
      count(*) filter (where not e.mine and e.failed) as elsewhere_failed, count(*) filter (where not e.mine) as elsewhere
    from (select case dimension when 'region' then root.region else root.model_id end as value) m
    cross join lateral (
      select x.failed, case dimension when 'region' then x.region else x.model_id end = m.value as mine
      from beacon.fellow_executions(array(select distinct f.trace_id from unnest(spans) f), root.started_at) x
      where case dimension when 'region' then x.region else x.model_id end is not null) e
    where m.value is not null
    group by m.value) q
  where q.failed >= 3 and q.elsewhere >= 3 and q.failed >= 0.8 * q.of_all and q.elsewhere_failed <= 0.2 * q.elsewhere;
end
$$;

comment on function beacon.outage_of(beacon.span_fact[], text) is
  'Whether the region (dimension region) or the model (dimension model) of these spans failed whole in that hour while others worked: at '
  'least three failed and four in five of its executions, at least three elsewhere and at most one in five of them failed. Level certain '
  'from five on each side with nine in ten, else possible.';

create function beacon.counter_evidence(of_service text, of_traces uuid[], at timestamptz) returns jsonb
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  well bigint;
  others bigint;
begin
  select count(*) filter (where t.error_count = 0), count(*) into well, others
  from (
    select t.error_count, t.services, t.trace_id from beacon.traces t
    where t.started_at between at - interval '30 minutes' and at + interval '30 minutes' and t.open_count = 0
    order by t.started_at desc limit 300) t
  where of_service = any (t.services) and t.trace_id <> all (of_traces);
  return case
    when well > 0 then jsonb_build_array(format('%s of %s other traces of that hour through %s went well.', well, others, of_service))
    else '[]'
  end;
end
$$;

comment on function beacon.counter_evidence(text, uuid[], timestamptz) is
  'What speaks against blaming a service: other traces of that hour (the newest 300) that went through it and went well, as sentences.';
