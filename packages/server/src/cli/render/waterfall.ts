// A trace as a colleague would draw it: tree on the left, time on the right, the error under the span it happened in.
import type { Row } from '../../store/values.ts';
import { ago, count, duration, signOf } from './format.ts';
import { cutNote } from './table.ts';
import { clean, cut, padEnd, padStart, type Terminal, widthOf } from './terminal.ts';

const BAR_SHARE = 0.36;
const NARROWEST_TEXT = 16;
const WIDEST_BAR = 60;
const WIDEST_TREE = 56;

/**
 * Lines of one or more traces, rows in drawing order as the query `waterfall` gives them. No line is longer than
 * the terminal is wide; when text was cut the last line says so.
 */
export function renderWaterfall(rows: Row[], terminal: Terminal): string[] {
  const lines: string[] = [];
  const shortened = { cells: 0 };
  for (const trace of byTrace(rows)) {
    if (lines.length > 0) lines.push('');
    lines.push(...renderTrace(trace, terminal, shortened));
  }
  const note = cutNote(shortened.cells, terminal);
  if (note) lines.push(note);
  return lines;
}

function byTrace(rows: Row[]): Row[][] {
  const traces = new Map<unknown, Row[]>();
  for (const row of rows) {
    const known = traces.get(row.trace_id);
    if (known) known.push(row);
    else traces.set(row.trace_id, [row]);
  }
  return [...traces.values()];
}

function renderTrace(rows: Row[], terminal: Terminal, shortened: { cells: number }): string[] {
  const { end, goesOn } = timeAxis(rows);
  const branches = branchesOf(rows.map((row) => Number(row.depth)));
  const labels = rows.map((row, i) => `${branches[i]}${clean(row.operation)}`);
  const services = rows.map((row) => clean(row.service));
  const times = rows.map((row) => duration(row.duration_ms));

  const timeWidth = Math.max(...times.map(widthOf));
  // Glyph and the spaces between the columns take what the columns cannot have.
  const columns = terminal.width - timeWidth - 2 - 2 - 2 - 1;
  const barWidth = Math.min(WIDEST_BAR, Math.floor(terminal.width * BAR_SHARE), columns - NARROWEST_TEXT);
  const room = columns - barWidth;
  const serviceWidth = Math.min(Math.max(...services.map(widthOf)), Math.max(6, Math.floor(room / 3)));
  const treeWidth = Math.max(8, Math.min(Math.max(...labels.map(widthOf)), room - serviceWidth, WIDEST_TREE));

  const fitText = (text: string, width: number): string => {
    const shown = cut(text, width);
    if (shown !== text) shortened.cells += 1;
    return shown;
  };
  const before = ' '.repeat(2 + serviceWidth + 2);
  const lines = [
    terminal.paint('bold', fitText(heading(rows), terminal.width)),
    terminal.paint('dim', fitText(`trace ${rows[0]?.trace_id}`, terminal.width)),
    '',
  ];
  const axisIndent = 2 + serviceWidth + 2 + treeWidth + 2 + timeWidth + 1;
  lines.push(terminal.paint('dim', `${' '.repeat(axisIndent)}${axis(end, goesOn, barWidth)}`));
  for (const [i, row] of rows.entries()) {
    const { glyph, style } = signOf(row.status);
    const bad = row.status !== 'completed';
    const service = padEnd(fitText(services[i] ?? '', serviceWidth), serviceWidth);
    const label = padEnd(fitText(labels[i] ?? '', treeWidth), treeWidth);
    const time = padStart(times[i] ?? '', timeWidth);
    const bar = drawBar(startOf(row) / end, endOf(row) / end, barWidth);
    const cells = [
      `${terminal.paint(style, glyph)} ${terminal.paint('cyan', service)}`,
      bad ? terminal.paint(style, label) : label,
      `${terminal.paint('dim', time)} ${terminal.paint(bad ? style : 'blue', bar)}`,
    ];
    lines.push(cells.join('  '));
    const under = `${before}${continuation(branches, i)}`;
    for (const remark of remarksOf(row)) {
      lines.push(terminal.paint(remark.style, fitText(`${under}${remark.text}`, terminal.width)));
    }
  }
  return lines;
}

function heading(rows: Row[]): string {
  const executions = [...new Set(rows.map((row) => row.execution_id).filter((id) => id !== null && id !== undefined))];
  const services = new Set(rows.map((row) => row.service)).size;
  const failed = rows.filter((row) => ['failed', 'timeout', 'lost'].includes(String(row.status))).length;
  const open = rows.filter(isOpen).length;
  return [
    ...(executions.length > 0 ? [`execution ${executions.join(', ')}`] : []),
    `${count(rows.length, 'span')} from ${count(services, 'service')}`,
    ...(failed > 0 ? [count(failed, 'error')] : []),
    ...(open > 0 ? [`${open} not ended`] : []),
    duration(Math.max(...rows.map(endOf))),
    `started ${ago(rows[0]?.started_at)}`,
  ].join(' · ');
}

function isOpen(row: Row): boolean {
  return row.status === 'started' || row.status === 'lost';
}

function startOf(row: Row): number {
  return Number(row.offset_ms ?? 0);
}

function endOf(row: Row): number {
  return startOf(row) + Number(row.duration_ms ?? 0);
}

// Past this, spans that have not ended would press all others into the first column.
const OPEN_OVERHANG = 1.25;

/** Where the axis ends: spans that never ended may run out of the picture. */
function timeAxis(rows: Row[]): { end: number; goesOn: boolean } {
  const all = Math.max(0.001, ...rows.map(endOf));
  const ended = Math.max(0, ...rows.filter((row) => !isOpen(row)).map(endOf), ...rows.map(startOf));
  if (ended === 0 || all <= ended * OPEN_OVERHANG) return { end: all, goesOn: false };
  return { end: ended * OPEN_OVERHANG, goesOn: true };
}

/** What the reader must know about a span and its bar does not show. */
function remarksOf(row: Row): Array<{ text: string; style: 'red' | 'yellow' }> {
  const error = [row.error_type, row.error_message].filter(
    (part) => part !== null && part !== undefined && part !== '',
  );
  return [
    ...(error.length > 0 ? [{ text: `↳ ${clean(error.join(': '))}`, style: 'red' as const }] : []),
    ...(row.note ? [{ text: `↳ ${clean(row.note)}`, style: 'yellow' as const }] : []),
  ];
}

/** `├─ `, `└─ ` and the lines that pass by, from depths in drawing order. */
export function branchesOf(depths: number[]): string[] {
  return depths.map((depth, i) => {
    let text = '';
    for (let level = 1; level <= depth; level += 1) {
      const more = goesOn(depths, i, level);
      text += level === depth ? (more ? '├─ ' : '└─ ') : more ? '│  ' : '   ';
    }
    return text;
  });
}

/** Whether another span of this level follows before the tree closes it. */
function goesOn(depths: number[], from: number, level: number): boolean {
  for (let i = from + 1; i < depths.length; i += 1) {
    const depth = depths[i] ?? 0;
    if (depth < level) return false;
    if (depth === level) return true;
  }
  return false;
}

/** Indentation of a remark: lines that pass by go on, also down to the span's own children. */
function continuation(branches: string[], i: number): string {
  const own = branches[i] ?? '';
  const next = branches[i + 1] ?? '';
  const hasChild = next.length > own.length;
  return `${own.replace('├─ ', '│  ').replace('└─ ', '   ')}${hasChild ? '│ ' : '  '}`;
}

/** A bar whose ends are drawn to half a column; never less than one, and an arrow where it leaves the picture. */
function drawBar(from: number, to: number, width: number): string {
  const start = Math.min(2 * width - 1, Math.max(0, Math.round(from * width * 2)));
  const end = Math.min(2 * width, Math.max(start + 1, Math.round(to * width * 2)));
  let bar = '';
  for (let column = 0; column < width; column += 1) {
    const left = column * 2 >= start && column * 2 < end;
    const right = column * 2 + 1 >= start && column * 2 + 1 < end;
    bar += left && right ? '━' : left ? '╸' : right ? '╺' : ' ';
  }
  return to > 1.001 ? `${bar.slice(0, -1)}▶` : bar.trimEnd();
}

/** `0` at the left, the last moment shown at the right. */
function axis(end: number, goesOn: boolean, width: number): string {
  return `0${padStart(`${duration(end)}${goesOn ? ' …' : ''}`, width - 1)}`;
}
