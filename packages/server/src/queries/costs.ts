// What a job cost, and which part of it bought answers.
import { z } from 'zod';
import * as c from './columns.ts';
import { executionId, jobId } from './params.ts';
import { defineQuery } from './query.ts';

export const jobCosts = defineQuery({
  name: 'job-costs',
  doc: 'What a job cost: all, answers, retries, cells without an answer, cold starts, and each cause of failure. Unknown is not 0.',
  params: { job_id: jobId },
  arguments: [{ name: 'job', params: (text) => ({ job_id: text }) }],
  row: z.object({
    part: c.text(
      'all, answered, retries, not answered, cold, or "cause: " and the verdict. answered, retries and not answered add up.',
    ),
    currency: c.textOrNull('Currency; null where no price is known.'),
    attempts: c.count('Attempts.'),
    cost: c.numberOrNull('The known part of their cost; null where none is known.'),
    unknown: c.count('Attempts whose price or tokens are not known.'),
    input_tokens: c.numberOrNull('Tokens read.'),
    output_tokens: c.numberOrNull('Tokens written.'),
    cached_tokens: c.numberOrNull('Tokens read from a cache.'),
    reasoning_tokens: c.numberOrNull('Tokens written while reasoning.'),
    said: c.text('The same in a sentence.'),
  }),
  limit: { default: 100, max: 1000 },
  missing: ({ job_id }) => ({ what: `There is no job ${job_id}.`, hint: '`beacon jobs --from 30d` lists jobs.' }),
  sql: (p) => ({ text: 'select * from beacon.job_costs($1::text)', values: [p.job_id] }),
});

export const outageCost = defineQuery({
  name: 'outage-cost',
  doc: "What the cause of an execution's failure cost its job: attempts that failed by it, and what was tried again for it.",
  params: { execution_id: executionId },
  arguments: [{ name: 'execution', params: (text) => ({ execution_id: text }) }],
  row: z.object({
    type: c.text('Type of the cause, for example RATE_LIMITED.'),
    job_id: c.jobIdColumn,
    attempts: c.count('Attempts that failed by it.'),
    cells: c.count('Cells they belong to.'),
    unanswered: c.count('Of those, cells that have no answer.'),
    currency: c.textOrNull('Currency; null where no price is known, or there are several.'),
    failed_cost: c.numberOrNull('Known cost of the failed attempts.'),
    retry_cost: c.numberOrNull('Known cost of the attempts after them.'),
    cost: c.numberOrNull('Both; null where none is known.'),
    unknown: c.count('Attempts whose price or tokens are not known.'),
    said: c.text('The same in a sentence.'),
  }),
  limit: { default: 1, max: 1 },
  sql: (p) => ({ text: 'select * from beacon.outage_cost($1::text)', values: [p.execution_id] }),
});
