// How a filtered search is made fast: the newest traces first, then only the chunks of spans in which the filter can hold.
import type pg from 'pg';
import type { Term } from './filter.ts';
import { type AttributeTerm, Bindings, filterSql, literalsOf, resourceSql } from './filter-sql.ts';
import type { Row, Scope } from './operation.ts';
import { orderSql, pageSql, rowSql, type SearchParams } from './search-sql.ts';
import { SHAPES, shapeRow } from './shape.ts';

const NEWEST = 300;
const FEW_CHUNKS = 6;
const FIRST_GROUP = 8;
const LARGEST_GROUP = 64;
/** A term that fits more resources than this tells too little to choose chunks by. */
const MOST_RESOURCES = 100;

interface Chunk {
  created_from: string;
  created_to: string;
  started_min: string;
  started_max: string;
}

interface Found {
  rows: Row[];
  /** Start of the time that was not searched any more, where the time to search was up. */
  stoppedAt: string | null;
}

/** Rows of the answer, one more than the limit where there are more. */
export async function searchSpans(
  client: pg.PoolClient,
  p: SearchParams & { q: Term[] },
  scope: Scope,
  untilMs: number,
): Promise<Found> {
  const chunks = await chunksFor(client, p.q, scope);
  if (p.order === 'newest' && chunks.length > FEW_CHUNKS) {
    const rows = await amongNewest(client, p, scope);
    if (rows) return { rows, stoppedAt: null };
  }
  const traces = new Set<string>();
  let rows: Row[] = [];
  for (let at = 0, size = FIRST_GROUP; at < chunks.length; at += size, size = Math.min(LARGEST_GROUP, 2 * size)) {
    const found = await tracesIn(client, chunks.slice(at, at + size), p.q, scope);
    const more = found.filter((id) => !traces.has(id));
    for (const id of more) traces.add(id);
    // What the chunks not looked at yet may hold began no later than this; a trace newer than that has its place.
    const rest = chunks.slice(at + size);
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
    types: SHAPES,
  });
  const rows = found.rows.map((row) => shapeRow(row, found.fields));
  return rows.length > scope.limit || (rows.length > 0 && Number(rows[0]?._seen) < NEWEST) ? rows : undefined;
}

async function chunksFor(client: pg.PoolClient, q: Term[], scope: Scope): Promise<Chunk[]> {
  // An index knows these spans, whenever they were stored.
  if (q.some(isIndexed))
    return [{ created_from: '-infinity', created_to: 'infinity', started_min: '-infinity', started_max: 'infinity' }];
  const bind = new Bindings();
  const hashes: string[] = [];
  for (const [term, each] of q.entries()) {
    const sql = await hashesOf(client, each, bind);
    if (sql) hashes.push(...sql.map((hash) => `(${hash}, ${term})`));
  }
  const wanted = hashes.length
    ? `(select array_agg(h.hash), array_agg(h.term) from (values ${hashes.join(', ')}) h (hash, term))`
    : `(select '{}'::bigint[], '{}'::integer[])`;
  const found = await client.query({
    text: `select c.* from ${wanted} w (hashes, terms)
      cross join lateral beacon.chunks_with(w.hashes, w.terms, ${bind.add(scope.from ?? '-infinity', 'timestamptz')}) c`,
    values: bind.values,
    types: SHAPES,
  });
  return found.rows as Chunk[];
}

function isIndexed(term: Term): boolean {
  return (
    term.kind === 'compare' &&
    term.operator === '=' &&
    'column' in term.key &&
    ['trace', 'execution', 'job'].includes(term.key.column)
  );
}

/** Expressions of the hashes of which one is printed where the term holds; undefined where a term does not tell. */
async function hashesOf(client: pg.PoolClient, term: Term, bind: Bindings): Promise<string[] | undefined> {
  if (term.kind === 'word' || (term.kind === 'has' && term.negated)) return undefined;
  if ('column' in term.key) return columnHashes(term.key.column, term, bind);
  const { attribute, place } = term.key;
  const own: string[] = [];
  if (place !== 'resource' && place !== 'scope') {
    const key = `hashtextextended(${bind.add(attribute, 'text')}, 0)`;
    if (term.kind === 'compare' && term.operator === '=') {
      const literals = literalsOf(term.value).map((literal) => bind.add(literal, 'jsonb'));
      own.push(...literals.map((literal) => `jsonb_hash_extended(${literal}, ${key})`));
    } else own.push(key);
  }
  const resources = await resourcesOf(client, term);
  if (!resources) return undefined;
  own.push(...resources.map((id) => `beacon.column_hash('resource', ${bind.add(id, 'text')})`));
  // No resource fits: nothing was printed for it, and so nothing is found.
  return own.length > 0 ? own : ['null::bigint'];
}

const PRINTED = new Set(['service', 'operation', 'kind', 'status', 'model', 'region', 'error']);

function columnHashes(column: string, term: AttributeTerm, bind: Bindings): string[] | undefined {
  if (term.kind !== 'compare' || term.operator !== '=' || !PRINTED.has(column)) return undefined;
  return [`beacon.column_hash('${column}', ${bind.add(term.value, 'text')})`];
}

async function resourcesOf(client: pg.PoolClient, term: AttributeTerm): Promise<string[] | undefined> {
  const bind = new Bindings();
  const condition = resourceSql(term, bind);
  if (condition === undefined) return [];
  const { rows } = await client.query(
    `select r.resource_id::text as id from beacon.trace_resources r where ${condition} limit ${MOST_RESOURCES + 1}`,
    bind.values,
  );
  return rows.length > MOST_RESOURCES ? undefined : rows.map((row) => row.id);
}

/** A branch a chunk: a join with a list of chunks would be planned as if they were most of the table. */
async function tracesIn(client: pg.PoolClient, chunks: Chunk[], q: Term[], scope: Scope): Promise<string[]> {
  const bind = new Bindings();
  const fits = filterSql(q, bind);
  const from = bind.add(scope.from ?? '-infinity', 'timestamptz');
  const branches = chunks.map((chunk) => {
    const time = (name: keyof Chunk) => bind.add(chunk[name], 'timestamptz');
    return `select s.trace_id from beacon.trace_spans s
      where s.created_at >= ${time('created_from')} and s.created_at < ${time('created_to')}
        and s.started_at >= ${time('started_min')} and s.started_at <= ${time('started_max')} and s.started_at >= ${from}
        and ${fits}`;
  });
  const { rows } = await client.query(
    `select distinct trace_id from (${branches.join(' union all ')}) found`,
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
    types: SHAPES,
  });
  return found.rows.map((row) => shapeRow(row, found.fields));
}

/** Times as texts of one length, so that they compare as times; microseconds and all. */
function sortable(time: unknown): string {
  const [whole = '', fraction = ''] = String(time).replace('Z', '').split('.');
  return `${whole}.${fraction.padEnd(6, '0')}`;
}
