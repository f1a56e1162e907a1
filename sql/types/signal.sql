create type beacon.signal as (
  kind         text,
  service      text,
  caller       text,
  operation    text,
  detail       text,
  usual_calls  double precision,
  calls        double precision,
  usual_level  double precision,
  level        double precision,
  usual_spread double precision,
  spread       double precision
);

comment on type beacon.signal is
  'One measure of one service in two windows, the normal one ("usual") and the incident; made by window_signals, ranked by '
  'rank_signals. calls and usual_calls say from how many; caller is set for edge and answer only. Kinds self (own time of an '
  'operation), edge (time on the way between caller and callee) and lone (a call whose callee left no span): level is the mean of ln(1 '
  '+ milliseconds), spread its variance; answer is the part of an edge after the callee has ended. Kind error: level counts failures '
  'that began there with the code in detail. Kind vanished (the operation no longer makes the call in detail): calls counts runs of '
  'the operation, level those that still made it. Kind instance (incident only): level is as for times, over all operations of the '
  'instance in detail, spread counts failures that began there.';
