// How tracing itself is doing.
import { z } from 'zod';
import * as c from './columns.ts';
import { jobId, service } from './params.ts';
import { defineQuery } from './query.ts';
import { UNREADABLE_FOR_COVERAGE } from './records.ts';

export const health = defineQuery({
  name: 'health',
  doc: 'Whether tracing works: writers, losses, partitions, clocks, each with its state.',
  params: {},
  row: z.object({
    item: c.text('What is measured.'),
    value: c.numberOrNull('How much.'),
    unit: c.textOrNull('Of what.'),
    state: z.enum(['ok', 'warn', 'fail']).describe('ok, warn or fail.'),
    detail: c.textOrNull('The same in words.'),
  }),
  limit: { default: 100, max: 1000 },
  sql: () => ({ text: 'select * from beacon.trace_spans_health', values: [] }),
});

export const coverage = defineQuery({
  name: 'coverage',
  doc: 'Which executions have a trace, by job, and which do not.',
  params: {
    job_id: jobId.optional(),
    records: z.string().min(1).optional().describe('Name of the registered records, for example runner.'),
  },
  row: z.object({
    records: c.text('Name of the registered table.'),
    job_id: c.jobIdColumn,
    executions: c.count('Executions there are.'),
    traced: c.count('How many of them have a trace.'),
    coverage_pct: c.numberOrNull('The same as a share.'),
    untraced_execution_ids: c.textsOrNull('The first 20 without a trace.'),
    last_created_at: c.timeOrNull('Newest execution.'),
  }),
  limit: { default: 50, max: 1000 },
  without: UNREADABLE_FOR_COVERAGE,
  sql: (p) => ({
    text: `select records, job_id, executions, traced, coverage_pct,
        coalesce(untraced_execution_ids::text[], '{}') || untraced_execution_keys as untraced_execution_ids, last_created_at
      from beacon.trace_coverage
      where ($1::text is null or job_id = $1) and ($2::text is null or records = $2)
      order by last_created_at desc nulls last, records, job_id`,
    values: [p.job_id, p.records],
  }),
});

export const tracers = defineQuery({
  name: 'tracers',
  doc: 'Tracers that have reported: flag, counters, last error, last heartbeat.',
  params: { service: service.optional() },
  row: z.object({
    tracer_id: c.text('Id of the tracer, a uuid.'),
    service: c.serviceColumn,
    instance: c.text('Host and process.'),
    pid: c.numberOrNull('Process id.'),
    state: z.enum(['alive', 'silent', 'stopped']).describe('alive, silent (no heartbeat any more) or stopped.'),
    flag: c.text('ENABLE_DB_TRACING as the process read it.'),
    flag_source: c.text('Where the flag came from.'),
    spans_started: c.count('Spans started.'),
    spans_ended: c.count('Spans ended.'),
    spans_written: c.count('Spans written.'),
    spans_dropped: c.json('Spans lost before the database, by reason.'),
    queue_depth: c.count('Spans waiting to be written.'),
    write_failures: c.count('Flushes that failed; their spans are tried again.'),
    last_error: c.textOrNull('Last error.'),
    last_error_at: c.timeOrNull('When it happened.'),
    clock_offset_ms: c.numberOrNull('Its clock minus the clock of the database, milliseconds.'),
    versions: c.json('Versions of node, tracer and OpenTelemetry packages.'),
    started_at: c.time('When it began.'),
    heartbeat_at: c.time('Last heartbeat.'),
    stopped_at: c.timeOrNull('When it shut down in an orderly way.'),
  }),
  limit: { default: 50, max: 1000 },
  sql: (p) => ({
    text: `
      select tracer_id, service, instance, pid,
        case when stopped_at is not null then 'stopped'
          when heartbeat_at < beacon.clock() - beacon.setting('lost_after_seconds', '30')::integer * interval '1 second'
            then 'silent' else 'alive' end as state,
        flag, flag_source, spans_started, spans_ended, spans_written, spans_dropped, queue_depth, write_failures,
        last_error, last_error_at, clock_offset_ms, versions, started_at, heartbeat_at, stopped_at
      from beacon.tracers
      where $1::text is null or service = $1
      order by heartbeat_at desc, tracer_id`,
    values: [p.service],
  }),
});
