create type beacon.recorded as (
  execution    text,
  trace_id     uuid,
  job_id       text,
  model_id     text,
  region       text,
  question     text,
  status       text,
  output_empty boolean,
  error_type   text,
  tokens_in    bigint,
  tokens_out   bigint,
  latency_ms   double precision,
  created_at   timestamptz,
  finished_at  timestamptz
);

comment on type beacon.recorded is
  'An execution as a registered business table has it, whatever its columns are called there; trace_id only where spans tell of it '
  'instead.';
