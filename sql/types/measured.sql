create type beacon.measured as (
  compared  text,
  question  text,
  pairing   text,
  value     double precision
);

comment on type beacon.measured is
  'What was measured of one cell of a job, for a paired comparison: the group that is compared (a region, a model or a job), the question, '
  'what else two cells must share to be a pair (the model, where regions are compared), and the value; null where the cell was left out.';
