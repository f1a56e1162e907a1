// The heatmap with its axes. A rectangle is dragged with the pointer, or made with arrow keys and Shift.
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { durationTicks, timeTicks } from '../charts/axis.ts';
import { type Box, boxOf, drawHeatmap, type Grid, gridOf, type HeatCell, meaning } from '../charts/heatmap.ts';
import { isDark } from '../state/theme.ts';
import { count, duration, moment } from '../ui/format.ts';
import type { Selection } from './selection.ts';

interface HeatmapViewProps {
  cells: HeatCell[];
  /** Milliseconds since 1970. */
  range: { from: number; to: number };
  columns: number;
  selection: Selection | null;
  onSelect(selection: Selection | null): void;
}

interface Cursor {
  column: number;
  row: number;
}

export function HeatmapView({ cells, range, columns, selection, onSelect }: HeatmapViewProps) {
  const grid = useMemo(() => gridOf(cells, range, columns), [cells, range.from, range.to, columns]);
  const plot = useRef<HTMLDivElement>(null);
  const width = useCanvas(plot, grid);
  const [drag, setDrag] = useState<{ start: Cursor; end: Cursor } | null>(null);
  const [hover, setHover] = useState<Cursor | null>(null);
  const chosen = drag
    ? spanned(drag.start, drag.end)
    : selection && boxOf(grid, { ...selection, max: selection.max ?? 1e15 });

  const finish = (box: Box) => {
    setDrag(null);
    onSelect({ ...meaning(grid, box), errors: false });
  };
  const at = (event: PointerEvent): Cursor => {
    const { left, bottom, width: w, height: h } = (plot.current as HTMLElement).getBoundingClientRect();
    return {
      column: clamp(Math.floor(((event.clientX - left) / w) * grid.columns), grid.columns),
      row: clamp(Math.floor(((bottom - event.clientY) / h) * grid.rows), grid.rows),
    };
  };
  return (
    <div class="heatmap">
      <div class="heat-y" aria-hidden="true">
        {durationTicks(grid.lowest, grid.lowest * grid.factor ** grid.rows, 9).map((tick) => (
          <span key={tick.label} style={{ bottom: `${tick.at * 100}%` }}>
            {tick.label}
          </span>
        ))}
      </div>
      <div
        ref={plot}
        class="heat-plot"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the selection is made with keys, too.
        tabIndex={0}
        role="application"
        aria-label={`Heatmap of durations over time. ${wordsOf(grid)} Arrow keys move, Shift with arrow keys selects, Enter asks what is different, Escape clears.`}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag({ start: at(event), end: at(event) });
        }}
        onPointerMove={(event) => {
          const place = at(event);
          setHover(place);
          if (drag && event.buttons === 1) setDrag({ ...drag, end: place });
        }}
        onPointerLeave={() => setHover(null)}
        onPointerUp={() => drag && finish(spanned(drag.start, drag.end))}
        onPointerCancel={() => setDrag(null)}
        onKeyDown={(event) => keys(event, grid, drag, setDrag, finish, () => onSelect(null))}
      >
        <div class="layer" aria-hidden="true">
          <canvas />
        </div>
        {chosen && <div class="heat-box" style={placeOf(grid, chosen)} />}
        {hover && !drag && <Tip grid={grid} at={hover} />}
      </div>
      <div class="heat-x" aria-hidden="true">
        {timeTicks(grid.from, grid.to, Math.max(3, Math.floor(width / 80)))
          .filter(({ at }) => at > 0.02 && at < 0.97)
          .map((tick) => (
            <span key={tick.at} style={{ left: `${tick.at * 100}%` }}>
              {tick.label}
            </span>
          ))}
      </div>
    </div>
  );
}

/** Draws when data, size or theme change; returns the width. */
function useCanvas(plot: { current: HTMLElement | null }, grid: Grid): number {
  const [width, setWidth] = useState(0);
  const dark = isDark.value;
  useLayoutEffect(() => {
    const canvas = plot.current?.querySelector('canvas');
    if (!canvas) return;
    const draw = () => {
      drawHeatmap(canvas, grid);
      setWidth(canvas.clientWidth);
    };
    const resize = new ResizeObserver(draw);
    resize.observe(canvas);
    return () => resize.disconnect();
  }, [grid, dark]);
  return width;
}

function keys(
  event: KeyboardEvent,
  grid: Grid,
  drag: { start: Cursor; end: Cursor } | null,
  setDrag: (drag: { start: Cursor; end: Cursor } | null) => void,
  finish: (box: Box) => void,
  clear: () => void,
): void {
  const dx = Number(event.key === 'ArrowRight') - Number(event.key === 'ArrowLeft');
  const dy = Number(event.key === 'ArrowUp') - Number(event.key === 'ArrowDown');
  const before = drag?.end ?? { column: grid.columns - 1, row: 0 };
  const end = { column: clamp(before.column + dx, grid.columns), row: clamp(before.row + dy, grid.rows) };
  if (dx !== 0 || dy !== 0) setDrag({ start: event.shiftKey && drag ? drag.start : end, end });
  else if (event.key === 'Enter' && drag) finish(spanned(drag.start, drag.end));
  else if (event.key === 'Escape') {
    setDrag(null);
    clear();
  } else return;
  event.preventDefault();
}

function Tip({ grid, at }: { grid: Grid; at: Cursor }) {
  const cell = grid.cells.find(({ column, row }) => column === at.column && row === at.row);
  const { from, min, max } = meaning(grid, { left: at.column, right: at.column, bottom: at.row, top: at.row });
  const isRight = at.column > grid.columns / 2;
  const style = {
    [isRight ? 'right' : 'left']: `${100 * (isRight ? 1 - at.column / grid.columns : (at.column + 1) / grid.columns)}%`,
    top: at.row > grid.rows / 2 ? '8px' : undefined,
    bottom: at.row > grid.rows / 2 ? undefined : '8px',
  };
  return (
    <div class="heat-tip" style={style} aria-hidden="true">
      <strong>{count(cell?.count ?? 0)}</strong>{' '}
      {cell?.errors ? <span class="bad">{count(cell.errors)} failed</span> : ''}
      <div class="dim">
        {duration(min)} – {duration(max)}
      </div>
      <div class="faint">{moment(new Date(from).toISOString())}</div>
    </div>
  );
}

function wordsOf(grid: Grid): string {
  const total = grid.cells.reduce((sum, cell) => sum + cell.count, 0);
  const errors = grid.cells.reduce((sum, cell) => sum + cell.errors, 0);
  return `${count(total)} spans, ${count(errors)} failed.`;
}

function spanned(a: Cursor, b: Cursor): Box {
  return {
    left: Math.min(a.column, b.column),
    right: Math.max(a.column, b.column),
    bottom: Math.min(a.row, b.row),
    top: Math.max(a.row, b.row),
  };
}

function placeOf(grid: Grid, { left, right, bottom, top }: Box) {
  const clipped = { top: Math.min(top, grid.rows - 1), right: Math.min(right, grid.columns - 1) };
  return {
    left: `${(100 * left) / grid.columns}%`,
    width: `${(100 * (clipped.right - left + 1)) / grid.columns}%`,
    bottom: `${(100 * bottom) / grid.rows}%`,
    height: `${(100 * (clipped.top - bottom + 1)) / grid.rows}%`,
  };
}

function clamp(n: number, size: number): number {
  return Math.max(0, Math.min(size - 1, n));
}
