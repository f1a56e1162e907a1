// A trace as a colleague would draw it: tree on the left, time on the right, the error under the span it happened in.
import type { Row } from '../operations/operation.ts';
import { clean, cut, padEnd, padStart, type Terminal, widthOf } from './terminal.ts';
import { ago, count, duration, signOf } from './words.ts';

const BAR_SHARE = 0.36;
const NARROWEST_BAR = 12;
const WIDEST_BAR = 60;
const WIDEST_TREE = 56;

/**
 * Lines of one or more traces, rows in drawing order as the operation `waterfall` gives them. No line is longer than
 * the terminal is wide; when text was cut the last line says so.
 */
export function renderWaterfall(rows: Row[], terminal: Terminal): string[] {
  const lines: string[] = [];
  const shortened = { cells: 0 };
  for (const trace of byTrace(rows)) {
    if (lines.length > 0) lines.push('');
    lines.push(...renderTrace(trace, terminal, shortened));
  }
  if (shortened.cells > 0) {
    lines.push(
      terminal.paint(
        'dim',
        cut(`… marks text cut at ${terminal.width} columns: widen the terminal, or use --json.`, terminal.width),
      ),
    );
  }
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
  const total = Math.max(0.001, ...rows.map((row) => Number(row.offset_ms ?? 0) + Number(row.duration_ms ?? 0)));
  const branches = branchesOf(rows.map((row) => Number(row.depth)));
  const labels = rows.map((row, i) => `${branches[i]}${clean(row.operation)}`);
  const services = rows.map((row) => clean(row.service));
  const times = rows.map((row) => duration(row.duration_ms));

  const timeWidth = Math.max(...times.map(widthOf));
  const barWidth = Math.min(WIDEST_BAR, Math.max(NARROWEST_BAR, Math.floor(terminal.width * BAR_SHARE)));
  // Glyph, service, tree, time, bar, and the single or double spaces between them.
  const room = terminal.width - barWidth - timeWidth - 2 - 2 - 2 - 1;
  const serviceWidth = Math.min(Math.max(...services.map(widthOf)), Math.max(6, Math.floor(room / 3)));
  const treeWidth = Math.max(8, Math.min(Math.max(...labels.map(widthOf)), room - serviceWidth, WIDEST_TREE));

  const fitText = (text: string, width: number): string => {
    const shown = cut(text, width);
    if (shown !== text) shortened.cells += 1;
    return shown;
  };
  const before = ' '.repeat(2 + serviceWidth + 2);
  const lines = [fitText(heading(rows, total), terminal.width), ''];
  const axisIndent = 2 + serviceWidth + 2 + treeWidth + 2 + timeWidth + 1;
  lines.push(terminal.paint('dim', `${' '.repeat(axisIndent)}${axis(total, barWidth)}`));
  for (const [i, row] of rows.entries()) {
    const { glyph, style } = signOf(row.status);
    const bad = row.status !== 'completed';
    const service = padEnd(fitText(services[i] ?? '', serviceWidth), serviceWidth);
    const label = padEnd(fitText(labels[i] ?? '', treeWidth), treeWidth);
    const time = padStart(times[i] ?? '', timeWidth);
    const bar = drawBar(Number(row.offset_ms ?? 0) / total, Number(row.duration_ms ?? 0) / total, barWidth);
    lines.push(
      [
        terminal.paint(style, glyph),
        ` ${terminal.paint('cyan', service)}`,
        `  ${bad ? terminal.paint(style, label) : label}`,
        `  ${terminal.paint('dim', time)}`,
        ` ${terminal.paint(bad ? style : 'blue', bar)}`,
      ]
        .join('')
        .trimEnd(),
    );
    const under = `${before}${continuation(branches, i)}`;
    for (const remark of remarksOf(row)) {
      lines.push(terminal.paint(remark.style, fitText(`${under}${remark.text}`, terminal.width)));
    }
  }
  return lines;
}

function heading(rows: Row[], total: number): string {
  const first = rows[0] as Row;
  const executions = [...new Set(rows.map((row) => row.execution_id).filter((id) => id !== null && id !== undefined))];
  const services = new Set(rows.map((row) => row.service)).size;
  const failed = rows.filter((row) => ['failed', 'timeout', 'lost'].includes(String(row.status))).length;
  return [
    ...(executions.length > 0 ? [`execution ${executions.join(', ')}`] : []),
    `trace ${first.trace_id}`,
    count(rows.length, 'span'),
    count(services, 'service'),
    ...(failed > 0 ? [count(failed, 'error')] : []),
    duration(total),
    ago(first.started_at),
  ].join(' · ');
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

/** A bar whose ends are drawn to half a column; never less than one, so that the shortest span is seen. */
function drawBar(from: number, share: number, width: number): string {
  const start = Math.min(2 * width - 1, Math.max(0, Math.round(from * width * 2)));
  const end = Math.min(2 * width, Math.max(start + 1, Math.round((from + share) * width * 2)));
  let bar = '';
  for (let column = 0; column < width; column += 1) {
    const left = column * 2 >= start && column * 2 < end;
    const right = column * 2 + 1 >= start && column * 2 + 1 < end;
    bar += left && right ? '━' : left ? '╸' : right ? '╺' : ' ';
  }
  return bar;
}

/** `0` at the left, the whole at the right. */
function axis(total: number, width: number): string {
  const end = duration(total);
  return `0${padStart(end, width - 1)}`;
}
