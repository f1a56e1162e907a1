-- Everything the way up made. The files stay where they are.
drop table beacon.archive_exports;
