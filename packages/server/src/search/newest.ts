// The newest traces in which a span fits a filter. There are three ways to them, and which is the shortest depends on how many
// fit and on how the spans came: ask the newest traces one by one, of which most are ruled out by their summaries; read the
// last chunks of spans one after the other, where chunks are of a short time each; or read only the chunks that the index names.
import type pg from 'pg';
import { type Chunk, chunksFor, type Found, groupsOf, isIndexed, sortable, spansOf } from '../filter/chunk-index.ts';
import { type Known, knownOf } from '../filter/hashes.ts';
import type { Term } from '../filter/parse.ts';
import { Bindings, filterSql } from '../filter/sql.ts';
import type { Scope } from '../queries/query.ts';
import { within } from '../queries/range.ts';
import { VALUE_TYPES } from '../store/values.ts';
import { hasFitting, inTime, type SearchParams, traceConditions } from './traces-sql.ts';

/** So many of the last chunks are read before the index is asked. */
const LATEST = 64;
/** Among so many traces a page is looked for one by one: first a few, for what most have, and to learn how many fit. */
const ASKED = [300, 3_000];
/** Unless so many have more spans than this, going by those that fit: summaries of large traces rule out little. */
const MAX_ASKED_SPANS = 200_000;
/** Where the filter can hold in a smaller share of the spans than this, the index is followed. */
const RARE = 0.2;
/** Chunks that have no more spans than this are read in one go. */
const AT_ONCE = 20_000;

export interface Match {
  trace_id: string;
  /** ISO 8601. */
  started_at: string;
}

export interface Matches {
  /** In order, one more than the limit where there are more. */
  traces: Match[];
  /** Start of the time that was not searched any more, where the time to search was up. */
  stoppedAt: string | null;
}

/** The first page of a filtered search, newest first. */
export async function newestMatches(
  client: pg.PoolClient,
  p: SearchParams & { q: Term[] },
  scope: Scope,
  untilMs: number,
): Promise<Matches> {
  const known = await knownOf(client, p.q);
  const page = new Page(client, p, known, scope);
  let maxShare = 1;
  let named: Chunk[] | undefined;
  if (!p.q.some(isIndexed)) {
    const { latest, archivedTo } = await latestChunks(client, scope);
    const { traces, few } = await askedOneByOne(client, p, known, scope, archivedTo);
    if (isPage(traces, scope, archivedTo)) return { traces, stoppedAt: null };
    named = few;
    if (traces.length > 0 && isInOrder(latest)) {
      if (await page.read(latest, { hasMore: latest.length === LATEST, archivedTo })) return page.answer();
      maxShare = RARE;
    }
  }
  const chunks = named ?? (await chunksFor(client, p.q, scope, maxShare, known)).chunks;
  const left = chunks.length > 0 || maxShare === 1 ? chunks : (await chunksFor(client, p.q, scope, 1, known)).chunks;
  left.sort((a, b) => (sortable(a.active_to) < sortable(b.active_to) ? 1 : -1));
  const size = left.reduce((sum, chunk) => sum + chunk.spans, 0);
  const first = size <= AT_ONCE && left.length <= LATEST ? Math.max(1, left.length) : undefined;
  await page.read(left, { first, untilMs });
  return page.answer();
}

/** What was found so far, chunk by chunk, the last active first. */
class Page {
  readonly #client: pg.PoolClient;
  readonly #p: SearchParams & { q: Term[] };
  readonly #known: Known;
  readonly #scope: Scope;
  readonly #traces = new Map<string, Match>();
  #stoppedAt: string | null = null;

  constructor(client: pg.PoolClient, p: SearchParams & { q: Term[] }, known: Known, scope: Scope) {
    this.#client = client;
    this.#p = p;
    this.#known = known;
    this.#scope = scope;
  }

  /**
   * Reads chunks until the page is full; tells whether it is, or nothing is left.
   *
   * @param chunks By their latest activity, descending.
   * @param limits How many the first statement reads; whether there are more after the last; the latest
   *   activity in the archive, where its chunks are not among these; when to stop.
   */
  async read(
    chunks: Chunk[],
    limits: {
      first?: number | undefined;
      hasMore?: boolean;
      archivedTo?: string;
      untilMs?: number;
    },
  ): Promise<boolean> {
    const { first, hasMore = false, archivedTo = '-infinity', untilMs } = limits;
    let read = 0;
    for (const { group } of groupsOf(chunks, first)) {
      for (const match of await matchesIn(this.#client, group, this.#p, this.#known, this.#scope)) {
        this.#traces.set(match.trace_id, match);
      }
      read += group.length;
      // A trace with a span in what was not read yet began no later than that was active: a newer one has its place.
      const unread = chunks[read]?.active_to ?? (hasMore ? chunks.at(-1)!.active_to : '-infinity');
      const next = sortable(unread) > sortable(archivedTo) ? unread : archivedTo;
      const last = this.answer().traces[this.#scope.limit];
      if (last && sortable(last.started_at) > sortable(next)) return true;
      if (read < chunks.length && untilMs !== undefined && Date.now() > untilMs) {
        for (const [id, { started_at }] of this.#traces) {
          if (sortable(started_at) <= sortable(next)) this.#traces.delete(id);
        }
        this.#stoppedAt = next;
        return true;
      }
    }
    return !hasMore && archivedTo === '-infinity';
  }

  answer(): Matches {
    return { traces: sorted([...this.#traces.values()]).slice(0, this.#scope.limit + 1), stoppedAt: this.#stoppedAt };
  }
}

/** Whether these are a whole page, and newer than all that only the archive has. */
function isPage(traces: Match[], { limit }: Scope, archivedTo: string): boolean {
  const last = traces[limit];
  return last !== undefined && sortable(last.started_at) > sortable(archivedTo);
}

function sorted(traces: Match[]): Match[] {
  const keyed = traces.map((match) => ({ match, key: `${sortable(match.started_at)} ${match.trace_id}` }));
  return keyed.sort((a, b) => (a.key < b.key ? 1 : -1)).map(({ match }) => match);
}

/**
 * Chunks of the time, the last active first, at most so many; and the latest activity of the time in the archive, `-infinity`
 * where it has nothing of it.
 */
async function latestChunks(client: pg.PoolClient, { from, to }: Scope) {
  const { rows } = await client.query<Chunk & { archived_to: string }>({
    text: `with archived as materialized (
        select coalesce(max(a.active_to), '-infinity') as active_to from beacon.archive_chunks a
        where a.active_to >= coalesce($1::timestamptz, '-infinity') and a.started_from < coalesce($2::timestamptz, 'infinity'))
      select a.active_to as archived_to, l.* from archived a left join (
        select c.created_from, c.created_to, c.started_from, c.active_to, c.spans from beacon.span_chunks c
        where c.active_to >= coalesce($1::timestamptz, '-infinity') and c.started_from < coalesce($2::timestamptz, 'infinity')
        order by c.active_to desc limit ${LATEST}) l on true
      order by l.active_to desc`,
    values: [from, to],
    types: VALUE_TYPES,
  });
  const latest = rows.filter(({ created_from }) => created_from !== null);
  return { latest: latest.map(({ archived_to: _, ...chunk }): Chunk => chunk), archivedTo: rows[0]!.archived_to };
}

/** Whether reading these chunks one after the other leads back in time: each is about less time than all are apart. */
function isInOrder(latest: Chunk[]): boolean {
  const ms = (time: string) => Date.parse(time);
  const widths = latest.map(({ started_from, active_to }) => ms(active_to) - ms(started_from)).sort((a, b) => a - b);
  const apart = latest.length === 0 ? 0 : ms(latest[0]!.active_to) - ms(latest.at(-1)!.active_to);
  // With fewer there are no more: reading them is cheaper than thinking about it.
  return latest.length < LATEST || apart >= 2 * widths[widths.length >> 1]!;
}

/** Traces with a span in these chunks that fits. */
async function matchesIn(
  client: pg.PoolClient,
  chunks: Chunk[],
  p: SearchParams & { q: Term[] },
  known: Known,
  scope: Scope,
): Promise<Match[]> {
  const bind = new Bindings([], known.unlogged);
  const { rows } = await client.query<Match>({
    text: `with found as materialized (
        select distinct s.trace_id from ${spansOf(chunks, bind)} s
        where ${inTime(scope, bind)} and ${filterSql(p.q, bind)})
      select t.trace_id, t.started_at from beacon.traces t
      where ${['t.trace_id = any(array(select f.trace_id from found f))', ...traceConditions(p, scope.distributed, bind)].join(' and ')}`,
    values: bind.values,
    types: VALUE_TYPES,
  });
  return rows;
}

interface Asked extends Match {
  span_count: number;
}

/**
 * The first of the page, one more than the limit, if it is among the newest traces that began in the time; else what is known
 * of it after a few, or after many where it was worth to ask those. `few` are the chunks that the filter can hold in, where
 * these were asked for and are few.
 */
async function askedOneByOne(
  client: pg.PoolClient,
  p: SearchParams & { q: Term[] },
  known: Known,
  scope: Scope,
  archivedTo: string,
): Promise<{ traces: Match[]; few: Chunk[] | undefined }> {
  const [few, many] = ASKED as [number, number];
  // In the order of the index: as long as the table is not analyzed, the planner would rather sort all of the time.
  await client.query('set local enable_bitmapscan = off');
  let traces = await fittingAmong(client, p, known, scope, few);
  let named: Found | undefined;
  if (!isPage(traces, scope, archivedTo)) {
    const spans = traces.reduce((sum, { span_count }) => sum + span_count, 0);
    if (traces.length === 0) named = await chunksFor(client, p.q, scope, RARE, known);
    if (named ? named.share > RARE : spans * many <= MAX_ASKED_SPANS * traces.length) {
      traces = await fittingAmong(client, p, known, scope, many);
    }
  }
  await client.query('reset enable_bitmapscan');
  return { traces, few: named && named.share <= RARE ? named.chunks : undefined };
}

/** Of so many of the newest traces those in which a span fits, in order, as many as a page has and one more. */
async function fittingAmong(
  client: pg.PoolClient,
  p: SearchParams & { q: Term[] },
  known: Known,
  scope: Scope,
  max: number,
): Promise<Asked[]> {
  const bind = new Bindings([], known.unlogged);
  const bounds = { since: scope.from ?? '-infinity', until: scope.to ?? 'infinity' };
  const fits = [...traceConditions(p, scope.distributed, bind), hasFitting(p.q, known, scope, bounds, bind)].join(
    ' and ',
  );
  const { rows } = await client.query<Asked>({
    text: `select t.trace_id, t.started_at, t.span_count
      from (select * from beacon.traces t where ${within('t.started_at', scope, bind)}
        order by t.started_at desc, t.trace_id desc limit ${bind.add(max, 'bigint')}) t
      where ${fits}
      order by t.started_at desc, t.trace_id desc limit ${bind.add(scope.limit + 1, 'bigint')}`,
    values: bind.values,
    types: VALUE_TYPES,
  });
  return rows;
}
