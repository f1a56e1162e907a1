-- Everything the way up made, in reverse. Spans that are in the archive go with it: `beacon archive undo` brings them back first.
drop table beacon.archive_exports;

drop table beacon.archive_index;

drop table beacon.archive_columns;

drop table beacon.archive_chunks;
