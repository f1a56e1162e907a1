// Which chunks of spans a filter can hold in, by the chunk index.
import type pg from 'pg';
import { VALUE_TYPES } from '../store/values.ts';
import { hashesOf, type Known, knownOf, mayBeLogged } from './hashes.ts';
import type { Term } from './parse.ts';
import { Bindings, literalsOf, logArguments } from './sql.ts';

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
 * @param facts As `knownOf` found them in the same transaction; left out, they are asked for.
 */
export async function chunksFor(
  client: pg.ClientBase,
  q: readonly Term[],
  { from, to }: { from: string | null; to: string | null },
  maxShare = 1,
  facts?: Known,
): Promise<Found> {
  // An index knows these spans, whenever they were stored.
  if (q.some(isIndexed))
    return { chunks: [{ ...EVERYTHING, ...(await archivedFor(client, q, { from, to })) }], share: 0 };
  const known = facts ?? (await knownOf(client, q));
  const bind = new Bindings();
  const hashes: string[] = [];
  // Attributes first: they leave fewer chunks than columns do.
  const ordered = q.toSorted((a, b) => Number(isOfColumn(a)) - Number(isOfColumn(b)));
  for (const [term, each] of ordered.entries()) {
    const sql = hashesOf(each, known, bind);
    if (sql) hashes.push(...sql.map((hash) => `(${hash}, ${term})`));
  }
  const wanted = hashes.length
    ? `(select array_agg(h.hash), array_agg(h.term) from (values ${hashes.join(', ')}) h (hash, term))`
    : `(select '{}'::bigint[], '{}'::integer[])`;
  const since = bind.add(from ?? '-infinity', 'timestamptz');
  const until = bind.add(to ?? 'infinity', 'timestamptz');
  const logged = q
    .filter(mayBeLogged)
    .filter((term) => !known.unlogged.has(term))
    .map(
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
    filters: narrowingOf(
      q,
      known,
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
function narrowingOf(q: readonly Term[], { resources }: Known, isLogged: boolean): Narrowing[] {
  return q.flatMap((term): Narrowing[] => {
    if (term.kind !== 'compare' || term.operator !== '=') return [];
    if ('column' in term.key) {
      const name = NARROWING[term.key.column];
      return name ? [{ kind: 'c', name, values: [term.value] }] : [];
    }
    const { attribute, place } = term.key;
    if (place !== null && place !== 'span') return [];
    if (place === null && isLogged) return [];
    if (place === null && resources.get(term)?.length !== 0) return [];
    return [{ kind: 'a', name: attribute, values: literalsOf(term.value).map((literal) => JSON.parse(literal)) }];
  });
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
  const narrowed = { traces: null, filters: narrowingOf(q, await knownOf(client, q), true) };
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

function isOfColumn(term: Term): boolean {
  return term.kind !== 'word' && 'column' in term.key;
}

/** Times as texts of one length, so that they compare as times; microseconds and all. */
export function sortable(time: unknown): string {
  if (time === '-infinity') return '';
  const [whole = '', fraction = ''] = String(time).replace('Z', '').split('.');
  return `${whole}.${fraction.padEnd(6, '0')}`;
}
