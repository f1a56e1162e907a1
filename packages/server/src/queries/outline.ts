// The shape of a trace, however large, in few lines.
import { z } from 'zod';
import * as c from './columns.ts';
import { executionId, executionOrTrace, traceId, traceOf } from './params.ts';
import { defineQuery } from './query.ts';

export const outline = defineQuery({
  name: 'outline',
  doc: 'A trace in few lines: roots, failures, the critical path and the most work; repeated siblings are folded into one.',
  params: { trace_id: traceId.optional(), execution_id: executionId.optional() },
  oneOf: [['execution_id', 'trace_id']],
  arguments: [executionOrTrace()],
  row: z.object({
    trace_id: c.traceIdColumn,
    line: c.count('Number of the line, from 1.'),
    parent_line: c.numberOrNull('Line it stands below; null at the top.'),
    depth: c.count(
      'Distance of its spans from their root; more than a level below its parent where levels are left out.',
    ),
    service: c.serviceColumn,
    operation: c.operationColumn,
    status: c.statusColumn,
    spans: c.count('Spans the line stands for: siblings of the same service, operation, status and error.'),
    on_critical_path: c.flag('Whether they decided how long the trace took.'),
    offset_ms: c.number('Start of the first, milliseconds after the start of the trace, clocks corrected.'),
    duration_ms: c.number('Milliseconds the longest took; so far, while it is open.'),
    total_ms: c.number('Milliseconds all of them took, added up.'),
    self_ms: c.number('Milliseconds in which none of their children ran, added up.'),
    error_type: c.errorTypeColumn,
    error_message: c.errorMessageColumn,
    note: c.textOrNull('What is odd about the longest: orphan, corrected clock, still open.'),
    span_id: c.text('Span id of the longest.'),
    below_spans: c.count('Spans below it that no other line shows.'),
    below_failed: c.count('How many of these failed.'),
    below_self_ms: c.number('Milliseconds of their own, added up.'),
    trace_started_at: c.time('Earliest start of its spans.'),
    trace_spans: c.count('Spans of the trace, all of them.'),
    trace_failed: c.count('How many of all failed.'),
  }),
  limit: { default: 40, max: 500 },
  missing: (p) => ({
    what: `There are no spans of ${p.trace_id ? `trace ${p.trace_id}` : `execution ${p.execution_id}`}.`,
    hint: '`beacon search` lists what there is; `beacon coverage` and `beacon health` say why a trace may be missing.',
  }),
  remark: (rows) => {
    const first = rows[0];
    const counted = rows.reduce((sum, row) => sum + Number(row.spans), 0);
    const rest = Number(first?.trace_spans ?? 0) - counted;
    return rest > 0
      ? `${rest} of the ${first?.trace_spans} spans have no line of their own; below_spans counts them where they belong.`
      : null;
  },
  sql: (p, { limit }) => ({
    text: `select t.trace_id, o.* from (select ${traceOf(1, 2)} as trace_id) t
      cross join lateral beacon.trace_outline(t.trace_id, $3::integer) o order by o.line`,
    values: [p.trace_id, p.execution_id, limit],
  }),
});
