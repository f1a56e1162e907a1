// Which rows are on screen: the tree after collapsing, folding and narrowing.
import { idOf, isFailure, rowOfId, type Trace } from './model.ts';

/** What the viewer asked to see. Ids, not rows, so that it outlives a trace that grows, and fits into a link. */
export interface View {
  /** Depth from which on spans are closed unless flipped; `null`: all open. */
  level: number | null;
  /** Ids of spans that are not as `level` says, and of first members (`*` before the id) of groups that are open. */
  flipped: ReadonlySet<string>;
  /** Whether repeated siblings become one row. */
  fold: boolean;
  /** Id of the span whose subtree alone is shown. */
  focus: string | null;
  /** Which spans are kept, with their ancestors. */
  only: 'all' | 'critical' | 'errors' | 'matches';
}

export const EVERYTHING: View = { level: null, flipped: new Set(), fold: true, focus: null, only: 'all' };

/** Rows from top to bottom. */
export interface Rows {
  count: number;
  /** A span's row in the trace, or `~group` for a group that stands for its members. */
  item: Int32Array;
  /** Indentation, from 0. */
  level: Int32Array;
}

/** Spans marked with their ancestors: what stays when only some are wanted. */
function withAncestors(trace: Pick<Trace, 'count' | 'parent'>, wanted: (row: number) => boolean): Uint8Array {
  const kept = new Uint8Array(trace.count);
  for (let row = trace.count - 1; row >= 0; row--) {
    if (!kept[row] && !wanted(row)) continue;
    kept[row] = 1;
    if (trace.parent[row]! >= 0) kept[trace.parent[row]!] = 1;
  }
  return kept;
}

/** Per span 1 when its children are hidden; per group 1 when its members are shown. */
function openAndClosed(trace: Trace, view: View): { closed: Uint8Array; open: Uint8Array } {
  const closed = new Uint8Array(trace.count);
  const open = new Uint8Array(trace.groups.first.length);
  const { level } = view;
  if (level !== null) for (let row = 0; row < trace.count; row++) closed[row] = trace.depth[row]! >= level ? 1 : 0;
  for (const key of view.flipped) {
    const row = rowOfId(trace, key.replace('*', ''));
    if (row < 0) continue;
    if (!key.startsWith('*')) closed[row]! ^= 1;
    else if (trace.groups.of[row]! >= 0) open[trace.groups.of[row]!] = 1;
  }
  return { closed, open };
}

/**
 * The rows of a view: one pass that skips what is closed by the size of its subtree.
 *
 * @param matches what `only: 'matches'` keeps; not read otherwise.
 */
export function rowsOf(trace: Trace, view: View, matches: Uint8Array | null): Rows {
  const { closed, open } = openAndClosed(trace, view);
  const { groups, size, depth } = trace;
  const kept = keptSpans(trace, view, matches);
  // Group rows come on top of their members: never more rows than both together.
  const item = new Int32Array(trace.count + groups.first.length);
  const level = new Int32Array(item.length);
  const root = view.focus === null ? -1 : rowOfId(trace, view.focus);
  const end = root < 0 ? trace.count : root + size[root]!;
  const base = root < 0 ? 0 : depth[root]!;
  const opened: number[] = [];
  let count = 0;
  let row = Math.max(0, root);
  while (row < end) {
    while (opened.length > 0 && row >= opened.at(-1)!) opened.pop();
    if (kept && !kept[row]) {
      row += size[row]!;
      continue;
    }
    const group = view.fold && !kept ? groups.of[row]! : -1;
    if (group >= 0 && groups.first[group] === row && row !== root) {
      item[count] = ~group;
      level[count++] = depth[row]! - base + opened.length;
      if (!open[group]) {
        row = groups.end[group]!;
        continue;
      }
      opened.push(groups.end[group]!);
    }
    item[count] = row;
    level[count++] = depth[row]! - base + opened.length;
    row += closed[row] ? size[row]! : 1;
  }
  return { count, item, level };
}

function keptSpans(trace: Trace, view: View, matches: Uint8Array | null): Uint8Array | null {
  if (view.only === 'critical') return withAncestors(trace, (row) => trace.critical[row] === 1);
  if (view.only === 'errors') return withAncestors(trace, (row) => isFailure(trace.status[row]!));
  if (view.only === 'matches' && matches) return withAncestors(trace, (row) => matches[row] === 1);
  return null;
}

/** The span a row stands for; of a group its first member. */
export function spanAt(trace: Pick<Trace, 'groups'>, rows: Rows, index: number): number {
  const item = rows.item[index]!;
  return item >= 0 ? item : trace.groups.first[~item]!;
}

/** Place of a span in the rows; where it is hidden, of the last row before it (what hides it). Rows are in trace order. */
export function indexOfSpan(trace: Pick<Trace, 'groups'>, rows: Rows, span: number): number {
  let low = 0;
  let high = rows.count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (spanAt(trace, rows, middle) <= span) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Whether the row at `index` shows that very span, not something that hides it. */
export function shows(rows: Rows, index: number, span: number): boolean {
  return index >= 0 && index < rows.count && rows.item[index] === span;
}

/** Turns one span or group open or closed. */
export function flip(view: View, key: string): View {
  const flipped = new Set(view.flipped);
  if (!flipped.delete(key)) flipped.add(key);
  return { ...view, flipped };
}

/** Key of a row for {@link flip}. */
export function keyOf(trace: Pick<Trace, 'ids' | 'groups'>, item: number): string {
  const row = item >= 0 ? item : trace.groups.first[~item]!;
  return `${item >= 0 ? '' : '*'}${idOf(trace, row)}`;
}

/** Whether what is below a row is on screen. */
export function isOpen(trace: Trace, view: View, item: number): boolean {
  const flipped = view.flipped.has(keyOf(trace, item));
  if (item < 0) return flipped;
  return (view.level !== null && trace.depth[item]! >= view.level) === flipped;
}

/** A view in which the given spans can be seen: everything above them opened, narrowing lifted where it hides them. */
export function reveal(trace: Trace, view: View, spans: number[]): View {
  let shown = view;
  for (const span of spans) {
    const focus = shown.focus === null ? -1 : rowOfId(trace, shown.focus);
    if (focus >= 0 && (span < focus || span >= focus + trace.size[focus]!)) shown = { ...shown, focus: null };
    for (let row = span; row >= 0; row = trace.parent[row]!) {
      const group = trace.groups.of[row]!;
      if (shown.fold && group >= 0 && !isOpen(trace, shown, ~group)) shown = flip(shown, keyOf(trace, ~group));
      if (row !== span && !isOpen(trace, shown, row)) shown = flip(shown, keyOf(trace, row));
    }
  }
  return shown;
}

/** One level more or less: from what is open now. */
export function byLevel(trace: Trace, view: View, step: 1 | -1): View {
  let deepest = 0;
  for (let row = 0; row < trace.count; row++) if (trace.depth[row]! > deepest) deepest = trace.depth[row]!;
  const level = Math.max(0, (view.level ?? deepest) + step);
  return { ...view, flipped: new Set(), level: level >= deepest ? null : level };
}
