-- Everything the way up made, in reverse.
drop table beacon.service_traces;

drop table beacon.services;

drop table beacon.preflights;

drop table beacon.ingest;

drop table beacon.settings;

drop table beacon.trace_records;

drop table beacon.operation_baseline_days;

drop table beacon.operation_baselines;

drop table beacon.tracers;

drop table beacon.trace_resources;

drop table beacon.long_traces;

drop table beacon.trace_executions;

drop table beacon.traces;

drop table beacon.trace_spans_default;

drop table beacon.trace_spans;
