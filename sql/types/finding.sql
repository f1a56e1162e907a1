create type beacon.finding as (
  type           text,
  role           text,
  service        text,
  operation      text,
  confidence     double precision,
  summary        text,
  evidence       jsonb,
  recommendation text,
  trace_id       uuid,
  span_ids       bytea[],
  origin         integer
);

comment on type beacon.finding is
  'What a diagnosis says: type, role (cause: it decided how the execution ended, or made it slow; remark: it happened beside '
  'that), the service to charge, how sure it is (0 to 1), one sentence, evidence with numbers, what to do, the spans that show '
  'it, and the position of the failure origin it speaks of (null where nothing failed).';
