-- select … from trace_logs where attributes @> '{"user.id": "42"}', and search by event.user.id=42: without it every record is read.
create index trace_logs_attributes on beacon.trace_logs using gin (attributes);
