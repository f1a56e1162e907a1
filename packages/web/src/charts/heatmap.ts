// How many spans took how long, when: the grid of the picture, and the picture.
import { colour } from '../state/theme.ts';
import { stepsOf } from './steps.ts';

export interface HeatCell {
  /** Start of the bucket of time, ISO 8601. */
  at: string;
  /** Null for spans that have not ended; they are on no row. */
  bucket_ms_from: number | null;
  bucket_ms_to: number | null;
  count: number;
  errors: number;
}

/** Cells on a grid; columns are equal stretches of time, rows grow by a constant factor, row 0 is the fastest. */
export interface Grid {
  from: number;
  to: number;
  columns: number;
  rows: number;
  /** Lower edge of row 0 in milliseconds, and by how much each row is slower. */
  lowest: number;
  factor: number;
  cells: { column: number; row: number; count: number; errors: number }[];
  max: number;
}

/** A rectangle in grid cells, both ends included. */
export interface Box {
  left: number;
  right: number;
  bottom: number;
  top: number;
}

const LEAST_ROWS = 8;

/**
 * @param range Milliseconds since 1970.
 * @param most Columns that were asked for.
 */
export function gridOf(cells: HeatCell[], range: { from: number; to: number }, max: number): Grid {
  const {
    start,
    step,
    count: columns,
  } = stepsOf(
    cells.map(({ at }) => at),
    range,
    max,
  );
  const ended = cells.flatMap(({ bucket_ms_from: low, bucket_ms_to: high, ...cell }) =>
    low === null || high === null ? [] : [{ ...cell, low, high }],
  );
  const first = ended[0];
  const factor = first ? first.high / first.low : 2;
  const lowest = Math.min(...ended.map(({ low }) => low), first ? Number.POSITIVE_INFINITY : 1);
  const placed = ended.map(({ at, low, count, errors }) => ({
    column: Math.round((Date.parse(at) - start) / step),
    row: Math.round(Math.log(low / lowest) / Math.log(factor)),
    count,
    errors,
  }));
  return {
    from: start,
    to: start + columns * step,
    columns,
    rows: Math.max(LEAST_ROWS, ...placed.map(({ row }) => row + 1)),
    lowest,
    factor,
    cells: placed,
    max: Math.max(1, ...placed.map(({ count }) => count)),
  };
}

/** What a box means: a stretch of time and one of durations. The lowest row reaches down to nothing, the highest up without end. */
export function meaning(grid: Grid, box: Box): { from: number; to: number; min: number; max: number } {
  const step = (grid.to - grid.from) / grid.columns;
  return {
    from: grid.from + box.left * step,
    to: grid.from + (box.right + 1) * step,
    min: box.bottom <= 0 ? 0 : grid.lowest * grid.factor ** box.bottom,
    max: grid.lowest * grid.factor ** (box.top + 1),
  };
}

/** The box that a meaning came from. */
export function boxOf(grid: Grid, selected: { from: number; to: number; min: number; max: number }): Box {
  const step = (grid.to - grid.from) / grid.columns;
  const row = (ms: number) => Math.round(Math.log(ms / grid.lowest) / Math.log(grid.factor));
  const column = (at: number) => Math.round((at - grid.from) / step);
  return {
    left: Math.max(0, column(selected.from)),
    right: Math.min(grid.columns, column(selected.to)) - 1,
    bottom: selected.min <= 0 ? 0 : row(selected.min),
    top: row(selected.max) - 1,
  };
}

const SHADES = ['--heat-1', '--heat-2', '--heat-3', '--heat-4', '--heat-5'] as const;

/** Draws the cells; amount by shade on a logarithmic scale, errors by a red mark whose height is their share. */
export function drawHeatmap(canvas: HTMLCanvasElement, grid: Grid): void {
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  if (!context) return;
  context.scale(ratio, ratio);
  const [w, h] = [width / grid.columns, height / grid.rows];
  const shades = SHADES.map(colour);
  const gap = w > 5 ? 1 : 0;
  for (const { column, row, count, errors } of grid.cells) {
    const share = grid.max === 1 ? 1 : Math.log(count) / Math.log(grid.max);
    context.fillStyle = shades[Math.min(shades.length - 1, Math.floor(share * shades.length))] as string;
    const [x, y] = [column * w, height - (row + 1) * h];
    context.fillRect(x, y, w - gap, h - gap);
    if (errors === 0) continue;
    context.fillStyle = colour('--heat-error');
    const mark = Math.max(3, (h - gap) * Math.min(1, errors / count));
    context.fillRect(x, y + h - gap - mark, Math.max(3, (w - gap) * 0.5), mark);
  }
}
