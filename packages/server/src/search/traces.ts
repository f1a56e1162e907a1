// How a filtered search is made fast: the newest traces first, then only the chunks of spans in which the filter can hold.
import type pg from 'pg';
import { type Chunk, chunksFor, groupsOf, hasArchived, sortable, spansOf } from '../filter/chunk-index.ts';
import { knownOf } from '../filter/hashes.ts';
import type { Term } from '../filter/parse.ts';
import { Bindings, filterSql } from '../filter/sql.ts';
import type { Scope } from '../queries/query.ts';
import { within } from '../queries/range.ts';
import type { Row } from '../store/values.ts';
import { rowValues, VALUE_TYPES } from '../store/values.ts';
import { newestMatches } from './newest.ts';
import { type Bounds, hasFitting, inTime, orderSql, pageSql, rowSql, type SearchParams } from './traces-sql.ts';

/** Among so many of the newest traces a page is looked for before the chunks are. */
const NEWEST = 3_000;
/** And among so many before anything else: for what most traces have. */
const FIRST = 150;
/** Where the filter can hold in a smaller share of the spans than this, the chunks are looked at first. */
const RARE = 0.2;

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
  if (p.order === 'newest' && scope.after === null) {
    const { traces, stoppedAt } = await newestMatches(client, p, scope, untilMs);
    const ids = traces.map(({ trace_id }) => trace_id);
    return { rows: ids.length > 0 ? await summaries(client, p, scope, ids) : [], stoppedAt };
  }
  if (p.order === 'newest') {
    const rows = await amongNewest(client, p, scope, FIRST);
    if (rows) return { rows, stoppedAt: null };
  }
  let { chunks, share } = await chunksFor(client, p.q, scope, p.order === 'newest' ? RARE : 1);
  if (p.order === 'newest' && share > RARE) {
    const rows = await amongNewest(client, p, scope, NEWEST);
    if (rows) return { rows, stoppedAt: null };
    ({ chunks } = await chunksFor(client, p.q, scope));
  }
  const traces = new Set<string>();
  let rows: Row[] = [];
  for (const { group, rest } of groupsOf(chunks)) {
    const found = await tracesIn(client, group, p.q, scope);
    const more = found.filter((id) => !traces.has(id));
    for (const id of more) traces.add(id);
    // What the chunks not looked at yet may hold began no later than this; a trace newer than that has its place.
    const newestLeft = rest.reduce(
      (max, chunk) => (sortable(chunk.active_to) > sortable(max) ? chunk.active_to : max),
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
  max: number,
): Promise<Row[] | undefined> {
  const bounds = await boundsOfNewest(client, scope, max);
  // Of the archive whole chunks are read, and not trace by trace.
  if (bounds === undefined || (await hasArchived(client, { from: bounds.since, to: null }))) return undefined;
  const known = await knownOf(client, p.q);
  const bind = new Bindings([], known.unlogged);
  const fits = hasFitting(p.q, known, scope, bounds, bind);
  const page = pageSql(p, { ...scope, from: bounds.since }, fits, scope.limit + 1, bind, true);
  const rows = await pageOf(client, p, scope.distributed, page, bind, bounds);
  return rows.length > scope.limit ? rows : undefined;
}

/** Of the newest traces of the time, or of the page; undefined where there are none. */
async function boundsOfNewest(client: pg.PoolClient, scope: Scope, max: number): Promise<Bounds | undefined> {
  const bind = new Bindings();
  const from = scope.after === null ? scope : { ...scope, to: null };
  const behind = scope.after === null ? 'true' : `t.started_at <= ${bind.add(scope.after[0], 'timestamptz')}`;
  return boundsIn(
    client,
    `select t.started_at, t.active_to from beacon.traces t where ${within('t.started_at', from, bind)} and ${behind}
      order by t.started_at desc limit ${bind.add(max, 'bigint')}`,
    bind,
  );
}

/** @param summaries A statement that gives `started_at` and `active_to`. */
async function boundsIn(client: pg.PoolClient, summaries: string, bind: Bindings): Promise<Bounds | undefined> {
  const { rows } = await client.query({
    text: `select min(n.started_at) as since, max(coalesce(n.active_to, 'infinity')) as until from (${summaries}) n`,
    values: bind.values,
    types: VALUE_TYPES,
  });
  return rows[0].since === null ? undefined : rows[0];
}

async function pageOf(
  client: pg.PoolClient,
  p: SearchParams,
  distributed: boolean,
  page: string,
  bind: Bindings,
  bounds: Bounds,
): Promise<Row[]> {
  const { columns, join } = rowSql(p.q, p.order, distributed, bind, bounds);
  const found = await client.query({
    text: `with ${page}\nselect ${columns}\nfrom page t\n${join}\norder by ${orderSql(p.order)}`,
    values: bind.values,
    types: VALUE_TYPES,
  });
  return found.rows.map((row) => rowValues(row, found.fields));
}

async function tracesIn(client: pg.PoolClient, chunks: Chunk[], q: Term[], scope: Scope): Promise<string[]> {
  const bind = new Bindings();
  const { rows } = await client.query(
    `select distinct s.trace_id from ${spansOf(chunks, bind)} s
    where ${inTime(scope, bind)} and ${filterSql(q, bind)}`,
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
  const ids = new Bindings();
  const found = `select t.started_at, t.active_to from beacon.traces t where t.trace_id = any(${ids.add(traces, 'uuid[]')})`;
  const bounds = await boundsIn(client, found, ids);
  if (bounds === undefined) return [];
  const bind = new Bindings();
  // Each has a span that fits and ran in the time, however long ago the trace began.
  const scopeOfIds = { ...scope, from: null };
  const page = pageSql(p, scopeOfIds, `t.trace_id = any(${bind.add(traces, 'uuid[]')})`, scope.limit + 1, bind);
  return pageOf(client, p, scope.distributed, page, bind, bounds);
}
