// Two jobs beside each other, an old one before a new one: cell by cell, and in one row.
import { z } from 'zod';
import * as c from './columns.ts';
import { defineQuery } from './query.ts';

const CHANGES = [
  'newly failing',
  'missing',
  'score worse',
  'pending',
  'cancelled',
  'still failing',
  'answer changed',
  'recovered',
  'score better',
  'new',
  'same',
] as const;

const job = (what: string) => z.string().min(1).describe(what);
const params = { job_a: job('Job to compare with: the old one.'), job_b: job('Job that is judged: the new one.') };
const args = [
  { name: 'job-a', params: (text: string) => ({ job_a: text }) },
  { name: 'job-b', params: (text: string) => ({ job_b: text }) },
];
const missing = (given: { job_a: string; job_b: string }) => ({
  what: `Neither job ${given.job_a} nor job ${given.job_b} has cells.`,
  hint: '`beacon jobs --from 30d` lists jobs.',
});

export const compareJobs = defineQuery({
  name: 'compare-jobs',
  doc: 'Two jobs cell by cell, what got worse first: newly failing with causes, missing, worse scores, changed answers.',
  params: {
    ...params,
    change: z
      .enum(CHANGES)
      .optional()
      .describe(`Only these: ${CHANGES.join(', ')}; default: all but same.`),
  },
  arguments: args,
  row: z.object({
    change: z.enum(CHANGES).describe(`${CHANGES.join(', ')}.`),
    model_id: c.modelIdColumn,
    region: c.regionColumn,
    question_id: c.text('Question.'),
    question: c.textOrNull('Its text; null where content is not kept.'),
    execution_a: c.textOrNull('Execution of the old job.'),
    execution_b: c.textOrNull('Execution of the new job.'),
    validity_a: c.textOrNull('answered, refused, truncated, empty, infrastructure, cancelled, pending or flaky.'),
    validity_b: c.textOrNull('The same of the new job.'),
    reason: c.textOrNull('Why the new one was not answered: its verdict, else what decided.'),
    said_a: c.textOrNull('Answer in the old job.'),
    said_b: c.textOrNull('Answer in the new job.'),
    score: c.textOrNull('Name of the score.'),
    score_a: c.numberOrNull('Score in the old job.'),
    score_b: c.numberOrNull('Score in the new job.'),
    latency_a: c.numberOrNull('Milliseconds in the old job.'),
    latency_b: c.numberOrNull('Milliseconds in the new job.'),
    cost_a: c.numberOrNull('Cost in the old job.'),
    cost_b: c.numberOrNull('Cost in the new job.'),
  }),
  limit: { default: 100, max: 100_000 },
  sql: (p) => ({
    text: `select * from beacon.compare_jobs($1::text, $2::text) c where case when $3::text is null then c.change <> 'same' else c.change = $3 end`,
    values: [p.job_a, p.job_b, p.change ?? null],
  }),
});

export const jobComparison = defineQuery({
  name: 'job-comparison',
  doc: 'Two jobs in one row: how many cells changed how, scores, latency, cost, causes of what newly fails.',
  params,
  arguments: args,
  row: z.object({
    cells: c.count('Cells of either.'),
    answered_a: c.count('Answered in the old job.'),
    answered_b: c.count('Answered in the new job.'),
    newly_failing: c.count('Answered in the old one, not in the new one.'),
    missing: c.count('Cells the new one has not.'),
    score_worse: c.count('Answered in both, with a lower score.'),
    unfinished: c.count('Pending or cancelled in the new one.'),
    still_failing: c.count('Not answered in either.'),
    answer_changed: c.count('Another answer, of equal score.'),
    recovered: c.count('Answered in the new one only.'),
    score_better: c.count('Answered in both, with a higher score.'),
    added: c.count('Cells only the new one has.'),
    regressions: c.count('newly_failing, missing and score_worse.'),
    score: c.textOrNull('Name of the score.'),
    score_a: c.numberOrNull('Mean score in the old job, of cells scored in both.'),
    score_b: c.numberOrNull('Mean score in the new job.'),
    scored: c.count('Cells scored in both: the effective n.'),
    p50_a: c.numberOrNull('Median latency, milliseconds, of cells answered in both.'),
    p50_b: c.numberOrNull('The same of the new job.'),
    p95_a: c.numberOrNull('95th percentile.'),
    p95_b: c.numberOrNull('The same of the new job.'),
    p95_change: c.numberOrNull('Change of it: 0.1 is 10 % more.'),
    cost_a: c.numberOrNull('Cost of cells answered in both; null where one of them has no known price.'),
    cost_b: c.numberOrNull('The same of the new job.'),
    cost_change: c.numberOrNull('Change of it.'),
    unpriced: c.count('Cells whose cost is not known.'),
    causes: c.json('What newly fails, by cause.'),
    latency_said: c.textOrNull('Whether latency really differs, in a sentence.'),
  }),
  limit: { default: 1, max: 1 },
  missing,
  sql: (p) => ({ text: 'select * from beacon.job_comparison($1::text, $2::text)', values: [p.job_a, p.job_b] }),
});
