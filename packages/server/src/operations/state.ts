// How tracing itself is doing.
import { z } from 'zod';
import { operation } from './operation.ts';
import { jobId } from './params.ts';

export const health = operation({
  name: 'health',
  doc: 'Whether tracing works: writers, losses, partitions, clocks, each with its state.',
  params: {},
  limit: { default: 100, max: 1000 },
  sql: () => ({ text: 'select * from beacon.trace_spans_health', values: [] }),
});

export const coverage = operation({
  name: 'coverage',
  doc: 'Which executions have a trace, by job, and which do not.',
  params: {
    job_id: jobId.optional(),
    records: z.string().min(1).optional().describe('Name of the registered records, for example runner.'),
  },
  limit: { default: 50, max: 1000 },
  sql: (p) => ({
    text: `select * from beacon.trace_coverage
      where ($1::text is null or job_id = $1) and ($2::text is null or records = $2)
      order by last_created_at desc nulls last, records, job_id`,
    values: [p.job_id, p.records],
  }),
});
