// What spans can be watched by on the command line: the usual parameters, as terms of a filter.
import { z } from 'zod';
import { type ColumnKey, filterParam, STATUSES, type Term } from '../filter/parse.ts';
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
  const columns: Array<[ColumnKey, string | undefined]> = [
    ['job', given.job_id],
    ['execution', given.execution_id],
    ['service', given.service],
    ['status', given.status],
  ];
  const terms = columns.flatMap(([column, value]): Term[] =>
    value === undefined ? [] : [{ kind: 'compare', key: { column }, operator: '=', value }],
  );
  return [...q, ...terms];
}
