// A whole trace at once, for drawing: columns instead of rows, with every text given once.
import { setImmediate as othersTurn } from 'node:timers/promises';
import type pg from 'pg';
import { criticalRows } from './critical-path.ts';
import { readSpans, type SpanIds, type Spans, STATUS } from './spans.ts';
import { placesOf, type Tree, treeOf } from './tree.ts';

/**
 * Text of the answer of `GET /api/v1/trace-columns`; null when the trace has no spans. 100,000 spans are some 4 MB.
 *
 * Rows are spans in the order of trace_tree. Times in columns are microseconds from the start of the trace, clocks
 * corrected; a duration of -1 has no end. `id` is one text, 16 digits a row; `parent` is how many rows above it stands, 0
 * for none; `self_us` are pairs of row and time, of rows that did not work themselves for all of their duration; `error`
 * and `note` are pairs of row and number, which counts for the rows that follow too, until the next pair, -1 for none;
 * `critical` are rows; `status` and `kind` are a digit a row, as beacon.trace_rows gives them.
 *
 * @param client In a transaction.
 */
export async function traceColumns(client: pg.ClientBase, traceId: string): Promise<string | null> {
  const spans = await readSpans(client, traceId);
  if (!spans) return null;
  // A large trace takes a tenth of a second, and spans are coming in on the same thread: in pieces, with room between them.
  await othersTurn();
  let tree = treeOf(spans);
  if (tree.shifts.some((ms) => ms !== 0)) tree = treeOf(spans, await hostsOf(client, traceId, spans));
  const first = tree.order[0]!;
  const root = await rootOf(client, traceId, spans, first);
  const colors = await colorsOf(client, spans.services);
  const attempts = await attemptsOf(client, root.execution_id);
  const notes = notesOf(spans, tree);
  await othersTurn();
  const columns = await columnsOf(spans, tree, notes.byPlace);
  await othersTurn();
  return JSON.stringify({
    trace_id: traceId,
    started_at: instant(spans.firstUs),
    duration_ms: tree.ends.reduce((latest, at) => Math.max(latest, at)),
    traces_of_execution: attempts,
    names: spans.operations,
    services: spans.services.map((name) => ({ name, color: colors.get(name) })),
    errors: spans.errors,
    notes: notes.texts,
    header: {
      ...root,
      span_count: spans.count,
      error_count: spans.status.filter(hasFailed).length,
      orphan_count: tree.isOrphan.filter(Boolean).length,
      corrected_clock_ms: correctedClocks(spans, tree),
    },
    columns,
  });
}

interface Root {
  execution_id: string | null;
  job_id: string | null;
  model_id: string | null;
  region: string | null;
}

async function rootOf(client: pg.ClientBase, traceId: string, spans: Spans, row: number): Promise<Root> {
  const { rows } = await client.query<Root>(
    `select beacon.execution_name(s.execution_id, s.execution_key) as execution_id, s.job_id, s.model_id, s.region
     from beacon.spans_of(array[$1::uuid], $3::timestamptz, $3::timestamptz) s
     where s.span_id = decode($2, 'hex')`,
    [traceId, hexOf(spans.ids, [row]), instant(spans.startedUs[row]!)],
  );
  return rows[0]!;
}

/** By service, of those that ran on one host. */
async function hostsOf(client: pg.ClientBase, traceId: string, { startedUs }: Spans): Promise<Map<string, string>> {
  const { rows } = await client.query('select h.service, h.host from beacon.service_hosts($1::uuid, $2, $3) h', [
    traceId,
    instant(startedUs[0]!),
    instant(startedUs.at(-1)!),
  ]);
  return new Map(rows.map(({ service, host }) => [service, host]));
}

async function colorsOf(client: pg.ClientBase, services: string[]): Promise<Map<string, number>> {
  const { rows } = await client.query('select k.service, k.color from beacon.service_colors($1::text[]) k', [services]);
  return new Map(rows.map(({ service, color }) => [service, color]));
}

/** Traces of that execution, oldest first. */
async function attemptsOf(client: pg.ClientBase, execution: string | null): Promise<string[]> {
  const { rows } = await client.query(
    'select x.trace_id::text from beacon.execution_traces($1::text) x order by x.started_at, x.trace_id',
    [execution],
  );
  return rows.map(({ trace_id }) => trace_id.replaceAll('-', ''));
}

function hasFailed(status: number): boolean {
  return status === STATUS.failed || status === STATUS.timeout || status === STATUS.lost;
}

async function columnsOf(spans: Spans, tree: Tree, notes: number[]) {
  const { order, parents, starts, selfs } = tree;
  const rows = Array.from(order);
  const places = placesOf(order);
  const critical = criticalRows(tree);
  const us = (ms: number) => Math.round(ms * 1_000);
  const durations = rows.map((row) => (spans.status[row] === STATUS.started ? -1 : us(spans.durations[row]!)));
  const ownTimes = rows.map((row) => us(selfs[row]!));
  const id = hexOf(spans.ids, rows);
  await othersTurn();
  return {
    id,
    parent: rows.map((row, at) => (parents[row]! < 0 ? 0 : at - places[parents[row]!]!)),
    service: rows.map((row) => spans.service[row]!),
    name: rows.map((row) => spans.operation[row]!),
    start_us: rows.map((row) => us(starts[row]!)),
    duration_us: durations,
    self_us: ownTimes.flatMap((own, at) => (own === durations[at] ? [] : [at, own])),
    status: rows.map((row) => spans.status[row]).join(''),
    kind: rows.map((row) => spans.kind[row]).join(''),
    error: runsOf(rows.map((row) => spans.error[row]!)),
    critical: rows.flatMap((row, at) => (critical.has(row) ? [at] : [])),
    note: runsOf(notes),
  };
}

/** 16 digits each, without anything between them. */
function hexOf({ high, low }: SpanIds, rows: number[]): string {
  const bytes = Buffer.alloc(rows.length * 8);
  rows.forEach((row, at) => {
    bytes.writeInt32BE(high[row]!, at * 8);
    bytes.writeInt32BE(low[row]!, at * 8 + 4);
  });
  return bytes.toString('hex');
}

/** Pairs of row and number, where the number is another than in the row before. */
function runsOf(numbers: number[]): number[] {
  return numbers.flatMap((number, at) => (number === (at === 0 ? -1 : numbers[at - 1]) ? [] : [at, number]));
}

/** What a reader should know about a row beside its bar, in the words of beacon.span_note; -1 for nothing. */
function notesOf(spans: Spans, { order, isOrphan, shifts }: Tree): { texts: string[]; byPlace: number[] } {
  const numbers = new Map<string, number>();
  const byPlace = Array.from(order, (row) => {
    const status = spans.status[row];
    const words = [
      spans.generations[spans.generation[row]!],
      isOrphan[row] && 'orphan: its parent was never received',
      shifts[row] !== 0 && `clock corrected by ${shifts[row]!.toFixed(1)} ms`,
      status === STATUS.lost && 'lost: its process ended before it did',
      status === STATUS.started && `still open after ${durationText(spans.durations[row]!)}`,
    ].filter(Boolean);
    if (words.length === 0) return -1;
    const note = words.join('; ');
    if (!numbers.has(note)) numbers.set(note, numbers.size);
    return numbers.get(note)!;
  });
  return { texts: [...numbers.keys()], byPlace };
}

function durationText(ms: number): string {
  if (ms < 10_000) return `${Math.round(ms)} ms`;
  if (ms < 600_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 36_000_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

/** Of every service whose clock was corrected, by how much, as its first row says. */
function correctedClocks({ service, services }: Spans, { order, shifts }: Tree): Record<string, number> {
  const found: Record<string, number> = {};
  for (const row of order) {
    if (shifts[row] !== 0) found[services[service[row]!]!] ??= Math.round(shifts[row]! * 1_000) / 1_000;
  }
  return found;
}

/** ISO 8601 with microseconds. */
function instant(us: number): string {
  const seconds = Math.floor(us / 1e6);
  const fraction = String(us - seconds * 1e6).padStart(6, '0');
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${fraction}Z`;
}
