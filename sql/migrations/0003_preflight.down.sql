drop table beacon.preflights;

alter table beacon.tracers drop column surroundings;
