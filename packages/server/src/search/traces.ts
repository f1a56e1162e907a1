// How a filtered search is made fast: the newest traces first, then only the chunks of spans in which the filter can hold.
import type pg from 'pg';
import { type Chunk, chunksFor, groupsOf, sortable, spansOf } from '../filter/chunk-index.ts';
import type { Term } from '../filter/parse.ts';
import { Bindings, filterSql } from '../filter/sql.ts';
import type { Scope } from '../queries/query.ts';
import { within } from '../queries/range.ts';
import type { Row } from '../store/values.ts';
import { rowValues, VALUE_TYPES } from '../store/values.ts';
import { orderSql, pageSql, rowSql, type SearchParams } from './traces-sql.ts';

const NEWEST = 300;
const FEW_CHUNKS = 6;

interface Found {
  rows: Row[];
  /** Start of the time that was not searched any more, where the time to search was up. */
  stoppedAt: string | null;
}

/** Rows of the answer, one more than the limit where there are more. */
export async function searchTraces(
  client: pg.PoolClient,
  p: SearchParams & { q: Term[] },
  scope: Scope,
  untilMs: number,
): Promise<Found> {
  const chunks = await chunksFor(client, p.q, scope.from);
  if (p.order === 'newest' && chunks.length > FEW_CHUNKS) {
    const rows = await amongNewest(client, p, scope);
    if (rows) return { rows, stoppedAt: null };
  }
  const traces = new Set<string>();
  let rows: Row[] = [];
  for (const { group, rest } of groupsOf(chunks)) {
    const found = await tracesIn(client, group, p.q, scope);
    const more = found.filter((id) => !traces.has(id));
    for (const id of more) traces.add(id);
    // What the chunks not looked at yet may hold began no later than this; a trace newer than that has its place.
    const newestLeft = rest.reduce(
      (max, chunk) => (sortable(chunk.started_max) > sortable(max) ? chunk.started_max : max),
      '',
    );
    if (more.length > 0) rows = await summaries(client, p, scope, [...traces]);
    if (p.order === 'newest' && rows.length > scope.limit && sortable(rows[scope.limit]?._0) > sortable(newestLeft))
      break;
    if (rest.length > 0 && Date.now() > untilMs) {
      return {
        rows: rows.filter((row) => p.order !== 'newest' || sortable(row._0) > sortable(newestLeft)),
        stoppedAt: newestLeft,
      };
    }
  }
  return { rows, stoppedAt: null };
}

/** The page, if the newest traces fill it; undefined where one has to look further. */
async function amongNewest(
  client: pg.PoolClient,
  p: SearchParams & { q: Term[] },
  scope: Scope,
): Promise<Row[] | undefined> {
  const bind = new Bindings();
  const newest = pageSql(p, scope, 'true', NEWEST, bind);
  const { columns, join } = rowSql(p.q, p.order, bind);
  const found = await client.query({
    text: `
with ${newest}, fitting as materialized (
  select s.trace_id
  from beacon.trace_spans s
  where s.trace_id = any(array(select n.trace_id from page n)) and s.started_at >= (select min(n.started_at) from page n)
    and ${filterSql(p.q, bind)}
  group by s.trace_id
), shown as materialized (
  select t.* from page t where t.trace_id in (select f.trace_id from fitting f)
  order by ${orderSql(p.order)} limit ${bind.add(scope.limit + 1, 'bigint')}
)
select ${columns}, (select count(*) from page)::integer as _seen
from shown t
${join}
order by ${orderSql(p.order)}`,
    values: bind.values,
    types: VALUE_TYPES,
  });
  const rows = found.rows.map((row) => rowValues(row, found.fields));
  return rows.length > scope.limit || (rows.length > 0 && Number(rows[0]?._seen) < NEWEST) ? rows : undefined;
}

async function tracesIn(client: pg.PoolClient, chunks: Chunk[], q: Term[], scope: Scope): Promise<string[]> {
  const bind = new Bindings();
  const { rows } = await client.query(
    `select distinct s.trace_id from ${spansOf(chunks, bind)} s
    where ${within('s.started_at', { from: scope.from, to: null }, bind)} and ${filterSql(q, bind)}`,
    bind.values,
  );
  return rows.map((row) => row.trace_id);
}

async function summaries(
  client: pg.PoolClient,
  p: SearchParams & { q: Term[] },
  scope: Scope,
  traces: string[],
): Promise<Row[]> {
  const bind = new Bindings();
  const page = pageSql(p, scope, `t.trace_id = any(${bind.add(traces, 'uuid[]')})`, scope.limit + 1, bind);
  const { columns, join } = rowSql(p.q, p.order, bind);
  const found = await client.query({
    text: `with ${page}\nselect ${columns}\nfrom page t\n${join}\norder by ${orderSql(p.order)}`,
    values: bind.values,
    types: VALUE_TYPES,
  });
  return found.rows.map((row) => rowValues(row, found.fields));
}
