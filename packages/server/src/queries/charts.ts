// What there was over time: counts by duration, rates, and what sets a part of a picture apart.
import { z } from 'zod';
import { ALL_SPANS, type Source, sourceFor } from '../filter/chunk-index.ts';
import { equals, filterParam } from '../filter/param.ts';
import { STATUSES, type Term } from '../filter/parse.ts';
import { Bindings, filterSql } from '../filter/sql.ts';
import type { SqlCall } from '../store/values.ts';
import { rowsOf } from '../store/values.ts';
import * as c from './columns.ts';
import { service } from './params.ts';
import { defineQuery, type Fetch, type Scope } from './query.ts';
import { stepOf, within } from './range.ts';
import { ends } from './services.ts';

const FAILED = "in ('failed', 'timeout', 'lost')";

const columns = z.coerce
  .number()
  .int()
  .min(1)
  .max(500)
  .default(60)
  .describe('Columns at most (default 60); each stands for a round stretch of time.');

const population = {
  q: filterParam,
  spans: z
    .enum(['root', 'all'])
    .optional()
    .describe('Which spans are counted: root, one a trace; or all (default: root without a filter, all with one).'),
};

interface Population {
  q?: Term[] | undefined;
  spans?: 'root' | 'all' | undefined;
}

/** Condition on the spans a picture is made of. */
function populationSql(p: Population, scope: Scope, bind: Bindings): string {
  const [from, to] = ends(scope);
  const root = (p.spans ?? (p.q?.length ? 'all' : 'root')) === 'root' ? '\n  and s.parent_span_id is null' : '';
  return `${within('s.started_at', { from, to }, bind)}${root}\n  and ${filterSql(p.q ?? [], bind)}`;
}

/** With a filter: the same statement over no more spans than it can hold for. */
function byChunks(q: Term[] | undefined, scope: Scope, statement: (source: Source) => SqlCall): Fetch | undefined {
  if (!q?.length) return undefined;
  const [from, to] = ends(scope);
  return async (client) => ({
    rows: await rowsOf(client, statement(await sourceFor(client, q, { from, to })), scope.limit + 1),
    truncated: null,
  });
}

function bucketSql(duration: string): string {
  return `coalesce(beacon.duration_bucket(${duration}), -1)`;
}

function stepSql(scope: Scope, max: number, bind: Bindings): string {
  const [from, to] = ends(scope);
  return `make_interval(secs => ${bind.add(stepOf(from, to, max), 'double precision')})`;
}

/** Spans by column and duration class, one by one. */
function countedBySpan(p: Population, scope: Scope, max: number, bind: Bindings, source: Source): string {
  return `select date_bin(${stepSql(scope, max, bind)}, s.started_at, '2000-01-01 00:00:00+00') as at,
          ${bucketSql('s.duration_ms')} as bucket, count(*) as calls, count(*) filter (where s.status ${FAILED}) as errors
        from ${source(bind)} s
        where ${populationSql(p, scope, bind)}
        group by 1, 2`;
}

/** The same from what has been counted as it was stored: without a filter. */
function countedBefore(p: Population, scope: Scope, max: number, bind: Bindings): string {
  const [from, to] = ends(scope);
  return `select n.at, n.counts[i][1] as bucket, sum(n.counts[i][2]) as calls, sum(n.counts[i][3]) as errors
        from beacon.span_counts(${bind.add(from, 'timestamptz')}, ${bind.add(to, 'timestamptz')}, ${stepSql(scope, max, bind)},
          of_facet => 2) n
        cross join lateral generate_subscripts(n.counts, 1) i
        ${p.spans === 'all' ? '' : 'where n.root'}
        group by 1, 2`;
}

export const heatmap = defineQuery({
  name: 'heatmap',
  doc: 'How many spans began when and took how long, and how many of them failed.',
  params: { ...population, columns },
  row: z.object({
    at: c.time('Begin of the column.'),
    bucket_ms_from: c.numberOrNull(
      'Lower end of the duration class, milliseconds; null for spans that have not ended.',
    ),
    bucket_ms_to: c.numberOrNull('Upper end; the next class begins there.'),
    count: c.count('Spans.'),
    errors: c.count('How many of them failed, timed out or were lost.'),
  }),
  range: { default: '24h' },
  limit: { default: 5000, max: 15000 },
  terms: (p) => p.q ?? [],
  sql: (p, scope) => heatmapSql(p, scope, ALL_SPANS),
  fetch: (p, scope) => byChunks(p.q, scope, (source) => heatmapSql(p, scope, source)),
});

function heatmapSql(p: Population & { columns: number }, scope: Scope, source: Source): SqlCall {
  const bind = new Bindings();
  const counted = p.q?.length
    ? countedBySpan(p, scope, p.columns, bind, source)
    : countedBefore(p, scope, p.columns, bind);
  return {
    text: `
      with counted as materialized (
        ${counted}
      ), scale as (
        -- Classes as fine as two dozen rows allow.
        select case when max(bucket) - min(bucket) < 24 then 1 when max(bucket) - min(bucket) < 48 then 2 else 4 end as classes
        from counted where bucket >= 0
      )
      select n.at, case when n.bucket >= 0 then beacon.bucket_ms(n.bucket / s.classes * s.classes) end as bucket_ms_from,
        case when n.bucket >= 0 then beacon.bucket_ms((n.bucket / s.classes + 1) * s.classes) end as bucket_ms_to,
        sum(n.calls)::bigint as count, sum(n.errors)::bigint as errors
      from counted n cross join scale s
      group by n.at, 2, 3
      order by n.at, 2 nulls first`,
    values: bind.values,
  };
}

export const differences = defineQuery({
  name: 'differences',
  doc: 'Attributes that set a selection of the heatmap apart from the rest of it, counted over all of its spans.',
  params: {
    ...population,
    selected_from: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('The selection begins here; default: where the heatmap does.'),
    selected_to: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('The selection ends before this; default: where the heatmap does.'),
    min_ms: z.coerce
      .number()
      .min(0)
      .optional()
      .describe('Only spans that took at least so many milliseconds are selected.'),
    max_ms: z.coerce
      .number()
      .min(0)
      .optional()
      .describe('Only spans that took less than so many milliseconds are selected.'),
    status: z
      .enum([...STATUSES, 'error'])
      .optional()
      .describe('Only spans of this status are selected; error is failed, timeout and lost together.'),
  },
  row: z.object({
    key: c.text('Attribute, or column of the span.'),
    value: c.text('Its value, as text.'),
    selected: c.count('Selected spans that have it.'),
    selected_total: c.count('Selected spans.'),
    rest: c.count('Other spans that have it.'),
    rest_total: c.count('Other spans.'),
    selected_pct: c.number('Share of the selected that has it.'),
    rest_pct: c.number('Share of the others that has it.'),
    difference: c.number('The first minus the second, in points.'),
  }),
  range: { default: '24h' },
  limit: { default: 20, max: 500 },
  terms: (p) => p.q ?? [],
  sql: (p, scope) => differencesSql(p, scope, ALL_SPANS),
  fetch: (p, scope) => byChunks(p.q, scope, (source) => differencesSql(p, scope, source)),
});

interface DifferencesParams extends Population {
  selected_from?: string | undefined;
  selected_to?: string | undefined;
  min_ms?: number | undefined;
  max_ms?: number | undefined;
  status?: string | undefined;
}

const LOOKED_AT = `s.started_at, s.duration_ms, s.service, s.operation, s.status, s.kind, s.job_id, s.model_id, s.region, s.error_type, s.metadata, s.resource_id`;

function differencesSql(p: DifferencesParams, scope: Scope, source: Source): SqlCall {
  const bind = new Bindings();
  const where = populationSql(p, scope, bind);
  const few = source !== ALL_SPANS;
  // Spans of a few chunks are read once; all that there are would not fit into memory.
  const [population, from, fits] = few
    ? [`population as materialized (select ${LOOKED_AT} from ${source(bind)} s where ${where}), `, 'population', 'true']
    : ['', 'beacon.trace_spans', where];
  const selected = [
    ...(p.selected_from ? [`s.started_at >= ${bind.add(p.selected_from, 'timestamptz')}`] : []),
    ...(p.selected_to ? [`s.started_at < ${bind.add(p.selected_to, 'timestamptz')}`] : []),
    ...(p.min_ms === undefined ? [] : [`coalesce(s.duration_ms >= ${bind.add(p.min_ms, 'double precision')}, false)`]),
    ...(p.max_ms === undefined ? [] : [`coalesce(s.duration_ms < ${bind.add(p.max_ms, 'double precision')}, false)`]),
    ...(p.status === undefined
      ? []
      : [p.status === 'error' ? `s.status ${FAILED}` : `s.status = ${bind.add(p.status, 'text')}`]),
  ];
  const chosen = selected.join(' and ') || 'true';
  return {
    text: `
      with ${population}totals as materialized (
        select count(*) filter (where ${chosen}) as selected, count(*) filter (where not (${chosen})) as rest
        from ${from} s where ${fits}
      ), wanted as materialized (
        -- What hardly any of the selected has sets nothing apart: ids of single spans stay out.
        select a.key, a.value, count(*) as selected
        from ${from} s, jsonb_each_text(s.metadata) a
        where ${fits} and ${chosen}
        group by a.key, a.value
        having count(*) * 50 >= (select t.selected from totals t)
      ), keys as materialized (
        select w.key from wanted w group by w.key
      ), others as (
        select k.key, s.metadata ->> k.key as value, count(*) as rest
        from ${from} s cross join keys k
        where ${fits} and not (${chosen}) and s.metadata ? k.key
        group by 1, 2
      ), columns as (
        select c.key, c.value, coalesce(sum(x.spans) filter (where x.selected), 0) as selected, coalesce(sum(x.spans) filter (where not x.selected), 0) as rest
        from (
          select ${chosen} as selected, s.service, s.operation, s.status, s.kind, s.job_id, s.model_id, s.region, s.error_type, count(*) as spans
          from ${from} s where ${fits}
          group by 1, 2, 3, 4, 5, 6, 7, 8, 9) x
        cross join lateral (values ('service', x.service), ('operation', x.operation), ('status', x.status), ('kind', x.kind), ('job', x.job_id),
          ('model', x.model_id), ('region', x.region), ('error', x.error_type)) c (key, value)
        where c.value is not null
        group by 1, 2
      ), resources as (
        select 'resource.' || a.key as key, a.value, coalesce(sum(x.spans) filter (where x.selected), 0) as selected,
          coalesce(sum(x.spans) filter (where not x.selected), 0) as rest
        from (select s.resource_id, ${chosen} as selected, count(*) as spans from ${from} s where ${fits} group by 1, 2) x
        join beacon.trace_resources r on r.resource_id = x.resource_id
        cross join lateral jsonb_each_text(r.attributes) a
        group by 1, 2
      ), each as (
        select w.key, w.value, w.selected, coalesce(o.rest, 0) as rest
        from wanted w left join others o on o.key = w.key and o.value = w.value
        union all
        select r.key, r.value, r.selected, r.rest from resources r where r.selected * 50 >= (select t.selected from totals t)
        union all
        select n.key, n.value, n.selected, n.rest from columns n where n.selected * 50 >= (select t.selected from totals t)
      )
      select e.key, left(e.value, 500) as value, e.selected::bigint, t.selected as selected_total, e.rest::bigint, t.rest as rest_total,
        round(100.0 * e.selected / t.selected, 2)::double precision as selected_pct,
        round(100.0 * e.rest / greatest(t.rest, 1), 2)::double precision as rest_pct,
        round(100.0 * e.selected / t.selected - 100.0 * e.rest / greatest(t.rest, 1), 2)::double precision as difference
      from each e cross join totals t
      where e.selected > 0
      order by abs(100.0 * e.selected / t.selected - 100.0 * e.rest / greatest(t.rest, 1)) desc, e.key, e.value`,
    values: bind.values,
  };
}

export const series = defineQuery({
  name: 'series',
  doc: 'Calls, errors and durations over time, of everything, of a service, or of an operation.',
  params: {
    q: filterParam,
    service: service.optional(),
    operation: z.string().min(1).optional().describe('Name of the span.'),
    columns,
  },
  row: z.object({
    at: c.time('Begin of the column.'),
    service: c.textOrNull('Service asked for; null when none was.'),
    operation: c.textOrNull('Operation asked for; null when none was.'),
    calls: c.count('Spans that began in it.'),
    errors: c.count('How many of them failed, timed out or were lost.'),
    p50_ms: c.numberOrNull('Median duration, milliseconds.'),
    p95_ms: c.numberOrNull('95th percentile, milliseconds.'),
    p99_ms: c.numberOrNull('99th percentile, milliseconds.'),
  }),
  range: { default: '24h' },
  limit: { default: 1000, max: 1000 },
  terms: ({ q = [], service, operation }) => [...equals({ service, operation }), ...q],
  sql: (p, scope) => seriesSql(p, scope, ALL_SPANS),
  fetch: (p, scope) => byChunks(p.q, scope, (source) => seriesSql(p, scope, source)),
});

interface SeriesParams {
  q?: Term[] | undefined;
  service?: string | undefined;
  operation?: string | undefined;
  columns: number;
}

function seriesSql(p: SeriesParams, scope: Scope, source: Source): SqlCall {
  const [from, to] = ends(scope);
  const bind = new Bindings([from, to, p.service, p.operation]);
  const step = stepSql(scope, p.columns, bind);
  const counted = p.q?.length
    ? `select date_bin(${step}, s.started_at, '2000-01-01 00:00:00+00') as at, ${bucketSql('s.duration_ms')} as bucket,
          count(*) as calls, count(*) filter (where s.status ${FAILED}) as errors
        from ${source(bind)} s
        where s.started_at >= $1::timestamptz and s.started_at < $2::timestamptz
          and ($3::text is null or s.service = $3) and ($4::text is null or s.operation = $4)
          and ${filterSql(p.q, bind)}
        group by 1, 2`
    : `select n.at, n.counts[i][1] as bucket, sum(n.counts[i][2]) as calls, sum(n.counts[i][3]) as errors
        from beacon.span_counts($1::timestamptz, $2::timestamptz, ${step}, $3::text, $4::text,
          ${p.operation !== undefined ? 0 : p.service !== undefined ? 1 : 2}) n
        cross join lateral generate_subscripts(n.counts, 1) i
        group by 1, 2`;
  return {
    text: `
      with counted as materialized (
        ${counted}
      ), each as (
        select n.at, sum(n.calls)::bigint as calls, sum(n.errors)::bigint as errors,
          beacon.bucket_percentiles(array_agg(n.bucket order by n.bucket), array_agg(n.calls order by n.bucket),
            '{0.5,0.95,0.99}') as usual
        from counted n group by n.at
      )
      select e.at, $3::text as service, $4::text as operation, e.calls, e.errors,
        e.usual[1] as p50_ms, e.usual[2] as p95_ms, e.usual[3] as p99_ms
      from each e
      order by e.at`,
    values: bind.values,
  };
}
