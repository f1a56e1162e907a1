create type beacon.span_fact as (
  trace_id        uuid,
  position        integer,
  parent_position integer,
  depth           integer,
  span_id         bytea,
  parent_span_id  bytea,
  service         text,
  operation       text,
  kind            text,
  status          text,
  started_at      timestamptz,
  offset_ms       double precision,
  duration_ms     double precision,
  self_ms         double precision,
  ended           boolean,
  is_orphan       boolean,
  skew_ms         double precision,
  execution       text,
  job_id          text,
  model_id        text,
  region          text,
  error_type      text,
  error_message   text,
  metadata        jsonb,
  links           jsonb
);

comment on type beacon.span_fact is
  'A span in its place: position in depth-first order, position of its parent, offset from the start of the trace, effective duration (an '
  'open span lasts until now, a lost one until the last sign of life in its trace), self time, clock correction. Diagnoses work on arrays '
  'of these.';
