create function beacon.finding_model_drift(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from (
    select distinct on (w.trace_id) w.f, w.asked, w.answering from (
      select f, f.trace_id, f.depth, f.position, coalesce(beacon.model_asked(f.metadata), f.model_id,
          (select r.model_id from unnest(spans) r where r.trace_id = f.trace_id and r.parent_position is null limit 1)) as asked,
        beacon.model_answering(f.metadata) as answering
      from unnest(spans) f where not beacon.has_failed(f.status)) w
    where w.answering is not null and beacon.same_model(w.asked, w.answering) = false
    order by w.trace_id, w.depth desc, w.position) q
  cross join lateral beacon.observation('MODEL_DRIFT', case when exists (select from unnest(origins) b
      where b.trace_id = (q.f).trace_id and b.explains_root) then 'remark' else 'cause' end, 'likely', q.f,
    format('%s was asked for, and %s answered.', q.asked, q.answering),
    format('Pin the model by its full name and version; do not count this answer as one of %s.', q.asked),
    jsonb_strip_nulls(jsonb_build_object('asked_model', q.asked, 'answering_model', q.answering, 'system_fingerprint',
      beacon.fingerprint_of((q.f).metadata)))) v;
end
$$;

comment on function beacon.finding_model_drift(beacon.span_fact[], beacon.failure_origin[]) is
  'MODEL_DRIFT: another model answered than was asked for. Decided by the name in the answer, where it is neither the same nor a dated '
  'snapshot or variant of it (same_model). A remark where the execution failed for another reason. Blind spot: weights that changed under '
  'the same name, which job-validity shows as several fingerprints.';
