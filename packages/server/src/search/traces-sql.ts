// Search for traces by what their spans say. Everything here answers the same question; which way is taken depends on how
// much the filter tells.
import { z } from 'zod';
import type { Term } from '../filter/parse.ts';
import { Bindings, filterSql } from '../filter/sql.ts';
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

/** What a summary must be like, the filter aside. `key` is the start it is listed under. */
function traceConditions(p: SearchParams, scope: Scope, key: string, bind: Bindings): string[] {
  const conditions = [within(key, scope, bind)];
  if (p.job_id !== undefined) conditions.push(`t.job_id = ${bind.add(p.job_id, 'text')}`);
  if (p.execution_id !== undefined) {
    const id = bind.add(p.execution_id, 'bigint');
    conditions.push(
      `t.trace_id = any(array(select x.trace_id from beacon.trace_executions x where x.execution_id = ${id}))`,
    );
  }
  if (p.service !== undefined) conditions.push(`${bind.add(p.service, 'text')} = any(t.services)`);
  const status = statusCondition(p.status);
  return status ? [...conditions, status] : conditions;
}

function statusCondition(status: string | undefined): string | undefined {
  const some = (of: string) => `t.error_count > 0 and exists (select from beacon.trace_spans e
    where e.trace_id = t.trace_id and e.status = '${of}' and e.started_at >= t.started_at)`;
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
 * After the first page a trace that has changed since is judged by where it was listed then, so that one that has moved
 * is listed neither twice nor never; new ones stay out. In the other orders, where that is not known, those that have
 * changed stay out.
 */
export function pageSql(p: SearchParams, scope: Scope, more: string, max: number, bind: Bindings): string {
  const limit = bind.add(max, 'bigint');
  const { after, firstPageAt } = scope;
  if (after === null) {
    const conditions = [...traceConditions(p, scope, 't.started_at', bind), more];
    return `page as materialized (
  select t.*, t.started_at as key from beacon.traces t
  where ${conditions.join('\n    and ')}
  order by ${orderSql(p.order).replaceAll('t.key', 't.started_at')} limit ${limit}
)`;
  }
  const keys = KEYS[p.order];
  const fits =
    after.length === keys.length && keys.every(({ type }, i) => (typeof after[i] === 'number') === NUMBERS.has(type));
  if (!fits) {
    const message = 'is the cursor of a question in another order';
    throw new z.ZodError([{ code: 'custom', path: ['after'], message, input: after }]);
  }
  const values = `(${keys.map(({ type }, i) => bind.add(after[i], type)).join(', ')})`;
  const then = bind.add(firstPageAt, 'timestamptz');
  if (p.order !== 'newest') {
    const behind = `(${keys.map(({ sql }) => sql).join(', ')}) < ${values}`;
    const conditions = [...traceConditions(p, scope, 't.started_at', bind), behind, `t.updated_at <= ${then}`, more];
    return `page as materialized (
  select t.*, t.started_at as key from beacon.traces t
  where ${conditions.join('\n    and ')}
  order by ${orderSql(p.order)} limit ${limit}
)`;
  }
  return `changed as materialized (
  select s.trace_id from beacon.trace_spans s where s.created_at > ${then} group by s.trace_id
), moved as materialized (
  select o.trace_id, min(o.started_at) as was from beacon.trace_spans o
  where o.trace_id in (select c.trace_id from changed c) and o.created_at <= ${then}
  group by o.trace_id
), page as materialized (
  select t.* from ((
    select t.*, t.started_at as key from beacon.traces t
    where ${traceConditions(p, scope, 't.started_at', bind).join('\n      and ')}
      and (t.started_at, t.trace_id) < ${values} and t.trace_id not in (select c.trace_id from changed c)
      and ${more}
    order by t.started_at desc, t.trace_id desc limit ${limit}
  ) union all (
    select t.*, o.was as key from moved o join beacon.traces t on t.trace_id = o.trace_id
    where ${traceConditions(p, scope, 'o.was', bind).join('\n      and ')}
      and (o.was, t.trace_id) < ${values}
      and ${more}
  )) t
  order by t.key desc, t.trace_id desc limit ${limit}
)`;
}

/** A row of the answer from the summary `t`; `matched` counts the spans that fit. */
export function rowSql(
  q: Term[] | undefined,
  order: SearchParams['order'],
  bind: Bindings,
): { columns: string; join: string } {
  const matched = q?.length ? `(count(*) filter (where ${filterSql(q, bind)}))::integer` : 'null::integer';
  return {
    columns: `t.trace_id, t.root_service, t.root_operation, array(select distinct x from unnest(t.services) x order by x) as services,
    case when t.error_count > 0 then 'failed' when t.open_count > 0 then 'started' else 'completed' end as status,
    t.span_count, t.error_count, t.open_count, t.started_at, t.completed_at,
    extract(epoch from t.completed_at - t.started_at)::double precision * 1000 as duration_ms,
    t.execution_id, t.job_id, m.model_id, m.region, m.matched_spans${KEYS[order].map(({ sql }, i) => `, ${sql} as _${i}`).join('')}`,
    join: `cross join lateral (
    select min(s.model_id) as model_id, min(s.region) as region, ${matched} as matched_spans
    from beacon.trace_spans s
    where s.trace_id = t.trace_id and s.started_at >= t.started_at
  ) m`,
  };
}

/** The question as one statement: right whatever the filter is, and as slow as the time asked about is long. */
export function plainSearch(p: SearchParams, scope: Scope): SqlCall {
  const bind = new Bindings();
  const fits = p.q?.length
    ? `t.trace_id in (select s.trace_id from beacon.trace_spans s where ${within('s.started_at', { from: scope.from, to: null }, bind)}\n  and ${filterSql(p.q, bind)})`
    : 'true';
  const page = pageSql(p, scope, fits, scope.limit + 1, bind);
  const { columns, join } = rowSql(p.q, p.order, bind);
  return {
    text: `\nwith ${page}\nselect ${columns}\nfrom page t\n${join}\norder by ${orderSql(p.order)}`,
    values: bind.values,
  };
}
