create function beacon.archive_days() returns table (
  day text, spans bigint, chunks integer, bytes bigint, bytes_before bigint, exported_to text, exported_spans bigint)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
begin
  return query
  with days as materialized (
    select c.day, sum(c.spans)::bigint as spans, count(*)::integer as chunks, sum(c.bytes_before)::bigint as before
    from beacon.archive_chunks c group by c.day
  ), whole as (
    select sum(d.spans) as spans from days d
  )
  -- Chunks lie in the same tables: a day's share of them is that of its spans.
  select d.day::text, d.spans, d.chunks, (beacon.archive_bytes() * d.spans / w.spans)::bigint, d.before, e.target, e.spans
  from days d cross join whole w left join beacon.archive_exports e on e.day = d.day
  order by d.day;
end
$$;

comment on function beacon.archive_days() is
  'Days that are in the archive: spans, bytes there and before, and where they were exported to.';

create function beacon.archive_bytes() returns bigint
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
begin
  return pg_total_relation_size('beacon.archive_chunks') + pg_total_relation_size('beacon.archive_columns')
    + pg_total_relation_size('beacon.archive_index');
end
$$;

comment on function beacon.archive_bytes() is 'What the archive takes on disk, with its indexes.';

create function beacon.may_drop(of_day date) returns boolean
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
declare
  exported bigint;
  stored bigint;
begin
  if beacon.setting('archive_export_required', 'off') <> 'on' then
    return true;
  end if;
  select e.spans into exported from beacon.archive_exports e where e.day = of_day;
  if exported is null then
    return false;
  end if;
  -- What arrived after the export is not in it.
  select coalesce(sum(c.spans), 0) into stored from beacon.archive_chunks c where c.day = of_day;
  stored := stored + (select count(*) from beacon.trace_spans s
    where s.started_at >= of_day::timestamp at time zone 'UTC' and s.started_at < (of_day + 1)::timestamp at time zone 'UTC');
  return stored <= exported;
end
$$;

comment on function beacon.may_drop(date) is
  'Whether retention may drop the spans of a UTC day: with archive_export_required on, only when as many as are stored were exported.';
