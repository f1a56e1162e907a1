-- What makes a search for a rare attribute, and counting by service, independent of how many spans there are. It is written
-- in the transaction that stores the spans, as rows that nothing updates; maintenance puts small ones together.

create table beacon.span_names (
  name_id   bigint      not null,
  service   text        not null,
  operation text        not null,
  kind      text        not null,
  seen_at   timestamptz not null default now(),
  constraint span_names_key primary key (name_id)
);

comment on table beacon.span_names is
  'Services and their operations: each that a stored span has, once.';
comment on column beacon.span_names.name_id is
  'hashtextextended(operation, hashtextextended(service, hashtextextended(kind, 0))), as it is where bytes of a number go from low to high.';
comment on column beacon.span_names.seen_at is 'When it was last stored with a span, to the hour.';

create index span_names_service on beacon.span_names (service);

create table beacon.span_chunks (
  chunk_id     bigint      not null generated always as identity,
  created_from timestamptz not null,
  created_to   timestamptz not null,
  started_from timestamptz not null,
  active_to    timestamptz not null,
  spans        integer     not null,
  few          integer[],
  constraint span_chunks_key primary key (chunk_id)
);

comment on table beacon.span_chunks is
  'Spans in the order they were stored, in pieces: those of one transaction, or of several small ones that follow each other. A span that was completed later has a second piece, of its end.';
comment on column beacon.span_chunks.created_from is 'The chunk is about spans whose created_at is not before this,';
comment on column beacon.span_chunks.created_to is 'and not after this.';
comment on column beacon.span_chunks.started_from is 'Earliest start among them.';
comment on column beacon.span_chunks.active_to is 'Latest start or end among them.';
comment on column beacon.span_chunks.few is 'Its fingerprints, 20 bits each, while they are few; else null, and they are in span_chunk_index.';

create index span_chunks_active on beacon.span_chunks (active_to);

create index span_chunks_created on beacon.span_chunks (created_from);

create table beacon.span_chunk_index (
  segment  smallint   not null,
  chunk_id bigint     not null,
  fingerprints smallint[] not null,
  constraint span_chunk_index_key primary key (segment, chunk_id)
);

comment on table beacon.span_chunk_index is
  'Which attributes occur in a chunk, as 20 bits of a hash each: 4 choose the row, 16 are in its list. About two bytes for every distinct attribute of a chunk; in 100 chunks one is searched in vain.';

create table beacon.span_deltas (
  delta_id    bigint             not null generated always as identity,
  name_ids    bigint[]           not null,
  minutes     integer[]          not null,
  lasts       integer[]          not null,
  classes     smallint[]         not null,
  calls       integer[]          not null,
  totals      double precision[] not null,
  minute_from integer            not null,
  minute_to   integer            not null,
  constraint span_deltas_key primary key (delta_id)
);

comment on table beacon.span_deltas is
  'What each transaction changed in the counts, one row a transaction, until maintenance adds it to span_rollups. Its lists have the same length: spans of one name, minute and class each.';
comment on column beacon.span_deltas.name_ids is 'Row in span_names.';
comment on column beacon.span_deltas.minutes is 'Minute of their start, since 2000-01-01 UTC.';
comment on column beacon.span_deltas.lasts is 'Start of the newest, microseconds of the minute.';
comment on column beacon.span_deltas.classes is
  'Four times (duration class + 1), as in operation_baselines and -1 without a duration; plus 2 for roots; plus 1 for failures.';
comment on column beacon.span_deltas.calls is 'How many more there are; negative where a span has changed its class.';
comment on column beacon.span_deltas.totals is 'Sum of their durations, milliseconds.';

create table beacon.span_rollups (
  facet     smallint         not null,
  step_s    integer          not null,
  at        timestamptz      not null,
  service   text             not null,
  operation text             not null,
  kind      text             not null,
  root      boolean          not null,
  counts    integer[]        not null,
  total_ms  double precision not null,
  last_at   timestamptz      not null,
  constraint span_rollups_key primary key (facet, step_s, at, service, operation, kind, root)
) with (fillfactor = 70);

comment on table beacon.span_rollups is
  'Spans counted by minute (step_s 60), ten minutes (600), hour (3600) and six hours (21600) of their start and by duration class.';
comment on column beacon.span_rollups.facet is '0 by operation and kind; 1 by service; 2 all together: the columns not counted by are empty.';
comment on column beacon.span_rollups.counts is 'One {class, spans, errors} for each duration class as in operation_baselines; -1 is the class of spans without a duration.';
comment on column beacon.span_rollups.last_at is 'Start of the newest of them.';

create table beacon.service_calls (
  at      timestamptz not null,
  caller  text        not null,
  callee  text        not null,
  bucket  smallint    not null,
  calls   bigint      not null,
  errors  bigint      not null,
  constraint service_calls_key primary key (at, caller, callee, bucket)
);

comment on table beacon.service_calls is
  'Calls from one service into another, by ten minutes of their start at the callee and by duration class: those of traces that have settled.';
comment on column beacon.service_calls.bucket is 'Duration class as in operation_baselines; -1 without a duration.';

create table beacon.late_traces (
  trace_id uuid not null,
  constraint late_traces_key primary key (trace_id)
);

comment on table beacon.late_traces is 'Traces that got spans after their calls were counted into service_calls, until those are counted too.';
