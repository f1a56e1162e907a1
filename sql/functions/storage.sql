create function beacon.storage(most_bytes double precision default null) returns table (
  bytes double precision, spans double precision, bytes_per_span double precision, spans_per_day double precision,
  bytes_per_day double precision, limit_bytes double precision, days_to_limit double precision, retention_days integer,
  bytes_at_retention double precision, retention_suggested integer, basis text, partitions jsonb, archived_spans double precision,
  archived_bytes double precision, archived_bytes_before double precision)
language plpgsql stable
set search_path = beacon, pg_catalog
as $$
#variable_conflict use_column
declare
  most double precision := coalesce(most_bytes, beacon.setting('storage_limit_bytes', null)::double precision);
begin
  return query
  select f.bytes, f.spans, f.bytes_per_span, f.spans_per_day, f.bytes_per_day, most, case when most is not null then f.days_until_full end,
    f.retention_days, f.bytes_at_retention, case when most is not null then f.retention_suggested end, f.basis,
    (select coalesce(jsonb_agg(jsonb_build_object('partition', c.relname, 'bytes', beacon.bytes_of(c.oid),
        'spans_estimated', case when i.inhparent = 'beacon.trace_spans'::regclass then beacon.rows_about(c.oid, f.bytes_per_span)
          else 0 end,
        'logs_estimated', case when i.inhparent = 'beacon.trace_logs'::regclass then beacon.rows_about(c.oid, f.bytes_per_span) else 0 end)
        order by c.relname desc), '[]')
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent in ('beacon.trace_spans'::regclass, 'beacon.trace_logs'::regclass)),
    (select coalesce(sum(c.spans), 0)::double precision from beacon.archive_chunks c), beacon.archive_bytes()::double precision,
    (select coalesce(sum(c.bytes_before), 0)::double precision from beacon.archive_chunks c)
  from beacon.storage_forecast(coalesce(most, 'infinity')) f;
end
$$;

comment on function beacon.storage(double precision) is
  'What spans take on disk, with their log records, how fast that grows at the pace of the last 7 days, what retention holds it at, '
  'each partition, and the archive. With a limit in bytes (else the setting storage_limit_bytes): the days until it is reached, and the '
  'retention that keeps below it.';
