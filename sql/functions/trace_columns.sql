create function beacon.trace_columns(of_trace uuid) returns table (
  started_at timestamptz, duration_ms double precision, names text[], services text[], colors integer[], errors text[], notes text[],
  columns text, spans integer, failed integer, orphans integer, clocks jsonb,
  execution_id bigint, job_id text, model_id text, region text)
language plpgsql stable
set search_path = beacon, pg_catalog
-- Arrays of spans look costly to the planner, and compiling takes longer than running.
set jit = off
-- 100,000 spans sort and hash in memory; a trace of usual size needs a thousandth of it.
set work_mem = '64MB'
as $$
#variable_conflict use_column
declare
  tree beacon.span_fact[] := beacon.tree_of(of_trace);
  decisive integer[];
begin
  if coalesce(cardinality(tree), 0) = 0 then
    return;
  end if;
  select array_agg(distinct c.position) into decisive from beacon.critical_segments(tree) c;
  return query
  with f as materialized (
    select t.position, coalesce(t.parent_position, 0) - 1 as parent, t.depth, t.span_id, t.service, t.operation, t.kind, t.status,
      t.offset_ms, t.duration_ms, t.self_ms, t.is_orphan, t.skew_ms, t.started_at,
      nullif(concat_ws(': ', t.error_type, t.error_message), '') as error,
      case when t.is_orphan or t.skew_ms <> 0 or t.status in ('started', 'lost') then beacon.span_note(t) end as note
    from unnest(tree) t
  ), service as materialized (
    select d.service, (row_number() over (order by d.service) - 1)::integer as n from (select distinct f.service from f) d
  ), name as materialized (
    select d.operation, (row_number() over (order by d.operation) - 1)::integer as n from (select distinct f.operation from f) d
  ), error as materialized (
    select d.error, (row_number() over (order by d.error) - 1)::integer as n from (select distinct f.error from f where f.error is not null) d
  ), note as materialized (
    select d.note, (row_number() over (order by d.note) - 1)::integer as n from (select distinct f.note from f where f.note is not null) d
  ), numbered as materialized (
    select f.*, s.n as service_n, o.n as name_n, coalesce(e.n, -1) as error_n, coalesce(x.n, -1) as note_n,
      c.position is not null as critical
    from f
    join service s on s.service = f.service
    join name o on o.operation = f.operation
    left join error e on e.error = f.error
    left join note x on x.note = f.note
    left join (select unnest(decisive) as position) c on c.position = f.position
    -- Sorted once, so that the aggregates below take rows as they come.
    order by f.position
  ), first as (
    select t.* from unnest(tree) t where t.position = 1
  )
  select min(r.started_at), max(r.offset_ms + r.duration_ms),
    array(select name.operation from name order by name.n),
    array(select service.service from service order by service.n),
    array(select k.color from beacon.service_colors(array(select service.service from service)) k order by k.service),
    array(select error.error from error order by error.n),
    array(select note.note from note order by note.n),
    -- Text is put together here, once: arrays that become JSON that becomes JSON take three times as long.
    format('{"id":"%s","parent":[%s],"service":[%s],"name":[%s],"start_us":[%s],"duration_us":[%s],"self_us":[%s],"status":"%s","kind":"%s","error":[%s],"critical":[%s],"note":[%s]}',
      string_agg(encode(r.span_id, 'hex'), ''), string_agg(case when r.parent < 0 then '0' else (r.position - 1 - r.parent)::text end, ','),
      string_agg(r.service_n::text, ','), string_agg(r.name_n::text, ','), string_agg(round(r.offset_ms * 1000)::bigint::text, ','),
      string_agg(case when r.status = 'started' then '-1' else round(r.duration_ms * 1000)::bigint::text end, ','),
      string_agg(round(r.self_ms * 1000)::bigint::text, ','),
      string_agg(case r.status when 'completed' then '0' when 'failed' then '1' when 'timeout' then '2' when 'lost' then '3' else '4' end, ''),
      string_agg(case r.kind when 'internal' then '0' when 'server' then '1' when 'client' then '2' when 'producer' then '3' else '4' end, ''),
      string_agg((r.position - 1) || ',' || r.error_n, ',') filter (where r.error_n >= 0),
      string_agg((r.position - 1)::text, ',') filter (where r.critical),
      string_agg((r.position - 1) || ',' || r.note_n, ',') filter (where r.note_n >= 0)),
    count(*)::integer, (count(*) filter (where beacon.has_failed(r.status)))::integer, (count(*) filter (where r.is_orphan))::integer,
    coalesce((select jsonb_object_agg(c.service, round(c.skew_ms::numeric, 3)) from (
      select distinct on (n.service) n.service, n.skew_ms from numbered n where n.skew_ms <> 0 order by n.service, n.position) c), '{}'),
    min(w.execution_id), min(w.job_id), min(w.model_id), min(w.region)
  from numbered r, first w;
end
$$;

comment on function beacon.trace_columns(uuid) is
  'A whole trace as columns for whoever draws it: spans in the order of trace_tree, texts given once and pointed at by number. Times in columns are microseconds from the start of the trace, clocks corrected; a duration of -1 has no end. id is one text, 16 digits a span; parent is how many rows above it stands, 0 for none; error and note are pairs of row and number; critical are rows; status and kind are a digit a span. status 0 completed, 1 failed, 2 timeout, 3 lost, 4 started; kind 0 internal, 1 server, 2 client, 3 producer, 4 consumer. Nothing when there are no spans.';
