// Mouse and touch on rows and bars: select, open, zoom, pan.
import { panBy, zoomAt } from './axis.ts';
import { type Session, WHOLE } from './session.ts';
import type { Parts } from './waterfall.ts';

interface Callbacks {
  /** Row below a height within the view; -1 for none. */
  indexAt: (y: number) => number;
  hover: (index: number) => void;
}

/** Pixels a press may wander and still be a click. */
const CLICK = 4;

/** Listens until the returned function is called. */
export function followPointer(session: Session, parts: Parts, { indexAt, hover }: Callbacks): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  const { grid, stage, bars, axis } = parts;
  const y = (event: MouseEvent) => event.clientY - grid.getBoundingClientRect().top;
  stage.addEventListener('pointermove', (event) => hover(indexAt(y(event))), { signal });
  stage.addEventListener('pointerleave', () => hover(-1), { signal });

  parts.names.addEventListener(
    'click',
    (event) => {
      const index = indexAt(y(event));
      if (index < 0) return;
      const item = session.rows.peek().item[index]!;
      if ((event.target as Element).closest('.wf-caret')) session.toggle(item);
      session.select(index, { panel: !(event.target as Element).closest('.wf-caret') });
    },
    { signal },
  );
  parts.names.addEventListener(
    'dblclick',
    (event) => session.toggle(session.rows.peek().item[indexAt(y(event))] ?? 0),
    { signal },
  );

  for (const canvas of [bars, axis]) {
    canvas.addEventListener('pointerdown', (event) => press(event, canvas), { signal });
    canvas.addEventListener('dblclick', () => (session.zoom.value = WHOLE), { signal });
  }
  // With ctrl (a pinch on a touchpad looks the same) the wheel zooms; sideways it pans. Upright it scrolls as everywhere.
  grid.addEventListener(
    'wheel',
    (event) => {
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
      if (!event.ctrlKey && !event.metaKey && !sideways) return;
      event.preventDefault();
      const { left, width } = bars.getBoundingClientRect();
      const zoom = session.zoom.peek();
      const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
      if (sideways && !event.ctrlKey) session.zoom.value = panBy(zoom, (event.deltaX || event.deltaY) / width);
      else session.zoom.value = zoomAt(zoom, 1.002 ** event.deltaY, zoom.from + share * (zoom.to - zoom.from));
    },
    { signal, passive: false },
  );

  /** A click selects; a drag zooms to what it covers (touch: pans). */
  function press(down: PointerEvent, canvas: HTMLCanvasElement): void {
    if (down.button !== 0) return;
    const { left, width } = canvas.getBoundingClientRect();
    const start = session.zoom.peek();
    const touch = down.pointerType === 'touch';
    const brush = touch ? null : document.createElement('div');
    const released = new AbortController();
    let moved = false;
    canvas.setPointerCapture(down.pointerId);
    if (brush) {
      brush.className = 'wf-brush';
      canvas.parentElement!.append(brush);
    }
    const edges = (event: PointerEvent) => {
      const [a, b] = [down.clientX - left, Math.min(width, Math.max(0, event.clientX - left))];
      return { from: Math.min(a, b), to: Math.max(a, b) };
    };
    const move = (event: PointerEvent) => {
      moved ||= Math.abs(event.clientX - down.clientX) > CLICK;
      if (!moved) return;
      if (touch) session.zoom.value = panBy(start, (down.clientX - event.clientX) / width);
      const { from, to } = edges(event);
      if (brush) Object.assign(brush.style, { left: `${from}px`, width: `${to - from}px` });
    };
    const end = (event: PointerEvent) => {
      released.abort();
      brush?.remove();
      if (event.type === 'pointercancel') return;
      const { from, to } = edges(event);
      const unit = (x: number) => start.from + (x / width) * (start.to - start.from);
      if (moved && !touch) session.zoom.value = { from: unit(from), to: unit(to) };
      else if (!moved && canvas === bars) {
        const index = indexAt(y(event));
        if (index >= 0) session.select(index, { panel: true });
      }
    };
    canvas.addEventListener('pointermove', move, { signal: released.signal });
    canvas.addEventListener('pointerup', end, { signal: released.signal });
    canvas.addEventListener('pointercancel', end, { signal: released.signal });
  }
  return () => abort.abort();
}
