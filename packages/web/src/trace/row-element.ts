// One recycled row of the tree: some fifty of these show any number of spans.

import { KINDS, STATUSES } from '@project-beacon/server/filter/parse.ts';
import { errorOf, isFailure, siblings, type Trace } from './model.ts';
import type { Session } from './session.ts';
import { STARTED } from './wire.ts';
import { durationText, plural } from './words.ts';

/** Pixels a level is indented by, and the share of the column that indentation may take. */
const INDENT = 12;
const MAX_INDENT = 0.4;

export class RowElement {
  readonly element: HTMLDivElement;
  readonly #indent = part('wf-indent');
  readonly #caret = part('wf-caret');
  readonly #dot = part('dot');
  readonly #label = part('wf-label');
  readonly #service = part('wf-service');
  readonly #operation = part('wf-operation');
  readonly #count = part('wf-count');
  readonly #error = part('wf-error');
  readonly #note = part('wf-note');
  readonly #facts: HTMLDivElement;
  #shown = '';

  constructor() {
    this.element = document.createElement('div');
    this.element.setAttribute('role', 'row');
    this.element.className = 'wf-row';
    const name = document.createElement('div');
    name.setAttribute('role', 'gridcell');
    name.className = 'wf-name';
    this.#label.append(this.#operation, this.#service);
    name.append(this.#indent, this.#caret, this.#dot, this.#label, this.#count, this.#error, this.#note);
    for (const silent of [this.#indent, this.#caret, this.#dot]) silent.setAttribute('aria-hidden', 'true');
    this.#facts = document.createElement('div');
    this.#facts.setAttribute('role', 'gridcell');
    this.#facts.className = 'unseen';
    this.element.append(name, this.#facts);
  }

  /** Shows the row at `index`; touches the page only where something differs from what it showed before. */
  show(session: Session, trace: Trace, index: number, width: number): void {
    const rows = session.rows.peek();
    const item = rows.item[index]!;
    const open = session.hasChildren(item) ? session.isOpen(item) : null;
    const selected = session.index.peek() === index;
    const match = item >= 0 && session.found.peek().matches?.[item] === 1;
    const evidence = item >= 0 && session.evidence.peek().has(item);
    const level = rows.level[index]!;
    const shown = [trace.count, trace.total, item, index, level, open, selected, match, evidence, width].join();
    if (shown === this.#shown) return;
    this.#shown = shown;
    const { element } = this;
    element.id = rowId(index);
    set(element, 'aria-level', String(level + 1));
    set(element, 'aria-rowindex', String(index + 1));
    set(element, 'aria-expanded', open === null ? null : String(open));
    set(element, 'aria-selected', String(selected));
    element.className = `wf-row${selected ? ' selected' : ''}${match ? ' match' : ''}${evidence ? ' proof' : ''}`;
    const indent = Math.min(level * INDENT, width * MAX_INDENT);
    this.#indent.style.width = `${indent}px`;
    this.#indent.textContent = level * INDENT > indent ? String(level) : '';
    this.#caret.className = `wf-caret${open === null ? ' none' : open ? ' open' : ''}`;
    if (item >= 0) this.#showSpan(session, trace, item, open);
    else this.#showGroup(trace, ~item);
  }

  #showSpan(session: Session, trace: Trace, row: number, open: boolean | null): void {
    const service = trace.services[trace.service[row]!]!;
    const operation = trace.names[trace.name[row]!]!;
    const above = trace.parent[row]!;
    const sameService = above >= 0 && trace.service[above] === trace.service[row];
    const failed = isFailure(trace.status[row]!);
    const error = errorOf(trace, row);
    const note = trace.notes[trace.note[row]!] ?? '';
    const below = open === false ? trace.failures[row]! - (failed ? 1 : 0) : 0;
    set(this.element, 'aria-posinset', String(trace.place[row]!));
    set(this.element, 'aria-setsize', String(siblings(trace, row)));
    this.#colour(service.color);
    this.#operation.textContent = operation;
    this.#service.textContent = sameService ? '' : service.name;
    this.#count.textContent = open === false ? `+${trace.size[row]! - 1}` : '';
    this.#error.textContent = failed
      ? `× ${error || STATUSES[trace.status[row]!]}`
      : below > 0
        ? `× ${below} below`
        : '';
    this.#note.textContent = note ? 'i' : '';
    this.element.title = [`${service.name} ${operation}`, error, note].filter(Boolean).join('\n');
    const evidence = session.evidence.peek().has(row);
    this.#facts.textContent = [
      `${sameService ? `${service.name}, ` : ''}${KINDS[trace.kind[row]!]}`,
      `starts ${durationText(trace.start[row]!)}`,
      `${trace.status[row] === STARTED ? 'running for' : 'lasts'} ${durationText(trace.end[row]! - trace.start[row]!)}`,
      failed ? `${STATUSES[trace.status[row]!]}${error ? `: ${error}` : ''}` : '',
      trace.critical[row] ? 'on the critical path' : '',
      evidence ? 'evidence of the verdict' : '',
      below > 0 ? `${plural(below, 'failure')} below` : '',
      note,
    ]
      .filter(Boolean)
      .join(', ');
  }

  #showGroup(trace: Trace, group: number): void {
    const { groups } = trace;
    const first = groups.first[group]!;
    const service = trace.services[trace.service[first]!]!;
    const operation = trace.names[trace.name[first]!]!;
    const failed = groups.failed[group]!;
    set(this.element, 'aria-posinset', String(trace.place[first]!));
    set(this.element, 'aria-setsize', String(siblings(trace, first)));
    this.#colour(service.color);
    this.#operation.textContent = operation;
    this.#service.textContent = '';
    this.#count.textContent = `×${groups.count[group]}`;
    this.#error.textContent = failed > 0 ? `× ${failed} failed` : '';
    this.#note.textContent = '';
    this.element.title = `${service.name} ${operation}, ${groups.count[group]} times in a row`;
    this.#facts.textContent = [
      `${plural(groups.count[group]!, 'call')} of ${service.name} in a row`,
      `starts ${durationText(groups.from[group]!)}`,
      `lasts ${durationText(groups.to[group]! - groups.from[group]!)} in all`,
      failed > 0 ? `${failed} failed` : '',
    ]
      .filter(Boolean)
      .join(', ');
  }

  #colour(number: number): void {
    this.#dot.style.background = `var(--service-${((number % 20) + 20) % 20})`;
  }
}

export function rowId(index: number): string {
  return `span-row-${index}`;
}

function part(name: string): HTMLSpanElement {
  const element = document.createElement('span');
  element.className = name;
  return element;
}

function set(element: HTMLElement, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
