drop table beacon.service_traces;

drop table beacon.span_rollups;

drop table beacon.span_chunk_prints;

drop table beacon.span_chunks;
