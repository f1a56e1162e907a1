// What a job cost, and which part of it bought answers.
import { z } from 'zod';
import * as c from './columns.ts';
import { jobId } from './params.ts';
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
