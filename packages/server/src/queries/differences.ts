// Whether the groups of a job really differ, and scores, which are one of the things they may differ in.
import { hidden, redactorFrom } from '@project-beacon/writer';
import { z } from 'zod';
import * as c from './columns.ts';
import { executionId, jobId } from './params.ts';
import { defineQuery } from './query.ts';

const compared = {
  measure: c.text('What was compared.'),
  kind: z.enum(['share', 'mean', 'median']).describe('share (yes or no), mean or median: what effect and values are.'),
  a: c.text('Region, model or job.'),
  b: c.text('The other one.'),
  different: c.flag('Whether they differ at 2 %, after Holm over all pairs.'),
  effect: c.numberOrNull('b less a, over the paired questions.'),
  low: c.numberOrNull('Lower end of its 95 % interval; null where there are too few questions.'),
  high: c.numberOrNull('Upper end.'),
  value_a: c.numberOrNull('Of all cells of a that have a value.'),
  value_b: c.numberOrNull('Of all cells of b that have a value.'),
  questions: c.count('Questions compared: the effective n.'),
  pairs: c.count('Pairs of cells; more than questions where several models or regions answered one.'),
  left_out: c.count('Cells without a partner: not answered, served elsewhere, or the other one was.'),
  p: c.numberOrNull('Two-sided p of this pair alone.'),
  p_holm: c.numberOrNull('Adjusted by Holm over all pairs.'),
  smallest_effect: c.numberOrNull('Smallest difference that would have been found four times of five; null for none.'),
  test: c.textOrNull('Test that was used.'),
  said: c.text('The same in a sentence.'),
};

export const jobDifferences = defineQuery({
  name: 'job-differences',
  doc: 'Whether regions, models or two jobs really differ: tests paired by question, Holm over all pairs, answered cells only.',
  params: {
    job_id: jobId,
    by: z
      .enum(['region', 'model', 'job'])
      .default('region')
      .describe('What is compared: region, model or job (default region).'),
    measure: z
      .string()
      .min(1)
      .optional()
      .describe(
        'latency, first-chunk, length, tokens, cost, answered, answered-first, or the name of a score (default: the commonest score, else latency).',
      ),
    against: z
      .string()
      .min(1)
      .optional()
      .describe('Job to compare with; by region or model both jobs are taken together.'),
  },
  arguments: [{ name: 'job', params: (text) => ({ job_id: text }) }],
  row: z.object(compared),
  limit: { default: 100, max: 1000 },
  missing: ({ job_id }) => ({
    what: `Job ${job_id} has no two groups to compare.`,
    hint: 'By region it takes two regions that answered; `--by model` compares models, `--by job --against <job>` two jobs.',
  }),
  sql: (p) => ({
    text: 'select * from beacon.job_differences($1::text, $2::text, $3::text, $4::text)',
    values: [p.job_id, p.by, p.measure ?? null, p.against ?? null],
  }),
});

export const jobScores = defineQuery({
  name: 'job-scores',
  doc: 'Scores of the executions of a job, or of one: name, value, who judged and why.',
  params: { job_id: jobId.optional(), execution_id: executionId.optional() },
  oneOf: [['job_id', 'execution_id']],
  row: z.object({
    execution_id: c.executionIdColumn,
    trace_id: c.textOrNull('Trace that is judged, where no execution is known.'),
    job_id: c.jobIdColumn,
    name: c.text('What is judged.'),
    value: c.numberOrNull('The score; 1 and 0 for yes and no, null where there is a label only.'),
    label: c.textOrNull('The score in a word.'),
    explanation: c.textOrNull('Why.'),
    source: c.text('Who judged: rule:exact, otlp: and a service, a person or a program by its name.'),
    judge_trace: c.textOrNull('Trace in which a model judged.'),
    scored_at: c.time('When.'),
  }),
  limit: { default: 200, max: 10_000 },
  sql: (p) => ({
    text: `select coalesce(s.execution_key, s.execution_id::text) as execution_id, s.trace_id, s.job_id, s.name, s.value, s.label,
        s.explanation, s.source, s.judge_trace, s.scored_at
      from beacon.scores s where ($1::text is null or s.job_id = $1)
      and ($2::text is null or s.execution_id = beacon.execution_number($2) or s.execution_key = beacon.execution_key($2)) order by s.execution_id, s.trace_id, s.name, s.source`,
    values: [p.job_id ?? null, p.execution_id ?? null],
  }),
});

export const addScore = defineQuery({
  name: 'scores',
  aliases: ['score'],
  doc: 'Scores an execution; the same name from the same source again replaces the score.',
  params: {
    execution_id: executionId,
    name: z.string().min(1).max(200).describe('What is judged, for example correct.'),
    value: z.coerce.number().describe('The score; 1 and 0 for yes and no.'),
    source: z.string().min(1).max(200).default('api').describe('Who judges (default api).'),
    label: z.string().max(200).optional().describe('The score in a word.'),
    explanation: z.string().max(10_000).optional().describe('Why.'),
    judge_trace: z
      .uuid()
      .or(z.string().regex(/^[0-9a-f]{32}$/i))
      .optional()
      .describe('Trace in which a model judged.'),
  },
  arguments: [{ name: 'execution', params: (text) => ({ execution_id: text }) }],
  row: z.object({
    execution_id: c.text('Execution.'),
    name: c.text('Name of the score.'),
    value: c.number('Its value.'),
  }),
  limit: { default: 1, max: 1 },
  mutates: true,
  run: async ({ pool, params: p }) => {
    const redactor = redactorFrom(process.env);
    const [name, source, label, explanation] = [p.name, p.source, p.label, p.explanation].map((text) =>
      text === undefined ? null : redactor.ofText(text),
    );
    const why = redactor.content ? explanation : hidden(explanation);
    await pool.query('select beacon.score($1::text, $2, $3, $4, $5, $6, $7::uuid)', [
      ...[p.execution_id, name, p.value, source, label, why, p.judge_trace ?? null],
    ]);
    return { rows: [{ execution_id: p.execution_id, name, value: p.value }], truncated: null };
  },
});
