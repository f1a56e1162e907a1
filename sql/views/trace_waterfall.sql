-- The trace id of the summary, not the one the function returns: so that a condition on it decides which are drawn.
create view beacon.trace_waterfall as
select x.execution_id, x.trace_id, w."position", w.depth, w.waterfall, w.service, w.operation, w.kind, w.status, w.started_at,
  w.offset_ms, w.duration_ms, w.self_ms,
  w.bar, w.error_type, w.error_message, w.span_id, w.parent_span_id, w.note, x.execution_key
from beacon.trace_executions x
cross join lateral beacon.waterfall(x.trace_id, beacon.execution_name(x.execution_id, x.execution_key)) w
union all
select null::bigint, t.trace_id, w."position", w.depth, w.waterfall, w.service, w.operation, w.kind, w.status, w.started_at, w.offset_ms,
  w.duration_ms, w.self_ms,
  w.bar, w.error_type, w.error_message, w.span_id, w.parent_span_id, w.note, null::text
from beacon.traces t
cross join lateral beacon.waterfall(t.trace_id) w
where t.execution_id is null and t.execution_key is null;

comment on view beacon.trace_waterfall is
  'Waterfall of an execution or of a trace: where execution_id = 1, where execution_key = ''a1b2…'', or where trace_id = ''...''. '
  'Rows come in drawing order.';
