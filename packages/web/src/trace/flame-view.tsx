// The flame graph of own time.
import { effect } from '@preact/signals';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { buildFlame, type Flame, flameAt, flameBoxes } from '../charts/flame.ts';
import { count } from '../ui/format.ts';
import { colourOf, type Palette, readableOn } from './draw.ts';
import type { Trace } from './model.ts';
import { palette, type Session } from './session.ts';
import { contextOf } from './waterfall.ts';
import { durationText } from './words.ts';

const LEVEL = 22;

export function FlameView({ session }: { session: Session }) {
  const trace = session.trace.value!;
  const flame = useMemo(() => buildFlame(trace), [trace]);
  const [root, setRoot] = useState(-1);
  const [hovered, setHovered] = useState(-1);
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const zoomed = root < flame.count ? root : -1;
  const from = zoomed < 0 ? 0 : flame.x[zoomed]!;
  const to = zoomed < 0 ? 1 : from + Math.max(flame.width[zoomed]!, 1e-12);
  useLayoutEffect(() => {
    const [drawn, around] = [canvas.current!, scroller.current!];
    const paint = () => drawFlame(drawn, around, { trace, flame, from, to, hovered, colours: palette() });
    const observer = new ResizeObserver(paint);
    observer.observe(around);
    around.addEventListener('scroll', paint, { passive: true });
    const stop = effect(paint);
    return () => {
      stop();
      observer.disconnect();
      around.removeEventListener('scroll', paint);
    };
  }, [trace, flame, from, to, hovered]);
  const under = (event: MouseEvent) => {
    const { left, top, width } = canvas.current!.getBoundingClientRect();
    const level = Math.floor((event.clientY - top + scroller.current!.scrollTop) / LEVEL);
    return flameAt(flame, level, from + ((event.clientX - left) / width) * (to - from));
  };
  const told = hovered >= 0 ? hovered : zoomed;
  return (
    <div class="flame">
      <p class="flame-told" aria-live="polite">
        {told >= 0 ? (
          <Told trace={trace} flame={flame} node={told} />
        ) : (
          <span class="dim">Own time by stack of operations, widest left. Click to zoom in.</span>
        )}
        {zoomed >= 0 && (
          <>
            <button type="button" class="small" onClick={() => setRoot(-1)}>
              Show everything
            </button>
            <button
              type="button"
              class="small"
              onClick={() => {
                session.tab.value = 'waterfall';
                session.goTo(flame.first[zoomed]!, { panel: true });
              }}
            >
              First of them in the waterfall
            </button>
          </>
        )}
      </p>
      {/* biome-ignore lint/a11y/useSemanticElements: a drawing that scrolls, not a form's group. */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: what the drawing says, the table of own time says in words. */}
      <div
        class="flame-scroll"
        ref={scroller}
        role="group"
        aria-label="Flame graph. The view Own time says the same in words."
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        tabIndex={0}
        onMouseMove={(event) => setHovered(under(event))}
        onMouseLeave={() => setHovered(-1)}
        onClick={(event) => setRoot(under(event))}
      >
        <div style={{ height: `${flame.levels.length * LEVEL}px` }} aria-hidden="true">
          <canvas ref={canvas} />
        </div>
      </div>
    </div>
  );
}

function Told({ trace, flame, node }: { trace: Trace; flame: Flame; node: number }) {
  return (
    <span>
      <strong>{trace.names[flame.name[node]!]}</strong> of {trace.services[flame.service[node]!]!.name}:{' '}
      {durationText(flame.total[node]!)} in all, {durationText(flame.self[node]!)} its own, {count(flame.spans[node]!)}{' '}
      {flame.spans[node] === 1 ? 'span' : 'spans'}
      {flame.failed[node]! > 0 && <span class="bad"> × {count(flame.failed[node]!)} failed</span>}
    </span>
  );
}

interface Painted {
  trace: Trace;
  flame: Flame;
  from: number;
  to: number;
  hovered: number;
  colours: Palette;
}

function drawFlame(
  canvas: HTMLCanvasElement,
  scroller: HTMLElement,
  { trace, flame, from, to, hovered, colours }: Painted,
): void {
  const [width, height, top] = [scroller.clientWidth, scroller.clientHeight, scroller.scrollTop];
  if (width === 0 || height === 0) return;
  const context = contextOf(canvas, width, height);
  context.clearRect(0, 0, width, height);
  context.font = colours.font;
  context.textBaseline = 'middle';
  const last = Math.min(flame.levels.length, Math.ceil((top + height) / LEVEL));
  for (let level = Math.floor(top / LEVEL); level < last; level++) {
    const y = level * LEVEL - top;
    for (const { node, x, width: wide } of flameBoxes(flame, level, from, to, width)) {
      context.fillStyle = node < 0 ? colours.line : colourOf(colours, trace, flame.service[node]!);
      context.globalAlpha = node === hovered && node >= 0 ? 0.75 : 1;
      context.fillRect(x, y, Math.max(1, wide - 1), LEVEL - 1);
      context.globalAlpha = 1;
      if (node < 0) continue;
      if (flame.failed[node]! > 0) {
        context.fillStyle = colours.error;
        context.fillRect(x, y + LEVEL - 4, Math.max(1, wide - 1), 3);
      }
      if (wide > 34) label(context, colours, trace, flame, node, { x, y, wide });
    }
  }
}

function label(
  context: CanvasRenderingContext2D,
  colours: Palette,
  trace: Trace,
  flame: Flame,
  node: number,
  { x, y, wide }: { x: number; y: number; wide: number },
): void {
  const name = `${flame.failed[node]! > 0 ? '× ' : ''}${trace.names[flame.name[node]!]!}`;
  const room = wide - 12;
  let text = name;
  if (context.measureText(text).width > room) {
    const letters = Math.floor((room / context.measureText(name).width) * name.length) - 1;
    if (letters < 2) return;
    text = `${name.slice(0, letters)}…`;
  }
  context.fillStyle = readableOn(colourOf(colours, trace, flame.service[node]!));
  context.fillText(text, x + 6, y + LEVEL / 2);
}
