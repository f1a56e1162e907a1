// Where there is something, when there was nothing in the time asked about.
import type pg from 'pg';
import { type Chunk, chunksFor, sortable, spansOf } from '../filter/chunk-index.ts';
import type { Term } from '../filter/parse.ts';
import { Bindings, filterSql } from '../filter/sql.ts';
import type { Range } from './range.ts';

/** So many chunks on either side are read: some 16,000 spans. */
const CHUNKS = 8;
const TEXT = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;

/** Starts that are nearest to the time asked about; null where there is nothing. */
interface Nearest {
  older: string | null;
  newer: string | null;
}

/**
 * A sentence that says when there is something; null where there is nothing, or where it would take long to know.
 *
 * @param terms What must hold of a span for there to be an answer.
 */
export async function elsewhere(client: pg.PoolClient, terms: readonly Term[], range: Range): Promise<string | null> {
  if (terms.length > 0) {
    const said = words('Nothing that fits', FITTING, range, await nearestFitting(client, terms, range));
    if (said) return said;
  }
  const { within, ...nearest } = await nearestTraces(client, range);
  return within ? null : words('Nothing at all', TRACES, range, nearest);
}

/** @param phrases What introduces the nearest before and the nearest after. */
function words(
  nothing: string,
  phrases: [string, string],
  { from, to }: Range,
  { older, newer }: Nearest,
): string | null {
  if (older === null && newer === null) return null;
  const time = to === null ? `since ${from}` : `from ${from} to ${to}`;
  const places = [
    ...(older === null ? [] : [`${phrases[0]} ${older}: ask with an earlier from`]),
    ...(newer === null ? [] : [`${phrases[1]} ${newer}: ask with a later to`]),
  ];
  return `${nothing} ${time}; ${places.join('; ')}.`;
}

const TRACES: [string, string] = ['the newest trace before it began at', 'the oldest trace after it began at'];
const FITTING: [string, string] = ['a span that fits began before it, at', 'a span that fits began after it, at'];

/** By the index on the starts of traces. */
async function nearestTraces(client: pg.PoolClient, { from, to }: Range): Promise<Nearest & { within: boolean }> {
  const { rows } = await client.query(
    `select to_char((select max(t.started_at) from beacon.traces t where t.started_at < $1::timestamptz), ${TEXT}) as older,
      to_char((select min(t.started_at) from beacon.traces t where t.started_at >= $2::timestamptz), ${TEXT}) as newer,
      exists (select from beacon.traces t where t.started_at >= $1::timestamptz and t.started_at < coalesce($2::timestamptz, 'infinity')) as within`,
    [from, to],
  );
  return rows[0];
}

/** In the nearest chunks the terms can hold in. */
async function nearestFitting(client: pg.PoolClient, terms: readonly Term[], { from, to }: Range): Promise<Nearest> {
  const { chunks } = await chunksFor(client, terms, { from: null, to: null });
  const before = chunks
    .filter(({ started_from }) => sortable(started_from) < sortable(from))
    .sort((a, b) => (sortable(a.active_to) > sortable(b.active_to) ? -1 : 1));
  const behind = chunks
    .filter(({ active_to }) => to !== null && sortable(active_to) >= sortable(to))
    .sort((a, b) => (sortable(a.started_from) < sortable(b.started_from) ? -1 : 1));
  return {
    older: await nearestOn(before.slice(0, CHUNKS), client, terms, { of: 'max', condition: '<', at: from }),
    newer: await nearestOn(behind.slice(0, CHUNKS), client, terms, { of: 'min', condition: '>=', at: to }),
  };
}

async function nearestOn(
  chunks: Chunk[],
  client: pg.PoolClient,
  terms: readonly Term[],
  { of, condition, at }: { of: 'max' | 'min'; condition: '<' | '>='; at: string | null },
): Promise<string | null> {
  if (chunks.length === 0) return null;
  const bind = new Bindings();
  const { rows } = await client.query(
    `select to_char(${of}(s.started_at), ${TEXT}) as nearest from ${spansOf(chunks, bind)} s
    where s.started_at ${condition} ${bind.add(at, 'timestamptz')} and ${filterSql(terms, bind)}`,
    bind.values,
  );
  return rows[0].nearest;
}
