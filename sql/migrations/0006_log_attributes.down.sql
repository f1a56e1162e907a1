-- Everything the way up made, in reverse.
drop index beacon.trace_logs_attributes;
