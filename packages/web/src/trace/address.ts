// A trace page's state in its address, both ways.
import { batch, effect } from '@preact/signals';
import { field, readUrl, setUrl } from '../state/url.ts';
import type { Zoom } from './axis.ts';
import { type Gaps, type Session, TABS, WHOLE } from './session.ts';

export const fields = {
  view: field.oneOf(TABS, 'waterfall'),
  /** Selected row: a span id, or `*` and the id of a group's first member. */
  span: field.text(),
  panel: field.flag(),
  q: field.text(),
  only: field.oneOf(['all', 'critical', 'errors', 'matches'], 'all'),
  focus: field.text(),
  level: field.number(-1),
  /** Rows opened or closed against the rest. */
  flip: field.list(),
  fold: field.oneOf(['on', 'off'], 'on'),
  gaps: field.oneOf(['auto', 'cut', 'keep'] as const, 'auto'),
  /** Shares of the axis: `0.25-0.5`. */
  zoom: field.text(),
  with: field.text(),
  /** Which attempt of an execution. */
  trace: field.text(),
  sort: field.text(),
};

const WRITE_MS = 150;

/** Fills a session from the address, and keeps the address as the session is until the returned function is called. */
export function follow(session: Session): () => void {
  const read = () => apply(session);
  read();
  addEventListener('popstate', read);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = effect(() => {
    const state = stateOf(session);
    clearTimeout(timer);
    timer = setTimeout(() => setUrl(fields, state, { replace: true }), WRITE_MS);
  });
  return () => {
    clearTimeout(timer);
    stop();
    removeEventListener('popstate', read);
  };
}

/** Writes at once what otherwise follows a moment later: before a link is copied. */
export function writeNow(session: Session): void {
  setUrl(fields, stateOf(session), { replace: true });
}

function stateOf(session: Session) {
  const view = session.view.value;
  return {
    view: session.tab.value,
    span: session.cursor.value,
    panel: session.panel.value,
    q: session.filter.value,
    only: view.only,
    focus: view.focus ?? '',
    level: view.level ?? -1,
    flip: [...view.flipped],
    fold: view.fold ? ('on' as const) : ('off' as const),
    gaps: session.gaps.value,
    zoom: zoomText(session.zoom.value),
    with: session.other.value,
  };
}

function apply(session: Session): void {
  const given = readUrl(fields);
  batch(() => {
    session.view.value = {
      level: given.level >= 0 ? given.level : null,
      flipped: new Set(given.flip),
      fold: given.fold === 'on',
      focus: given.focus || null,
      only: given.only,
    };
    session.filter.value = given.q;
    session.gaps.value = given.gaps as Gaps;
    session.zoom.value = readZoom(given.zoom);
    session.cursor.value = given.span;
    session.panel.value = given.panel;
    session.tab.value = given.view;
    session.other.value = given.with;
    session.wish.value = { n: session.wish.value.n + 1, center: true };
  });
}

function zoomText(zoom: Zoom): string {
  if (zoom === WHOLE || (zoom.from <= 0 && zoom.to >= 1)) return '';
  const digits = Math.min(12, Math.max(4, Math.ceil(-Math.log10(zoom.to - zoom.from)) + 3));
  return `${zoom.from.toFixed(digits)}-${zoom.to.toFixed(digits)}`;
}

function readZoom(text: string): Zoom {
  const [from = Number.NaN, to = Number.NaN] = text.split('-').map(Number);
  return from >= 0 && to <= 1 && from < to ? { from, to } : WHOLE;
}
