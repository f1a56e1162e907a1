alter table beacon.traces drop column signature;
