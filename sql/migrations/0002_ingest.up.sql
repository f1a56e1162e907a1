-- What arrives over OTLP is counted where the tracers' counters are seen too.

create table beacon.ingest (
  ingest_id        uuid        not null,
  instance         text        not null,
  pid              integer,
  doors            jsonb       not null default '{}',
  requests         jsonb       not null default '{}',
  spans_received   bigint      not null default 0,
  spans_stored     bigint      not null default 0,
  spans_duplicate  bigint      not null default 0,
  spans_rejected   jsonb       not null default '{}',
  requests_refused jsonb       not null default '{}',
  spans_repaired   bigint      not null default 0,
  values_redacted  bigint      not null default 0,
  queue_bytes      bigint      not null default 0,
  flushes          bigint      not null default 0,
  flush_failures   bigint      not null default 0,
  last_error       text,
  last_error_at    timestamptz,
  started_at       timestamptz not null default now(),
  heartbeat_at     timestamptz not null default now(),
  stopped_at       timestamptz,
  constraint ingest_key primary key (ingest_id)
);

comment on table beacon.ingest is
  'One row a server that takes spans over OTLP: what arrived, what was stored, what was rejected or refused and why, its last error, its heartbeat.';
comment on column beacon.ingest.doors is 'Ports by protocol: http, grpc, zipkin.';
comment on column beacon.ingest.requests is 'Requests by protocol.';
comment on column beacon.ingest.spans_received is 'Spans in requests that could be read and were answered with success.';
comment on column beacon.ingest.spans_duplicate is 'Spans that were stored before: a client sent them again.';
comment on column beacon.ingest.spans_rejected is 'Spans that were not stored, counted by reason; the client was told.';
comment on column beacon.ingest.requests_refused is 'Requests turned away as a whole, counted by reason; the client was told, and may have sent them again.';
comment on column beacon.ingest.spans_repaired is 'Spans in which a value had to be changed to be storable; their column otel says what.';
comment on column beacon.ingest.values_redacted is 'Values taken out as secrets.';
comment on column beacon.ingest.stopped_at is 'When it shut down in an orderly way; null while it runs or when it was killed.';
