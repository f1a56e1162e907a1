// Cells of tables, by what a column holds.
import type { Row } from '../../store/values.ts';
import { ago, duration, number, signOf } from './format.ts';
import { type Column, cutNote, table } from './table.ts';
import type { Terminal } from './terminal.ts';

export interface Renderer {
  lines: (rows: Row[], terminal: Terminal) => string[];
  /** Whether these rows mean that something is wrong: exit code 1. */
  problem?: (rows: Row[]) => boolean;
}

export const text = (key: string, title = key): Column<Row> => ({
  title,
  flexible: true,
  text: (row) => plain(row[key]),
});
export const id = (key: string, title: string): Column<Row> => ({ title, text: (row) => String(row[key] ?? '–') });
export const num = (key: string, title: string): Column<Row> => ({
  title,
  right: true,
  text: (row) => number(row[key]),
});
export const ms = (key: string, title: string): Column<Row> => ({
  title,
  right: true,
  text: (row) => duration(row[key]),
});
export const when = (key: string, title: string): Column<Row> => ({ title, right: true, text: (row) => ago(row[key]) });
export const percent = (key: string, title: string, factor = 1): Column<Row> => ({
  title,
  right: true,
  text: (row) => (row[key] === null || row[key] === undefined ? '–' : share(Number(row[key]) * factor)),
});
export const state = (key: string): Column<Row> => ({
  title: ' ',
  text: (row) => signOf(row[key]).glyph,
  style: (row) => signOf(row[key]).style,
});
/** What `beacon waterfall` takes. */
export const subject: Column<Row> = {
  title: 'execution|trace',
  text: (row) => String(row.execution_id ?? row.trace_id),
};
export const service: Column<Row> = { ...text('service'), style: () => 'cyan' };

export function plain(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(plain).join(', ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, each]) => `${name} ${plain(each)}`)
      .join(', ');
  }
  return String(value);
}

export function difference(ms: unknown): string {
  if (ms === null || ms === undefined) return '–';
  return Number(ms) < 0 ? `−${duration(-Number(ms))}` : `+${duration(ms)}`;
}

/** A renderer that is a table, or a sentence where there are no rows. */
export function asTable(columns: Column<Row>[], none: string): Renderer['lines'] {
  return (rows, terminal) => {
    if (rows.length === 0) return [none];
    const { lines, cut } = table(rows, columns, terminal);
    const note = cutNote(cut, terminal);
    return note ? [...lines, note] : lines;
  };
}

/** Below one in a hundred the digit after the point is what matters. */
function share(percent: number): string {
  return `${percent > 0 && percent < 1 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}
