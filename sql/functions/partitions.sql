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
  'Creates the daily partitions of trace_spans and trace_logs that are missing, from yesterday to partitions_ahead_days (7) ahead; '
  'returns for how many days it did.';

create function beacon.ensure_partition(day date) returns boolean
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  of_spans boolean := beacon.ensure_partition_of('trace_spans', 'started_at', day);
  of_logs boolean := beacon.ensure_partition_of('trace_logs', 'recorded_at', day);
begin
  return of_spans or of_logs;
end
$$;

comment on function beacon.ensure_partition(date) is
  'Creates the partitions of one UTC day if they are missing, and moves that day''s rows out of the default partitions; returns whether it '
  'made one.';

create function beacon.ensure_partition_of(parent text, time_column text, day date) returns boolean
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  partition_name text := parent || '_' || to_char(day, 'YYYYMMDD');
  strays_name text := parent || '_default';
  day_start timestamptz := day::timestamp at time zone 'UTC';
  day_end timestamptz := (day + 1)::timestamp at time zone 'UTC';
  of_day text := format('%1$I >= $1 and %1$I < $2', time_column);
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
  execute format('create table beacon.%I (like beacon.%I including defaults including constraints)', partition_name, parent);
  -- Rows of that day that are waiting in the default partition would make attaching fail: they move first.
  -- The lock keeps another such row from arriving between the move and the attach.
  execute format('select exists (select from beacon.%I where %s)', strays_name, of_day) into strays using day_start, day_end;
  if strays then
    execute format('lock table beacon.%I in share row exclusive mode', strays_name);
    execute format('insert into beacon.%I select * from beacon.%I where %s', partition_name, strays_name, of_day)
      using day_start, day_end;
    execute format('delete from beacon.%I where %s', strays_name, of_day) using day_start, day_end;
  end if;
  execute format('alter table beacon.%I attach partition beacon.%I for values from (%L) to (%L)',
    parent, partition_name, day_start, day_end);
  return true;
end
$$;

comment on function beacon.ensure_partition_of(text, text, date) is
  'The same for one table that is partitioned by the day of a column.';
