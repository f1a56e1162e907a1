// Rows that may be there already: the end of a span that was written as `started`, and batches that go a second time.
import type pg from 'pg';
import { COLUMNS, TYPES } from './columns.ts';
import { bucketOf, type Counted, Digest, spanName } from './digest.ts';
import { decodeLine, factsOf, type SpanFacts } from './encode.ts';
import { microsOf } from './field.ts';
import type { Signatures } from './signature.ts';
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
  or s.status = 'started' and excluded.status = 'started'
    and (s.metadata, s.events, s.links) is distinct from (excluded.metadata, excluded.events, excluded.links)
returning replace(s.trace_id::text, '-', '') as trace_id, encode(s.span_id, 'hex') as span_id,
  to_char(s.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00"') as started_at,
  case when s.created_at = $2::timestamptz then 'new' when s.otel ? 'was_lost' then 'was lost' else 'was started' end as change,
  to_char(s.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00"') as created_at`;

// As what they were counted: the end of a span may have another name than its start.
const COUNTED = `
select replace(s.trace_id::text, '-', '') as trace_id, encode(s.span_id, 'hex') as span_id,
  to_char(s.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00"') as started_at,
  s.service, s.operation, s.kind, s.parent_span_id is null as is_root, s.duration_ms
from beacon.trace_spans s
where s.trace_id = any($1::uuid[]) and s.started_at between $2::timestamptz and $3::timestamptz and s.status in ('started', 'lost')`;

// A repeat says the same; what says something else is another span (Zipkin's client and server share an id, and may begin in the
// same microsecond), or the same one sent again.
const DIFFERING = `
select replace(s.trace_id::text, '-', '') as trace_id, encode(s.span_id, 'hex') as span_id,
  to_char(s.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00"') as started_at
from jsonb_array_elements($1::jsonb) as r
join beacon.trace_spans s on s.trace_id = (r ->> 0)::uuid and s.span_id = (r ->> 1)::bytea and s.started_at = (r ->> 7)::timestamptz
where not exists (
  select 1 from beacon.trace_spans x
  where x.trace_id = (r ->> 0)::uuid and x.span_id = (r ->> 1)::bytea
    and x.started_at between s.started_at - interval '16 microseconds' and s.started_at + interval '16 microseconds'
    and (x.parent_span_id, x.service, x.operation, x.kind, x.status, x.completed_at, x.error_type, x.error_message, x.metadata, x.events,
      x.links, x.trace_state)
    is not distinct from ((r ->> 2)::bytea, r ->> 3, r ->> 4, r ->> 5, r ->> 6, (r ->> 8)::timestamptz, r ->> 14, r ->> 15,
      (r ->> 16)::jsonb, (r ->> 17)::jsonb, (r ->> 18)::jsonb, r ->> 19))`;

/** So many spans of one id and microsecond are distinguished. */
const MAX_BESIDE = 16;

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
  /** Of the traces of both. */
  signatures: Signatures;
}

/**
 * Inserts the rows that are not there, completes those that are there as `started` or `lost`, keeps those beside what is
 * there that say something else, leaves repeats alone, and adds to `noted` what it did.
 *
 * @param lines As `encodeRow` makes them.
 */
export async function merge(
  client: pg.ClientBase,
  lines: readonly string[],
  { summaries, digest, completed, signatures }: Noted,
  sliceMs: number | undefined,
): Promise<{ written: number; open: number }> {
  const slice = new TimeSlice(sliceMs);
  // Several rows of one key go one after another.
  const passes: Map<string, Row>[] = [new Map()];
  for (const line of lines) {
    keep(passes, rowOf(line));
    if (slice.isOver()) await slice.yield();
  }
  const before = await countedBefore(
    client,
    [...passes[0]!.values()].map(({ facts }) => facts),
  );
  // As a value: a worker of a cluster has a clock, and a transaction, of its own.
  const { now } = (await client.query<{ now: string }>('select now()::text as now')).rows[0]!;
  let written = 0;
  let open = 0;
  for (let rows of passes) {
    for (let round = 0; rows.size > 0 && round < MAX_BESIDE; round++) {
      const differing = new Map<string, Row>();
      // In the order of their keys: two writers with the same rows would otherwise wait for each other in a circle.
      const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row.texts);
      for (let i = 0; i < sorted.length; i += ROWS_OF_A_STATEMENT) {
        const some = sorted.slice(i, i + ROWS_OF_A_STATEMENT);
        const { rows: touched } = await client.query<Touched>(MERGE, [JSON.stringify(some), now]);
        for (const { trace_id, span_id, started_at, change, created_at } of touched) {
          const key = keyOf(trace_id, span_id, started_at);
          const row = rows.get(key);
          if (!row) continue;
          rows.delete(key);
          const line = Buffer.from(`${row.line}\n`);
          if (change === 'new') digest.add(line);
          else {
            let own = completed.get(created_at);
            if (!own) {
              own = new Digest(signatures);
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
        // A start that comes after its end says nothing new.
        const left = some.filter((texts) => texts[6] !== 'started' && rows.has(keyOfTexts(texts)));
        if (left.length === 0) continue;
        for (const found of (await client.query<Touched>(DIFFERING, [JSON.stringify(left)])).rows) {
          const row = rows.get(keyOf(found.trace_id, found.span_id, found.started_at));
          if (!row) continue;
          const beside = shifted(row);
          differing.set(keyOfTexts(beside.texts), beside);
        }
      }
      rows = differing;
    }
  }
  return { written, open };
}

interface Row {
  line: string;
  texts: (string | null)[];
  facts: SpanFacts;
}

function rowOf(line: string): Row {
  const texts = decodeLine(line);
  return { line, texts, facts: factsOf(texts) };
}

/** A statement may touch a row only once: of a start and an end the end counts, and of two ends the second comes later. */
function keep(passes: Map<string, Row>[], row: Row): void {
  const key = keyOfTexts(row.texts);
  for (const rows of passes) {
    const other = rows.get(key);
    if (!other || (other.facts.status === 'started' && row.facts.status !== 'started')) {
      rows.set(key, row);
      return;
    }
    if (row.facts.status === 'started' || other.line === row.line) return;
  }
  if (passes.length < MAX_BESIDE) passes.push(new Map([[key, row]]));
}

const SECOND = /^(.{19})\.(\d{6})\+00$/;

/** The same a microsecond later, so that there is room for it; `otel` keeps its times. */
function shifted({ line, texts }: Row): Row {
  const [, second = '', micros = '0'] = SECOND.exec(texts[7]!) ?? [];
  const at = BigInt(Date.parse(`${second}Z`)) * 1_000n + BigInt(micros);
  const start = at * 1_000n + BigInt(texts[24] ?? 0);
  const end = texts[9] === null ? null : start + BigInt(Math.round(Number(texts[9]) * 1e6));
  const later = at + 1n;
  const fields = line.split('\t');
  fields[7] = `${new Date(Number(later / 1_000n)).toISOString().slice(0, 19)}.${String(later % 1_000_000n).padStart(6, '0')}+00`;
  // Where a member comes twice the last counts: what was said of the times before.
  const said = [`"start_ns":"${start}"`, ...(end === null ? [] : [`"end_ns":"${end}"`]), '"kept_beside":true'];
  const otel = texts[20] === null || texts[20] === '{}' ? '' : `,${texts[20]!.slice(1, -1)}`;
  fields[20] = `{${said.join()}${otel}}`.replaceAll('\\', '\\\\');
  return rowOf(fields.join('\t'));
}

function keyOfTexts(texts: readonly (string | null)[]): string {
  return keyOf(texts[0]!.toLowerCase(), texts[1]!.slice(2).toLowerCase(), texts[7]!);
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
