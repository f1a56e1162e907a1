// One trace: its shape, its critical path, and how it differs from another.
import { z } from 'zod';
import type { SqlCall } from '../store/values.ts';
import * as c from './columns.ts';
import { executionId, executionOrTrace, traceId, traceOf } from './params.ts';
import { defineQuery } from './query.ts';

const either = {
  execution_id: executionId.optional(),
  trace_id: traceId.optional(),
};

function noTrace(p: { execution_id?: string | undefined; trace_id?: string | undefined }) {
  const what = p.trace_id ? `trace ${p.trace_id}` : `execution ${p.execution_id}`;
  return {
    what: `There are no spans of ${what}.`,
    hint: '`beacon search` lists what there is; `beacon coverage` and `beacon health` say why a trace may be missing.',
  };
}

/** A trace is shown whole, whichever executions it worked for; an execution with retries has several traces. */
function waterfallSql(p: { execution_id?: string | undefined; trace_id?: string | undefined }): SqlCall {
  return {
    text: `select coalesce(m.execution, ${c.executionSql('t.execution_id')}) as execution_id, w.*
      from beacon.meant($1::uuid, $2::text) m
      cross join lateral beacon.waterfall(m.trace_id, m.execution) w
      left join beacon.traces t on t.trace_id = m.trace_id
      order by m.started_at, m.trace_id, w.position`,
    values: [p.trace_id, p.execution_id],
  };
}

/** A span in its place. */
const outline = {
  execution_id: c.executionIdColumn,
  trace_id: c.traceIdColumn,
  position: c.count('Place in drawing order, from 1.'),
  depth: c.count('Distance from the root.'),
  service: c.serviceColumn,
  operation: c.operationColumn,
  kind: c.kindColumn,
  status: c.statusColumn,
  started_at: c.time('Start by the clock of its process.'),
  offset_ms: c.number('Start, milliseconds after the start of the trace, clocks corrected.'),
  duration_ms: c.number('Milliseconds; so far, while it is open.'),
  self_ms: c.number('Milliseconds in which none of its children ran.'),
  error_type: c.errorTypeColumn,
  error_message: c.errorMessageColumn,
  span_id: c.spanIdColumn,
  parent_span_id: c.parentSpanIdColumn,
  note: c.textOrNull('What is odd about it: orphan, corrected clock, still open.'),
};

export const waterfall = defineQuery({
  name: 'waterfall',
  doc: 'The spans of an execution or a trace as a tree on a time axis.',
  params: either,
  oneOf: [['execution_id', 'trace_id']],
  arguments: [executionOrTrace()],
  row: z.object({
    ...outline,
    waterfall: c.text('Service and operation, indented.'),
    bar: c.text('When it ran, drawn in 40 characters.'),
  }),
  limit: { default: 200, max: 5000 },
  missing: noTrace,
  sql: waterfallSql,
});

export const trace = defineQuery({
  name: 'trace',
  doc: 'The spans of an execution or a trace as an outline: place, times, errors, what is odd.',
  params: either,
  oneOf: [['execution_id', 'trace_id']],
  arguments: [executionOrTrace()],
  row: z.object(outline),
  limit: { default: 200, max: 5000 },
  missing: noTrace,
  sql: (p) => {
    const call = waterfallSql(p);
    return { ...call, text: `select ${Object.keys(outline).join(', ')} from (${call.text}) w` };
  },
});

export const criticalPath = defineQuery({
  name: 'critical-path',
  doc: 'The chain of spans that decided how long a trace took.',
  params: either,
  oneOf: [['execution_id', 'trace_id']],
  arguments: [executionOrTrace()],
  row: z.object({
    step: c.count('Order in time, from 1.'),
    service: c.serviceColumn,
    operation: c.operationColumn,
    from_ms: c.number('Begin, milliseconds after the start of the trace.'),
    to_ms: c.number('End, milliseconds after the start of the trace.'),
    ms: c.number('Milliseconds it took.'),
    share_pct: c.numberOrNull('Share of the critical path.'),
    position: c.count('Place of the span in the waterfall.'),
    span_id: c.spanIdColumn,
  }),
  limit: { default: 200, max: 5000 },
  missing: noTrace,
  sql: (p) => ({
    text: `select * from beacon.critical_path(${traceOf(1, 2)})`,
    values: [p.trace_id, p.execution_id],
  }),
});

export const compare = defineQuery({
  name: 'compare',
  doc: 'What two traces have in common and where they differ.',
  params: {
    a: traceId.optional(),
    b: traceId.optional(),
    execution_a: executionId.optional().describe('Execution id instead of a: its newest trace.'),
    execution_b: executionId.optional().describe('Execution id instead of b: its newest trace.'),
  },
  arguments: [
    { ...executionOrTrace('execution_a', 'a'), name: 'a' },
    { ...executionOrTrace('execution_b', 'b'), name: 'b' },
  ],
  oneOf: [
    ['a', 'execution_a'],
    ['b', 'execution_b'],
  ],
  row: z.object({
    change: c.text('same, slower, faster, status, only in a, only in b, …'),
    depth: c.count('Distance from the root.'),
    service: c.serviceColumn,
    operation: c.operationColumn,
    a_status: c.statusOrNullColumn,
    b_status: c.statusOrNullColumn,
    a_ms: c.numberOrNull('Duration in a, milliseconds.'),
    b_ms: c.numberOrNull('Duration in b, milliseconds.'),
    delta_ms: c.numberOrNull('b minus a.'),
    a_self_ms: c.numberOrNull('Own time in a, milliseconds.'),
    b_self_ms: c.numberOrNull('Own time in b, milliseconds.'),
  }),
  limit: { default: 200, max: 5000 },
  missing: () => ({
    what: 'One of the two has no spans, so there is nothing to compare.',
    hint: '`beacon search` lists what there is.',
  }),
  sql: (p) => ({
    text: `select * from beacon.compare_traces(${traceOf(1, 2)}, ${traceOf(3, 4)})`,
    values: [p.a, p.execution_a, p.b, p.execution_b],
  }),
});
