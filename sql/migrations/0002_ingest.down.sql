drop table beacon.ingest;
