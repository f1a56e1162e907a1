create function beacon.finding_wrong_region(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from (
    -- The innermost that says so is nearest to what answered.
    select distinct on (w.trace_id) w.f, w.asked, w.served from (
      select f, f.trace_id, f.depth, f.position, coalesce(beacon.served_region(f.metadata),
          case when f.kind = 'server' and f.parent_position is not null and f.metadata ?| array['gen_ai.request.model',
            'gen_ai.operation.name', 'gen_ai.system', 'gen_ai.provider.name', 'llm.model_name'] then f.metadata ->> 'cloud.region' end)
          as served,
        -- Where a program runs says nothing of where it asks.
        coalesce(f.metadata ->> 'beacon.region', (select r.metadata ->> 'beacon.region' from unnest(spans) r
            where r.trace_id = f.trace_id and r.metadata ? 'beacon.region' order by r.position limit 1),
          (select r.region from unnest(spans) r where r.trace_id = f.trace_id and r.parent_position is null
            and not r.metadata ? 'cloud.region' limit 1)) as asked
      from unnest(spans) f) w
    where w.served is not null and beacon.same_region(w.asked, w.served) = false
    order by w.trace_id, w.depth desc, w.position) q
  cross join lateral beacon.observation('WRONG_REGION', case when exists (select from unnest(origins) b
      where b.trace_id = (q.f).trace_id and b.explains_root) then 'remark' else 'cause' end, 'strong', q.f,
    format('Asked for in %s, answered from %s%s: what was measured is not what was meant.', q.asked, q.served,
      coalesce(' by ' || ((q.f).metadata ->> 'beacon.provider'), '')),
    format('Leave this execution out of what is said about %s; ask the provider to keep to the region, or name the endpoint of that '
      'region.', q.asked),
    jsonb_build_object('asked_region', q.asked, 'served_region', q.served)) v;
end
$$;

comment on function beacon.finding_wrong_region(beacon.span_fact[], beacon.failure_origin[]) is
  'WRONG_REGION: another region answered than was asked for. Decided by what the other side says of itself: beacon.served_region, a '
  'recorded header of its answer (x-ms-region, x-served-region, ...), or cloud.region on the server span of the model. Names of regions '
  'are compared as clouds write them (same_region). A remark where the execution failed for another reason. Blind spot: a provider that '
  'names the region it was asked for.';
