drop table beacon.services;
