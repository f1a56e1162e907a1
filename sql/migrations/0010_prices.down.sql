drop table beacon.prices;
