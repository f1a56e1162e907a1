// Why an execution failed, and whether it was the only one.
import { z } from 'zod';
import * as c from './columns.ts';
import { executionId, executionOrTrace, traceId } from './params.ts';
import { defineQuery } from './query.ts';

const byExecution = {
  params: { execution_id: executionId },
  arguments: [{ name: 'execution', params: (text: string) => ({ execution_id: text }) }],
};

function noTrace({ execution_id }: { execution_id: string }) {
  return {
    what: `Execution ${execution_id} has no trace.`,
    hint: '`beacon coverage` says which executions have one; `beacon health` says whether tracers are writing.',
  };
}

export const diagnose = defineQuery({
  name: 'diagnose',
  doc: 'Every span of an execution with its share of the time, its usual duration, and what is unusual about it.',
  ...byExecution,
  row: z.object({
    trace_id: c.traceIdColumn,
    position: c.count('Place in drawing order, from 1.'),
    depth: c.count('Distance from the root.'),
    service: c.serviceColumn,
    operation: c.operationColumn,
    status: c.statusColumn,
    offset_ms: c.number('Start, milliseconds after the start of the trace, clocks corrected.'),
    duration_ms: c.number('Milliseconds; so far, while it is open.'),
    self_ms: c.number('Milliseconds in which none of its children ran.'),
    share_pct: c.numberOrNull('Share of the time of the trace that it took on the critical path.'),
    on_critical_path: c.flag('Whether shortening it would have shortened the trace.'),
    baseline_p50_ms: c.numberOrNull('Usual duration: half of the calls of other executions were faster.'),
    baseline_p95_ms: c.numberOrNull('Duration that 95 of 100 calls of other executions stayed below.'),
    baseline_calls: c.numberOrNull('Calls the baseline is made of.'),
    anomaly: c.textOrNull('What is unusual about it, in words.'),
    error_type: c.errorTypeColumn,
    error_message: c.errorMessageColumn,
    span_id: c.spanIdColumn,
    parent_span_id: c.parentSpanIdColumn,
  }),
  limit: { default: 200, max: 5000 },
  missing: noTrace,
  sql: (p) => ({
    text: 'select * from beacon.diagnose_execution_trace($1::text)',
    values: [p.execution_id],
  }),
});

/** Whether a finding decided the outcome. SQL says so; nothing else does. */
const roleColumn = z
  .enum(['cause', 'remark'])
  .describe('cause: it decided how the execution ended, or made it slow; remark: it happened beside that.');

/** Where the UUID is no trace but the key of an execution, that is what is asked about. */
const CAUSES_OF_TRACE = `
  select c.* from (select max(m.execution) as execution from beacon.meant($1::uuid, null) m) x
  cross join lateral (
    select * from beacon.identify_trace_root_cause($1::uuid) where x.execution is null
    union all
    select * from beacon.identify_root_cause(x.execution) where x.execution is not null) c
  order by c.rank`;

export const rootCause = defineQuery({
  name: 'root-cause',
  doc: 'Why an execution, or a trace, failed or was slow: causes ranked, with evidence and what to do.',
  params: { execution_id: executionId.optional(), trace_id: traceId.optional() },
  oneOf: [['execution_id', 'trace_id']],
  arguments: [executionOrTrace()],
  row: z.object({
    rank: c.count('1 is the likeliest cause; remarks follow the causes.'),
    type: c.text('Type of the finding, for example NETWORK_TIMEOUT.'),
    role: roleColumn,
    service: c.textOrNull('Service to charge.'),
    operation: c.textOrNull('Its operation.'),
    confidence: c.number('How sure it is, 0 to 1.'),
    summary: c.text('One sentence.'),
    evidence: c.json('Numbers and names the verdict rests on.'),
    recommendation: c.textOrNull('What to do.'),
    trace_id: c.textOrNull('Trace it was seen in; null when there is none.'),
    span_ids: c.textsOrNull('Spans that show it.'),
  }),
  limit: { default: 5, max: 50 },
  unsure: (rows) => rows[0] === undefined || rows[0].type === 'UNTRACED',
  // An execution's verdict weighs its attempts against each other; a trace that names no execution has one all the same.
  sql: (p) =>
    p.trace_id
      ? { text: CAUSES_OF_TRACE, values: [p.trace_id] }
      : { text: 'select * from beacon.identify_root_cause($1::text) order by rank', values: [p.execution_id] },
});

const similarRow = z.object({
  execution_id: c.executionIdColumn,
  trace_id: c.traceIdColumn,
  similarity: c.number('0 to 1: share of calls and failures both have.'),
  outcome: c.text('How it ended.'),
  started_at: c.time('Start of its trace.'),
  duration_ms: c.durationColumn,
  fingerprint: c.textOrNull('Hash of what it did and how it failed: equal for executions that look the same.'),
  difference: c.textOrNull('What sets it apart from the one asked about.'),
});

export const similar = defineQuery({
  name: 'similar',
  doc: 'Executions whose traces look most like this one, and how they ended.',
  params: byExecution.params,
  arguments: byExecution.arguments,
  row: similarRow,
  limit: { default: 10, max: 100 },
  sql: (p) => ({
    // One more than the most a caller may ask for, so that it can be said when there are others.
    text: `select ${c.keyed(similarRow)} from beacon.find_similar_traces($1::text, 101)`,
    values: [p.execution_id],
  }),
});
