create function beacon.trace_extent() returns table (oldest_at timestamptz, newest_at timestamptz, clock_at timestamptz)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  clock_at := beacon.clock();
  select max(t.started_at) into newest_at from beacon.traces t;
  if newest_at is null then
    return;
  end if;
  select min(t.started_at) into oldest_at from beacon.traces t
  where t.started_at >= case when newest_at >= clock_at - interval '24 hours' then clock_at else newest_at end - interval '24 hours';
  return next;
end
$$;

comment on function beacon.trace_extent() is
  'From when to when there are traces: start of the newest, and of the oldest within the last 24 hours, or, where those are empty, within '
  'the 24 hours up to the newest. No row while there is no trace.';
