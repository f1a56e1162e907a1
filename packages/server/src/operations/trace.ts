// One trace: its shape, its critical path, and how it differs from another.
import { operation } from './operation.ts';
import { executionId, executionOrTrace, traceId, traceOf } from './params.ts';

const either = {
  execution_id: executionId.optional(),
  trace_id: traceId.optional(),
};

function noTrace(p: { execution_id?: string | undefined; trace_id?: string | undefined }) {
  const what = p.trace_id ? `trace ${p.trace_id}` : `execution ${p.execution_id}`;
  return {
    what: `There are no spans of ${what}.`,
    hint: '`beacon traces` lists what there is; `beacon coverage` and `beacon health` say why a trace may be missing.',
  };
}

export const waterfall = operation({
  name: 'waterfall',
  doc: 'The spans of an execution or a trace as a tree on a time axis.',
  params: either,
  oneOf: [['execution_id', 'trace_id']],
  arguments: [executionOrTrace()],
  limit: { default: 200, max: 5000 },
  missing: noTrace,
  // A trace is shown whole, whichever executions it worked for; an execution with retries has several traces.
  sql: (p) =>
    p.trace_id
      ? {
          text: `select t.execution_id, w.* from beacon.waterfall($1::uuid) w
            left join beacon.traces t on t.trace_id = w.trace_id order by w.position`,
          values: [p.trace_id],
        }
      : {
          text: `select * from beacon.trace_waterfall where execution_id = $1::bigint
            order by min(started_at) over (partition by trace_id), trace_id, position`,
          values: [p.execution_id],
        },
});

export const criticalPath = operation({
  name: 'critical-path',
  doc: 'The chain of spans that decided how long a trace took.',
  params: either,
  oneOf: [['execution_id', 'trace_id']],
  arguments: [executionOrTrace()],
  limit: { default: 200, max: 5000 },
  missing: noTrace,
  sql: (p) => ({
    text: `select * from beacon.critical_path(${traceOf(1, 2)})`,
    values: [p.trace_id, p.execution_id],
  }),
});

export const compare = operation({
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
  limit: { default: 200, max: 5000 },
  missing: () => ({
    what: 'One of the two has no spans, so there is nothing to compare.',
    hint: '`beacon traces` lists what there is.',
  }),
  sql: (p) => ({
    text: `select * from beacon.compare_traces(${traceOf(1, 2)}, ${traceOf(3, 4)})`,
    values: [p.a, p.execution_a, p.b, p.execution_b],
  }),
});
