// A trace as typed arrays: one number a span and fact, rows in drawing order. Knows nothing of the page.

import { type Gap, idleGaps } from './gaps.ts';
import { type Groups, groupSiblings } from './groups.ts';
import { STARTED, type TraceColumns } from './wire.ts';

export interface Trace extends Columns {
  traceId: string;
  startedAt: string;
  attempts: string[];
  header: TraceColumns['header'];
  names: string[];
  services: TraceColumns['services'];
  errors: TraceColumns['errors'];
  notes: string[];
  /** Spans. */
  count: number;
  /** Microseconds from the start of the first span to the end of the last. */
  total: number;
  /** Spans still running. */
  open: number;
  /** Span ids, 16 hex digits after one another: one string is cheap to hand from a worker, 100,000 are not. */
  ids: string;
  groups: Groups;
  gaps: Gap[];
}

/** Per span; times in microseconds from the start of the trace. */
interface Columns {
  parent: Int32Array;
  depth: Int32Array;
  service: Int32Array;
  name: Int32Array;
  start: Float64Array;
  /** End; of a span still running, the end of the trace. */
  end: Float64Array;
  self: Float64Array;
  status: Uint8Array;
  kind: Uint8Array;
  error: Int32Array;
  critical: Uint8Array;
  note: Int32Array;
  /** Spans of its subtree, itself included: the next row that is not below it is `row + size`. */
  size: Int32Array;
  /** Failed spans of its subtree, itself included. */
  failures: Int32Array;
  /** Children. */
  children: Int32Array;
  /** Place among its siblings, from 1. */
  place: Int32Array;
}

/** Whether a status means that the span did not do its work: failed, timeout or lost. */
export function isFailure(status: number): boolean {
  return status > 0 && status < STARTED;
}

/**
 * Builds the arrays; linear in the number of spans, but for sorting starts and ends to find idle gaps.
 *
 * @throws Error when a parent does not stand before its child.
 */
export function buildTrace(wire: TraceColumns): Trace {
  const { columns } = wire;
  const count = columns.id.length;
  const parent = Int32Array.from(columns.parent);
  const start = Float64Array.from(columns.start_us);
  const status = Uint8Array.from(columns.status);
  const size = new Int32Array(count).fill(1);
  const failures = new Int32Array(count);
  const children = new Int32Array(count);
  const place = new Int32Array(count);
  const end = new Float64Array(count);
  let total = Math.max(1, wire.duration_ms * 1000);
  let open = 0;
  let roots = 0;
  for (let row = 0; row < count; row++) {
    const duration = columns.duration_us[row]!;
    if (status[row] === STARTED) open++;
    if (duration >= 0) {
      end[row] = start[row]! + duration;
      if (end[row]! > total) total = end[row]!;
    }
    const above = parent[row]!;
    if (above >= row) throw new Error(`Row ${row} stands before its parent, row ${above}.`);
    place[row] = above < 0 ? ++roots : ++children[above]!;
  }
  for (let row = count - 1; row >= 0; row--) {
    if (columns.duration_us[row]! < 0) end[row] = Math.max(total, start[row]!);
    if (isFailure(status[row]!)) failures[row]!++;
    const above = parent[row]!;
    if (above < 0) continue;
    size[above]! += size[row]!;
    failures[above]! += failures[row]!;
  }
  const trace = {
    traceId: wire.trace_id,
    startedAt: wire.started_at,
    attempts: wire.traces_of_execution,
    header: wire.header,
    names: wire.names,
    services: wire.services,
    errors: wire.errors,
    notes: wire.notes,
    count,
    total,
    open,
    ids: columns.id.join(''),
    parent,
    depth: Int32Array.from(columns.depth),
    service: Int32Array.from(columns.service),
    name: Int32Array.from(columns.name),
    start,
    end,
    self: Float64Array.from(columns.self_us),
    status,
    kind: Uint8Array.from(columns.kind),
    error: Int32Array.from(columns.error),
    critical: Uint8Array.from(columns.critical),
    note: Int32Array.from(columns.note),
    size,
    failures,
    children,
    place,
  };
  return { ...trace, groups: groupSiblings(trace), gaps: idleGaps(trace) };
}

/** Type and message of a row's error in one; empty without one. */
export function errorOf({ errors, error }: Pick<Trace, 'errors' | 'error'>, row: number): string {
  const { type, message } = errors[error[row]!] ?? {};
  return [type, message].filter(Boolean).join(': ');
}

const ID_DIGITS = 16;

export function idOf(trace: Pick<Trace, 'ids'>, row: number): string {
  return trace.ids.slice(row * ID_DIGITS, (row + 1) * ID_DIGITS);
}

/** First row with that span id; -1 when there is none. A scan of 1.6 MB at 100,000 spans: below a millisecond. */
export function rowOfId(trace: Pick<Trace, 'ids'>, id: string): number {
  if (id.length !== ID_DIGITS) return -1;
  let at = trace.ids.indexOf(id);
  while (at >= 0 && at % ID_DIGITS !== 0) at = trace.ids.indexOf(id, at + 1);
  return at < 0 ? -1 : at / ID_DIGITS;
}

/** How many siblings a row has, itself included. */
export function siblings(trace: Pick<Trace, 'parent' | 'children' | 'size' | 'count'>, row: number): number {
  const above = trace.parent[row]!;
  if (above >= 0) return trace.children[above]!;
  let roots = 0;
  for (let root = 0; root < trace.count; root += trace.size[root]!) roots++;
  return roots;
}

/** The buffers of a trace, to hand them from a worker without copying. */
export function buffersOf(trace: Trace): ArrayBuffer[] {
  return [...Object.values(trace), ...Object.values(trace.groups)]
    .filter((value) => ArrayBuffer.isView(value))
    .map((view) => view.buffer as ArrayBuffer);
}
