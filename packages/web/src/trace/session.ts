// The state of a trace page: the trace, what is shown of it, and what is selected. All but the trace itself is in the address.
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import { colour } from '../state/theme.ts';
import { type Axis, axisOf, mostlyIdle, type Zoom } from './axis.ts';
import type { Palette, Segment } from './draw.ts';
import { filterOf, seek } from './filter.ts';
import { idOf, isFailure, rowOfId, type Trace } from './model.ts';
import {
  byLevel,
  EVERYTHING,
  flip,
  indexOfSpan,
  isOpen,
  keyOf,
  type Rows,
  reveal,
  rowsOf,
  shows,
  spanAt,
  type View,
} from './rows.ts';

export const TABS = ['waterfall', 'flame', 'self', 'path', 'compare'] as const;
export type Tab = (typeof TABS)[number];
export type Gaps = 'auto' | 'cut' | 'keep';

/** More spans than this are opened on the critical path. */
const TOO_MANY = 1_000_000;

export interface Found {
  matches: Uint8Array | null;
  count: number;
  error: string | null;
  /** Terms only the database can decide. */
  database: string[];
}

const NONE: Rows = { count: 0, item: new Int32Array(), level: new Int32Array() };
export const WHOLE: Zoom = { from: 0, to: 1 };

export class Session {
  readonly trace = signal<Trace | null>(null);
  readonly view = signal<View>(EVERYTHING);
  readonly filter = signal('');
  readonly gaps = signal<Gaps>('auto');
  readonly zoom = signal<Zoom>(WHOLE);
  /** Key of the row that is selected (see `keyOf`); empty for none. */
  readonly cursor = signal('');
  readonly panel = signal(false);
  readonly tab = signal<Tab>('waterfall');
  /** Trace to compare with. */
  readonly other = signal('');
  readonly segments = signal<Map<number, Segment[]>>(new Map());
  /** Spans for which the terms hold that only the database can decide, as it answered; null while it was not asked. */
  readonly matchingInDatabase = signal<ReadonlySet<string> | null>(null);
  /** Spans a verdict rests on. */
  readonly evidence = signal<ReadonlySet<number>>(new Set());
  /** Counts wishes to see the cursor; the waterfall scrolls there. */
  readonly wish = signal({ n: 0, center: false });

  readonly found: ReadonlySignal<Found> = computed(() => this.#search());
  readonly rows: ReadonlySignal<Rows> = computed(() => {
    const trace = this.trace.value;
    const view = this.view.value;
    // Asking for the matches only where they decide spares the rows at every letter of a filter.
    return trace ? rowsOf(trace, view, view.only === 'matches' ? this.found.value.matches : null) : NONE;
  });
  readonly axis: ReadonlySignal<Axis> = computed(() => {
    const trace = this.trace.value;
    if (!trace) return axisOf(1, []);
    const cut = this.gaps.value === 'cut' || (this.gaps.value === 'auto' && mostlyIdle(trace.total, trace.gaps));
    return axisOf(trace.total, cut ? trace.gaps : []);
  });
  /** Row index of the cursor; -1 for none. */
  readonly index: ReadonlySignal<number> = computed(() => {
    const trace = this.trace.value;
    const span = this.#spanOf(this.cursor.value);
    if (!trace || span < 0) return -1;
    const rows = this.rows.value;
    if (rows.count === 0) return -1;
    const index = indexOfSpan(trace, rows, span);
    // A group and its first member share a span: the group stands before it.
    if (this.cursor.value.startsWith('*') && index > 0 && rows.item[index]! >= 0 && rows.item[index - 1]! < 0) {
      if (trace.groups.first[~rows.item[index - 1]!] === span) return index - 1;
    }
    return index;
  });

  /** Takes a newer version of the same trace: everything selected, closed, zoomed stays as it is. */
  accept(trace: Trace): void {
    batch(() => {
      const before = this.trace.value;
      this.trace.value = trace;
      if (before && before.total !== trace.total) {
        const [from, to] = [this.zoom.value.from * before.total, this.zoom.value.to * before.total];
        if (this.zoom.value !== WHOLE)
          this.zoom.value = { from: from / trace.total, to: Math.min(1, to / trace.total) };
      }
      if (!before && trace.count > TOO_MANY && this.view.value.only === 'all') this.change({ only: 'critical' });
    });
  }

  get tooMany(): boolean {
    return (this.trace.value?.count ?? 0) > TOO_MANY;
  }

  change(patch: Partial<View>): void {
    this.view.value = { ...this.view.value, ...patch };
  }

  /** Row of the trace the cursor is on (of a group, its first member); -1 for none. */
  span(): number {
    return this.#spanOf(this.cursor.value);
  }

  select(index: number, { panel = false, center = false } = {}): void {
    const trace = this.trace.value;
    const rows = this.rows.value;
    if (!trace || rows.count === 0) return;
    const at = Math.max(0, Math.min(rows.count - 1, index));
    batch(() => {
      this.cursor.value = keyOf(trace, rows.item[at]!);
      if (panel) this.panel.value = true;
      this.wish.value = { n: this.wish.value.n + 1, center };
    });
  }

  /** Opens whatever hides a span and selects it. */
  goTo(row: number, { panel = this.panel.value } = {}): void {
    const trace = this.trace.value;
    if (!trace || row < 0) return;
    batch(() => {
      this.view.value = reveal(trace, this.view.value, [row]);
      if (!shows(this.rows.value, indexOfSpan(trace, this.rows.value, row), row)) this.change({ only: 'all' });
      this.cursor.value = idOf(trace, row);
      this.panel.value = panel;
      this.wish.value = { n: this.wish.value.n + 1, center: true };
    });
  }

  /** Shows the spans a verdict rests on: opened and marked; the one of the operation to blame, or the last, is selected. */
  focusEvidence(ids: string[], blamed: { service: string | null; operation: string | null }): number {
    const trace = this.trace.value;
    if (!trace) return 0;
    const rows = ids.map((id) => rowOfId(trace, id)).filter((row) => row >= 0);
    if (rows.length === 0) return 0;
    const isBlamed = (row: number) =>
      trace.services[trace.service[row]!]!.name === blamed.service &&
      trace.names[trace.name[row]!] === blamed.operation;
    batch(() => {
      this.tab.value = 'waterfall';
      this.evidence.value = new Set(rows);
      this.view.value = reveal(trace, { ...this.view.value, only: 'all' }, rows);
      this.goTo(rows.find(isBlamed) ?? rows.at(-1)!, { panel: true });
    });
    return rows.length;
  }

  /** To the next span of a kind, going round; false when there is none. */
  next(kind: 'error' | 'critical' | 'match', step: 1 | -1): boolean {
    const trace = this.trace.value;
    if (!trace) return false;
    const { matches } = this.found.value;
    const holds = {
      error: (row: number) => isFailure(trace.status[row]!),
      critical: (row: number) => trace.critical[row] === 1,
      match: (row: number) => matches?.[row] === 1,
    }[kind];
    const from = this.span();
    const row = seek(trace.count, from < 0 && step < 0 ? 0 : from, step, holds);
    if (row < 0) return false;
    this.goTo(row);
    return true;
  }

  toggle(item: number): void {
    const trace = this.trace.value;
    if (trace && this.hasChildren(item)) this.view.value = flip(this.view.value, keyOf(trace, item));
  }

  hasChildren(item: number): boolean {
    const trace = this.trace.value;
    return trace !== null && (item < 0 || trace.children[item]! > 0);
  }

  isOpen(item: number): boolean {
    const trace = this.trace.value;
    return trace !== null && isOpen(trace, this.view.value, item);
  }

  /** Closes what the cursor is on, or goes to what it is in. */
  left(): void {
    const [rows, index] = [this.rows.value, this.index.value];
    if (index < 0) return;
    const item = rows.item[index]!;
    let above = index - 1;
    while (above >= 0 && rows.level[above]! >= rows.level[index]!) above--;
    if (this.hasChildren(item) && this.isOpen(item)) this.toggle(item);
    else if (above >= 0) this.select(above);
  }

  /** Opens what the cursor is on, or goes into it. */
  right(): void {
    const [rows, index] = [this.rows.value, this.index.value];
    const item = rows.item[Math.max(0, index)]!;
    if (index < 0 || (this.hasChildren(item) && this.isOpen(item))) this.select(index + 1);
    else this.toggle(item);
  }

  level(step: 1 | -1): void {
    const trace = this.trace.value;
    if (trace) this.view.value = byLevel(trace, this.view.value, step);
  }

  /** Shows only the subtree the cursor is on, or everything again. */
  focus(): void {
    const [trace, row] = [this.trace.value, this.span()];
    if (!trace) return;
    const id = row < 0 ? null : idOf(trace, row);
    this.change({ focus: this.view.value.focus === id ? null : id });
    this.wish.value = { n: this.wish.value.n + 1, center: false };
  }

  spanAt(index: number): number {
    const trace = this.trace.value;
    return trace && index >= 0 && index < this.rows.value.count ? spanAt(trace, this.rows.value, index) : -1;
  }

  #spanOf(key: string): number {
    const trace = this.trace.value;
    return trace && key ? rowOfId(trace, key.replace('*', '')) : -1;
  }

  #search(): Found {
    const trace = this.trace.value;
    const text = this.filter.value.trim();
    const nothing = { matches: null, count: 0, error: null, database: [] };
    if (!trace || text === '') return nothing;
    try {
      const filter = filterOf(text);
      const matches = filter.test(trace);
      const known = filter.database.length > 0 ? this.matchingInDatabase.value : null;
      let count = 0;
      for (let row = 0; row < trace.count; row++) {
        if (filter.database.length > 0 && !known?.has(idOf(trace, row))) matches[row] = 0;
        count += matches[row]!;
      }
      return { matches, count, error: null, database: filter.database };
    } catch (error) {
      return { ...nothing, error: (error as Error).message };
    }
  }
}

const SERVICES = 20;

/** Colours of the theme; an effect that reads it draws again when the theme changes. */
export function palette(): Palette {
  return {
    service: Array.from({ length: SERVICES }, (_, n) => colour(`--service-${n}`)),
    error: colour('--error'),
    text: colour('--text'),
    muted: colour('--text-2'),
    line: colour('--line'),
    surface: colour('--surface'),
    critical: colour('--text'),
    match: colour('--warn-soft'),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
  };
}
