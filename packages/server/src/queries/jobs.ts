// Jobs, the matrix of one, and why executions of a time range failed.
import { z } from 'zod';
import { filterParam } from '../filter/param.ts';
import type { Term } from '../filter/parse.ts';
import { Bindings, filterSql } from '../filter/sql.ts';
import { rowsOf, type SqlCall } from '../store/values.ts';
import { showsContent } from './answers.ts';
import * as c from './columns.ts';
import { executionId, jobId } from './params.ts';
import { defineQuery } from './query.ts';
import { UNREADABLE_FOR_JOBS } from './records.ts';

const JOB_STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;
const jobStatus = z.enum(JOB_STATUSES);

export const jobs = defineQuery({
  name: 'jobs',
  doc: 'Jobs with their progress: executions finished, failed, running, traced, and how long they take.',
  params: {},
  row: z.object({
    job_id: c.text('Job.'),
    status: jobStatus.describe('pending, running, failed (all have ended, some failed), cancelled or completed.'),
    executions: c.count('Executions it has.'),
    finished: c.count('Those that have ended, however.'),
    failed: c.count('Those that failed.'),
    running: c.count('Those that have not ended, waiting ones included.'),
    traced: c.count('Those that have a trace.'),
    coverage_pct: c.numberOrNull('The same as a share.'),
    models: c.texts('Models asked.'),
    regions: c.texts('Regions they are asked in.'),
    questions: c.count('Different questions; 0 where only spans tell of the job.'),
    created_at: c.time('When its first execution was accepted.'),
    finished_at: c.timeOrNull('When its last execution ended; null while one has not.'),
    p50_ms: c.numberOrNull('Half of its executions took no longer, milliseconds.'),
    p95_ms: c.numberOrNull('19 of 20 took no longer, milliseconds.'),
  }),
  range: { default: '7d' },
  limit: { default: 50, max: 500 },
  without: UNREADABLE_FOR_JOBS,
  sql: (_, scope) => ({
    text: `select * from beacon.jobs($1::timestamptz, coalesce($2::timestamptz, 'infinity'), $3::integer)
      order by created_at desc, job_id`,
    values: [scope.from, scope.to, scope.limit + 1],
  }),
});

const matrixRow = z.object({
  model_id: c.modelIdColumn,
  region: c.regionColumn,
  question: c.textOrNull('What was asked; null where only spans tell of the job.'),
  execution_id: c.textOrNull('Execution; null for a trace that belongs to none.'),
  status: jobStatus.describe('pending, running, completed, failed or cancelled.'),
  traced: z.boolean().describe('Whether it has a trace.'),
  trace_id: c.textOrNull('Trace of its last attempt.'),
  latency_ms: c.numberOrNull('How long it took, milliseconds.'),
  tokens_in: c.numberOrNull('Tokens read.'),
  tokens_out: c.numberOrNull('Tokens written.'),
  error_type: c.textOrNull('Code of the failure.'),
  verdict: c.textOrNull(
    'Type of its first root cause; for the five commonest ways in which the job failed, two of more than 200 executions.',
  ),
  output_empty: z
    .boolean()
    .nullable()
    .describe('Whether it completed with an empty answer; null where that is not known.'),
  validity: c.textOrNull(
    'answered, refused, truncated, empty, infrastructure, cancelled, pending, or flaky where attempts gave different answers.',
  ),
  reason: c.textOrNull('Rule, finish reason, root cause or code that decided it.'),
  attempts: c.numberOrNull('Attempts it has had.'),
  served_region: c.textOrNull('Region that answered, as the other side says.'),
  agrees: z
    .boolean()
    .nullable()
    .describe('Whether it says what most regions say; null where there is nothing to compare, or no majority.'),
});

/** Questions by their ids where content is not to be shown. */
function matrixColumns(): string {
  const columns = c.keyed(matrixRow);
  if (showsContent()) return columns;
  return columns.replace(' question,', ` '[' || beacon.question_id(question) || ']' as question,`);
}

export const jobMatrix = defineQuery({
  name: 'job-matrix',
  doc: 'Every execution of a job as a cell of models x regions x questions: outcome, trace, latency, tokens, verdict.',
  params: {
    job_id: jobId,
    status: jobStatus.optional().describe(`Only those with this status: ${JOB_STATUSES.join(', ')}.`),
  },
  arguments: [{ name: 'job', params: (text) => ({ job_id: text }) }],
  row: matrixRow,
  limit: { default: 1000, max: 10_000 },
  missing: ({ job_id, status }) => ({
    what: status ? `The job ${job_id} has no execution that is ${status}.` : `There is no job ${job_id}.`,
    hint: '`beacon jobs` lists those of the last seven days; `--from 30d` goes further back.',
  }),
  without: UNREADABLE_FOR_JOBS,
  sql: (p) => ({
    text: `select ${matrixColumns()} from (
        select m.*, k.validity, k.reason, k.attempts, k.served_region, k.agrees
        from beacon.job_matrix($1::text) m
        left join beacon.judged_cells($1::text) k on coalesce(k.execution, k.trace_id::text)
          = coalesce(m.execution_key, m.execution_id::text, m.trace_id::text)
        where $2::text is null or m.status = $2) m
      order by m.model_id, m.region, m.question, m.execution_id, m.execution_key`,
    values: [p.job_id, p.status],
  }),
});

const findingRow = z.object({
  type: c.text('Type of the cause; NOT_DIAGNOSED for what is beyond the limit.'),
  service: c.textOrNull('Service to charge.'),
  operation: c.textOrNull('Operation of it.'),
  summary: c.text('One sentence, about the example.'),
  recommendation: c.textOrNull('What to do.'),
  confidence: c.numberOrNull('How sure the verdict is, 0 to 1.'),
  executions: c.count('Executions that failed this way; a trace that belongs to none counts as one.'),
  first_at: c.time('When the first of them began.'),
  last_at: c.time('When the last of them began.'),
  example_execution_id: c.textOrNull('The newest of them; null where it is a trace without an execution.'),
  example_trace_id: c.textOrNull('Its trace.'),
  span_ids: c.textsOrNull('Spans of the example that show it, outermost first.'),
  models: c.texts('Models of the executions hit.'),
  regions: c.texts('Regions of the executions hit.'),
});

/** Failing traces of the time, `$1` to `$2`, of which a span fits. */
function tracesThatFit(q: readonly Term[], bind: Bindings): string {
  return `select distinct s.trace_id
        from beacon.trace_spans s
        where s.trace_id = any(array(select t.trace_id from beacon.traces t
            where t.error_count > 0 and t.started_at >= $1::timestamptz and t.started_at < coalesce($2::timestamptz, 'infinity')))
          and s.started_at >= $1::timestamptz - interval '1 hour'
          and s.started_at < coalesce($2::timestamptz, 'infinity'::timestamptz) + interval '1 day'
          and ${filterSql(q, bind)}`;
}

function findingsOf(traces: string, { values }: Bindings): SqlCall {
  return {
    text: `select ${c.keyed(findingRow)} from beacon.trace_findings($1::timestamptz, coalesce($2::timestamptz, 'infinity'), ${traces}, $3::integer)`,
    values,
  };
}

export const findings = defineQuery({
  name: 'findings',
  doc: 'Why executions of a time range failed: causes, the most frequent first, with how many each hit and an example.',
  params: { q: filterParam },
  row: findingRow,
  range: { default: '24h' },
  limit: { default: 20, max: 100 },
  sql: (p, scope) => {
    const bind = new Bindings([scope.from, scope.to, Math.max(1, scope.limit - 1)]);
    return findingsOf(p.q ? `array(${tracesThatFit(p.q, bind)})` : 'null', bind);
  },
  // In two statements: what has to be asked of several machines cannot be the argument of a function.
  fetch: (p, scope) => {
    const { q } = p;
    if (!q || !scope.distributed) return undefined;
    return async (client) => {
      const wanted = new Bindings([scope.from, scope.to]);
      const { rows } = await client.query(tracesThatFit(q, wanted), wanted.values);
      const bind = new Bindings([scope.from, scope.to, Math.max(1, scope.limit - 1)]);
      const traces = bind.add(
        rows.map(({ trace_id }) => trace_id),
        'uuid[]',
      );
      return { rows: await rowsOf(client, findingsOf(traces, bind), scope.limit + 1), truncated: null };
    };
  },
});

const hitRow = z.object({
  execution_id: c.executionIdColumn,
  trace_id: c.traceIdColumn,
  job_id: c.jobIdColumn,
  model_id: c.modelIdColumn,
  region: c.regionColumn,
  started_at: c.time('When it began.'),
  outcome: z.enum(['failed', 'running', 'completed']).describe('failed, running or completed.'),
  service: c.text('Service in which the cause began.'),
  operation: c.text('Operation of it.'),
  error_type: c.errorTypeColumn,
  affected: c.count('How many there are in all.'),
});

export const blastRadius = defineQuery({
  name: 'blast-radius',
  doc: 'What else the cause of an execution hit, within an hour before and after.',
  params: { execution_id: executionId },
  arguments: [{ name: 'execution', params: (text) => ({ execution_id: text }) }],
  row: hitRow,
  limit: { default: 100, max: 1000 },
  sql: (p, scope) => ({
    text: `select ${c.keyed(hitRow)} from beacon.blast_radius($1::text, $2::integer)`,
    values: [p.execution_id, scope.limit + 1],
  }),
});
