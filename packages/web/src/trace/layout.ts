// Where bars stand: rows and times to pixels. No canvas here, so that pictures can be compared in tests.
import type { Axis, Zoom } from './axis.ts';
import type { Trace } from './model.ts';
import type { Rows } from './rows.ts';

export const ROW_HEIGHT = 24;

/** Browsers clamp elements at 16 to 33 million pixels; beyond this the scroll bar moves several rows a pixel. */
const TALLEST = 8_000_000;

/** Bars of a short span stay visible. */
const NARROWEST = 2;

/** Pixels from the left edge of the bars. */
export interface Bar {
  x: number;
  width: number;
}

/** Pixel of a moment. */
export function xOf(axis: Axis, zoom: Zoom, width: number, us: number): number {
  return ((axis.unit(us) - zoom.from) / (zoom.to - zoom.from)) * width;
}

/** A stretch of time as a bar, cut at the edges; null when it is off screen. */
export function barOf(axis: Axis, zoom: Zoom, width: number, from: number, to: number): Bar | null {
  const left = xOf(axis, zoom, width, from);
  const right = xOf(axis, zoom, width, to);
  if (right < 0 || left > width) return null;
  const x = Math.max(0, Math.min(left, width - NARROWEST));
  return { x, width: Math.max(NARROWEST, Math.min(width, right) - x) };
}

/** Members of a folded group as bars; what lies on the same pixels becomes one, so that 10,000 queries are a few hundred. */
export function groupBars(trace: Trace, group: number, axis: Axis, zoom: Zoom, width: number): Bar[] {
  const bars: Bar[] = [];
  const { groups, size, start, end } = trace;
  const [from, to] = [axis.time(zoom.from), axis.time(zoom.to)];
  for (let row = groups.first[group]!; row < groups.end[group]!; row += size[row]!) {
    if (end[row]! < from || start[row]! > to) continue;
    const bar = barOf(axis, zoom, width, start[row]!, end[row]!);
    const last = bars.at(-1);
    if (!bar) continue;
    if (last && bar.x <= last.x + last.width + 1) last.width = Math.max(last.width, bar.x + bar.width - last.x);
    else bars.push(bar);
  }
  return bars;
}

/** Where a label goes: after the bar, before it, or, where neither has room, into it. */
export function labelPlace(bar: Bar, label: number, width: number): { x: number; side: 'after' | 'before' | 'inside' } {
  const gap = 6;
  if (bar.x + bar.width + gap + label <= width) return { x: bar.x + bar.width + gap, side: 'after' };
  if (bar.x - gap - label >= 0) return { x: bar.x - gap - label, side: 'before' };
  return { x: bar.x + gap, side: 'inside' };
}

/** Scrolling through more rows than an element can be tall. */
export interface Scroll {
  /** Height the scrolled element gets, pixels. */
  height: number;
  /** Pixels of rows above the top edge, for a scroll position. */
  offset: (scrollTop: number) => number;
  /** The inverse. */
  scrollTop: (offset: number) => number;
}

export function scrollOf(rows: number, viewport: number): Scroll {
  const real = rows * ROW_HEIGHT;
  const height = Math.min(TALLEST, real);
  const factor = height > viewport ? Math.max(1, (real - viewport) / (height - viewport)) : 1;
  return { height, offset: (scrollTop) => scrollTop * factor, scrollTop: (offset) => offset / factor };
}

/** First row on screen and how many are, one cut off at each end included. */
export function visible(rows: Pick<Rows, 'count'>, offset: number, viewport: number): { first: number; count: number } {
  const first = Math.min(Math.max(0, rows.count - 1), Math.max(0, Math.floor(offset / ROW_HEIGHT)));
  const last = Math.min(rows.count, Math.ceil((offset + viewport) / ROW_HEIGHT));
  return { first, count: Math.max(0, last - first) };
}

/** Pixels of rows above the top edge with which a row is on screen; as they are when it is already. */
export function offsetFor(index: number, offset: number, viewport: number, center: boolean): number {
  const top = index * ROW_HEIGHT;
  if (center && (top < offset || top + ROW_HEIGHT > offset + viewport))
    return Math.max(0, top - (viewport - ROW_HEIGHT) / 2);
  if (top < offset) return top;
  return Math.max(offset, top + ROW_HEIGHT - viewport);
}
