// The newest traces in which a span fits a filter. There are three ways to them, and which is the shortest depends on how many
// fit and on how the spans came: read the last chunks of spans one after the other, where chunks are of a short time each;
// ask the newest traces one by one, where spans came in no order; or read only the chunks that the index names.
import type pg from 'pg';
import { type Chunk, chunksFor, groupsOf, isIndexed, sortable, spansOf } from '../filter/chunk-index.ts';
import type { Term } from '../filter/parse.ts';
import { Bindings, filterSql } from '../filter/sql.ts';
import type { Scope } from '../queries/query.ts';
import { within } from '../queries/range.ts';
import { VALUE_TYPES } from '../store/values.ts';
import { hasFitting, inTime, type SearchParams, traceConditions } from './traces-sql.ts';

/** So many of the last chunks are read, or looked at, before the index is asked. */
const LATEST = 64;
/** Where so many of them have nothing that fits, the index is asked what has. */
const TRIED = 4;
/** Among so many traces a page is looked for one by one: first a few, for what most have. */
const ASKED = [100, 3_000];
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
  const page = new Page(client, p, scope);
  let maxShare = 1;
  if (!p.q.some(isIndexed)) {
    const [latest, archivedTo] = [await latestChunks(client, scope), await archivedUntil(client, scope)];
    const more = { hasMore: latest.length === LATEST, archivedTo };
    if (isInOrder(latest)) {
      if (await page.read(latest, { max: TRIED, first: TRIED, ...more })) return page.answer();
      if (page.found > 0) {
        if (await page.read(latest, { from: TRIED, ...more })) return page.answer();
        maxShare = RARE;
      }
    } else {
      const [few, many] = ASKED as [number, number];
      const first = await askedOneByOne(client, p, scope, few);
      if (isPage(first, scope, archivedTo)) return { traces: first, stoppedAt: null };
      if (first.length > 0 || (await chunksFor(client, p.q, scope, RARE)).share > RARE) {
        const traces = await askedOneByOne(client, p, scope, many);
        if (isPage(traces, scope, archivedTo)) return { traces, stoppedAt: null };
      }
    }
  }
  const { chunks } = await chunksFor(client, p.q, scope, maxShare);
  const left = chunks.length > 0 || maxShare === 1 ? chunks : (await chunksFor(client, p.q, scope)).chunks;
  left.sort((a, b) => (sortable(a.active_to) < sortable(b.active_to) ? 1 : -1));
  const spans = left.reduce((sum, chunk) => sum + chunk.spans, 0);
  const first = spans <= AT_ONCE && left.length <= LATEST ? Math.max(1, left.length) : undefined;
  await page.read(left, { first, untilMs });
  return page.answer();
}

/** What was found so far, chunk by chunk, the last active first. */
class Page {
  readonly #client: pg.PoolClient;
  readonly #p: SearchParams & { q: Term[] };
  readonly #scope: Scope;
  readonly #traces = new Map<string, Match>();
  #stoppedAt: string | null = null;

  constructor(client: pg.PoolClient, p: SearchParams & { q: Term[] }, scope: Scope) {
    this.#client = client;
    this.#p = p;
    this.#scope = scope;
  }

  get found(): number {
    return this.#traces.size;
  }

  /**
   * Reads chunks until the page is full; tells whether it is, or nothing is left.
   *
   * @param chunks By their latest activity, descending.
   * @param limits Which of them; how many the first statement reads; whether there are more after the last; the latest
   *   activity in the archive, where its chunks are not among these; when to stop.
   */
  async read(
    chunks: Chunk[],
    limits: {
      from?: number;
      max?: number;
      first?: number | undefined;
      hasMore?: boolean;
      archivedTo?: string;
      untilMs?: number;
    },
  ): Promise<boolean> {
    const { from = 0, max = chunks.length, first, hasMore = false, archivedTo = '-infinity', untilMs } = limits;
    let read = from;
    for (const { group } of groupsOf(chunks.slice(from, max), first)) {
      for (const match of await matchesIn(this.#client, group, this.#p, this.#scope)) {
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
    return !hasMore && max >= chunks.length && archivedTo === '-infinity';
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

/** The latest activity of the time in the archive; `-infinity` where it has nothing of it. */
async function archivedUntil(client: pg.PoolClient, { from, to }: Scope): Promise<string> {
  const { rows } = await client.query<{ until: string }>({
    text: `select coalesce(max(c.active_to), '-infinity') as until from beacon.archive_chunks c
      where c.active_to >= coalesce($1::timestamptz, '-infinity') and c.started_from < coalesce($2::timestamptz, 'infinity')`,
    values: [from, to],
    types: VALUE_TYPES,
  });
  return rows[0]!.until;
}

function sorted(traces: Match[]): Match[] {
  const keyed = traces.map((match) => ({ match, key: `${sortable(match.started_at)} ${match.trace_id}` }));
  return keyed.sort((a, b) => (a.key < b.key ? 1 : -1)).map(({ match }) => match);
}

/** Chunks of the time, the last active first, at most so many. */
async function latestChunks(client: pg.PoolClient, { from, to }: Scope): Promise<Chunk[]> {
  const bind = new Bindings();
  const until = to === null ? '' : ` and c.started_from < ${bind.add(to, 'timestamptz')}`;
  const { rows } = await client.query<Chunk>({
    text: `select c.created_from, c.created_to, c.started_from, c.active_to, c.spans from beacon.span_chunks c
      where c.active_to >= ${bind.add(from ?? '-infinity', 'timestamptz')}${until}
      order by c.active_to desc limit ${LATEST}`,
    values: bind.values,
    types: VALUE_TYPES,
  });
  return rows;
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
  scope: Scope,
): Promise<Match[]> {
  const bind = new Bindings();
  const { rows } = await client.query<Match>({
    text: `with found as materialized (
        select distinct s.trace_id from ${spansOf(chunks, bind)} s
        where ${inTime(scope, bind)} and ${filterSql(p.q, bind)})
      select t.trace_id, t.started_at from beacon.traces t
      where ${['t.trace_id = any(array(select f.trace_id from found f))', ...traceConditions(p, bind)].join(' and ')}`,
    values: bind.values,
    types: VALUE_TYPES,
  });
  return rows;
}

/** The first of the page, one more than the limit, if it is among so many of the newest traces that began in the time. */
async function askedOneByOne(
  client: pg.PoolClient,
  p: SearchParams & { q: Term[] },
  scope: Scope,
  max: number,
): Promise<Match[]> {
  const bind = new Bindings();
  const bounds = { since: scope.from ?? '-infinity', until: scope.to ?? 'infinity' };
  // In the order of the index: as long as the table is not analyzed, the planner would rather sort all of the time.
  await client.query('set local enable_bitmapscan = off');
  const { rows } = await client.query<Match>({
    text: `select t.trace_id, t.started_at
      from (select * from beacon.traces t where ${within('t.started_at', scope, bind)}
        order by t.started_at desc, t.trace_id desc limit ${bind.add(max, 'bigint')}) t
      where ${[...traceConditions(p, bind), hasFitting(p.q, scope, bounds, bind)].join(' and ')}
      order by t.started_at desc, t.trace_id desc limit ${bind.add(scope.limit + 1, 'bigint')}`,
    values: bind.values,
    types: VALUE_TYPES,
  });
  await client.query('reset enable_bitmapscan');
  return rows;
}
