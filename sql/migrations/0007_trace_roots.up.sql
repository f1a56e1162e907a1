-- Which of several roots names a trace must not depend on which arrives last.

alter table beacon.traces add column root_started_at timestamptz, add column root_span_id bytea;

comment on column beacon.traces.root_started_at is
  'When the span that root_service and root_operation name started; null in rows of earlier versions, whose root is taken to have started with the trace.';
comment on column beacon.traces.root_span_id is 'The span that root_service and root_operation name.';
comment on column beacon.traces.root_service is
  'Service of the span without a parent, of several the one that started first; null until one arrives.';
comment on column beacon.traces.execution_id is 'Its execution, of several the lowest; trace_executions has them all.';
comment on column beacon.traces.job_id is 'Its job, of several the first in the order of their bytes.';
