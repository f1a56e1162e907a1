create type beacon.failure_origin as (
  trace_id         uuid,
  position         integer,
  span_id          bytea,
  service          text,
  operation        text,
  kind             text,
  status           text,
  offset_ms        double precision,
  duration_ms      double precision,
  code             text,
  http_status      integer,
  message          text,
  callee           text,
  callee_operation text,
  callee_position  integer,
  callee_status    text,
  callee_ended     boolean,
  callee_late_ms   double precision,
  model_id         text,
  region           text,
  explains_root    boolean,
  path             text,
  span_ids         bytea[],
  metadata         jsonb
);

comment on type beacon.failure_origin is
  'Where a failure began: the deepest failing span that explains its ancestors, the most telling error code on the way up, and, when it '
  'was a call, who was called and how the callee ended (callee_late_ms: how long after the caller had given up).';
