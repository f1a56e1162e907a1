create type beacon.finding as (
  type           text,
  service        text,
  operation      text,
  confidence     double precision,
  summary        text,
  evidence       jsonb,
  recommendation text,
  trace_id       uuid,
  span_ids       bytea[]
);

comment on type beacon.finding is
  'What a diagnosis says: type, who is to blame, how sure it is (0 to 1), one sentence, evidence with numbers, what to do, and the spans that show it.';
