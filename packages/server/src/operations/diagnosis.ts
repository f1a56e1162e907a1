// Why an execution failed, and whether it was the only one.
import { operation } from './operation.ts';
import { executionId } from './params.ts';

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

export const diagnose = operation({
  name: 'diagnose',
  doc: 'Every span of an execution with its share of the time, its usual duration, and what is unusual about it.',
  ...byExecution,
  limit: { default: 200, max: 5000 },
  missing: noTrace,
  sql: (p) => ({
    text: 'select * from beacon.diagnose_execution_trace($1::bigint)',
    values: [p.execution_id],
  }),
});

export const rootCause = operation({
  name: 'root-cause',
  doc: 'Why an execution failed or was slow: causes ranked, with evidence and what to do.',
  ...byExecution,
  limit: { default: 5, max: 50 },
  sql: (p) => ({
    text: 'select * from beacon.identify_root_cause($1::bigint) order by rank',
    values: [p.execution_id],
  }),
});

export const similar = operation({
  name: 'similar',
  doc: 'Executions whose traces look most like this one, and how they ended.',
  params: byExecution.params,
  arguments: byExecution.arguments,
  limit: { default: 10, max: 100 },
  sql: (p) => ({
    // One more than the most a caller may ask for, so that it can be said when there are others.
    text: 'select * from beacon.find_similar_traces($1::bigint, 101)',
    values: [p.execution_id],
  }),
});
