-- The tables. Views and functions live in ../functions, ../diagnoses and ../views and are rebuilt whole.
-- Keys carry trace_id, defaults and indexes use no function of ours, and each statement stands alone:
-- that is what lets the same file run on PostgreSQL 14 to 18 and on Citus.

create table beacon.trace_spans (
  trace_id        uuid             not null,
  span_id         bytea            not null,
  parent_span_id  bytea,
  service         text             not null,
  operation       text             not null,
  kind            text             not null default 'internal',
  status          text             not null,
  started_at      timestamptz      not null,
  completed_at    timestamptz,
  duration_ms     double precision,
  execution_id    bigint,
  execution_key   text,
  job_id          text,
  model_id        text,
  region          text,
  error_type      text,
  error_message   text,
  metadata        jsonb            not null default '{}',
  events          jsonb,
  links           jsonb,
  trace_state     text,
  otel            jsonb,
  tracer_id       uuid,
  created_at      timestamptz      not null default now(),
  resource_id     bigint,
  flags           integer,
  started_ns      smallint         not null default 0,
  constraint trace_spans_key unique (trace_id, span_id, started_at),
  constraint trace_spans_span_id_is_8_bytes check (octet_length(span_id) = 8),
  constraint trace_spans_kind_is_known check (kind in ('internal', 'server', 'client', 'producer', 'consumer')),
  constraint trace_spans_status_is_known check (status in ('started', 'completed', 'failed', 'timeout', 'lost'))
) partition by range (started_at);

comment on table beacon.trace_spans is
  'One row a span, partitioned by day of started_at. A span that is still open when its tracer flushes is written as ''started'' and updated when it ends; when its process dies it becomes ''lost''.';
comment on column beacon.trace_spans.trace_id is 'W3C trace id; its 16 bytes are a uuid.';
comment on column beacon.trace_spans.span_id is 'W3C span id, 8 bytes. Not unique alone: Zipkin''s client and server share one.';
comment on column beacon.trace_spans.parent_span_id is 'Span id of the parent; null for a root. The parent may be missing (an orphan).';
comment on column beacon.trace_spans.service is 'OpenTelemetry service.name of the resource.';
comment on column beacon.trace_spans.operation is 'Name of the span.';
comment on column beacon.trace_spans.kind is 'internal, server, client, producer or consumer.';
comment on column beacon.trace_spans.status is 'started (still open), completed, failed, timeout, or lost (its process died before it ended).';
comment on column beacon.trace_spans.started_at is 'Start by the clock of the process that ran it, microseconds; started_ns holds the rest.';
comment on column beacon.trace_spans.completed_at is 'End by the same clock; null while started or lost.';
comment on column beacon.trace_spans.duration_ms is 'Milliseconds, with nanoseconds as fraction; null while started or lost.';
comment on column beacon.trace_spans.execution_id is
  'Execution this span worked for, from span attributes or W3C baggage (beacon.execution_id), where its key is a 64-bit integer.';
comment on column beacon.trace_spans.execution_key is
  'Key of the execution where it is no 64-bit integer (a UUID, a ULID, any text); execution_id is null then. A UUID in lower case.';
comment on column beacon.trace_spans.job_id is 'Job of that execution (beacon.job_id).';
comment on column beacon.trace_spans.model_id is 'Model asked for (beacon.model_id, gen_ai.request.model).';
comment on column beacon.trace_spans.region is 'Region it ran in or was meant for (beacon.region, cloud.region).';
comment on column beacon.trace_spans.error_type is 'Class of the error (error.type, exception.type), for example ECONNREFUSED or 429.';
comment on column beacon.trace_spans.error_message is 'Message of the error (status message, exception.message).';
comment on column beacon.trace_spans.metadata is 'Span attributes as one JSON object, dotted names kept.';
comment on column beacon.trace_spans.events is 'Span events: array of {name, time, attributes}; time is nanoseconds since the epoch, as text.';
comment on column beacon.trace_spans.links is 'Span links: array of {trace_id, span_id, attributes}.';
comment on column beacon.trace_spans.trace_state is 'W3C tracestate, as received.';
comment on column beacon.trace_spans.otel is 'What JSON or the columns cannot hold: dropped counts, types of attributes, what was repaired on the way in.';
comment on column beacon.trace_spans.tracer_id is 'Row in tracers of the process that wrote the span; null when it came over OTLP.';
comment on column beacon.trace_spans.created_at is 'When the row was committed, by the database''s clock (start of the writing transaction).';
comment on column beacon.trace_spans.resource_id is 'Row in trace_resources: resource and instrumentation scope.';
comment on column beacon.trace_spans.flags is 'W3C trace flags and OTLP''s is-remote bits.';
comment on column beacon.trace_spans.started_ns is 'Nanoseconds of the start below its microsecond, 0 to 999.';

create index trace_spans_started_at on beacon.trace_spans using brin (started_at);

create index trace_spans_created_at on beacon.trace_spans (created_at);

create index trace_spans_execution on beacon.trace_spans (execution_id, started_at) where execution_id is not null;

create index trace_spans_execution_key on beacon.trace_spans (execution_key, started_at) where execution_key is not null;

create index trace_spans_job on beacon.trace_spans (job_id, started_at) where job_id is not null;

create index trace_spans_not_completed on beacon.trace_spans (service, started_at) where status <> 'completed';

-- Every row has a home: what lies outside the daily partitions (a clock wrong by years, maintenance that did
-- not run) lands here, is counted in trace_spans_health, and moves out when its day gets a partition.
create table beacon.trace_spans_default partition of beacon.trace_spans default;

create table beacon.traces (
  trace_id       uuid             not null,
  started_at     timestamptz      not null,
  completed_at   timestamptz,
  execution_id   bigint,
  execution_key  text,
  job_id         text,
  root_service   text,
  root_operation text,
  services       text[]           not null default '{}',
  span_count     integer          not null default 0,
  error_count    integer          not null default 0,
  open_count     integer          not null default 0,
  updated_at     timestamptz      not null default now(),
  baselined_at   timestamptz,
  root_started_at timestamptz,
  root_span_id   bytea,
  active_to      timestamptz,
  signature      bit(512),
  constraint traces_key primary key (trace_id)
) with (fillfactor = 70);

comment on table beacon.traces is
  'One summary row a trace, written in the same transaction as its spans, so that search never reads spans and every trace id or execution id gives a time range.';
comment on column beacon.traces.started_at is 'Earliest start of its spans.';
comment on column beacon.traces.completed_at is 'Latest end of its spans; null while none has ended.';
comment on column beacon.traces.execution_id is 'Its execution, of several the lowest; trace_executions has them all.';
comment on column beacon.traces.execution_key is
  'Its execution where the key is no integer, of several the first in the order of their bytes; trace_executions has them all.';
comment on column beacon.traces.job_id is 'Its job, of several the first in the order of their bytes.';
comment on column beacon.traces.root_service is
  'Service of the span without a parent, of several the one that started first; null until one arrives.';
comment on column beacon.traces.root_started_at is 'When the span that root_service and root_operation name started.';
comment on column beacon.traces.root_span_id is 'The span that root_service and root_operation name.';
comment on column beacon.traces.active_to is 'Latest start or end of its spans.';
comment on column beacon.traces.signature is
  'Two bits for every value of an attribute, operation, model, region and resource of its spans (beacon.signature_mask); others may have '
  'the same. Null where not all of its spans came through a writer: it may have anything then.';
comment on column beacon.traces.services is 'Services seen, in order of arrival; may repeat.';
comment on column beacon.traces.error_count is 'Spans that failed, timed out or were lost.';
comment on column beacon.traces.open_count is 'Spans still started.';
comment on column beacon.traces.updated_at is 'When its last span arrived.';
comment on column beacon.traces.baselined_at is 'When its spans were counted into operation_baselines; null until it has settled.';

create index traces_started_at on beacon.traces (started_at);

create index traces_with_errors on beacon.traces (started_at) where error_count > 0;

create index traces_job on beacon.traces (job_id, started_at) where job_id is not null;

create index traces_not_baselined on beacon.traces (started_at) where baselined_at is null;

create table beacon.trace_executions (
  execution_id  bigint,
  execution_key text,
  trace_id      uuid        not null,
  started_at    timestamptz not null,
  constraint trace_executions_one_key check (num_nonnulls(execution_id, execution_key) = 1)
);

comment on table beacon.trace_executions is
  'Which traces an execution has, written in the same transaction as their spans. Retries give an execution several traces; a job traced as one gives a trace several executions.';
comment on column beacon.trace_executions.execution_key is 'Key of the execution where it is no 64-bit integer; execution_id is null then.';
comment on column beacon.trace_executions.started_at is 'Start of a span of that execution in that trace; retention uses it.';

-- Which traces an execution has: every question about an execution asks that first.
create unique index trace_executions_by_id on beacon.trace_executions (execution_id, trace_id) where execution_id is not null;

create unique index trace_executions_by_key on beacon.trace_executions (execution_key, trace_id) where execution_key is not null;

create index trace_executions_trace on beacon.trace_executions (trace_id);

create table beacon.long_traces (
  trace_id   uuid        not null,
  started_at timestamptz not null,
  active_to  timestamptz not null,
  constraint long_traces_key primary key (trace_id)
);

comment on table beacon.long_traces is
  'Traces that took longer than a minute: a question about the last hour finds them, however long ago they began.';
comment on column beacon.long_traces.active_to is 'Latest start or end of its spans.';

create index long_traces_active on beacon.long_traces (active_to);

create table beacon.trace_resources (
  resource_id   bigint      not null,
  attributes    jsonb       not null default '{}',
  scope_name    text,
  scope_version text,
  otel          jsonb,
  created_at    timestamptz not null default now(),
  constraint trace_resources_key primary key (resource_id)
);

comment on table beacon.trace_resources is
  'Resource and instrumentation scope, stored once for all spans that share them.';
comment on column beacon.trace_resources.resource_id is 'First 8 bytes of the SHA-256 of the row''s canonical JSON, signed.';
comment on column beacon.trace_resources.attributes is 'Resource attributes as one JSON object.';
comment on column beacon.trace_resources.otel is 'Scope attributes, schema URLs, dropped counts, types of attributes.';

create table beacon.tracers (
  tracer_id       uuid        not null,
  service         text        not null,
  instance        text        not null,
  pid             integer,
  flag            text        not null,
  flag_source     text        not null,
  versions        jsonb       not null default '{}',
  spans_started   bigint      not null default 0,
  spans_ended     bigint      not null default 0,
  spans_written   bigint      not null default 0,
  spans_dropped   jsonb       not null default '{}',
  queue_depth     integer     not null default 0,
  write_failures  bigint      not null default 0,
  last_error      text,
  last_error_at   timestamptz,
  clock_offset_ms double precision,
  started_at      timestamptz not null default now(),
  heartbeat_at    timestamptz not null default now(),
  stopped_at      timestamptz,
  surroundings    jsonb       not null default '{}',
  values_redacted bigint      not null default 0,
  constraint tracers_key primary key (tracer_id)
);

comment on table beacon.tracers is
  'One row a running tracer: its flag as the process saw it, its counters, its last error, its heartbeat. Answers "why is there no trace?".';
comment on column beacon.tracers.instance is 'Host and process, or service.instance.id where the app set it.';
comment on column beacon.tracers.flag is 'Value of ENABLE_DB_TRACING as the process read it.';
comment on column beacon.tracers.flag_source is 'Where that value came from: environment, option or default.';
comment on column beacon.tracers.versions is 'Versions of node, tracer and OpenTelemetry packages.';
comment on column beacon.tracers.spans_dropped is 'Spans lost before the database, counted by reason.';
comment on column beacon.tracers.values_redacted is 'Values taken out of spans as secrets before they were written.';
comment on column beacon.tracers.write_failures is 'Flushes that failed; their spans are retried until the buffer is full.';
comment on column beacon.tracers.clock_offset_ms is 'Clock of the process minus clock of the database, milliseconds, at the last heartbeat.';
comment on column beacon.tracers.stopped_at is 'When it shut down in an orderly way; null while it runs or when it was killed.';

comment on column beacon.tracers.surroundings is
  'What of the process decides whether its spans arrive: copies of the API, registered provider, sampler, loader, callers'' sampling.';

create index tracers_heartbeat on beacon.tracers (heartbeat_at);

create table beacon.operation_baselines (
  hour      timestamptz      not null,
  service   text             not null,
  operation text             not null,
  model_id  text             not null default '',
  region    text             not null default '',
  bucket    smallint         not null,
  calls     bigint           not null default 0,
  errors    bigint           not null default 0,
  total_ms  double precision not null default 0,
  constraint operation_baselines_key primary key (service, operation, model_id, region, hour, bucket)
);

comment on table beacon.operation_baselines is
  'How an operation usually behaves: calls, errors and a histogram of durations per service, operation, model, region and hour. Mergeable: add the rows of the hours you want.';
comment on column beacon.operation_baselines.bucket is
  'Duration class: bucket b holds durations from 0.01 ms * 2^(b/4) up to the next; -1 holds spans that failed, whose duration says nothing about the usual.';
comment on column beacon.operation_baselines.total_ms is 'Sum of durations in the bucket, milliseconds.';

create index operation_baselines_hour on beacon.operation_baselines (hour);

-- What is usual over a week is read from seven rows where there are 168 of the hours.
create table beacon.operation_baseline_days (
  day       timestamptz not null,
  service   text        not null,
  operation text        not null,
  model_id  text        not null default '',
  region    text        not null default '',
  bucket    smallint    not null,
  calls     bigint      not null default 0,
  errors    bigint      not null default 0,
  constraint operation_baseline_days_key primary key (service, operation, model_id, region, day, bucket)
);

comment on table beacon.operation_baseline_days is 'operation_baselines added up by day (UTC).';
comment on column beacon.operation_baseline_days.day is 'Begin of the day.';
comment on column beacon.operation_baseline_days.bucket is 'As in operation_baselines.';

create index operation_baseline_days_day on beacon.operation_baseline_days (day);

create table beacon.trace_records (
  name             text        not null,
  relation         text        not null,
  id_column        text        not null,
  job_column       text,
  model_column     text,
  region_column    text,
  status_column    text,
  created_column   text        not null,
  question_column  text,
  output_column    text,
  error_column     text,
  duration_column  text,
  finished_column  text,
  tokens_in_column text,
  tokens_out_column text,
  registered_at    timestamptz not null default now(),
  constraint trace_records_key primary key (name)
);

comment on table beacon.trace_records is
  'Business tables whose rows ought to have a trace. trace_coverage compares them with trace_executions.';
comment on column beacon.trace_records.relation is 'Schema-qualified table or view, for example runner.executions.';
comment on column beacon.trace_records.id_column is 'Column that equals trace_spans.execution_id.';
comment on column beacon.trace_records.question_column is 'Column with what was asked; null where there is none.';
comment on column beacon.trace_records.output_column is 'Column with the answer, text or jsonb: an empty one shows in the matrix.';
comment on column beacon.trace_records.error_column is 'Column with the code of the failure, for example rate_limit_exceeded.';
comment on column beacon.trace_records.duration_column is 'Column with how long it took, milliseconds; without it finished minus begun, or the duration of the trace, counts.';
comment on column beacon.trace_records.finished_column is 'Column with when it ended; null while it runs.';
comment on column beacon.trace_records.tokens_in_column is 'Column with tokens read; without it the spans'' gen_ai.usage.input_tokens count.';
comment on column beacon.trace_records.tokens_out_column is 'Column with tokens written; without it the spans'' gen_ai.usage.output_tokens count.';

create table beacon.settings (
  name  text not null,
  value text not null,
  constraint settings_key primary key (name)
);

comment on table beacon.settings is
  'Choices of this installation: retention_days (30), partitions_ahead_days (7), lost_after_seconds (30).';

-- What arrives over OTLP is counted where the tracers' counters are seen too.

create table beacon.ingest (
  ingest_id        uuid        not null,
  instance         text        not null,
  pid              integer,
  ports            jsonb       not null default '{}',
  requests         jsonb       not null default '{}',
  spans_received   bigint      not null default 0,
  spans_stored     bigint      not null default 0,
  spans_duplicate  bigint      not null default 0,
  spans_rejected   jsonb       not null default '{}',
  requests_refused jsonb       not null default '{}',
  logs_stored      bigint      not null default 0,
  logs_duplicate   bigint      not null default 0,
  logs_rejected    jsonb       not null default '{}',
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
comment on column beacon.ingest.ports is 'Ports by protocol: http, grpc, zipkin.';
comment on column beacon.ingest.requests is 'Requests by protocol.';
comment on column beacon.ingest.spans_received is 'Spans in requests that could be read and were answered with success.';
comment on column beacon.ingest.spans_duplicate is 'Spans that were stored before: a client sent them again.';
comment on column beacon.ingest.spans_rejected is 'Spans that were not stored, counted by reason; the client was told.';
comment on column beacon.ingest.requests_refused is 'Requests turned away as a whole, counted by reason; the client was told, and may have sent them again.';
comment on column beacon.ingest.spans_repaired is 'Spans in which a value had to be changed to be storable; their column otel says what.';
comment on column beacon.ingest.logs_stored is 'Log records committed.';
comment on column beacon.ingest.logs_duplicate is 'Log records that were stored before: a client sent them again.';
comment on column beacon.ingest.logs_rejected is 'Log records that were not stored, counted by reason; the client was told.';
comment on column beacon.ingest.values_redacted is 'Values taken out as secrets.';
comment on column beacon.ingest.stopped_at is 'When it shut down in an orderly way; null while it runs or when it was killed.';

-- What the doctor and the preflight have to remember.

create table beacon.preflights (
  preflight_id  uuid        not null,
  taken_at      timestamptz not null default now(),
  taken_by      text        not null,
  decision      text        not null,
  baseline      jsonb       not null default '{}',
  checks        jsonb       not null default '[]',
  constraint preflights_key primary key (preflight_id),
  constraint preflights_decision_is_known check (decision in ('GO', 'NO-GO', 'UNKNOWN'))
);

comment on table beacon.preflights is
  'One row a run of beacon preflight: the decision, what was measured, and the baseline that --compare compares with.';
comment on column beacon.preflights.taken_by is 'Who ran it: the user of the machine it ran on.';
comment on column beacon.preflights.decision is 'GO, NO-GO, or UNKNOWN when something could not be checked.';
comment on column beacon.preflights.baseline is 'Executions of the days before: count, average, maximum, p95, sum of squares, and the slowest statements where pg_stat_statements exists.';
comment on column beacon.preflights.checks is 'Rows of the table that was printed.';

-- A colour says the same in every picture, today and next month, so it is stored.

create table beacon.services (
  service       text        not null,
  color         integer     not null,
  first_seen_at timestamptz not null default now(),
  constraint services_key primary key (service)
);

comment on table beacon.services is
  'One row a service ever seen, with the number of its colour. Maintenance adds them in the order they are first seen.';
comment on column beacon.services.color is 'Small number, from 0, never given twice; pictures map it to a colour.';

create table beacon.service_traces (
  at      timestamptz not null,
  service text        not null,
  traces  bigint      not null,
  constraint service_traces_key primary key (at, service)
);

comment on table beacon.service_traces is
  'In how many traces a service had a part, by ten minutes of their start: of those that have settled, each counted once.';
