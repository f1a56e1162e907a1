comment on column beacon.traces.job_id is null;
comment on column beacon.traces.execution_id is 'First execution seen in it; trace_executions has them all.';
comment on column beacon.traces.root_service is 'Service of the span without a parent; null until it arrives.';

alter table beacon.traces drop column root_started_at, drop column root_span_id;
