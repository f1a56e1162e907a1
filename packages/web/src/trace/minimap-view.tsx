// The whole trace above the waterfall, with the part that is zoomed to as a window one can drag.
import { effect } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { clampZoom, type Zoom } from './axis.ts';
import { EMPTY, FAILED, MINIMAP_HEIGHT, minimapRaster } from './minimap.ts';
import { palette, type Session, WHOLE } from './session.ts';

/** Pixels from an edge of the window in which a drag moves that edge. */
const EDGE = 6;

export function Minimap({ session }: { session: Session }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const lens = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    // Held here: an observer may fire once more when the elements have left the page and their refs are empty.
    const [room, picture, window] = [box.current!, canvas.current!, lens.current!];
    const paint = () => drawMinimap(session, picture, room.clientWidth);
    const observer = new ResizeObserver(paint);
    observer.observe(room);
    const stops = [
      effect(paint),
      effect(() => {
        const { from, to } = session.zoom.value;
        Object.assign(window.style, { left: `${from * 100}%`, width: `${(to - from) * 100}%` });
        window.classList.toggle('whole', from <= 0 && to >= 1);
      }),
    ];
    return () => {
      observer.disconnect();
      for (const stop of stops) stop();
    };
  }, [session]);
  return (
    // Keyboard: w a s d zoom and pan, as the help says; the minimap adds nothing that they do not do.
    <div
      class="minimap"
      ref={box}
      aria-hidden="true"
      onPointerDown={(event) => drag(session, box.current!, event)}
      onDblClick={() => (session.zoom.value = WHOLE)}
      title="Drag to zoom, double click for everything"
    >
      <canvas ref={canvas} />
      <div class="minimap-lens" ref={lens} />
    </div>
  );
}

function drawMinimap(session: Session, canvas: HTMLCanvasElement, css: number): void {
  const trace = session.trace.value;
  const axis = session.axis.value;
  const { service, error } = palette();
  if (!trace || css === 0) return;
  const width = Math.round(css * devicePixelRatio);
  canvas.width = width;
  canvas.height = MINIMAP_HEIGHT;
  const cells = minimapRaster(trace, axis, width);
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(width, MINIMAP_HEIGHT);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = [...service, error].map(packed);
  for (let n = 0; n < cells.length; n++) {
    const cell = cells[n]!;
    if (cell !== EMPTY) pixels[n] = cell === FAILED ? colours.at(-1)! : colours[cell]!;
  }
  context.putImageData(image, 0, 0);
}

/** `rgb(1, 2, 3)` as a pixel of a canvas (little endian). */
function packed(rgb: string): number {
  const [red = 0, green = 0, blue = 0] = rgb.match(/[\d.]+/g)?.map(Number) ?? [];
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Within the window it moves it, at its edges it sizes it, beside it draws a new one. */
function drag(session: Session, box: HTMLElement, down: PointerEvent): void {
  if (down.button !== 0) return;
  const { left, width } = box.getBoundingClientRect();
  const share = (event: PointerEvent) => Math.min(1, Math.max(0, (event.clientX - left) / width));
  const start = session.zoom.peek();
  const at = share(down);
  const near = EDGE / width;
  const whole = start.from <= 0 && start.to >= 1;
  const zoomFor = (now: number): Zoom => {
    if (!whole && Math.abs(at - start.from) < near) return ordered(now, start.to);
    if (!whole && Math.abs(at - start.to) < near) return ordered(start.from, now);
    if (!whole && at > start.from && at < start.to)
      return clampZoom({ from: start.from + now - at, to: start.to + now - at });
    return ordered(at, now);
  };
  const released = new AbortController();
  const move = (event: PointerEvent) => {
    const now = share(event);
    if (Math.abs(now - at) * width > 3) session.zoom.value = zoomFor(now);
  };
  box.setPointerCapture(down.pointerId);
  box.addEventListener('pointermove', move, { signal: released.signal });
  for (const end of ['pointerup', 'pointercancel'] as const)
    box.addEventListener(end, () => released.abort(), { signal: released.signal });
}

function ordered(a: number, b: number): Zoom {
  return clampZoom({ from: Math.min(a, b), to: Math.max(a, b, Math.min(a, b) + 1e-6) });
}
