// Traces and spans by what is known of them.
import { z } from 'zod';
import { equals, filterParam } from '../filter/param.ts';
import { STATUSES } from '../filter/parse.ts';
import * as c from '../queries/columns.ts';
import { executionId, jobId, service } from '../queries/params.ts';
import { defineQuery } from '../queries/query.ts';
import { newestMatches } from './newest.ts';
import { isPart, newestSpans, plainSpans, termsOf } from './spans.ts';
import { searchTraces } from './traces.ts';
import { plainSearch } from './traces-sql.ts';

/** How long chunks are searched before the answer says where it stopped. */
const SEARCH_FOR_MS = 10_000;

const filters = {
  q: filterParam,
  service: service.optional(),
  status: z
    .enum(STATUSES)
    .optional()
    .describe(`Status: ${STATUSES.join(', ')}.`),
  job_id: jobId.optional(),
  execution_id: executionId.optional(),
};

const range = {
  default: '24h',
  unbounded: (p: { job_id?: string | undefined; execution_id?: string | undefined }) =>
    p.job_id !== undefined || p.execution_id !== undefined,
};

export const search = defineQuery({
  name: 'search',
  aliases: ['traces'],
  doc: 'Traces that have a span which fits all terms of a filter, newest first.',
  params: {
    ...filters,
    order: z
      .enum(['newest', 'slowest', 'errors'])
      .default('newest')
      .describe(
        'newest (default), slowest, or errors: those with most errors first. After the first page, slowest and errors leave out traces that have changed since.',
      ),
  },
  row: z.object({
    trace_id: c.traceIdColumn,
    root_service: c.textOrNull('Service of the span without a parent; null until it arrives.'),
    root_operation: c.textOrNull('Name of the span without a parent.'),
    services: c.texts('Services in it.'),
    status: c.statusColumn,
    span_count: c.count('Spans.'),
    error_count: c.count('Spans that failed, timed out or were lost.'),
    open_count: c.count('Spans that have not ended.'),
    started_at: c.time('Earliest start of its spans.'),
    completed_at: c.timeOrNull('Latest end of its spans.'),
    duration_ms: c.durationColumn,
    execution_id: c.executionIdColumn,
    job_id: c.jobIdColumn,
    model_id: c.modelIdColumn,
    region: c.regionColumn,
    matched_spans: c.numberOrNull('Spans that fit the filter; null without one.'),
  }),
  range,
  limit: { default: 20, max: 1000 },
  pages: {
    // Sort keys are columns of the row, and underscored columns of the statement.
    of: z
      .array(z.union([z.iso.datetime({ offset: true }), z.guid(), z.number()]))
      .min(2)
      .max(3),
    key: (row) => ['_0', '_1', '_2'].flatMap((name) => (name in row ? [row[name]] : [])),
  },
  terms: ({ q = [], service, job_id: job, execution_id: execution }) => [...equals({ service, job, execution }), ...q],
  sql: plainSearch,
  fetch: (p, scope) => {
    const q = p.q;
    if (!q?.length) return undefined;
    return async (client) => {
      const { rows, stoppedAt } = await searchTraces(client, { ...p, q }, scope, Date.now() + SEARCH_FOR_MS);
      return { rows, truncated: stoppedAt && stopped(stoppedAt) };
    };
  },
});

/** The ids alone, of the newest: for APIs that read the traces themselves then. */
export const traceIds = defineQuery({
  name: 'search',
  doc: 'Ids of traces that have a span which fits all terms of a filter, newest first.',
  params: { q: filterParam },
  row: z.object({ trace_id: c.traceIdColumn }),
  range: { default: '24h' },
  limit: search.limit,
  sql: (p, scope) => plainSearch({ ...p, order: 'newest' }, scope),
  fetch: (p, scope) => {
    const q = p.q;
    if (!q?.length) return undefined;
    return async (client) => {
      const question = { q, order: 'newest' as const };
      const { traces, stoppedAt } = await newestMatches(client, question, scope, Date.now() + SEARCH_FOR_MS);
      return { rows: traces.map(({ trace_id }) => ({ trace_id })), truncated: stoppedAt && stopped(stoppedAt) };
    };
  },
});

function stopped(at: string): string {
  return `The search took too long and was stopped: nothing older than ${at} was looked at; narrow the time.`;
}

export const spans = defineQuery({
  name: 'spans',
  doc: 'Recent spans, the last written first.',
  params: filters,
  row: z.object({
    ...c.spanColumns,
    completed_at: c.timeOrNull('End by the same clock.'),
    duration_ms: c.durationColumn,
    execution_id: c.executionIdColumn,
    job_id: c.jobIdColumn,
    model_id: c.modelIdColumn,
    region: c.regionColumn,
    error_type: c.errorTypeColumn,
    error_message: c.errorMessageColumn,
  }),
  range,
  limit: { default: 20, max: 1000 },
  pages: {
    of: z.tuple([
      z.iso.datetime({ offset: true }),
      z.iso.datetime({ offset: true }),
      z.string().regex(/^[0-9a-f]{16}$/),
      z.guid(),
    ]),
    key: (row) => [row._created_at, row.started_at, row.span_id, row.trace_id],
  },
  terms: termsOf,
  sql: plainSpans,
  fetch: (p, scope) => {
    if (!isPart(p, scope)) return undefined;
    return async (client) => {
      const { rows, stoppedAt } = await newestSpans(client, p, scope, Date.now() + SEARCH_FOR_MS);
      const truncated =
        stoppedAt &&
        `The search took too long and was stopped: nothing stored before ${stoppedAt} was looked at; narrow the time.`;
      return { rows, truncated };
    };
  },
});
