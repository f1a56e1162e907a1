// Rows as text: a header once, what all rows share once, then a line a row.
import type { Row } from '../store/values.ts';
import { shareOut } from './cut.ts';

const SEPARATOR = ' | ';

/** Lines of a table; one row alone is written as `name: value`. */
export function tableLines(rows: Row[]): string[] {
  const [first, ...others] = rows;
  if (!first) return ['(no rows)'];
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (others.length === 0) return columns.map((name) => `${name}: ${cellText(first[name])}`);
  const { common, rows: rest } = shareOut(rows);
  const shared = Object.entries(common).map(([name, value]) => `${name}=${cellText(value)}`);
  const own = columns.filter((name) => !Object.hasOwn(common, name));
  return [
    ...(shared.length > 0 ? [`the same in all ${rows.length} rows: ${shared.join(', ')}`] : []),
    own.join(SEPARATOR),
    ...rest.map((row) => own.map((name) => fenced(cellText(row[name]))).join(SEPARATOR)),
  ];
}

/** A value on one line; nothing for none. */
export function cellText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object')) return value.join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A value that holds the separator is quoted, so that it cannot pass for two. */
function fenced(text: string): string {
  return text.includes('|') ? JSON.stringify(text) : text;
}
