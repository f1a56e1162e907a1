// Which chunks of spans a filter can hold in, by the chunk index.
import type pg from 'pg';
import { VALUE_TYPES } from '../store/values.ts';
import type { Term } from './parse.ts';
import { type AttributeTerm, Bindings, literalsOf, logArguments, resourceSql } from './sql.ts';

/** A term that fits more resources than this tells too little to choose chunks by. */
const MAX_RESOURCES = 100;
/** More branches than this cost more to plan than they save. */
const MAX_BRANCHES = 1_000;
/** Where more of the spans than this would be read anyway, all of them are read in one go. */
const MAX_OF_ALL = 0.5;
const FIRST_GROUP = 8;
const LARGEST_GROUP = 64;

/** Times as ISO 8601, or `infinity` with its sign; each is the first or last that is meant. */
export interface Chunk {
  created_from: string;
  created_to: string;
  started_from: string;
  /** Latest start or end. */
  active_to: string;
  spans: number;
  /** Which chunks of the archive its spans are in, too. */
  archived?: number[];
  /** Which spans of the archive are read, as `beacon.unpack_spans` takes it: others do not fit. */
  narrowed?: { traces: string[] | null; filters: Narrowing[] };
}

interface Narrowing {
  kind: 'a' | 'c';
  name: string;
  values: unknown[];
}

/** Where spans are read from: a table expression, without an alias, that has the columns of trace_spans. */
export type Source = (bind: Bindings) => string;

export const ALL_SPANS: Source = () => 'beacon.trace_spans';

const EVERYTHING: Chunk = {
  created_from: '-infinity',
  created_to: 'infinity',
  started_from: '-infinity',
  active_to: 'infinity',
  spans: 0,
};

export interface Found {
  /** Those that may have spans that fit, the last stored first; none overlaps another. */
  chunks: Chunk[];
  /** Share of the spans of that time that they have. */
  share: number;
}

/**
 * Chunks that may have spans that fit.
 *
 * @param time ISO 8601, null where it is open; other spans are not asked for.
 * @param maxShare Where they have a larger share of the spans, the chunks themselves are not read.
 */
export async function chunksFor(
  client: pg.ClientBase,
  q: readonly Term[],
  { from, to }: { from: string | null; to: string | null },
  maxShare = 1,
): Promise<Found> {
  // An index knows these spans, whenever they were stored.
  if (q.some(isIndexed))
    return { chunks: [{ ...EVERYTHING, ...(await archivedFor(client, q, { from, to })) }], share: 0 };
  const bind = new Bindings();
  const hashes: string[] = [];
  // Attributes first: they leave fewer chunks than columns do.
  const ordered = q.toSorted((a, b) => Number(isOfColumn(a)) - Number(isOfColumn(b)));
  for (const [term, each] of ordered.entries()) {
    const sql = await hashesOf(client, each, bind);
    if (sql) hashes.push(...sql.map((hash) => `(${hash}, ${term})`));
  }
  const wanted = hashes.length
    ? `(select array_agg(h.hash), array_agg(h.term) from (values ${hashes.join(', ')}) h (hash, term))`
    : `(select '{}'::bigint[], '{}'::integer[])`;
  const since = bind.add(from ?? '-infinity', 'timestamptz');
  const until = bind.add(to ?? 'infinity', 'timestamptz');
  const logged = q.filter(mayBeLogged).map(
    (term) => `
        union all
        select l.*, true from beacon.logged_chunks(${logArguments(term, term.key.attribute, bind)}, ${since}, ${until}) l`,
  );
  const { rows } = await client.query({
    text: `with found as materialized (
        select c.*, false as logged from ${wanted} w (hashes, terms) cross join lateral beacon.chunks_with(w.hashes, w.terms, ${since}, ${until}) c
        ${logged.join('')}
      ), shares as materialized (
        select least(1, coalesce((select sum(f.spans) from found f), 0)::double precision / greatest(1, sum(x.spans))) as share
        from beacon.span_chunks x where x.active_to >= ${since} and x.started_from < ${until}
      )
      select coalesce(s.share, 0) as share, f.* from shares s left join found f on s.share <= ${bind.add(maxShare, 'double precision')}`,
    values: bind.values,
    types: VALUE_TYPES,
  });
  const narrowed = {
    traces: null,
    filters: await narrowingOf(
      client,
      q,
      rows.some(({ logged }) => logged),
    ),
  };
  const chunks = rows
    .filter(({ created_from }) => created_from !== null)
    .map(
      ({ share: _, logged: __, archived, ...chunk }): Chunk =>
        archived === null ? chunk : { ...chunk, archived: [archived], narrowed },
    );
  return { chunks: apart(chunks), share: rows[0].share };
}

/** The same for terms that an index of the table knows: what the archive has of them. */
async function archivedFor(
  client: pg.ClientBase,
  q: readonly Term[],
  time: { from: string | null; to: string | null },
) {
  const bind = new Bindings();
  const known = q.flatMap((term) =>
    isIndexed(term) && term.kind === 'compare' && 'column' in term.key ? [[term.key.column, term.value] as const] : [],
  );
  const hashes = known.map(([column, value], n) => {
    const text = bind.add(value, 'text');
    const as =
      column === 'trace' ? `${text}::uuid::text` : column === 'execution' ? `beacon.execution_text(${text})` : text;
    return `(beacon.column_hash('${column}', ${as}), ${n})`;
  });
  const { rows } = await client.query(
    `select beacon.archived_with(array_agg(h.hash), array_agg(h.term), ${bind.add(time.from ?? '-infinity', 'timestamptz')},
      ${bind.add(time.to ?? 'infinity', 'timestamptz')}) as archived from (values ${hashes.join(', ')}) h (hash, term)`,
    bind.values,
  );
  const traces = known.flatMap(([column, value]) => (column === 'trace' ? [value] : []));
  const filters = known.flatMap(([column, value]): Narrowing[] =>
    column === 'job' ? [{ kind: 'c', name: 'job_id', values: [value] }] : [],
  );
  return { archived: rows[0].archived as number[], narrowed: { traces: traces.length > 0 ? traces : null, filters } };
}

const NARROWING: Record<string, string> = {
  service: 'service',
  operation: 'operation',
  kind: 'kind',
  status: 'status',
  model: 'model_id',
  region: 'region',
  error: 'error_type',
};

/**
 * What the equalities among the terms say of the columns of a chunk of the archive.
 *
 * @param isLogged Whether log records may be what makes a term hold.
 */
async function narrowingOf(client: pg.ClientBase, q: readonly Term[], isLogged: boolean): Promise<Narrowing[]> {
  const all = await Promise.all(
    q.map(async (term): Promise<Narrowing[]> => {
      if (term.kind !== 'compare' || term.operator !== '=') return [];
      if ('column' in term.key) {
        const name = NARROWING[term.key.column];
        return name ? [{ kind: 'c', name, values: [term.value] }] : [];
      }
      const { attribute, place } = term.key;
      if (place !== null && place !== 'span') return [];
      if (place === null && isLogged) return [];
      if (place === null && (await resourcesOf(client, term))?.length !== 0) return [];
      return [{ kind: 'a', name: attribute, values: literalsOf(term.value).map((literal) => JSON.parse(literal)) }];
    }),
  );
  return all.flat();
}

/** The last stored first, and those that overlap as one: a span is in one of them at most then. */
function apart(chunks: Chunk[]): Chunk[] {
  const sorted = chunks.map((chunk) => ({ ...chunk, key: sortable(chunk.created_from) }));
  sorted.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const joined: Chunk[] = [];
  for (const { key, ...chunk } of sorted) {
    const last = joined.at(-1);
    if (last && key <= sortable(last.created_to)) join(last, chunk);
    else joined.push(chunk);
  }
  return joined.reverse();
}

function join(to: Chunk, chunk: Chunk): void {
  if (chunk.archived) {
    to.archived = [...(to.archived ?? []), ...chunk.archived];
    to.narrowed = chunk.narrowed!;
  }
  to.spans += chunk.spans;
  if (sortable(chunk.created_from) < sortable(to.created_from)) to.created_from = chunk.created_from;
  if (sortable(chunk.created_to) > sortable(to.created_to)) to.created_to = chunk.created_to;
  if (sortable(chunk.started_from) < sortable(to.started_from)) to.started_from = chunk.started_from;
  if (sortable(chunk.active_to) > sortable(to.active_to)) to.active_to = chunk.active_to;
}

/**
 * Spans of a stretch of time among which all that fit are: those of the chunks the filter can hold in, where these are
 * few, else all.
 */
export async function sourceFor(
  client: pg.ClientBase,
  q: readonly Term[],
  time: { from: string; to: string },
): Promise<Source> {
  const { chunks, share } = await chunksFor(client, q, time, MAX_OF_ALL);
  const isAll = q.some(isIndexed) || share > MAX_OF_ALL || chunks.length > MAX_BRANCHES;
  if (!isAll) return (bind) => spansOf(chunks, bind);
  if (!(await hasArchived(client, time))) return ALL_SPANS;
  const { rows } = await client.query(
    `select beacon.archived_with('{}', '{}', $1::timestamptz, $2::timestamptz) as archived`,
    [time.from, time.to],
  );
  const narrowed = { traces: null, filters: await narrowingOf(client, q, true) };
  return (bind) => spansOf([{ ...EVERYTHING, archived: rows[0].archived, narrowed }], bind);
}

/** Whether spans of that time are in the archive. @param time ISO 8601, null where it is open. */
export async function hasArchived(
  client: pg.ClientBase,
  { from, to }: { from: string | null; to: string | null },
): Promise<boolean> {
  const { rows } = await client.query(
    `select exists (select from beacon.archive_chunks c
      where c.active_to >= coalesce($1::timestamptz, '-infinity') and c.started_from < coalesce($2::timestamptz, 'infinity')) as found`,
    [from, to],
  );
  return rows[0].found;
}

/**
 * Most chunks are of one moment, and found together; the others are a branch each: a join with a list of chunks would be
 * planned as if they were most of the table.
 */
export function spansOf(chunks: Chunk[], bind: Bindings): string {
  if (chunks.length === 0) return '(select * from beacon.trace_spans c where false)';
  const moments = chunks.filter(({ created_from, created_to }) => created_from === created_to);
  const started = (of: Chunk[]) => {
    const all = of.reduce(
      (whole, chunk) => {
        join(whole, chunk);
        return whole;
      },
      { ...of[0]! },
    );
    return `c.started_at >= ${bind.add(all.started_from, 'timestamptz')} and c.started_at <= ${bind.add(all.active_to, 'timestamptz')}`;
  };
  const branches = [
    ...(moments.length === 0
      ? []
      : [
          `c.created_at = any(${bind.add(
            moments.map(({ created_from }) => created_from),
            'timestamptz[]',
          )}) and ${started(moments)}`,
        ]),
    ...chunks
      .filter((chunk) => !moments.includes(chunk))
      .map((chunk) => {
        const created = [bind.add(chunk.created_from, 'timestamptz'), bind.add(chunk.created_to, 'timestamptz')];
        return `c.created_at >= ${created[0]} and c.created_at <= ${created[1]} and ${started([chunk])}`;
      }),
  ];
  return `(${[
    ...branches.map((place) => `select * from beacon.trace_spans c where ${place}`),
    ...chunks.flatMap((chunk) => archivedSql(chunk, bind)),
  ].join(' union all ')})`;
}

function archivedSql({ archived, narrowed }: Chunk, bind: Bindings): string[] {
  if (!archived?.length) return [];
  return [
    `select a.* from unnest(${bind.add(archived, 'integer[]')}) u (chunk) cross join lateral beacon.unpack_spans(u.chunk,
      ${bind.add(narrowed?.traces ?? null, 'uuid[]')}, ${bind.add(JSON.stringify(narrowed?.filters ?? []), 'jsonb')}) a`,
  ];
}

/** Groups of chunks, in their order, ever larger ones, so that few statements lead through all; and what is left then. */
export function* groupsOf(chunks: Chunk[], first = FIRST_GROUP): Generator<{ group: Chunk[]; rest: Chunk[] }> {
  let rest = chunks;
  for (let size = first; rest.length > 0; size = size < FIRST_GROUP ? FIRST_GROUP : Math.min(LARGEST_GROUP, 2 * size)) {
    // Chunks of the archive have 32 times as many spans.
    const archived = rest.findIndex((chunk, n) => n > 0 && chunk.archived !== undefined);
    const end = archived < 0 ? size : Math.min(size, archived);
    const group = rest.slice(0, end);
    rest = rest.slice(end);
    yield { group, rest };
  }
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

/** Whether a log record may be what makes it hold: its span is in a chunk that knows nothing of that. */
function mayBeLogged(term: Term): term is AttributeTerm & { key: { attribute: string } } {
  if (term.kind === 'word' || 'column' in term.key || (term.kind === 'has' && term.negated)) return false;
  return term.key.place === null || term.key.place === 'event';
}

function isOfColumn(term: Term): boolean {
  return term.kind !== 'word' && 'column' in term.key;
}

/** Expressions of the hashes of which one is in the index where the term holds; undefined where a term does not tell. */
async function hashesOf(client: pg.ClientBase, term: Term, bind: Bindings): Promise<string[] | undefined> {
  if (term.kind === 'word' || (term.kind === 'has' && term.negated)) return undefined;
  if ('column' in term.key) return columnHashes(term.key.column, term, bind);
  const { attribute, place } = term.key;
  const own: string[] = [];
  if (place !== 'resource' && place !== 'scope') {
    const key = `hashtextextended(${bind.add(attribute, 'text')}, 0)`;
    if (term.kind === 'compare' && term.operator === '=') {
      own.push(...literalsOf(term.value).map((literal) => `hashtextextended(${textSql(literal, bind)}, ${key})`));
    } else own.push(key);
  }
  const resources = await resourcesOf(client, term);
  if (!resources) return undefined;
  own.push(...resources.map((id) => `beacon.column_hash('resource', ${bind.add(id, 'text')})`));
  // No resource fits: nothing is indexed for it, and so nothing is found.
  return own.length > 0 ? own : ['null::bigint'];
}

/** A literal as the index has it: a number in its shortest form. */
function textSql(literal: string, bind: Bindings): string {
  const value: unknown = JSON.parse(literal);
  return typeof value === 'number'
    ? `trim_scale(${bind.add(literal, 'numeric')})::text`
    : bind.add(String(value), 'text');
}

const INDEXED = new Set(['service', 'operation', 'kind', 'status', 'model', 'region', 'error']);

function columnHashes(column: string, term: AttributeTerm, bind: Bindings): string[] | undefined {
  if (term.kind !== 'compare' || term.operator !== '=' || !INDEXED.has(column)) return undefined;
  return [`beacon.column_hash('${column}', ${bind.add(term.value, 'text')})`];
}

async function resourcesOf(client: pg.ClientBase, term: AttributeTerm): Promise<string[] | undefined> {
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
  if (time === '-infinity') return '';
  const [whole = '', fraction = ''] = String(time).replace('Z', '').split('.');
  return `${whole}.${fraction.padEnd(6, '0')}`;
}
