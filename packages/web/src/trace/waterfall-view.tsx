// Places the waterfall on the page.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Minimap } from './minimap-view.tsx';
import type { Session } from './session.ts';
import { Waterfall } from './waterfall.ts';

const NAMES_KEY = 'beacon-trace-names';
const NAMES = { least: 120, max: 0.75, step: 16 };

export function WaterfallView({ session }: { session: Session }) {
  const root = useRef<HTMLDivElement>(null);
  const grid = useRef<HTMLDivElement>(null);
  const space = useRef<HTMLDivElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const names = useRef<HTMLDivElement>(null);
  const bars = useRef<HTMLCanvasElement>(null);
  const axis = useRef<HTMLCanvasElement>(null);
  // With the render: what is on screen can be pressed at once.
  useLayoutEffect(() => {
    const waterfall = new Waterfall(session, {
      grid: grid.current!,
      space: space.current!,
      stage: stage.current!,
      names: names.current!,
      bars: bars.current!,
      axis: axis.current!,
    });
    return () => waterfall.dispose();
  }, [session]);
  const size = (change: (width: number) => number) =>
    resize(root.current!, bars.current!.parentElement!.offsetLeft, change);
  useLayoutEffect(() => size((width) => Number(localStorage.getItem(NAMES_KEY)) || width), []);
  return (
    <div class="wf" ref={root}>
      <Minimap session={session} />
      <div class="wf-head">
        <div class="wf-head-names" aria-hidden="true">
          Query
        </div>
        {/* biome-ignore lint/a11y/useSemanticElements: one that moves has a role and a value; an <hr> has neither. */}
        <div
          class="wf-split"
          role="separator"
          aria-orientation="vertical"
          aria-label="Width of the operations"
          aria-valuenow={50}
          tabIndex={0}
          onKeyDown={(event) => {
            const step = { ArrowLeft: -NAMES.step, ArrowRight: NAMES.step }[event.key];
            if (step === undefined) return;
            event.preventDefault();
            event.stopPropagation();
            size((width) => width + step);
          }}
          onPointerDown={(event) => {
            const start = bars.current!.parentElement!.offsetLeft - event.clientX;
            const handle = event.currentTarget;
            const released = new AbortController();
            handle.setPointerCapture(event.pointerId);
            handle.addEventListener('pointermove', (move) => size(() => start + move.clientX), {
              signal: released.signal,
            });
            handle.addEventListener('pointerup', () => released.abort(), { signal: released.signal });
          }}
        />
        <div class="wf-head-axis" aria-hidden="true">
          <canvas ref={axis} />
        </div>
      </div>
      <div
        class="wf-grid"
        ref={grid}
        role="treegrid"
        aria-label="Spans"
        aria-readonly="true"
        tabIndex={0}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          session.panel.value = session.index.peek() >= 0;
        }}
      >
        <div class="wf-space" ref={space}>
          <div class="wf-stage" ref={stage}>
            <div class="wf-names" ref={names} />
            <div class="wf-bars" aria-hidden="true">
              <canvas ref={bars} />
            </div>
          </div>
        </div>
      </div>
    </div>
  );
}

function resize(root: HTMLElement, width: number, change: (width: number) => number): void {
  const wanted = change(width);
  const next = Math.round(Math.max(NAMES.least, Math.min(root.clientWidth * NAMES.max, wanted)));
  if (next === width) return;
  root.style.setProperty('--names', `${next}px`);
  localStorage.setItem(NAMES_KEY, String(next));
}
