// Which chunks of spans a filter can hold in, by the chunk index.
import type pg from 'pg';
import { VALUE_TYPES } from '../store/values.ts';
import type { Term } from './parse.ts';
import { type AttributeTerm, Bindings, literalsOf, resourceSql } from './sql.ts';

/** A term that fits more resources than this tells too little to choose chunks by. */
const MAX_RESOURCES = 100;
/** More branches than this cost more to plan than they save. */
const MAX_BRANCHES = 1_000;
/** Where more of the spans than this would be read anyway, all of them are read in one go. */
const MAX_OF_ALL = 0.5;
const FIRST_GROUP = 8;
const LARGEST_GROUP = 64;

/** Times as ISO 8601, or `infinity` with its sign. */
export interface Chunk {
  created_from: string;
  created_to: string;
  started_min: string;
  started_max: string;
  /** Null for what has not been cut into chunks yet. */
  spans: number | null;
}

/** Where spans are read from: a table expression, without an alias, that has the columns of trace_spans. */
export type Source = (bind: Bindings) => string;

export const ALL_SPANS: Source = () => 'beacon.trace_spans';

const EVERYTHING: Chunk = {
  created_from: '-infinity',
  created_to: 'infinity',
  started_min: '-infinity',
  started_max: 'infinity',
  spans: null,
};

/**
 * Chunks that may have spans that fit, newest first; before them what has not been cut into chunks yet.
 *
 * @param from ISO 8601; spans that began earlier are not asked for.
 */
export async function chunksFor(client: pg.PoolClient, q: readonly Term[], from: string | null): Promise<Chunk[]> {
  // An index knows these spans, whenever they were stored.
  if (q.some(isIndexed)) return [EVERYTHING];
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
      cross join lateral beacon.chunks_with(w.hashes, w.terms, ${bind.add(from ?? '-infinity', 'timestamptz')}) c`,
    values: bind.values,
    types: VALUE_TYPES,
  });
  return found.rows as Chunk[];
}

/**
 * Spans of a stretch of time among which all that fit are: those of the chunks the filter can hold in, where these are
 * few, else all.
 */
export async function sourceFor(
  client: pg.PoolClient,
  q: readonly Term[],
  { from, to }: { from: string; to: string },
): Promise<Source> {
  if (q.some(isIndexed)) return ALL_SPANS;
  const chunks = (await chunksFor(client, q, from)).filter(
    (chunk) => chunk.spans === null || Date.parse(chunk.started_min) <= Date.parse(to),
  );
  const read = chunks.reduce((sum, { spans }) => sum + (spans ?? 0), 0);
  const { rows } = await client.query(
    `select coalesce(sum(c.spans), 0)::double precision as spans from beacon.span_chunks c where c.started_max >= $1 and c.started_min <= $2`,
    [from, to],
  );
  if (read > MAX_OF_ALL * rows[0].spans || neighbours(chunks).length > MAX_BRANCHES) return ALL_SPANS;
  return (bind) => spansOf(chunks, bind);
}

/** A branch a chunk: a join with a list of chunks would be planned as if they were most of the table. */
export function spansOf(chunks: Chunk[], bind: Bindings): string {
  const branches = neighbours(chunks).map((chunk) => {
    const time = (name: Exclude<keyof Chunk, 'spans'>) => bind.add(chunk[name], 'timestamptz');
    return `select * from beacon.trace_spans c where c.created_at >= ${time('created_from')} and c.created_at < ${time('created_to')}
      and c.started_at >= ${time('started_min')} and c.started_at <= ${time('started_max')}`;
  });
  return `(${branches.join(' union all ')})`;
}

/** Groups of chunks, in their order, ever larger ones, so that few statements lead through all; and what is left then. */
export function* groupsOf(chunks: Chunk[], first = FIRST_GROUP): Generator<{ group: Chunk[]; rest: Chunk[] }> {
  let rest = chunks;
  for (let size = first; rest.length > 0; size = size < FIRST_GROUP ? FIRST_GROUP : Math.min(LARGEST_GROUP, 2 * size)) {
    const group = rest.slice(0, size);
    rest = rest.slice(size);
    yield { group, rest };
  }
}

/** Chunks that follow each other as one. */
function neighbours(chunks: Chunk[]): Chunk[] {
  const joined: Chunk[] = [];
  for (const chunk of chunks) {
    const last = joined.at(-1);
    if (last?.spans == null || chunk.spans === null || last.created_from !== chunk.created_to) {
      joined.push({ ...chunk });
      continue;
    }
    last.created_from = chunk.created_from;
    last.spans += chunk.spans;
    if (sortable(chunk.started_min) < sortable(last.started_min)) last.started_min = chunk.started_min;
    if (sortable(chunk.started_max) > sortable(last.started_max)) last.started_max = chunk.started_max;
  }
  return joined;
}

/** Whether an index of the table knows the spans for which this holds. */
export function isIndexed(term: Term): boolean {
  return (
    term.kind === 'compare' &&
    term.operator === '=' &&
    'column' in term.key &&
    ['trace', 'execution', 'job'].includes(term.key.column)
  );
}

/** Expressions of the hashes of which one is in the index where the term holds; undefined where a term does not tell. */
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
  // No resource fits: nothing is indexed for it, and so nothing is found.
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
    `select r.resource_id::text as id from beacon.trace_resources r where ${condition} limit ${MAX_RESOURCES + 1}`,
    bind.values,
  );
  return rows.length > MAX_RESOURCES ? undefined : rows.map((row) => row.id);
}

/** Times as texts of one length, so that they compare as times; microseconds and all. */
export function sortable(time: unknown): string {
  const [whole = '', fraction = ''] = String(time).replace('Z', '').split('.');
  return `${whole}.${fraction.padEnd(6, '0')}`;
}
