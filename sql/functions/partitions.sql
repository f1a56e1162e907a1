create function beacon.setting(setting_name text, fallback text) returns text
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return coalesce((select value from beacon.settings where name = setting_name), fallback);
end
$$;

comment on function beacon.setting(text, text) is 'Value of a row in settings, or the fallback.';

create function beacon.ensure_partitions(days_ahead integer default null, days_back integer default 1) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  today date := (beacon.clock() at time zone 'UTC')::date;
  ahead integer := coalesce(days_ahead, beacon.setting('partitions_ahead_days', '7')::integer);
  made integer := 0;
begin
  for d in -days_back .. ahead loop
    made := made + beacon.ensure_partition(today + d)::integer;
  end loop;
  return made;
end
$$;

comment on function beacon.ensure_partitions(integer, integer) is
  'Creates the daily partitions of trace_spans that are missing, from yesterday to partitions_ahead_days (7) ahead; returns how many it '
  'made.';

create function beacon.ensure_partition(day date) returns boolean
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  partition_name text := 'trace_spans_' || to_char(day, 'YYYYMMDD');
  day_start timestamptz := day::timestamp at time zone 'UTC';
  day_end timestamptz := (day + 1)::timestamp at time zone 'UTC';
  strays boolean;
begin
  if to_regclass('beacon.' || partition_name) is not null then
    return false;
  end if;
  -- One maker at a time: without it two would both find the day missing and one would fail.
  perform pg_advisory_xact_lock(hashtextextended('beacon.ensure_partition', 0));
  if to_regclass('beacon.' || partition_name) is not null then
    return false;
  end if;
  execute format('create table beacon.%I (like beacon.trace_spans including defaults including constraints)', partition_name);
  -- Rows of that day that are waiting in the default partition would make attaching fail: they move first.
  -- The lock keeps another such row from arriving between the move and the attach.
  execute 'select exists (select from beacon.trace_spans_default where started_at >= $1 and started_at < $2)'
    into strays using day_start, day_end;
  if strays then
    execute 'lock table beacon.trace_spans_default in share row exclusive mode';
    execute format('insert into beacon.%I select * from beacon.trace_spans_default where started_at >= $1 and started_at < $2',
      partition_name)
      using day_start, day_end;
    execute 'delete from beacon.trace_spans_default where started_at >= $1 and started_at < $2' using day_start, day_end;
  end if;
  execute format('alter table beacon.trace_spans attach partition beacon.%I for values from (%L) to (%L)',
    partition_name, day_start, day_end);
  return true;
end
$$;

comment on function beacon.ensure_partition(date) is
  'Creates the partition of one UTC day if it is missing, and moves that day''s rows out of the default partition; returns whether it '
  'made one.';
