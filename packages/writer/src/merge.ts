// Rows that may be there already: the end of a span that was written as `started`, and batches that go a second time.
import type pg from 'pg';
import { COLUMNS, TYPES } from './columns.ts';
import { bucketOf, type Counted, Digest, microsOf, spanName } from './digest.ts';
import { decodeLine, factsOf, type SpanFacts } from './encode.ts';
import type { Change, Summaries } from './summary.ts';
import { TimeSlice } from './time-slice.ts';

const FILLED_IN = COLUMNS.filter((column) => !['trace_id', 'span_id', 'started_at', 'otel'].includes(column));

// Not `created_at`: it stays the row's first, and so tells an insert from an update. Only a row that came back from
// `lost` says so, because that is worth knowing and the summary must know what to take back.
const MERGE = `
insert into beacon.trace_spans as s (${COLUMNS.join(', ')})
select ${COLUMNS.map((_, i) => `(r ->> ${i})::${TYPES[i]}`).join(', ')}
from jsonb_array_elements($1::jsonb) as r
on conflict (trace_id, span_id, started_at) do update set
  ${FILLED_IN.map((column) => `${column} = excluded.${column}`).join(', ')},
  otel = case when s.status = 'lost' then coalesce(excluded.otel, '{}') || '{"was_lost": true}' else excluded.otel end
where s.status in ('started', 'lost') and excluded.status <> 'started'
returning replace(s.trace_id::text, '-', '') as trace_id, encode(s.span_id, 'hex') as span_id,
  to_char(s.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00"') as started_at,
  case when s.created_at = now() then 'new' when s.otel ? 'was_lost' then 'was lost' else 'was started' end as change,
  to_char(s.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00"') as created_at`;

// As what they were counted: the end of a span may have another name than its start.
const COUNTED = `
select replace(s.trace_id::text, '-', '') as trace_id, encode(s.span_id, 'hex') as span_id,
  to_char(s.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00"') as started_at,
  s.service, s.operation, s.kind, s.parent_span_id is null as is_root, s.duration_ms
from beacon.trace_spans s
where s.trace_id = any($1::uuid[]) and s.started_at between $2::timestamptz and $3::timestamptz and s.status in ('started', 'lost')`;

const ROWS_OF_A_STATEMENT = 200;

interface Touched {
  trace_id: string;
  span_id: string;
  started_at: string;
  change: Change;
  created_at: string;
}

interface OldRow {
  trace_id: string;
  span_id: string;
  started_at: string;
  service: string;
  operation: string;
  kind: string;
  is_root: boolean;
  duration_ms: number | null;
}

/** Digests of rows that were there already, by when they were first stored. */
export type Completed = Map<string, Digest>;

/** What is added up about the rows of a batch. */
interface Noted {
  summaries: Summaries;
  /** Of rows that are new. */
  digest: Digest;
  completed: Completed;
}

/**
 * Inserts the rows that are not there, completes those that are there as `started` or `lost`, leaves the others alone,
 * and adds to `noted` what it did.
 *
 * @param lines As `encodeRow` makes them.
 */
export async function merge(
  client: pg.ClientBase,
  lines: readonly string[],
  { summaries, digest, completed }: Noted,
  sliceMs: number | undefined,
): Promise<{ written: number; open: number }> {
  const slice = new TimeSlice(sliceMs);
  const rows = new Map<string, { line: string; texts: (string | null)[]; facts: SpanFacts }>();
  for (const line of lines) {
    const texts = decodeLine(line);
    const facts = factsOf(texts);
    const key = keyOf(texts[0]!.toLowerCase(), texts[1]!.slice(2).toLowerCase(), facts.startedAt);
    // A statement may touch a row only once: of the same span twice, the one that says how it ended counts.
    if (facts.status !== 'started' || !rows.has(key)) rows.set(key, { line, texts, facts });
    if (slice.isOver()) await slice.yield();
  }
  // In the order of their keys: two writers with the same rows would otherwise wait for each other in a circle.
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row.texts);
  const before = await countedBefore(
    client,
    [...rows.values()].map(({ facts }) => facts),
  );
  let written = 0;
  let open = 0;
  for (let i = 0; i < sorted.length; i += ROWS_OF_A_STATEMENT) {
    const some = JSON.stringify(sorted.slice(i, i + ROWS_OF_A_STATEMENT));
    const { rows: touched } = await client.query<Touched>(MERGE, [some]);
    for (const { trace_id, span_id, started_at, change, created_at } of touched) {
      const key = keyOf(trace_id, span_id, started_at);
      const row = rows.get(key);
      if (!row) continue;
      const line = Buffer.from(`${row.line}\n`);
      if (change === 'new') digest.add(line);
      else {
        let own = completed.get(created_at);
        if (!own) {
          own = new Digest();
          completed.set(created_at, own);
        }
        own.add(line);
        const old = before.get(key);
        if (old) own.count({ ...old, failed: change === 'was lost' }, -1);
      }
      summaries.add(row.facts, change);
      written++;
      if (row.facts.status === 'started') open++;
    }
  }
  return { written, open };
}

function keyOf(traceId: string, spanId: string, startedAt: string): string {
  return `${traceId} ${spanId} ${startedAt}`;
}

/** How spans that are open or lost have been counted, by their keys. */
async function countedBefore(client: pg.ClientBase, facts: SpanFacts[]): Promise<Map<string, Counted>> {
  const found = new Map<string, Counted>();
  if (facts.length === 0) return found;
  const traces = [...new Set(facts.map(({ traceId }) => traceId))];
  const starts = facts.map(({ startedAt }) => startedAt).sort();
  const { rows } = await client.query<OldRow>(COUNTED, [`{${traces.join()}}`, starts[0], starts.at(-1)]);
  for (const row of rows) {
    const started = Buffer.from(row.started_at);
    const micros = microsOf(started, 0, started.length);
    const minute = Math.floor(micros / 60_000_000);
    found.set(keyOf(row.trace_id, row.span_id, row.started_at), {
      name: spanName(row.service, row.operation, row.kind),
      isRoot: row.is_root,
      failed: false,
      bucket: bucketOf(row.duration_ms),
      minute,
      micros: micros - minute * 60_000_000,
      ms: row.duration_ms ?? 0,
    });
  }
  return found;
}
