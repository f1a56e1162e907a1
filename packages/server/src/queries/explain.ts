// Questions about one execution that put several functions together, and the reference of what a diagnosis may say.
import { z } from 'zod';
import * as c from './columns.ts';
import { executionId, executionOrTrace, traceId, traceOf } from './params.ts';
import { defineQuery } from './query.ts';

const byExecution = {
  params: { execution_id: executionId },
  arguments: [{ name: 'execution', params: (text: string) => ({ execution_id: text }) }],
};

function noTrace({ execution_id }: { execution_id: string }) {
  return {
    what: `Execution ${execution_id} has no trace.`,
    hint: '`beacon root-cause` says what the tracers report; `beacon coverage` says which executions have a trace.',
  };
}

export const unusualSpans = defineQuery({
  name: 'unusual-spans',
  doc: 'Spans of an execution that failed, decided its time or took unusually long, the most telling first.',
  ...byExecution,
  row: z.object({
    trace_id: c.traceIdColumn,
    position: c.count('Place in drawing order, from 1, over all traces of the execution.'),
    depth: c.count('Distance from the root.'),
    service: c.serviceColumn,
    operation: c.operationColumn,
    status: c.statusColumn,
    offset_ms: c.number('Start, milliseconds after the start of the trace, clocks corrected.'),
    duration_ms: c.number('Milliseconds; so far, while it is open.'),
    self_ms: c.number('Milliseconds in which none of its children ran.'),
    share_pct: c.numberOrNull('Share of the work of the trace.'),
    on_critical_path: c.flag('Whether shortening it would have shortened the trace.'),
    baseline_p50_ms: c.numberOrNull('Usual duration: half of the calls of other executions were faster.'),
    baseline_p95_ms: c.numberOrNull('Duration that 95 of 100 calls of other executions stayed below.'),
    anomaly: c.textOrNull('What is unusual about it, in words.'),
    error_message: c.errorMessageColumn,
    span_id: c.spanIdColumn,
    trace_spans: c.count('Spans of the execution, all of them.'),
  }),
  limit: { default: 20, max: 1000 },
  missing: noTrace,
  remark: (rows) => {
    const all = Number(rows[0]?.trace_spans ?? 0);
    return all > rows.length ? `${all - rows.length} of the ${all} spans are not listed here.` : null;
  },
  sql: (p) => ({
    text: `
      select trace_id, position, depth, service, operation, status, offset_ms, duration_ms, self_ms, share_pct,
        on_critical_path, baseline_p50_ms, baseline_p95_ms, anomaly, error_message, span_id, trace_spans
      from (
        -- The last attempt decided how the execution ended.
        select d.*, count(*) over () as trace_spans, t.started_at
        from beacon.diagnose_execution_trace($1::text) d
        left join beacon.execution_traces($1::text) t on t.trace_id = d.trace_id
      ) d
      where depth = 0 or anomaly is not null or on_critical_path
      order by started_at desc, depth = 0 desc, beacon.has_failed(status) desc, anomaly is not null desc, self_ms desc, position`,
    values: [p.execution_id],
  }),
});

export const timeoutRootCause = defineQuery({
  name: 'timeout-root-cause',
  doc: 'For calls that ran into their time-out: who gave up on whom, what became of the callee, and where the time went.',
  ...byExecution,
  row: z.object({
    rank: c.count('1 is the call that decided the outcome.'),
    decided_outcome: c.flag('Whether it explains why the execution failed; else it was coped with.'),
    waiting_service: c.text('Service that gave up.'),
    waiting_operation: c.text('Its call.'),
    gave_up_after_ms: c.number('Milliseconds after which it did.'),
    waited_for: c.textOrNull('Service that was called, where it is known.'),
    callee_state: c.text('What became of the callee, in words.'),
    callee_ended_after_ms: c.numberOrNull('When it ended, milliseconds after the call began.'),
    slowest_service: c.textOrNull('Service with the most time of its own below that call.'),
    slowest_operation: c.textOrNull('Its operation.'),
    slowest_ms: c.numberOrNull('That time of its own, milliseconds.'),
    usual_p50_ms: c.numberOrNull(
      'What this operation usually takes: half of the calls of other executions were faster.',
    ),
    usual_p95_ms: c.numberOrNull('Duration that 95 of 100 calls of other executions stayed below.'),
    usual_calls: c.numberOrNull('Calls that is known from.'),
    type: c.textOrNull('Type of the finding on this call, for example SERVICE_TIMEOUT.'),
    role: c.textOrNull('Its role: cause or remark.'),
    confidence: c.numberOrNull('How sure it is, 0 to 1.'),
    summary: c.textOrNull('The finding in one sentence.'),
    recommendation: c.textOrNull('What to do.'),
    trace_id: c.traceIdColumn,
    span_ids: c.texts('Spans that show it, outermost first.'),
  }),
  limit: { default: 5, max: 200 },
  sql: (p, { limit }) => ({
    text: 'select * from beacon.find_timeout_root_cause($1::text, $2::integer) order by rank',
    values: [p.execution_id, limit + 1],
  }),
});

const comparedRow = z.object({
  change: c.text('status, slower, faster, missing (only where it worked), added (only here), or same for the root.'),
  depth: c.count('Distance from the root.'),
  service: c.serviceColumn,
  operation: c.operationColumn,
  successful_status: c.statusOrNullColumn,
  status: c.statusOrNullColumn,
  successful_ms: c.numberOrNull('Duration where it worked, milliseconds.'),
  ms: c.numberOrNull('Duration here, milliseconds.'),
  delta_ms: c.numberOrNull('How much longer it took here.'),
  successful_self_ms: c.numberOrNull('Own time where it worked, milliseconds.'),
  self_ms: c.numberOrNull('Own time here, milliseconds.'),
  trace_id: c.traceIdColumn,
  successful_execution_id: c.executionIdColumn,
  successful_trace_id: c.text('Trace of the one that worked, as a uuid.'),
  chosen_because: c.text('How like this one it is, in words.'),
});

export const compareWithSuccessful = defineQuery({
  name: 'compare-with-successful',
  doc: 'How an execution differs from the one most like it that worked; spans that are alike are left out.',
  ...byExecution,
  row: comparedRow,
  limit: { default: 50, max: 5000 },
  missing: ({ execution_id }) => ({
    what: `There is no execution to compare ${execution_id} with: it has no trace, or none of its kind has worked within a week.`,
    hint: '`beacon similar` finds those that failed alike; `beacon search` lists traces by status.',
  }),
  sql: (p) => ({
    text: `select ${c.keyed(comparedRow)} from beacon.compare_with_successful($1::text)`,
    values: [p.execution_id],
  }),
});

export const compareWithUsual = defineQuery({
  name: 'compare-with-usual',
  doc: 'How long each operation of an execution or a trace took, beside its median over the last seven days.',
  params: { execution_id: executionId.optional(), trace_id: traceId.optional() },
  oneOf: [['execution_id', 'trace_id']],
  arguments: [executionOrTrace()],
  row: z.object({
    change: z
      .enum(['slower', 'faster', 'usual', 'too few', 'no baseline'])
      .describe(
        'slower (the median here is above the usual 95th percentile), faster (below half the usual median), usual, too few (calls to compare with), no baseline.',
      ),
    service: c.serviceColumn,
    operation: c.operationColumn,
    spans: c.count('Spans of it here.'),
    failed: c.count('How many of them failed, timed out or were lost.'),
    median_ms: c.number('Half of them took longer, milliseconds; failed ones count, open ones so far.'),
    longest_ms: c.number('The longest.'),
    usual_p50_ms: c.numberOrNull('Half of the calls of other traces took longer; null without a baseline.'),
    usual_p95_ms: c.numberOrNull('95 of 100 calls of other traces stayed below.'),
    times: c.numberOrNull('The median here divided by the usual one.'),
    extra_ms: c.numberOrNull('Time of all of them here beyond as many usual ones.'),
    usual_calls: c.numberOrNull('Calls the baseline is made of.'),
    compared_with: c.text('What the baseline is made of, in words; or that there is none yet.'),
    longest_span_id: c.text('The longest span, 16 hex digits.'),
  }),
  limit: { default: 200, max: 5000 },
  missing: (p) => ({
    what: `There are no spans of ${p.trace_id ? `trace ${p.trace_id}` : `execution ${p.execution_id}`}.`,
    hint: '`beacon search` lists what there is; `beacon coverage` and `beacon health` say why a trace may be missing.',
  }),
  sql: (p) => ({
    text: `select * from beacon.compare_with_usual(${traceOf(1, 2)})`,
    values: [p.trace_id, p.execution_id],
  }),
});

export const diagnosisTypes = defineQuery({
  name: 'diagnosis-types',
  doc: 'Every type of root cause there is: what it means, how it is decided, its blind spot.',
  params: { type: z.string().min(1).optional().describe('One type only, for example NETWORK_TIMEOUT.') },
  row: z.object({
    type: c.text('Type as in the answer of root-cause.'),
    meaning: c.text('What it means, how it is decided, its blind spot.'),
    function: c.text('SQL function that decides it.'),
  }),
  limit: { default: 100, max: 1000 },
  sql: (p) => ({
    text: `
      select type, substr(said, length(type) + 3) as meaning, function
      from (
        select (regexp_match(d.said, '^([A-Z_]+): '))[1] as type, d.said, d.function
        from (
          select obj_description(f.oid, 'pg_proc') as said, 'beacon.' || f.proname as function from pg_catalog.pg_proc f
          where f.pronamespace = 'beacon'::regnamespace and (f.proname ~ '^(finding|pattern)_' or f.proname in ('unexplained', 'untraced'))
        ) d
      ) t
      where type is not null and ($1::text is null or type = upper($1))
      order by type, function`,
    values: [p.type],
  }),
});
