create function beacon.archive_step(at_most integer default 32768) returns jsonb
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  after_days integer := nullif(beacon.setting('archive_after_days', '2'), 'off')::integer;
  oldest date := (beacon.clock() at time zone 'UTC')::date - after_days;
  partition record;
  moved integer;
begin
  if after_days is null then
    return jsonb_build_object('spans_archived', 0, 'skipped', 'the setting archive_after_days is off');
  end if;
  if to_regclass('pg_catalog.pg_dist_partition') is not null then
    return jsonb_build_object('spans_archived', 0, 'skipped', 'Citus: its shards are compressed there');
  end if;
  -- Several servers may call this at once: one works, the others need not wait.
  if not pg_try_advisory_xact_lock(hashtextextended('beacon.archive', 0)) then
    return jsonb_build_object('spans_archived', 0, 'skipped', 'another session is at it');
  end if;
  -- Late spans are rare: better to wait for the next round than to have writers wait behind a lock.
  perform set_config('lock_timeout', '1s', true);
  for partition in
    select c.relname, c.oid, to_date(right(c.relname, 8), 'YYYYMMDD') as day
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'beacon.trace_spans'::regclass and c.relname ~ '^trace_spans_\d{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') < oldest and pg_relation_size(c.oid) > 0
    order by c.relname
  loop
    moved := beacon.archive_spans(partition.relname, at_most);
    if moved > 0 then
      return jsonb_build_object('spans_archived', moved, 'day', partition.day, 'more', moved = at_most);
    end if;
    begin
      if beacon.clear_archived(partition.relname, partition.day) then
        return jsonb_build_object('spans_archived', 0, 'partition_cleared', partition.relname);
      end if;
    exception when lock_not_available then
      return jsonb_build_object('spans_archived', 0, 'postponed', sqlerrm);
    end;
  end loop;
  return jsonb_build_object('spans_archived', 0);
end
$$;

comment on function beacon.archive_step(integer) is
  'Moves one chunk of spans that are older than archive_after_days (2; off) into the archive, or gives the space of a day that is there '
  'back to the disk; what the server does every few seconds, and a scheduler may do instead. Returns what it did; more says that there is '
  'more to do now.';

create function beacon.clear_archived(of_partition text, of_day date) returns boolean
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  kept beacon.trace_spans[];
  last_at timestamptz := (select max(c.archived_at) from beacon.archive_chunks c where c.day = of_day);
begin
  -- A transaction that began before the last chunk and has not read the partition yet would find its spans in neither place.
  if last_at is null or last_at > clock_timestamp() - interval '10 minutes' then
    return false;
  end if;
  execute format('select array_agg(s) from (select s from beacon.%I s limit 1001) q', of_partition) into kept;
  if cardinality(kept) > 1000 then
    return false;
  end if;
  execute format('lock table beacon.%I in access exclusive mode', of_partition);
  execute format('select array_agg(s) from beacon.%I s', of_partition) into kept;
  execute format('truncate beacon.%I', of_partition);
  insert into beacon.trace_spans select k.* from unnest(kept) k;
  return kept is null;
end
$$;

comment on function beacon.clear_archived(text, date) is
  'Gives the space of a partition back whose spans are in the archive, at the earliest ten minutes after the last of them; the few that '
  'are still open stay. Returns whether it is empty now.';

create function beacon.archive_undo(of_chunk integer) returns integer
language plpgsql
set search_path = beacon, pg_catalog
as $$
declare
  of_day date;
  back integer;
  spans beacon.trace_spans[];
begin
  select c.day into of_day from beacon.archive_chunks c where c.chunk_id = of_chunk for update;
  if not found then
    return 0;
  end if;
  perform beacon.ensure_partition(of_day);
  spans := array(select s from beacon.unpack_spans(of_chunk, null) s);
  insert into beacon.trace_spans select s.* from unnest(spans) s
  on conflict (trace_id, span_id, started_at) do nothing;
  get diagnostics back = row_count;
  perform beacon.drop_archived(array[of_chunk]);
  return back;
end
$$;

comment on function beacon.archive_undo(integer) is
  'Moves the spans of a chunk of the archive back into trace_spans, in one transaction; returns how many. The next round of maintenance '
  'archives them again unless archive_after_days is off.';

create function beacon.drop_archived(chunks integer[]) returns void
language plpgsql
set search_path = beacon, pg_catalog
as $$
begin
  delete from beacon.archive_index i where i.chunk_id = any (chunks);
  delete from beacon.archive_columns c where c.chunk_id = any (chunks);
  delete from beacon.archive_chunks c where c.chunk_id = any (chunks);
end
$$;

comment on function beacon.drop_archived(integer[]) is 'Deletes chunks of the archive with all they have.';
