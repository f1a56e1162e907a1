create view beacon.trace_spans_health as
select h.item, h.value, h.unit, h.state, h.detail
from beacon.health() h;

comment on view beacon.trace_spans_health is
  'Is tracing itself well? One row a fact: what is stored, partitions ahead, spans open, lost, dropped by reason, tracers alive and '
  'silent, write failures; state is ok, warn or fail, detail says it in words.';
