// Search for traces by what their spans say. Everything here answers the same question; which way is taken depends on how
// much the filter tells.
import { z } from 'zod';
import { type Known, signatureSql } from '../filter/hashes.ts';
import { durationMs, type Term } from '../filter/parse.ts';
import { Bindings, filterSql } from '../filter/sql.ts';
import { executionSql } from '../queries/columns.ts';
import type { Scope } from '../queries/query.ts';
import { within } from '../queries/range.ts';
import type { SqlCall } from '../store/values.ts';

export interface SearchParams {
  q?: Term[] | undefined;
  service?: string | undefined;
  status?: string | undefined;
  job_id?: string | undefined;
  execution_id?: string | undefined;
  order: 'newest' | 'slowest' | 'errors';
}

const DURATION = 'coalesce(extract(epoch from t.completed_at - t.started_at)::double precision * 1000, -1)';

/** Sort key of each order; the last column makes it total. All descend. */
const KEYS: Record<SearchParams['order'], Array<{ sql: string; type: string }>> = {
  newest: [
    { sql: 't.key', type: 'timestamptz' },
    { sql: 't.trace_id', type: 'uuid' },
  ],
  slowest: [
    { sql: DURATION, type: 'double precision' },
    { sql: 't.started_at', type: 'timestamptz' },
    { sql: 't.trace_id', type: 'uuid' },
  ],
  errors: [
    { sql: 't.error_count', type: 'integer' },
    { sql: 't.started_at', type: 'timestamptz' },
    { sql: 't.trace_id', type: 'uuid' },
  ],
};

const NUMBERS = new Set(['double precision', 'integer']);

export function orderSql(order: SearchParams['order']): string {
  return KEYS[order].map(({ sql }) => `${sql} desc`).join(', ');
}

/** What a summary must be like, the time and the filter aside. */
export function traceConditions(p: SearchParams, distributed: boolean, bind: Bindings): string[] {
  const conditions: string[] = [];
  if (p.job_id !== undefined) conditions.push(`t.job_id = ${bind.add(p.job_id, 'text')}`);
  if (p.execution_id !== undefined) {
    const key = bind.add(p.execution_id, 'text');
    conditions.push(`t.trace_id = any(array(select x.trace_id from beacon.execution_traces(${key}) x))`);
  }
  if (p.service !== undefined) conditions.push(`${bind.add(p.service, 'text')} = any(t.services)`);
  const status = statusCondition(p.status, distributed);
  return [...conditions, ...(status ? [status] : [])];
}

/** What the summary of a trace says when a span of it fits the term: most traces need not be looked into then. */
function hintOf(term: Term, bind: Bindings): string | undefined {
  if (term.kind !== 'compare' || !('column' in term.key)) return undefined;
  const { operator, value, key } = term;
  if (key.column === 'service' && operator === '=') return `${bind.add(value, 'text')} = any(t.services)`;
  if (key.column === 'status' && operator === '=') {
    if (['failed', 'timeout', 'lost'].includes(value)) return 't.error_count > 0';
    return value === 'started' ? 't.open_count > 0' : undefined;
  }
  if (key.column === 'duration' && (operator === '>' || operator === '>=')) {
    // Summaries have microseconds, and say nothing of spans whose end is earlier than their start.
    const ms = bind.add(Math.max(0, Number(durationMs(value)) - 0.01), 'double precision');
    return `(extract(epoch from t.completed_at - t.started_at) * 1000)::double precision >= ${ms}`;
  }
  return undefined;
}

/** Condition on a span `s` that it ran in the time asked about; an open one counts as of its start. */
export function inTime({ from, to }: { from: string | null; to: string | null }, bind: Bindings): string {
  const since = from === null ? undefined : bind.add(from, 'timestamptz');
  const conditions = [
    ...(since ? [`(s.started_at >= ${since} or s.completed_at >= ${since})`] : []),
    ...(to === null ? [] : [`s.started_at < ${bind.add(to, 'timestamptz')}`]),
  ];
  return conditions.join(' and ') || 'true';
}

/** Starts of the spans of some summaries, ISO 8601: the planner leaves out the partitions of other days. */
export interface Bounds {
  since: string;
  until: string;
}

/** Has the stored spans of the summary `t`: where those are on other machines, a function asks for them, trace by trace. */
function storedOf(distributed: boolean): string {
  return distributed
    ? "beacon.stored_spans(t.trace_id, t.started_at, coalesce(t.active_to, 'infinity'))"
    : 'beacon.trace_spans';
}

/** Condition on a span `s` that it is one of the summary `t`. */
function ofTrace(bounds: Bounds | null, bind: Bindings): string {
  const within = bounds
    ? ` and s.started_at between ${bind.add(bounds.since, 'timestamptz')} and ${bind.add(bounds.until, 'timestamptz')}`
    : '';
  return `s.trace_id = t.trace_id and s.started_at between t.started_at and coalesce(t.active_to, 'infinity')${within}`;
}

/**
 * A condition on the summary `t`: that a span of it fits the filter. Asked trace by trace, in the order of the page, so that
 * nothing beyond the page is read.
 */
export function hasFitting(q: readonly Term[], known: Known, scope: Scope, bounds: Bounds, bind: Bindings): string {
  const hints = [...q.flatMap((term) => hintOf(term, bind) ?? []), ...signatureSql(q, known, bind)];
  return `${hints.map((hint) => `${hint}\n    and `).join('')}(select true from ${storedOf(scope.distributed)} s
    where ${ofTrace(bounds, bind)}
      and ${inTime(scope, bind)} and ${filterSql(q, bind)} limit 1)`;
}

function statusCondition(status: string | undefined, distributed: boolean): string | undefined {
  const some = (of: string) => `t.error_count > 0 and (exists (select 1 from ${storedOf(distributed)} e
      where e.trace_id = t.trace_id and e.status = '${of}' and e.started_at >= t.started_at)
    or exists (select 1 from beacon.archived_spans(array[t.trace_id], t.started_at) a where a.status = '${of}'))`;
  switch (status) {
    case 'failed':
      return 't.error_count > 0';
    case 'started':
      return 't.open_count > 0';
    case 'completed':
      return 't.error_count = 0 and t.open_count = 0';
    case 'timeout':
    case 'lost':
      return some(status);
    default:
      return undefined;
  }
}

/**
 * Common table expressions of which the last, `page`, holds the summaries of a page, in order, at most so many; `more` is
 * a further condition on a summary `t`.
 *
 * A trace is listed under its start, and belongs to a time when a span of it does: traces that began earlier, and went on,
 * are looked for among those of the minute before and those that took longer than a minute.
 *
 * After the first page a trace that has changed since is judged by where it was listed then, so that one that has moved
 * is listed neither twice nor never; new ones stay out. In the other orders, where that is not known, those that have
 * changed stay out.
 *
 * @param newestOnly Only those that began in the time.
 */
export function pageSql(
  p: SearchParams,
  scope: Scope,
  more: string,
  max: number,
  bind: Bindings,
  newestOnly = false,
): string {
  const { after, firstPageAt, from } = scope;
  const limit = bind.add(max, 'bigint');
  const conditions = [...traceConditions(p, scope.distributed, bind), more];
  const values = after === null ? null : keyOf(p.order, after, bind);
  const then = after === null ? null : bind.add(firstPageAt, 'timestamptz');
  const begun = (key: string) => within(key, scope, bind);
  const earlier = (key: string) =>
    `${key} < ${bind.add(from, 'timestamptz')} and t.trace_id in (select e.trace_id from earlier e)`;
  const withEarlier = from !== null && !newestOnly;
  const lead = withEarlier ? `${earlierSql(scope, bind)}, ` : '';
  if (p.order !== 'newest') {
    const place = withEarlier ? `(${begun('t.started_at')} or ${earlier('t.started_at')})` : begun('t.started_at');
    const behind = values
      ? [`(${KEYS[p.order].map(({ sql }) => sql).join(', ')}) < ${values}`, `t.updated_at <= ${then}`]
      : [];
    return `${lead}page as materialized (
  select t.*, t.started_at as key from beacon.traces t
  where ${[place, ...behind, ...conditions].join('\n    and ')}
  order by ${orderSql(p.order)} limit ${limit}
)`;
  }
  const unchanged = values
    ? [`(t.started_at, t.trace_id) < ${values}`, 't.trace_id not in (select c.trace_id from changed c)']
    : [];
  const branch = (place: string) => `(
    select t.*, t.started_at as key from beacon.traces t
    where ${[place, ...unchanged, ...conditions].join('\n      and ')}
    order by t.started_at desc, t.trace_id desc limit ${limit}
  )`;
  const moved = (place: string) => `(
    select t.*, o.was as key from moved o join beacon.traces t on t.trace_id = o.trace_id
    where ${[place, `(o.was, t.trace_id) < ${values}`, ...conditions].join('\n      and ')}
  )`;
  const branches = [
    branch(begun('t.started_at')),
    ...(withEarlier ? [branch(earlier('t.started_at'))] : []),
    ...(values ? [moved(withEarlier ? `(${begun('o.was')} or ${earlier('o.was')})` : begun('o.was'))] : []),
  ];
  const changes = values
    ? `changed as materialized (
  select s.trace_id from beacon.trace_spans s where s.created_at > ${then} group by s.trace_id
), moved as materialized (
  select o.trace_id, min(o.started_at) as was from beacon.trace_spans o
  where o.trace_id in (select c.trace_id from changed c) and o.created_at <= ${then}
  group by o.trace_id
), `
    : '';
  return `${lead}${changes}page as materialized (
  select t.* from (${branches.join(' union all ')}) t
  order by t.key desc, t.trace_id desc limit ${limit}
)`;
}

/** Traces that began before the time and were still going on in it. */
function earlierSql(scope: Scope, bind: Bindings): string {
  const from = bind.add(scope.from, 'timestamptz');
  return `earlier as materialized (
  select t.trace_id
  from (
    select n.trace_id, n.started_at, n.active_to from beacon.traces n
    where n.started_at >= ${from} - interval '1 minute' and n.started_at < ${from}
    union
    select l.trace_id, l.started_at, l.active_to from beacon.long_traces l where l.active_to >= ${from} and l.started_at < ${from}
  ) t
  where (select true from ${storedOf(scope.distributed)} s
      where s.trace_id = t.trace_id and s.started_at >= t.started_at and ${inTime(scope, bind)} limit 1)
    or exists (select 1 from beacon.archived_spans(array[t.trace_id], t.started_at) s where ${inTime(scope, bind)})
)`;
}

function keyOf(order: SearchParams['order'], after: unknown[], bind: Bindings): string {
  const keys = KEYS[order];
  const fits =
    after.length === keys.length && keys.every(({ type }, i) => (typeof after[i] === 'number') === NUMBERS.has(type));
  if (!fits) {
    const message = 'is the cursor of a question in another order';
    throw new z.ZodError([{ code: 'custom', path: ['after'], message, input: after }]);
  }
  return `(${keys.map(({ type }, i) => bind.add(after[i], type)).join(', ')})`;
}

/** A row of the answer from the summary `t`; `matched` counts the spans that fit. */
export function rowSql(
  q: Term[] | undefined,
  order: SearchParams['order'],
  distributed: boolean,
  bind: Bindings,
  bounds: Bounds | null = null,
): { columns: string; join: string } {
  const matched = q?.length ? `(count(*) filter (where ${filterSql(q, bind)}))::integer` : 'null::integer';
  return {
    columns: `t.trace_id, t.root_service, t.root_operation, array(select distinct x from unnest(t.services) x order by x) as services,
    case when t.error_count > 0 then 'failed' when t.open_count > 0 then 'started' else 'completed' end as status,
    t.span_count, t.error_count, t.open_count, t.started_at, t.completed_at,
    extract(epoch from t.completed_at - t.started_at)::double precision * 1000 as duration_ms,
    ${executionSql('t.execution_id')} as execution_id, t.job_id, m.model_id, m.region, m.matched_spans${KEYS[order].map(({ sql }, i) => `, ${sql} as _${i}`).join('')}`,
    join: `cross join lateral (
    select min(s.model_id) as model_id, min(s.region) as region, ${matched} as matched_spans
    from (
      select s.* from ${storedOf(distributed)} s where ${ofTrace(bounds, bind)}
      union all
      select a.* from beacon.archived_spans(array[t.trace_id], t.started_at, coalesce(t.active_to, 'infinity')) a
    ) s
  ) m`,
  };
}

/** The question as one statement: right whatever the filter is, and as slow as the time asked about is long. */
export function plainSearch(p: SearchParams, scope: Scope): SqlCall {
  const bind = new Bindings();
  const matching = p.q?.length ? `${inTime(scope, bind)}\n  and ${filterSql(p.q, bind)}` : undefined;
  const stored = `stored as materialized (select distinct s.trace_id from beacon.trace_spans s where ${matching})`;
  const fits = matching
    ? `t.trace_id in (
    select x.trace_id from stored x
    union all
    select s.trace_id from beacon.archived_between(coalesce(${bind.add(scope.from, 'timestamptz')}, '-infinity'),
      coalesce(${bind.add(scope.to, 'timestamptz')}, 'infinity')) s
    where ${matching})`
    : 'true';
  const page = pageSql(p, scope, fits, scope.limit + 1, bind);
  const { columns, join } = rowSql(p.q, p.order, scope.distributed, bind);
  return {
    text: `\nwith ${matching ? `${stored}, ` : ''}${page}\nselect ${columns}\nfrom page t\n${join}\norder by ${orderSql(p.order)}`,
    values: bind.values,
  };
}
