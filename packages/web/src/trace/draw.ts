// Paints bars on a canvas. Knows no server and no page: data in, pixels out.
import { type Axis, type Tick, ticks, type Zoom } from './axis.ts';
import { type Bar, barOf, groupBars, labelPlace, ROW_HEIGHT, xOf } from './layout.ts';
import { isFailure, type Trace } from './model.ts';
import type { Rows } from './rows.ts';
import { STARTED } from './wire.ts';
import { durationText } from './words.ts';

/** Colours as a canvas takes them. */
export interface Palette {
  /** By service colour number modulo their count. */
  service: string[];
  error: string;
  text: string;
  muted: string;
  line: string;
  surface: string;
  /** Line of the critical path and its outline. */
  critical: string;
  match: string;
  font: string;
}

/** A stretch of the critical path charged to a span; microseconds. */
export interface Segment {
  row: number;
  from: number;
  to: number;
}

export interface Scene {
  trace: Trace;
  rows: Rows;
  axis: Axis;
  zoom: Zoom;
  /** Critical path by span; where a critical span has none, its whole bar is underlined. */
  segments: Map<number, Segment[]>;
  matches: Uint8Array | null;
  /** Index of a row; -1 for none. */
  selected: number;
  palette: Palette;
}

const BAR_HEIGHT = 12;
const BAR_TOP = 5;

/** Draws the rows from `first` on; `shift` is how many pixels of the first one are above the edge. */
export function drawRows(
  context: CanvasRenderingContext2D,
  scene: Scene,
  at: { first: number; count: number; shift: number; width: number; height: number },
): void {
  const { axis, zoom, rows, palette } = scene;
  const { width, height } = at;
  context.clearRect(0, 0, width, height);
  const lines = ticks(axis, zoom, width);
  context.fillStyle = palette.line;
  for (const { x } of lines) context.fillRect(Math.round(x), 0, 1, height);
  context.font = palette.font;
  context.textBaseline = 'middle';
  const labels: Label[] = [];
  for (let n = 0; n < at.count; n++) {
    const item = rows.item[at.first + n]!;
    const y = n * ROW_HEIGHT - at.shift;
    labels.push(item >= 0 ? drawSpan(context, scene, item, y, width) : drawGroup(context, scene, ~item, y, width));
  }
  for (const cut of axis.cuts) drawCut(context, scene, cut, width, height);
  // Words last, over what is cut out.
  for (const label of labels) label();
}

type Label = () => void;

function drawSpan(context: CanvasRenderingContext2D, scene: Scene, row: number, y: number, width: number): Label {
  const { trace, axis, zoom, palette } = scene;
  const duration = durationText(trace.end[row]! - trace.start[row]!);
  const bar = barOf(axis, zoom, width, trace.start[row]!, trace.end[row]!);
  if (!bar) {
    drawElsewhere(context, palette, xOf(axis, zoom, width, trace.start[row]!) > width, y, width);
    return () => {};
  }
  const failed = isFailure(trace.status[row]!);
  const running = trace.status[row] === STARTED;
  const colour = colourOf(palette, trace, trace.service[row]!);
  drawBar(context, bar, y, colour, failed ? palette.error : null, running);
  if (trace.critical[row]) drawCritical(context, scene, row, y, width);
  const label = running ? `running, ${duration} so far` : duration;
  return () =>
    drawLabel(
      context,
      scene,
      bar,
      y,
      width,
      label,
      failed ? '×' : null,
      running ? palette.surface : colour,
      scene.matches?.[row] === 1,
    );
}

function drawGroup(context: CanvasRenderingContext2D, scene: Scene, group: number, y: number, width: number): Label {
  const { trace, axis, zoom, palette } = scene;
  const { groups } = trace;
  const bars = groupBars(trace, group, axis, zoom, width);
  const failed = groups.failed[group]!;
  const colour = colourOf(palette, trace, trace.service[groups.first[group]!]!);
  for (const bar of bars) drawBar(context, bar, y, colour, failed > 0 ? palette.error : null, false);
  const [first, last] = [bars[0], bars.at(-1)];
  if (!first || !last) return () => {};
  const whole = { x: first.x, width: last.x + last.width - first.x };
  const label = `${durationText(groups.to[group]! - groups.from[group]!)} in all`;
  return () => drawLabel(context, scene, whole, y, width, label, failed > 0 ? '×' : null, colour, false);
}

function drawBar(
  context: CanvasRenderingContext2D,
  bar: Bar,
  y: number,
  colour: string,
  error: string | null,
  running: boolean,
) {
  const top = y + BAR_TOP;
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(bar.x, top, bar.width, BAR_HEIGHT, Math.min(3, bar.width / 2));
  if (running) {
    context.globalAlpha = 0.45;
    context.fill();
    context.globalAlpha = 1;
    context.setLineDash([3, 2]);
    context.strokeStyle = colour;
    context.stroke();
    context.setLineDash([]);
  } else context.fill();
  if (!error) return;
  // A failed bar wears red at its end, where it failed; narrow ones whole.
  const end = Math.min(bar.width, 4);
  context.fillStyle = error;
  context.fillRect(bar.x + bar.width - end, top - 1, end, BAR_HEIGHT + 2);
}

/** The critical path runs as an outlined line below what it is made of. */
function drawCritical(context: CanvasRenderingContext2D, scene: Scene, row: number, y: number, width: number): void {
  const { trace, axis, zoom, palette } = scene;
  const parts = scene.segments.get(row) ?? [{ row, from: trace.start[row]!, to: trace.end[row]! }];
  for (const part of parts) {
    const bar = barOf(axis, zoom, width, part.from, part.to);
    if (!bar) continue;
    const top = y + BAR_TOP + BAR_HEIGHT - 1;
    context.fillStyle = palette.surface;
    context.fillRect(bar.x - 1, top - 1, bar.width + 2, 5);
    context.fillStyle = palette.critical;
    context.fillRect(bar.x, top, bar.width, 3);
  }
}

/** An arrow at the edge where a bar lies outside what is zoomed to. */
function drawElsewhere(
  context: CanvasRenderingContext2D,
  palette: Palette,
  right: boolean,
  y: number,
  width: number,
): void {
  const tip = right ? width - 3 : 3;
  const back = right ? width - 8 : 8;
  context.fillStyle = palette.muted;
  context.beginPath();
  context.moveTo(tip, y + ROW_HEIGHT / 2);
  context.lineTo(back, y + ROW_HEIGHT / 2 - 4);
  context.lineTo(back, y + ROW_HEIGHT / 2 + 4);
  context.fill();
}

function drawLabel(
  context: CanvasRenderingContext2D,
  { palette }: Scene,
  bar: Bar,
  y: number,
  width: number,
  label: string,
  glyph: string | null,
  colour: string,
  match: boolean,
): void {
  const text = glyph ? `${glyph} ${label}` : label;
  const length = context.measureText(text).width;
  const place = labelPlace(bar, length, width);
  const middle = y + BAR_TOP + BAR_HEIGHT / 2 + 1;
  if (match) {
    context.fillStyle = palette.match;
    context.fillRect(place.x - 3, y + 3, length + 6, ROW_HEIGHT - 6);
  }
  context.fillStyle = match
    ? palette.text
    : place.side === 'inside'
      ? readableOn(colour)
      : glyph
        ? palette.error
        : palette.muted;
  context.fillText(text, place.x, middle);
}

/** A break over the whole height: what is cut out, and how long it was. */
function drawCut(
  context: CanvasRenderingContext2D,
  scene: Scene,
  cut: { from: number; to: number },
  width: number,
  height: number,
) {
  const { axis, zoom, palette } = scene;
  const left = xOf(axis, zoom, width, cut.from);
  const right = xOf(axis, zoom, width, cut.to);
  if (right < 0 || left > width) return;
  context.save();
  context.beginPath();
  context.rect(left, 0, right - left, height);
  context.clip();
  context.globalAlpha = 0.8;
  context.fillStyle = palette.surface;
  context.fillRect(left, 0, right - left, height);
  context.globalAlpha = 1;
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = left - height; x < right; x += 7) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
  context.restore();
}

/** The line of times above the bars, with the length of each cut. */
export function drawAxis(
  context: CanvasRenderingContext2D,
  scene: Pick<Scene, 'axis' | 'zoom' | 'palette'>,
  width: number,
  height: number,
): Tick[] {
  const { axis, zoom, palette } = scene;
  context.clearRect(0, 0, width, height);
  context.font = palette.font;
  context.textBaseline = 'middle';
  const cuts = axis.cuts.map((cut) => {
    const text = `${durationText(cut.to - cut.from)} idle`;
    const length = context.measureText(text).width;
    const middle = (xOf(axis, zoom, width, cut.from) + xOf(axis, zoom, width, cut.to)) / 2;
    return { text, x: Math.min(width - length - 2, Math.max(2, middle - length / 2)), length, middle };
  });
  const lines = ticks(axis, zoom, width);
  for (const { x, label } of lines) {
    const length = context.measureText(label).width;
    if (x + 4 + length > width) continue;
    if (cuts.some((cut) => x + 10 + length > cut.x && x - 6 < cut.x + cut.length)) continue;
    context.fillStyle = palette.line;
    context.fillRect(Math.round(x), height - 6, 1, 6);
    context.fillStyle = palette.muted;
    context.fillText(label, x + 4, height / 2);
  }
  context.fillStyle = palette.text;
  let free = 0;
  for (const { text, x, length, middle } of cuts) {
    // Of cuts that stand too close for their words the first is labelled; the bars show the others.
    if (middle < 0 || middle > width || x < free) continue;
    context.fillText(text, x, height / 2);
    free = x + length + 8;
  }
  return lines;
}

/** Black or white, whichever reads better on a colour (relative luminance as WCAG has it). */
export function readableOn(rgb: string): string {
  const known = readable.get(rgb);
  if (known) return known;
  const [red = 0, green = 0, blue = 0] = (rgb.match(/[\d.]+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const text = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000' : '#fff';
  readable.set(rgb, text);
  return text;
}

const readable = new Map<string, string>();

export function colourOf(palette: Palette, trace: Trace, service: number): string {
  const { color } = trace.services[service]!;
  return palette.service[((color % palette.service.length) + palette.service.length) % palette.service.length]!;
}
