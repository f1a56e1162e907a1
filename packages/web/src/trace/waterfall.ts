// The waterfall: recycled rows on the left, one canvas on the right, both painted in the same frame from the same position.
import { effect } from '@preact/signals';
import { drawAxis, drawRows, type Scene } from './draw.ts';
import { offsetFor, ROW_HEIGHT, type Scroll, scrollOf, visible } from './layout.ts';
import { followPointer } from './pointer.ts';
import { RowElement, rowId } from './row-element.ts';
import { palette, type Session } from './session.ts';

/** Of the bars, as the stylesheet has it. */
const PADDING = 10;

/** The elements it lives in; the component makes them. */
export interface Parts {
  /** Scrolls, has the focus, is the treegrid. */
  grid: HTMLElement;
  /** As tall as all rows. */
  space: HTMLElement;
  /** As tall as the view; stays in it. */
  stage: HTMLElement;
  names: HTMLElement;
  bars: HTMLCanvasElement;
  axis: HTMLCanvasElement;
}

export class Waterfall {
  readonly #session: Session;
  readonly #parts: Parts;
  readonly #rows: RowElement[] = [];
  readonly #dispose: Array<() => void> = [];
  #scroll: Scroll = scrollOf(0, 0);
  #scene: Scene | null = null;
  #hovered = -1;
  #frame = 0;
  #wish = -1;
  #painted = false;

  constructor(session: Session, parts: Parts) {
    this.#session = session;
    this.#parts = parts;
    const observer = new ResizeObserver(() => this.#invalidate());
    for (const sized of [parts.grid, parts.bars.parentElement!]) observer.observe(sized);
    const onScroll = () => this.#invalidate();
    parts.grid.addEventListener('scroll', onScroll, { passive: true });
    this.#dispose.push(
      () => observer.disconnect(),
      () => parts.grid.removeEventListener('scroll', onScroll),
      () => cancelAnimationFrame(this.#frame),
      followPointer(session, parts, { indexAt: (y) => this.#indexAt(y), hover: (index) => this.#hover(index) }),
      effect(() => this.#observe()),
    );
  }

  dispose(): void {
    for (const each of this.#dispose) each();
  }

  /** Runs again whenever anything that is painted changes. */
  #observe(): void {
    const session = this.#session;
    const trace = session.trace.value;
    const rows = session.rows.value;
    if (!trace) return;
    this.#scene = {
      trace,
      rows,
      axis: session.axis.value,
      zoom: session.zoom.value,
      segments: session.segments.value,
      matches: session.found.value.matches,
      selected: session.index.value,
      palette: palette(),
    };
    session.evidence.value;
    session.view.value;
    session.wish.value;
    this.#invalidate();
  }

  #invalidate(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #hover(index: number): void {
    if (index === this.#hovered) return;
    this.#hovered = index;
    this.#invalidate();
  }

  #indexAt(y: number): number {
    const index = Math.floor((this.#offset() + y) / ROW_HEIGHT);
    return index < (this.#scene?.rows.count ?? 0) ? index : -1;
  }

  #offset(): number {
    return this.#scroll.offset(this.#parts.grid.scrollTop);
  }

  #paint(): void {
    this.#frame = 0;
    const scene = this.#scene;
    const { grid, space, stage, bars, axis } = this.#parts;
    const height = grid.clientHeight;
    if (!scene || height === 0) return;
    this.#scroll = scrollOf(scene.rows.count, height);
    style(space, 'height', `${this.#scroll.height}px`);
    style(stage, 'height', `${Math.min(height, Math.max(this.#scroll.height, ROW_HEIGHT))}px`);
    this.#fulfil(scene, height);
    const offset = this.#offset();
    const { first, count } = visible(scene.rows, offset, height);
    const shift = offset - first * ROW_HEIGHT;
    const width = inner(bars.parentElement!);
    drawRows(contextOf(bars, width, height), scene, { first, count, shift, width, height });
    drawAxis(contextOf(axis, width, axis.parentElement!.clientHeight), scene, width, axis.parentElement!.clientHeight);
    this.#placeRows(scene, first, count, shift, height);
    if (!this.#painted) performance.mark('waterfall-painted');
    this.#painted = true;
  }

  /** Scrolls to the cursor when it was asked for since the last frame. */
  #fulfil(scene: Scene, height: number): void {
    const { n, center } = this.#session.wish.peek();
    if (n === this.#wish) return;
    this.#wish = n;
    if (scene.selected < 0) return;
    const offset = this.#offset();
    const wanted = offsetFor(scene.selected, offset, height, center);
    if (wanted !== offset) this.#parts.grid.scrollTop = this.#scroll.scrollTop(wanted);
  }

  /** A row keeps its element while it stays on screen: index modulo their number. */
  #placeRows(scene: Scene, first: number, count: number, shift: number, height: number): void {
    const { names, grid, bars } = this.#parts;
    const wanted = Math.ceil(height / ROW_HEIGHT) + 2;
    while (this.#rows.length < wanted) {
      const row = new RowElement();
      this.#rows.push(row);
      names.append(row.element);
    }
    const width = bars.parentElement!.offsetLeft;
    const slots = this.#rows.length;
    for (let slot = 0; slot < slots; slot++) {
      const index = first + ((((slot - first) % slots) + slots) % slots);
      const { element } = this.#rows[slot]!;
      const shown = index < first + count;
      if (element.hidden === shown) element.hidden = !shown;
      if (!shown) continue;
      this.#rows[slot]!.show(this.#session, scene.trace, index, width);
      style(element, 'transform', `translateY(${(index - first) * ROW_HEIGHT - shift}px)`);
      element.classList.toggle('hovered', index === this.#hovered);
    }
    const active = scene.selected >= first && scene.selected < first + count ? rowId(scene.selected) : null;
    if (active) grid.setAttribute('aria-activedescendant', active);
    else grid.removeAttribute('aria-activedescendant');
    grid.setAttribute('aria-rowcount', String(scene.rows.count));
  }
}

/** Width without the padding at both ends. */
function inner(element: HTMLElement): number {
  return element.clientWidth - 2 * PADDING;
}

/** The context of a canvas that has as many pixels as the screen shows of it. */
export function contextOf(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = devicePixelRatio;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function style(element: HTMLElement, name: 'height' | 'transform', value: string): void {
  if (element.style[name] !== value) element.style[name] = value;
}
