-- Everything the way up made, in reverse.
drop table beacon.late_traces;

drop table beacon.service_calls;

drop table beacon.span_rollups;

drop table beacon.span_deltas;

drop table beacon.span_chunk_index;

drop table beacon.span_chunks;

drop table beacon.span_names;
