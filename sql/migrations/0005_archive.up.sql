-- Where spans at rest go: the same rows as chunks of compressed columns. Nothing but TOAST packs them, so that SQL reads them.

create table beacon.archive_chunks (
  chunk_id     integer     not null generated always as identity,
  day          date        not null,
  spans        integer     not null,
  traces       integer     not null,
  created_from timestamptz not null,
  created_to   timestamptz not null,
  started_from timestamptz not null,
  started_to   timestamptz not null,
  active_to    timestamptz not null,
  bytes_before bigint      not null,
  archived_at  timestamptz not null default now(),
  trace_ids    bytea       not null,
  span_ids     bytea       not null,
  constraint archive_chunks_key primary key (chunk_id)
);

comment on table beacon.archive_chunks is
  'Spans that have left trace_spans for the archive, in pieces of some 32,000, in the order they were stored; within a piece by trace and start. archived_spans reads them.';
comment on column beacon.archive_chunks.day is 'UTC day of the starts of its spans.';
comment on column beacon.archive_chunks.created_from is 'Earliest created_at of its spans.';
comment on column beacon.archive_chunks.created_to is 'Latest created_at of its spans.';
comment on column beacon.archive_chunks.started_from is 'Earliest start of its spans.';
comment on column beacon.archive_chunks.started_to is 'Latest start of its spans.';
comment on column beacon.archive_chunks.active_to is 'Latest start or end of its spans.';
comment on column beacon.archive_chunks.bytes_before is 'What its spans took in trace_spans, with their share of the indexes; an estimate.';
comment on column beacon.archive_chunks.trace_ids is 'Its trace ids, ascending, 16 bytes each.';
comment on column beacon.archive_chunks.span_ids is 'Span ids, 8 bytes a row.';

create index archive_chunks_day on beacon.archive_chunks (day);

create index archive_chunks_created on beacon.archive_chunks (created_to);

create index archive_chunks_active on beacon.archive_chunks (active_to);

create table beacon.archive_columns (
  chunk_id integer  not null,
  kind     "char"   not null,
  name     text     not null,
  entries  integer  not null,
  width    smallint not null,
  low      bytea,
  high     bytea,
  texts    text,
  base     bigint,
  unit     bigint,
  prefix   text,
  suffix   text,
  constraint archive_columns_key primary key (chunk_id, kind, name)
);

comment on table beacon.archive_columns is
  'A column of a chunk of the archive: a number a row, 0 where the row has none, and what the numbers mean.';
comment on column beacon.archive_columns.kind is
  'c: a column of trace_spans, as JSON. a: an attribute; of the name *, several rare ones at once. n: a number of a row (start, parent, duration). t: a number of a trace (start, spans).';
comment on column beacon.archive_columns.entries is 'Rows, or traces, that it has a number for.';
comment on column beacon.archive_columns.width is 'Bytes of a number; 0 where every row has number 1.';
comment on column beacon.archive_columns.low is 'The lower bytes of the numbers: all bytes of the highest place first, then all of the next.';
comment on column beacon.archive_columns.high is 'The higher bytes of numbers of four and more bytes, apart because they repeat.';
comment on column beacon.archive_columns.texts is 'Line n is what number n means; null where a number n means prefix, base + (n - 1) * unit, suffix.';

create table beacon.archive_index (
  segment      smallint   not null,
  chunk_id     integer    not null,
  fingerprints smallint[] not null,
  constraint archive_index_key primary key (segment, chunk_id)
);

comment on table beacon.archive_index is
  'Which attributes, columns and traces occur in a chunk of the archive, as 22 bits of a hash each: 6 choose the row, 16 are in its list.';

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
