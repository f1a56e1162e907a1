drop table beacon.settings;

drop table beacon.trace_records;

drop table beacon.operation_baselines;

drop table beacon.tracers;

drop table beacon.trace_resources;

drop table beacon.trace_executions;

drop table beacon.traces;

drop table beacon.trace_spans;
