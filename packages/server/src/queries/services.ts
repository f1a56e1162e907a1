// Who does what, how often, how long, and who calls whom.
import { z } from 'zod';
import { equals } from '../filter/param.ts';
import * as c from './columns.ts';
import { service } from './params.ts';
import { defineQuery, type Scope } from './query.ts';

const range = { default: '24h' };

const usual = {
  errors: c.count('How many of them failed, timed out or were lost.'),
  error_pct: c.number('The same as a share.'),
  p50_ms: c.numberOrNull('Median duration, milliseconds.'),
  p95_ms: c.numberOrNull('95th percentile, milliseconds.'),
};

/** Both ends: counting needs them. */
export function ends({ from, to, firstPageAt }: Scope): [from: string, to: string] {
  return [from as string, to ?? firstPageAt];
}

export const services = defineQuery({
  name: 'services',
  doc: 'Services with spans in a stretch of time: how many, in how many traces, errors, usual durations.',
  params: {},
  row: z.object({
    service: c.serviceColumn,
    color: c.count('Number of its colour; it never changes.'),
    spans: c.count('Spans.'),
    traces: c.count('Traces it had a part in.'),
    ...usual,
    last_seen_at: c.time('Start of its newest span.'),
  }),
  range,
  limit: { default: 200, max: 5000 },
  sql: (_, scope) => ({
    text: 'select * from beacon.service_stats($1::timestamptz, $2::timestamptz)',
    values: ends(scope),
  }),
});

export const operations = defineQuery({
  name: 'operations',
  doc: 'Operations in a stretch of time, the one that took most time in all first: calls, errors, usual durations.',
  params: { service: service.optional() },
  row: z.object({
    service: c.serviceColumn,
    operation: c.operationColumn,
    kind: c.kindColumn,
    calls: c.count('Calls.'),
    ...usual,
    total_ms: c.number('Time spent in all of them, milliseconds.'),
  }),
  range,
  limit: { default: 200, max: 5000 },
  terms: ({ service }) => equals({ service }),
  sql: (p, scope) => ({
    text: 'select * from beacon.operation_stats($1::timestamptz, $2::timestamptz, $3::text)',
    values: [...ends(scope), p.service],
  }),
});

export const dependencies = defineQuery({
  name: 'dependencies',
  doc: 'Which service called which in a stretch of time: calls, errors, usual durations.',
  params: {
    service: service.optional().describe('Only the edges of this service.'),
    hops: z.coerce
      .number()
      .int()
      .min(1)
      .max(2)
      .default(1)
      .describe('With service: 1 for its own edges, 2 for those of its neighbours too.'),
  },
  row: z.object({
    caller: c.text('Service that called.'),
    callee: c.text('Service that was called.'),
    calls: c.count('Calls that arrived.'),
    ...usual,
  }),
  range: { default: '1h' },
  limit: { default: 500, max: 5000 },
  sql: (p, scope) => ({
    text: 'select * from beacon.dependencies($1::timestamptz, $2::timestamptz, $3::text, $4::integer)',
    values: [...ends(scope), p.service, p.hops],
  }),
});
