-- The runner's own tables: what was asked for, and what became of it. Delivery is pg-boss's (schema pgboss); these
-- tables are the truth, so a delivery that is lost or repeated changes nothing.

create schema runner;

comment on schema runner is 'Jobs and executions of the runner.';

create table runner.jobs (
  id              bigint      generated always as identity,
  models          text[]      not null,
  regions         text[]      not null,
  questions       text[]      not null,
  idempotency_key text,
  request_hash    text        not null,
  created_at      timestamptz not null default now(),
  cancelled_at    timestamptz,
  constraint jobs_key primary key (id),
  constraint jobs_idempotency_key unique (idempotency_key)
);

comment on table runner.jobs is 'One row a benchmark job: every model in every region answers every question.';
comment on column runner.jobs.id is 'Appears in spans as beacon.job_id.';
comment on column runner.jobs.models is 'Models asked.';
comment on column runner.jobs.regions is 'Regions they are asked in.';
comment on column runner.jobs.questions is 'Questions they are asked.';
comment on column runner.jobs.idempotency_key is 'Idempotency-Key of the request: sending it again returns this job.';
comment on column runner.jobs.request_hash is 'SHA-256 of the request, which tells a repeated request from a key used twice.';
comment on column runner.jobs.created_at is 'When the job was accepted.';
comment on column runner.jobs.cancelled_at is 'When it was cancelled; executions that had ended by then keep their result.';

create table runner.executions (
  id                bigint           generated always as identity,
  job_id            bigint           not null,
  model_id          text             not null,
  region            text             not null,
  question          text             not null,
  status            text             not null default 'pending',
  attempt           integer          not null default 0,
  max_attempts      integer          not null,
  output_data       jsonb,
  receipt_data      jsonb,
  error_type        text,
  error_message     text,
  trace_id          uuid,
  first_traceparent text,
  lease             uuid,
  heartbeat_at      timestamptz,
  available_at      timestamptz      not null default now(),
  created_at        timestamptz      not null default now(),
  started_at        timestamptz,
  completed_at      timestamptz,
  duration_ms       double precision,
  constraint executions_key primary key (id),
  constraint executions_job foreign key (job_id) references runner.jobs (id) on delete cascade,
  constraint executions_status_is_known check (status in ('pending', 'processing', 'completed', 'failed', 'cancelled')),
  constraint executions_lease_while_processing check ((status = 'processing') = (lease is not null)),
  constraint executions_end_is_known check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null))
);

comment on table runner.executions is 'One row a model x region x question of a job; pending, processing, then completed, failed or cancelled. Only the holder of the lease may end an attempt, so nothing completes twice.';
comment on column runner.executions.id is 'Appears in spans as beacon.execution_id, which is what trace_spans.execution_id holds.';
comment on column runner.executions.job_id is 'Job it belongs to.';
comment on column runner.executions.model_id is 'Model asked.';
comment on column runner.executions.region is 'Region it is asked in; names its queue too.';
comment on column runner.executions.question is 'Question asked.';
comment on column runner.executions.status is 'pending, processing, completed, failed or cancelled.';
comment on column runner.executions.attempt is 'Attempts begun: 0 before the first.';
comment on column runner.executions.max_attempts is 'Attempts allowed, as configured when the job was accepted.';
comment on column runner.executions.output_data is 'Answer, who gave it and what it used; null unless completed.';
comment on column runner.executions.receipt_data is 'Signed receipt of the answer; null unless completed.';
comment on column runner.executions.error_type is 'Code of the last failure, for example rate_limit_exceeded; null once completed.';
comment on column runner.executions.error_message is 'Message of the last failure; null once completed.';
comment on column runner.executions.trace_id is 'Trace of the latest attempt; null when tracing is off.';
comment on column runner.executions.first_traceparent is 'W3C traceparent of the first attempt; retries and recovery link to it.';
comment on column runner.executions.lease is 'Held by the runner that works on it now; null unless processing.';
comment on column runner.executions.heartbeat_at is 'When the holder of the lease last said that it is alive.';
comment on column runner.executions.available_at is 'Not to be started before: later than created_at while a retry backs off.';
comment on column runner.executions.created_at is 'When it was accepted.';
comment on column runner.executions.started_at is 'Start of the latest attempt.';
comment on column runner.executions.completed_at is 'When it completed, failed for good or was cancelled.';
comment on column runner.executions.duration_ms is 'Milliseconds the latest attempt took.';

create index executions_of_job on runner.executions (job_id, id);

create index executions_processing on runner.executions (heartbeat_at) where status = 'processing';

create index executions_pending on runner.executions (region) where status = 'pending';

insert into beacon.trace_records
  (name, relation, id_column, job_column, model_column, region_column, status_column, created_column)
values
  ('executions', 'runner.executions', 'id', 'job_id', 'model_id', 'region', 'status', 'created_at');
