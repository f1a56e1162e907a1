-- What makes a search for a rare attribute, and counting by service, independent of how many spans there are. Spans are
-- looked at in chunks of a few thousand, in the order they were stored; once nothing in a chunk is open any more it is
-- summed up here, by maintenance, and never by the transaction that stores spans.

create table beacon.span_chunks (
  chunk_id     integer     not null,
  created_from timestamptz not null,
  created_to   timestamptz not null,
  started_min  timestamptz not null,
  started_max  timestamptz not null,
  spans        integer     not null,
  lost_spans   integer     not null default 0,
  settled_at   timestamptz,
  hash_check   bigint,
  constraint span_chunks_key primary key (chunk_id)
);

comment on table beacon.span_chunks is
  'Spans in the order they were stored, cut into pieces of a few thousand. What was stored after the newest piece has not been looked at yet and is searched span by span.';
comment on column beacon.span_chunks.created_from is 'The chunk holds the spans whose created_at is not before this,';
comment on column beacon.span_chunks.created_to is 'and before this.';
comment on column beacon.span_chunks.started_min is 'Earliest start among them.';
comment on column beacon.span_chunks.started_max is 'Latest start among them.';
comment on column beacon.span_chunks.lost_spans is 'Spans that may yet come back from the dead with more attributes: while there are some, the chunk is always searched.';
comment on column beacon.span_chunks.settled_at is 'When prints and counts were made; null while spans of it are open.';
comment on column beacon.span_chunks.hash_check is 'What the hash function made of a fixed text: prints of another hash function are not used.';

create table beacon.span_chunk_prints (
  segment  smallint   not null,
  chunk_id integer    not null,
  prints   smallint[] not null,
  constraint span_chunk_prints_key primary key (segment, chunk_id)
);

comment on table beacon.span_chunk_prints is
  'Which attributes occur in a chunk, as 22 bits of a hash each: 6 choose the row, 16 are in its list. About two bytes for every distinct attribute of a chunk; in 100 chunks one is searched in vain.';

create table beacon.span_rollups (
  step_s    integer          not null,
  at        timestamptz      not null,
  service   text             not null,
  operation text             not null,
  kind      text             not null,
  root      boolean          not null,
  counts    integer[]        not null,
  total_ms  double precision not null,
  last_at   timestamptz      not null,
  constraint span_rollups_key primary key (step_s, at, service, operation, kind, root)
) with (fillfactor = 70);

comment on table beacon.span_rollups is
  'Spans of settled chunks, counted by minute (step_s 60) and by hour (3600) of their start, operation and duration class.';
comment on column beacon.span_rollups.counts is 'One {class, spans, errors} for each duration class as in operation_baselines; -1 is the class of spans without a duration.';
comment on column beacon.span_rollups.last_at is 'Start of the newest of them.';

create table beacon.service_traces (
  at      timestamptz not null,
  service text        not null,
  traces  bigint      not null,
  constraint service_traces_key primary key (at, service)
);

comment on table beacon.service_traces is
  'In how many traces a service had a part, by ten minutes of their start: of those that have settled, each counted once.';

insert into beacon.service_traces (at, service, traces)
select date_bin('10 minutes', t.started_at, '2000-01-01 00:00:00+00'), n.service, count(*)
from beacon.traces t
cross join lateral (select distinct x as service from unnest(t.services) x) n
where t.baselined_at is not null
group by 1, 2;
