create function beacon.finding_resource_exhausted(spans beacon.span_fact[], origins beacon.failure_origin[]) returns setof beacon.finding
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return query
  select v.* from unnest(origins) b
  -- A pool of connections, and what an exception or the operating system of the caller says, is the caller's own.
  cross join lateral (select case when b.meaning = 'pool_exhausted' and b.meant_by <> 'sqlstate' and b.callee_position is null
        and b.message !~* 'too many (clients|connections)|max(imum)? number of clients|connection slots'
      or b.meaning = 'too_many_files' or b.meaning in ('disk_full', 'out_of_memory') and b.callee_position is null and b.http_status is null
        and (b.meant_by = 'class' or b.code ~ '^E[A-Z]+$') then b.service end as own) o
  cross join lateral (select coalesce(o.own, b.callee, b.service) as who) w
  cross join lateral beacon.verdict('RESOURCE_EXHAUSTED', b, 'certain',
    format('%s: %s%s: %s.', w.who, case b.meaning
      when 'pool_exhausted' then 'no connection was free'
      when 'out_of_memory' then 'ran out of memory'
      when 'disk_full' then 'ran out of disk space'
      when 'too_many_files' then 'ran out of file descriptors'
      when 'stack_overflow' then 'ran out of stack'
      when 'quota' then 'its quota for this account is used up'
      else 'has no capacity left' end, beacon.answered_with(b), beacon.said(b)),
    case b.meaning
      when 'pool_exhausted' then format('Look for connections of %s that are held too long or never given back; then give its pool or the '
        'server more of them.', b.service)
      when 'out_of_memory' then format('Give %s more memory, or less work at a time (smaller model, shorter input, lower concurrency).',
        w.who)
      when 'disk_full' then format('Free or add disk space for %s; then look at what filled it.', w.who)
      when 'too_many_files' then format('Raise the limit of open files of %s, and look for files or sockets it never closes.', w.who)
      when 'stack_overflow' then format('Look for endless recursion in %s %s.', b.service, b.operation)
      when 'quota' then format('Raise the quota or the budget of this account at %s, or use another key; waiting and sending less does not '
        'help before the quota is renewed.', w.who)
      else format('Send less to %s at a time, try later, or ask another provider.', w.who) end,
    '{}', o.own, case when o.own is not null then b.operation end) v
  where b.meaning in ('out_of_memory', 'disk_full', 'too_many_files', 'pool_exhausted', 'quota', 'overloaded', 'stack_overflow');
end
$$;

comment on function beacon.finding_resource_exhausted(beacon.span_fact[], beacon.failure_origin[]) is
  'RESOURCE_EXHAUSTED: memory, disk, descriptors, connections, a quota or capacity ran out. Decided by a code, class, SQLSTATE or message '
  'that says so; a pool of connections is charged to the service that owns it. Blind spot: a process killed by the system for its memory '
  'says nothing and shows as PROCESS_LOST.';
