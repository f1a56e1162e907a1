// Traces that may fit a query, in batches: those whose spans meet its needs, the newest first, else all of a stretch of time.
import type pg from 'pg';
import { type Chunk, chunksFor, groupsOf, sortable, spansOf } from '../../../filter/chunk-index.ts';
import type { Term } from '../../../filter/parse.ts';
import { Bindings, filterSql } from '../../../filter/sql.ts';
import { VALUE_TYPES } from '../../../store/values.ts';
import type { Needs } from './needs.ts';
import { isOutOfReach } from './sql.ts';

export interface Candidate {
  /** 32 hexadecimal digits. */
  id: string;
  /** ISO 8601 with microseconds. */
  started_at: string;
  completed_at: string | null;
  root_service: string | null;
  root_operation: string | null;
  span_count: number;
}

/** ISO 8601; a trace counts if it has a part in it, wherever it began. */
export interface Range {
  from: string;
  to: string;
}

/** Traces that began so long before the time asked about are looked at where they end in it. */
const LONGEST_TRACE_MS = 24 * 3_600_000;
/** Spans that began so long before the time asked about are looked at. */
const SPANS_BEFORE_MS = 3_600_000;
const COLUMNS = `encode(uuid_send(t.trace_id), 'hex') as id, t.started_at, t.completed_at, t.root_service, t.root_operation, t.span_count`;

/** Batches in which ever more traces are. */
export async function* candidates(
  client: pg.PoolClient,
  needs: Needs,
  condition: ((bind: Bindings) => string | undefined) | undefined,
  range: Range,
  first: number,
): AsyncGenerator<Candidate[]> {
  if (!needs) yield* newest(client, range, first);
  else if (needs.length > 0) yield* meeting(client, needs, condition, range);
}

async function* newest(client: pg.PoolClient, range: Range, first: number): AsyncGenerator<Candidate[]> {
  let last: Candidate | undefined;
  for (let size = first; ; size = Math.min(500, 2 * size)) {
    const bind = new Bindings();
    const after: string = last
      ? `and (t.started_at, t.trace_id) < (${bind.add(last.started_at, 'timestamptz')}, ${bind.add(last.id, 'uuid')})`
      : '';
    const found: Candidate[] = (
      await client.query({
        text: `select ${COLUMNS} from beacon.traces t where ${overlap(range, bind)} ${after}
          order by t.started_at desc, t.trace_id desc limit ${size}`,
        values: bind.values,
        types: VALUE_TYPES,
      })
    ).rows;
    if (found.length > 0) yield found;
    if (found.length < size) return;
    last = found.at(-1);
  }
}

/** The trace `t` has a part in the time asked about. */
function overlap({ from, to }: Range, bind: Bindings): string {
  const earliest = new Date(Date.parse(from) - LONGEST_TRACE_MS).toISOString();
  return `t.started_at >= ${bind.add(earliest, 'timestamptz')} and t.started_at < ${bind.add(to, 'timestamptz')}
    and (t.started_at >= ${bind.add(from, 'timestamptz')} or t.completed_at >= ${bind.add(from, 'timestamptz')})`;
}

async function* meeting(
  client: pg.PoolClient,
  needs: Term[][],
  condition: ((bind: Bindings) => string | undefined) | undefined,
  range: Range,
): AsyncGenerator<Candidate[]> {
  const seen = new Set<string>();
  const narrows = !(await isOutOfReach(client, condition?.(new Bindings()) ?? ''));
  const from = new Date(Date.parse(range.from) - SPANS_BEFORE_MS).toISOString();
  for (const { group } of groupsOf(await chunksOf(client, needs, from))) {
    const bind = new Bindings();
    const more = narrows ? condition?.(bind) : undefined;
    const spans = `select distinct s.trace_id from ${spansOf(group, bind)} s
      where s.started_at >= ${bind.add(from, 'timestamptz')} and s.started_at < ${bind.add(range.to, 'timestamptz')}
      and (${needsSql(needs, bind)}) and ${more ?? 'true'}`;
    const { rows } = await client.query({
      text: `select ${COLUMNS} from beacon.traces t where t.trace_id = any(array(${spans})) and ${overlap(range, bind)}
        order by t.started_at desc, t.trace_id desc`,
      values: bind.values,
      types: VALUE_TYPES,
    });
    const found = (rows as Candidate[]).filter(({ id }) => !seen.has(id));
    for (const { id } of found) seen.add(id);
    if (found.length > 0) yield found;
  }
}

/** A condition on the span `s`. */
export function needsSql(needs: Term[][], bind: Bindings): string {
  return needs.map((terms) => `(${filterSql(terms, bind)})`).join(' or ') || 'false';
}

/** Chunks in which one of the alternatives may hold, those stored last first. */
async function chunksOf(client: pg.PoolClient, needs: Term[][], from: string): Promise<Chunk[]> {
  const found = new Map<string, Chunk>();
  for (const terms of needs) {
    const { chunks } = await chunksFor(client, terms, { from, to: null });
    for (const { narrowed, ...chunk } of chunks)
      found.set(
        `${chunk.created_from} ${chunk.created_to}`,
        needs.length === 1 && narrowed ? { ...chunk, narrowed } : chunk,
      );
  }
  const key = ({ created_from }: Chunk) => sortable(created_from);
  return [...found.values()].sort((a, b) => (key(a) < key(b) ? 1 : key(a) > key(b) ? -1 : 0));
}
