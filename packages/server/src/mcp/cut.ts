// Values made short enough to be shown: long texts and lists lose their end, and it is counted.
import { isRawJson, type Row } from '../store/values.ts';
import { visible } from './untrusted.ts';

/** How long a value may be. */
export interface Measure {
  /** Characters of a text. */
  characters: number;
  /** Elements of a list, keys of an object. */
  items: number;
}

/** From generous to terse: a whole answer takes the first that lets enough of its rows in. */
export const MEASURES: readonly Measure[] = [
  { characters: 600, items: 32 },
  { characters: 240, items: 10 },
  { characters: 150, items: 6 },
  { characters: 40, items: 2 },
];

export interface Cuts {
  /** Values that were shortened. */
  values: number;
}

/** Columns of what programs sent: their values are given unchanged, `false`, nulls and all digits too. */
const SENT = new Set(['attributes', 'events', 'links', 'logs', 'resource', 'scope', 'metadata', 'body']);

/** The row without nulls, false and what is empty, its values short and visible, times to the millisecond. */
export function cutRow(row: Row, measure: Measure, cuts: Cuts): Row {
  const kept = Object.entries(row).filter(([, value]) => !isNothing(value));
  return Object.fromEntries(
    kept.map(([name, value]) => [visible(name), cutValue(value, measure, cuts, SENT.has(name))]),
  );
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function cutValue(value: unknown, measure: Measure, cuts: Cuts, isSent: boolean): unknown {
  if (typeof value === 'string') return cutText(value, measure.characters, cuts, isSent);
  if (typeof value === 'number') return isSent ? value : shortNumber(value);
  if (isRawJson(value)) return value;
  if (Array.isArray(value)) {
    const shown = value.slice(0, measure.items).map((each) => cutValue(each, measure, cuts, isSent));
    if (shown.length < value.length) {
      cuts.values += 1;
      // A list of another kind must stay one: a text among numbers would be no such list any more.
      if (value.every((each) => typeof each === 'string')) shown.push(`… ${value.length - shown.length} more`);
    }
    return shown;
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, each]) => isSent || !isNothing(each));
    const shown = entries
      .slice(0, measure.items)
      .map(([key, each]) => [visible(key), cutValue(each, measure, cuts, isSent)]);
    if (shown.length < entries.length) {
      cuts.values += 1;
      shown.push(['…', `${entries.length - shown.length} more`]);
    }
    return Object.fromEntries(shown);
  }
  return value;
}

const ISO = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?Z$/;

function cutText(text: string, characters: number, cuts: Cuts, isSent: boolean): string {
  const time = isSent ? null : ISO.exec(text);
  if (time) return `${time[1]}${(time[2] ?? '').slice(0, 4)}Z`;
  if (text.length <= characters) return visible(text);
  cuts.values += 1;
  return `${visible(text.slice(0, characters).replace(/[\ud800-\udbff]$/, ''))}… (${text.length - characters} more characters)`;
}

function shortNumber(value: number): number {
  if (!Number.isFinite(value) || Number.isInteger(value)) return value;
  return Number(value.toFixed(Math.abs(value) >= 100 ? 1 : 3));
}

/** What all of two or more rows have in common, and the rows without it. */
export function shareOut(rows: Row[]): { common: Row; rows: Row[] } {
  const [first = {}, ...others] = rows;
  if (others.length === 0) return { common: {}, rows };
  const texts = new Map(Object.entries(first).map(([name, value]) => [name, JSON.stringify(value)]));
  const common = Object.entries(first).filter(([name]) =>
    others.every((row) => JSON.stringify(row[name]) === texts.get(name)),
  );
  const shared = new Set(common.map(([name]) => name));
  const own = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !shared.has(name))));
  return { common: Object.fromEntries(common), rows: own };
}
