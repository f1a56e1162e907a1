// What spans can be watched by on the command line: the usual parameters, as terms of a filter.
import { z } from 'zod';
import { equals, filterParam } from '../filter/param.ts';
import { STATUSES, type Term } from '../filter/parse.ts';
import { executionId, jobId, service } from '../queries/params.ts';

/** What `beacon watch` can be narrowed by. */
export const watchParams = z.strictObject({
  q: filterParam,
  job_id: jobId.optional(),
  execution_id: executionId.optional(),
  service: service.optional(),
  status: z
    .enum(STATUSES)
    .optional()
    .describe(`Status: ${STATUSES.join(', ')}.`),
});

/** The same as terms of a filter. */
export function watchTerms({ q = [], ...given }: z.output<typeof watchParams>): Term[] {
  const { job_id: job, execution_id: execution, service, status } = given;
  return [...q, ...equals({ job, execution, service, status })];
}
