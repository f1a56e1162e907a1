// A job of any size in as many rows as it has models and regions.
import { z } from 'zod';
import * as c from './columns.ts';
import { jobId } from './params.ts';
import { defineQuery } from './query.ts';
import { UNREADABLE_FOR_JOBS } from './records.ts';

export const jobCells = defineQuery({
  name: 'job-cells',
  doc: 'A job, a row for each model and region: how its executions ended, how long they took, what went wrong most.',
  params: { job_id: jobId },
  arguments: [{ name: 'job', params: (text) => ({ job_id: text }) }],
  row: z.object({
    model_id: c.modelIdColumn,
    region: c.regionColumn,
    executions: c.count('Executions.'),
    completed: c.count('Those that worked.'),
    failed: c.count('Those that failed.'),
    untraced: c.count('Those without a trace.'),
    empty: c.count('Those that completed with an empty answer.'),
    p50_ms: c.numberOrNull('Half took no longer, milliseconds.'),
    p95_ms: c.numberOrNull('19 of 20 took no longer, milliseconds.'),
    error_type: c.textOrNull('The commonest code of failure.'),
    verdict: c.textOrNull('The commonest first root cause.'),
    example_execution_id: c.textOrNull('One that failed, else the slowest.'),
  }),
  limit: { default: 200, max: 5000 },
  missing: ({ job_id }) => ({
    what: `There is no job ${job_id}.`,
    hint: '`beacon jobs` lists those of the last seven days.',
  }),
  without: UNREADABLE_FOR_JOBS,
  sql: (p) => ({
    text: `
      select m.model_id, m.region, count(*) as executions, count(*) filter (where m.status = 'completed') as completed,
        count(*) filter (where m.status = 'failed') as failed, count(*) filter (where not m.traced) as untraced,
        count(*) filter (where m.output_empty) as empty,
        percentile_cont(0.5) within group (order by m.latency_ms) as p50_ms,
        percentile_cont(0.95) within group (order by m.latency_ms) as p95_ms,
        mode() within group (order by m.error_type) as error_type, mode() within group (order by m.verdict) as verdict,
        (array_agg(${c.executionSql('m.execution_id')} order by m.status = 'failed' desc, m.latency_ms desc nulls last))[1] as example_execution_id
      from beacon.job_matrix($1::text) m
      group by m.model_id, m.region
      order by failed desc, m.model_id, m.region`,
    values: [p.job_id],
  }),
});
