// The keys of a trace page.
import type { Key } from '../state/keys.ts';
import { announce, copy } from '../ui/announce.tsx';
import { writeNow } from './address.ts';
import { panBy, zoomAt } from './axis.ts';
import { type Session, WHOLE } from './session.ts';

const ZOOM = 0.7;
const PAN = 0.2;
const PAGE = 20;

export function traceKeys(session: Session): Key[] {
  const zoom = (factor: number) => {
    const now = session.zoom.peek();
    session.zoom.value = zoomAt(now, factor, anchor(session));
  };
  const pan = (share: number) => {
    session.zoom.value = panBy(session.zoom.peek(), share);
  };
  const next = (kind: 'error' | 'critical' | 'match', step: 1 | -1, none: string) => () => {
    if (!session.next(kind, step)) announce(none);
  };
  const move = (step: number) => session.select(session.index.peek() + step);
  return [
    { key: 'ArrowDown', doc: 'next row', run: () => move(1) },
    { key: 'ArrowUp', doc: 'row before', run: () => move(session.index.peek() < 0 ? 1 : -1) },
    { key: 'ArrowRight', doc: 'open, or go in', run: () => session.right() },
    { key: 'ArrowLeft', doc: 'close, or go out', run: () => session.left() },
    { key: 'PageDown', doc: 'twenty rows on', run: () => move(PAGE) },
    { key: 'PageUp', doc: 'twenty rows back', run: () => move(-PAGE) },
    { key: 'Home', doc: 'first row', run: () => session.select(0) },
    { key: 'End', doc: 'last row', run: () => session.select(session.rows.peek().count - 1) },
    { key: 'e', doc: 'next error', run: next('error', 1, 'There is no failed span in this trace.') },
    { key: 'E', doc: 'error before', run: next('error', -1, 'There is no failed span in this trace.') },
    { key: 'c', doc: 'next on the critical path', run: next('critical', 1, 'Nothing is on the critical path.') },
    { key: 'n', doc: 'next match', run: next('match', 1, 'Nothing matches. / goes to the filter.') },
    { key: 'N', doc: 'match before', run: next('match', -1, 'Nothing matches. / goes to the filter.') },
    { key: 'f', doc: 'only this subtree, or all again', run: () => session.focus() },
    { key: '[', doc: 'close one level', run: () => session.level(-1) },
    { key: ']', doc: 'open one level', run: () => session.level(1) },
    { key: 'w', doc: 'zoom in', run: () => zoom(ZOOM) },
    { key: 's', doc: 'zoom out', run: () => zoom(1 / ZOOM) },
    { key: 'a', doc: 'pan left', run: () => pan(-PAN) },
    { key: 'd', doc: 'pan right', run: () => pan(PAN) },
    { key: '0', doc: 'everything again', run: () => (session.zoom.value = WHOLE) },
    { key: 'y', doc: 'copy a link to this view', run: () => share(session) },
    { key: 'Escape', doc: 'close the details', run: () => (session.panel.value = false) },
  ];
}

/** Zooming by key keeps the selected span in view; without one, the middle. */
function anchor(session: Session): number {
  const [trace, zoom, row] = [session.trace.peek(), session.zoom.peek(), session.span()];
  const middle = (zoom.from + zoom.to) / 2;
  if (!trace || row < 0) return middle;
  const axis = session.axis.peek();
  const at = (axis.unit(trace.start[row]!) + axis.unit(trace.end[row]!)) / 2;
  return at >= zoom.from && at <= zoom.to ? at : middle;
}

/** Copies the address, which is the whole view. */
export function share(session: Session): Promise<void> {
  writeNow(session);
  return copy(location.href, 'a link to this view');
}
