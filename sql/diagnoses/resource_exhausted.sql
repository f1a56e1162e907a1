create function beacon.finding_resource_exhausted(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  cross join lateral beacon.verdict('RESOURCE_EXHAUSTED', b, 'certain',
    format('%s ran out of a resource: %s.', coalesce(b.callee, b.service), coalesce(b.message, b.code)),
    format('Give %s more of it, or less work at a time (smaller model, shorter input, lower concurrency).', coalesce(b.callee,
      b.service))) v
  where b.code in ('out_of_memory', 'OutOfMemoryError', 'MemoryError', 'ENOMEM', 'ENOSPC', 'EMFILE', 'RESOURCE_EXHAUSTED',
    'insufficient_memory', '53100', '53200', '53300')
    or b.message ~* 'out of memory|cuda error|no space left|too many open files|too many (clients|connections)';
end
$$;

comment on function beacon.finding_resource_exhausted(beacon.span_fact[], beacon.failure_origin[]) is
  'RESOURCE_EXHAUSTED: memory, disk, descriptors or connections ran out. Decided by a code or a message that says so. Blind spot: a '
  'process killed by the system for its memory says nothing and shows as PROCESS_LOST.';
