-- Everything the way up made, in reverse.
drop table beacon.trace_logs_default;

drop table beacon.trace_logs;
