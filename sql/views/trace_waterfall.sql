create view beacon.trace_waterfall as
select x.execution_id, w.*
from beacon.trace_executions x
cross join lateral beacon.waterfall(x.trace_id, x.execution_id) w
union all
select null::bigint, w.*
from beacon.traces t
cross join lateral beacon.waterfall(t.trace_id, null) w
where t.execution_id is null;

comment on view beacon.trace_waterfall is
  'Waterfall of an execution or of a trace: where execution_id = 1, or where trace_id = ''...''. Rows come in drawing order.';
