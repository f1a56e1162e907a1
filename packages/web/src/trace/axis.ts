// From time to pixels, with idle stretches cut out where asked: a cut keeps a fixed width and says how long it is.
import type { Gap } from './gaps.ts';

/** What is left of a cut stretch, as a share of the whole axis. */
const CUT_SHARE = 0.035;

export interface Axis {
  /** Microseconds of the trace. */
  total: number;
  cuts: Gap[];
  /** 0 to 1 over the whole trace. */
  unit: (us: number) => number;
  /** The inverse. */
  time: (unit: number) => number;
}

/** The part of the axis on screen, in its units: 0 to 1 is everything. */
export interface Zoom {
  from: number;
  to: number;
}

/** Piecewise linear: stretches of `cuts` become {@link CUT_SHARE} of the axis each, the rest shares what is left. */
export function axisOf(total: number, cuts: Gap[]): Axis {
  if (cuts.length === 0) return { total, cuts, unit: (us) => us / total, time: (unit) => unit * total };
  const idle = cuts.reduce((sum, cut) => sum + cut.to - cut.from, 0);
  const share = Math.min(CUT_SHARE, 0.5 / cuts.length);
  const perUs = (1 - share * cuts.length) / Math.max(1, total - idle);
  const times = [0];
  const units = [0];
  for (const cut of cuts) {
    for (const [us, width] of [
      [cut.from, (cut.from - times.at(-1)!) * perUs],
      [cut.to, share],
    ] as const) {
      units.push(units.at(-1)! + width);
      times.push(us);
    }
  }
  times.push(Math.max(total, times.at(-1)! + 1e-9));
  units.push(1);
  return { total, cuts, unit: (us) => between(times, units, us), time: (unit) => between(units, times, unit) };
}

/** Value of a rising polyline; a few dozen points at most, so a scan is as good as a search. */
function between(xs: number[], ys: number[], x: number): number {
  let n = 1;
  while (n < xs.length - 1 && xs[n]! < x) n++;
  const width = xs[n]! - xs[n - 1]!;
  return ys[n - 1]! + (width > 0 ? ((x - xs[n - 1]!) / width) * (ys[n]! - ys[n - 1]!) : 0);
}

/** Cut unasked from this share of idle time on: less may be the work of a parent that says nothing, and so the very cause. */
const MOSTLY = 0.9;

/** Whether cutting is worth it unasked. */
export function mostlyIdle(total: number, gaps: Gap[]): boolean {
  return gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0) > total * MOSTLY;
}

/** The smallest stretch one can zoom to, as a share: a microsecond of an hour is still found. */
const SMALLEST = 1e-9;

/** Moves a zoom so that it stays within the axis and wider than nothing. */
export function clampZoom({ from, to }: Zoom): Zoom {
  const width = Math.min(1, Math.max(SMALLEST, to - from));
  const start = Math.min(1 - width, Math.max(0, from));
  return { from: start, to: start + width };
}

/** Zooms by `factor` (below 1: closer) around `anchor`, both in units. */
export function zoomAt(zoom: Zoom, factor: number, anchor: number): Zoom {
  return clampZoom({ from: anchor - (anchor - zoom.from) * factor, to: anchor + (zoom.to - anchor) * factor });
}

/** Moves by a share of what is on screen. */
export function panBy(zoom: Zoom, share: number): Zoom {
  const step = (zoom.to - zoom.from) * share;
  return clampZoom({ from: zoom.from + step, to: zoom.to + step });
}

export interface Tick {
  /** Microseconds. */
  at: number;
  /** Pixels from the left edge. */
  x: number;
  label: string;
}

/** Round times for a width in pixels, none inside a cut, and none so near to its neighbour that labels would touch. */
export function ticks(axis: Axis, zoom: Zoom, width: number, max = 90): Tick[] {
  // On a phone there is little room, and one tick alone says nothing.
  const apart = Math.min(max, Math.max(48, width / 3));
  const from = axis.time(zoom.from);
  const to = axis.time(zoom.to);
  const wanted = Math.max(2, Math.floor(width / apart));
  const idle = axis.cuts.reduce((sum, cut) => sum + Math.max(0, Math.min(to, cut.to) - Math.max(from, cut.from)), 0);
  const step = roundStep((to - from - idle) / wanted);
  const found: Tick[] = [];
  let next = Math.ceil(from / step) * step;
  for (let n = 0; n < 1000 && next <= to; n++) {
    const cut = axis.cuts.find((each) => next > each.from && next < each.to);
    if (cut) {
      next = Math.ceil(cut.to / step) * step;
      continue;
    }
    const x = ((axis.unit(next) - zoom.from) / (zoom.to - zoom.from)) * width;
    if (x - (found.at(-1)?.x ?? -apart) >= apart * 0.6) found.push({ at: next, x, label: tickLabel(next, step) });
    next += step;
  }
  return found;
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-3)));
  return ([1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10) * power;
}

function tickLabel(us: number, step: number): string {
  if (us === 0) return '0';
  const [unit, name] = us >= 1e6 ? [1e6, 's'] : us >= 1e3 ? [1e3, 'ms'] : [1, 'µs'];
  const digits = Math.max(0, -Math.floor(Math.log10(step / unit) + 1e-9));
  return `${(us / unit).toFixed(Math.min(6, digits))} ${name}`;
}
