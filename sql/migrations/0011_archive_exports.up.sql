-- Which days have left the database as files, so that retention can wait for them.
create table beacon.archive_exports (
  day         date        not null,
  target      text        not null,
  spans       bigint      not null,
  bytes       bigint      not null,
  exported_at timestamptz not null default now(),
  constraint archive_exports_key primary key (day)
);

comment on table beacon.archive_exports is
  'UTC days whose spans were written as Parquet and read back the same. With the setting archive_export_required (off) on, retention drops no other day.';
comment on column beacon.archive_exports.target is 'Where the files are.';
comment on column beacon.archive_exports.spans is 'Spans in them.';
comment on column beacon.archive_exports.bytes is 'Their size.';
