create function beacon.recount_traces(of_traces uuid[]) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  recounted integer;
  unnoted timestamptz[];
begin
  -- Writers add to these rows; holding them first keeps an addition from falling between count and update.
  perform from beacon.traces t where t.trace_id = any (of_traces) order by t.trace_id for update;
  with counted as (
    select s.trace_id, min(s.started_at) as started_at, max(s.completed_at) as completed_at,
      min(s.execution_id) as execution_id, min(s.execution_key collate "C") as execution_key, min(s.job_id collate "C") as job_id,
      (array_agg(s.service order by s.started_at, s.span_id) filter (where s.parent_span_id is null))[1] as root_service,
      (array_agg(s.operation order by s.started_at, s.span_id) filter (where s.parent_span_id is null))[1] as root_operation,
      (array_agg(s.span_id order by s.started_at, s.span_id) filter (where s.parent_span_id is null))[1] as root_span_id,
      min(s.started_at) filter (where s.parent_span_id is null) as root_started_at,
      array_agg(distinct s.service) as services, count(*)::integer as span_count,
      (count(*) filter (where beacon.has_failed(s.status)))::integer as error_count,
      (count(*) filter (where s.status = 'started'))::integer as open_count, max(s.created_at) as updated_at,
      max(greatest(s.started_at, s.completed_at)) as active_to
    from beacon.spans_of(of_traces) s
    group by s.trace_id
  ), written as (
    insert into beacon.traces as t (trace_id, started_at, completed_at, execution_id, execution_key, job_id, root_service,
      root_operation, root_span_id, root_started_at, services, span_count, error_count, open_count, updated_at, active_to)
    select c.trace_id, c.started_at, c.completed_at, c.execution_id, c.execution_key, c.job_id, c.root_service,
      c.root_operation, c.root_span_id, c.root_started_at, c.services, c.span_count, c.error_count, c.open_count, c.updated_at,
      c.active_to
    from counted c
    order by c.trace_id
    on conflict (trace_id) do update set
      started_at = excluded.started_at, completed_at = excluded.completed_at, execution_id = excluded.execution_id,
      execution_key = excluded.execution_key, job_id = excluded.job_id, root_service = excluded.root_service,
      root_operation = excluded.root_operation,
      root_span_id = excluded.root_span_id, root_started_at = excluded.root_started_at, services = excluded.services,
        span_count = excluded.span_count, error_count = excluded.error_count,
      open_count = excluded.open_count, updated_at = excluded.updated_at, active_to = excluded.active_to,
      -- Which of the spans it knows is not known.
      signature = null
    returning t.trace_id
  )
  select count(*) into recounted from written;
  insert into beacon.trace_executions (execution_id, execution_key, trace_id, started_at)
  select s.execution_id, s.execution_key, s.trace_id, min(s.started_at)
  from beacon.spans_of(of_traces) s
  where num_nonnulls(s.execution_id, s.execution_key) = 1
  group by s.execution_id, s.execution_key, s.trace_id
  on conflict do nothing;
  insert into beacon.late_traces (trace_id)
  select t.trace_id from beacon.traces t where t.trace_id = any (of_traces) and t.baselined_at < t.updated_at
  on conflict (trace_id) do nothing;
  unnoted := array(select distinct s.created_at from beacon.trace_spans s where s.trace_id = any (of_traces));
  unnoted := array(
    select u.at from unnest(unnoted) u (at)
    where not exists (select from beacon.span_chunks c where u.at >= c.created_from and u.at <= c.created_to));
  perform beacon.note_spans(of_traces, unnoted);
  return recounted;
end
$$;

comment on function beacon.recount_traces(uuid[]) is
  'Counts the summaries of these traces anew from their spans, and notes what no writer has noted of them: for rows that did not come '
  'through a writer, and for tests, which compare it with what writers added up. Returns how many it wrote.';

create function beacon.mark_lost() returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  gone record;
  marked integer := 0;
  here integer;
  traces_lost uuid[];
  stored_at timestamptz[];
begin
  for gone in
    select t.tracer_id, s.last_alive, t.service, t.started_at
    from beacon.tracer_state() s
    join beacon.tracers t on t.tracer_id = s.tracer_id
    where s.last_alive > beacon.clock() - interval '2 days'
    order by t.tracer_id
  loop
    with lost as (
      update beacon.trace_spans
      set status = 'lost', error_type = coalesce(error_type, 'process_lost'),
        error_message = coalesce(error_message, 'its process ended before it did')
      where service = gone.service and status = 'started' and tracer_id = gone.tracer_id
        and started_at between gone.started_at - interval '1 day' and gone.last_alive + interval '1 day'
      returning trace_id, created_at, operation, kind, parent_span_id is null as root, started_at, duration_ms
    ), counts as (
      select l.trace_id, count(*)::integer as spans from lost l group by l.trace_id
    ), summed as (
      update beacon.traces t
      set open_count = t.open_count - c.spans, error_count = t.error_count + c.spans
      from counts c
      where t.trace_id = c.trace_id
      returning c.spans
    ), changed as (
      -- As open it was counted with those that had not failed.
      select beacon.name_hash(gone.service, l.operation, l.kind) as name_id,
        floor(extract(epoch from l.started_at - '2000-01-01 00:00:00+00') / 60)::integer as minute, d.class, d.calls
      from lost l
      cross join lateral (
        select 4 * (coalesce(beacon.duration_bucket(l.duration_ms), -1) + 1) + case when l.root then 2 else 0 end as was) w
      cross join lateral (values (w.was, -1), (w.was + 1, 1)) d (class, calls)
    ), noted as (
      insert into beacon.span_deltas (name_ids, minutes, lasts, classes, calls, totals, minute_from, minute_to)
      select array_agg(c.name_id), array_agg(c.minute), array_agg(0), array_agg(c.class), array_agg(c.calls), array_agg(0),
        min(c.minute), max(c.minute)
      from changed c having count(*) > 0
    )
    select coalesce(sum(spans), 0), array(select distinct l.trace_id from lost l), array(select distinct l.created_at from lost l)
      into here, traces_lost, stored_at
    from summed;
    perform beacon.note_spans(traces_lost, stored_at, false);
    marked := marked + here;
  end loop;
  return marked;
end
$$;

comment on function beacon.mark_lost() is
  'Marks as lost the open spans of tracers that stopped or whose heartbeat is older than lost_after_seconds (30); returns how many.';
