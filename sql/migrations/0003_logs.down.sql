-- Everything the way up made, in reverse.
alter table beacon.ingest
  drop column logs_rejected,
  drop column logs_duplicate,
  drop column logs_stored;

drop table beacon.trace_logs_default;

drop table beacon.trace_logs;
