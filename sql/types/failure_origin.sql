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
  metadata         jsonb,
  way              integer[],
  callee_aborted   boolean,
  callee_is_known  boolean,
  meaning          text,
  meant_by         text,
  said_by          text
);

comment on type beacon.failure_origin is
  'Where a failure began: the deepest failing span that explains its ancestors, what it means (meaning, from the source meant_by of '
  'the vocabulary, as said_by says it), the most telling code and message, and, when it was a call, who was called and how the callee '
  'ended (callee_late_ms: how long after the caller had given up; callee_aborted: what the callee said then is no part of why; '
  'callee_is_known: it leaves spans here or in other traces). http_status is what was answered to this call, never what an ancestor '
  'answered to its own caller. way: positions from the span up to the root.';
