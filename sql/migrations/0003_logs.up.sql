-- Log records that belong to a trace: exceptions, messages of models and evaluations travel as such, and no longer as events.

create table beacon.trace_logs (
  trace_id      uuid        not null,
  span_id       bytea,
  recorded_at   timestamptz not null,
  severity      smallint    not null default 0,
  severity_text text,
  event_name    text,
  body          jsonb,
  attributes    jsonb       not null default '{}',
  timed_out     boolean     not null default false,
  otel          jsonb,
  resource_id   bigint,
  flags         integer,
  recorded_ns   smallint    not null default 0,
  created_at    timestamptz not null default now(),
  content_hash  bigint      not null,
  constraint trace_logs_key unique (trace_id, recorded_at, content_hash),
  constraint trace_logs_span_id_is_8_bytes check (octet_length(span_id) = 8)
) partition by range (recorded_at);

comment on table beacon.trace_logs is
  'One row a log record that belongs to a trace, partitioned by day of recorded_at and dropped with the spans of that day. A record sent again is stored once; two that are equal in everything are one.';
comment on column beacon.trace_logs.span_id is 'Span it was written in; null where the record names a trace only. The span may arrive later, or never.';
comment on column beacon.trace_logs.recorded_at is 'When it happened by the clock of its process, else when it was observed, else when it arrived; recorded_ns holds the nanoseconds.';
comment on column beacon.trace_logs.severity is 'OpenTelemetry''s severity number: 1 to 4 trace, 5 to 8 debug, 9 to 12 info, 13 to 16 warn, 17 to 20 error, 21 to 24 fatal; 0 unknown.';
comment on column beacon.trace_logs.severity_text is 'Severity as its source names it.';
comment on column beacon.trace_logs.event_name is 'Name of the event, for example exception; null for an ordinary log line.';
comment on column beacon.trace_logs.body is 'The message: text, or whatever structure was logged.';
comment on column beacon.trace_logs.attributes is 'Attributes of the record as one JSON object, dotted names kept.';
comment on column beacon.trace_logs.timed_out is 'Whether the exception it records is a timeout, by the same rule as the status of spans.';
comment on column beacon.trace_logs.otel is 'What was dropped by its sender, and what was repaired or taken out on the way in.';
comment on column beacon.trace_logs.resource_id is 'Row in trace_resources: resource and instrumentation scope.';
comment on column beacon.trace_logs.flags is 'W3C trace flags.';
comment on column beacon.trace_logs.recorded_ns is 'Nanoseconds of the time below its microsecond, 0 to 999.';
comment on column beacon.trace_logs.content_hash is 'First 8 bytes of the SHA-256 of what it says, signed: tells records of one moment apart.';

create table beacon.trace_logs_default partition of beacon.trace_logs default;

-- select … from trace_logs where attributes @> '{"user.id": "42"}', and search by event.user.id=42: without it every record is read.
create index trace_logs_attributes on beacon.trace_logs using gin (attributes);
