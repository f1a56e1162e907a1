create view beacon.trace_coverage as
select c.records, c.job_id, c.executions, c.traced, c.coverage_pct, c.untraced_execution_ids, c.last_created_at,
  c.untraced_execution_keys
from beacon.coverage() c;

comment on view beacon.trace_coverage is
  'What ought to have a trace and has none: executions and traced ones per job of every registered business table (trace_records), newest '
  'job first, with the first 20 that left no span: untraced_execution_ids, or untraced_execution_keys where their keys are no integers.';
