delete from beacon.span_rollups where step_s = 21600;

comment on table beacon.span_rollups is
  'Spans of settled chunks, counted by minute (step_s 60) and by hour (3600) of their start, operation and duration class.';
