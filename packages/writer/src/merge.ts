// Rows that may be there already: the end of a span that was written as `started`, and batches that go a second time.
import type pg from 'pg';
import { COLUMNS, TYPES } from './columns.ts';
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
  case when s.created_at = now() then 'new' when s.otel ? 'was_lost' then 'was lost' else 'was started' end as change`;

const ROWS_OF_A_STATEMENT = 200;

interface Touched {
  trace_id: string;
  span_id: string;
  started_at: string;
  change: Change;
}

/**
 * Inserts the rows that are not there, completes those that are there as `started` or `lost`, leaves the others alone,
 * and adds to `summaries` what it did.
 *
 * @param lines As `encodeRow` makes them.
 */
export async function merge(
  client: pg.ClientBase,
  lines: readonly string[],
  summaries: Summaries,
  sliceMs: number | undefined,
): Promise<{ written: number; open: number }> {
  const slice = new TimeSlice(sliceMs);
  const rows = new Map<string, { texts: (string | null)[]; facts: SpanFacts }>();
  for (const line of lines) {
    const texts = decodeLine(line);
    const facts = factsOf(texts);
    const key = keyOf(texts[0]!.toLowerCase(), texts[1]!.slice(2).toLowerCase(), facts.startedAt);
    // A statement may touch a row only once: of the same span twice, the one that says how it ended counts.
    if (facts.status !== 'started' || !rows.has(key)) rows.set(key, { texts, facts });
    if (slice.isOver()) await slice.yield();
  }
  // In the order of their keys: two writers with the same rows would otherwise wait for each other in a circle.
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row.texts);
  let written = 0;
  let open = 0;
  for (let i = 0; i < sorted.length; i += ROWS_OF_A_STATEMENT) {
    const some = JSON.stringify(sorted.slice(i, i + ROWS_OF_A_STATEMENT));
    const { rows: touched } = await client.query<Touched>(MERGE, [some]);
    for (const { trace_id, span_id, started_at, change } of touched) {
      const row = rows.get(keyOf(trace_id, span_id, started_at));
      if (!row) continue;
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
