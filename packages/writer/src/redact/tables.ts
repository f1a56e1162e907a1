// Tables in texts: of Markdown, of database clients, CSV, HTML, lists of columns and rows in JSON. The head of a column, or the
// first cell of a row, says what is secret.
import { isHarmless, type KeySecrecy, secrecyOf } from './keys.ts';
import { match } from './match.ts';
import { isPlaceholder, looksMade } from './placeholders.ts';
import { isOfSentence } from './prose.ts';

interface Cell {
  from: number;
  to: number;
}

interface Table {
  delimiter: string;
  count: number;
  columns: Column[];
  /** Column whose cells hold what the first cell of their row names; -1 for none. */
  values: number;
  /** Where the columns begin and end in a line, in tables that are aligned by spaces. */
  spans: [number, number][] | undefined;
}

interface Column {
  at: number;
  secrecy: KeySecrecy;
}

const MAY_NAME = /pass|pwd|\bpw\b|secret|token|key|cred|\bpin\b|otp|value/i;
const RULE = /^[\s|+:=\-─━═┼╋╬┬┴├┤╪╞╡│┃║┌┐└┘┏┓┗┛╔╗╚╝╠╣╦╩┠┨┝┥]{3,}$/;
const PIPES = ['│', '┃', '║', '|'];
const HEAD = /^["']?[\p{L}_][\p{L}\p{N}_ .-]{0,63}["']?$/u;
const CSV_HEAD = /^["']?[\p{L}_][\p{L}\p{N}_.-]{0,39}["']?(?:[,;\t]["']?[\p{L}_][\p{L}\p{N}_.-]{0,39}["']?){1,60}\r?$/u;
const LONGEST_LINE = 4_000;

/** Adds the places of secret cells to `found`. */
export function inTables(text: string, found: number[]): void {
  let table: Table | undefined;
  let head: [from: number, to: number] | undefined;
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from);
    const to = newline < 0 ? text.length : newline;
    if (to - from <= LONGEST_LINE) {
      const line = text.slice(from, to);
      const isRule = RULE.test(line);
      if (isRule) {
        if (head !== undefined) table = tableOf(text, ...head, [from, to]);
        if (table === undefined && head !== undefined) pair(text, ...head, found);
      } else {
        if (head !== undefined) {
          table = tableOf(text, ...head, undefined, [from, to]);
          if (table === undefined) pair(text, ...head, found);
        }
        if (table !== undefined && !row(text, from, to, table, found)) table = undefined;
      }
      head = table === undefined && !isRule && MAY_NAME.test(line) ? [from, to] : undefined;
    } else {
      table = undefined;
      head = undefined;
    }
    from = to + 1;
  }
  if (head !== undefined) pair(text, ...head, found);
  if (/<th|<td/i.test(text)) inHtml(text, found);
  if (/["'](?:columns|fields|headers?|keys)["']/i.test(text)) inColumns(text, found);
}

/** The table whose head is a line; undefined when what follows is none. */
function tableOf(
  text: string,
  from: number,
  to: number,
  rule: [number, number] | undefined,
  next?: [number, number],
): Table | undefined {
  const line = text.slice(from, to);
  const pipe = PIPES.find((char) => line.includes(char));
  let delimiter = pipe;
  if (delimiter === undefined) {
    if (rule !== undefined) return aligned(text, from, to, rule);
    if (!CSV_HEAD.test(line)) return undefined;
    delimiter = ['\t', ';', ','].find((char) => line.includes(char))!;
  }
  const cells = cellsOf(text, from, to, delimiter);
  if (next !== undefined && cellsOf(text, ...next, delimiter).length !== cells.length) return undefined;
  return made(text, cells, delimiter, undefined);
}

function made(text: string, cells: Cell[], delimiter: string, spans: Table['spans']): Table | undefined {
  if (cells.length < 2) return undefined;
  const names = cells.map((cell) => text.slice(cell.from, cell.to).replace(/^["'*`]+|["'*`]+$/g, ''));
  const columns: Column[] = [];
  names.forEach((name, at) => {
    const secrecy = HEAD.test(name) ? secrecyOf(name) : 0;
    if (secrecy > 0) columns.push({ at, secrecy });
  });
  const values = names.findIndex((name) => /^(?:value|val|wert|valeur|valor|content)$/i.test(name));
  return columns.length > 0 || values > 0 ? { delimiter, count: cells.length, columns, values, spans } : undefined;
}

/** `user  password` over `----  --------`. */
function aligned(text: string, from: number, to: number, rule: [number, number]): Table | undefined {
  const dashes = [...text.slice(...rule).matchAll(/[-=]{2,}/g)];
  if (dashes.length < 2) return undefined;
  const spans = dashes.map((dash, i): [number, number] => [
    dash.index,
    dashes[i + 1]?.index ?? Number.POSITIVE_INFINITY,
  ]);
  return made(text, cut(text, from, to, spans), '', spans);
}

function cut(text: string, from: number, to: number, spans: [number, number][]): Cell[] {
  return spans.map(([begin, end]) => trimmed(text, Math.min(to, from + begin), Math.min(to, from + end)));
}

function cellsOf(text: string, from: number, to: number, delimiter: string): Cell[] {
  const cells: Cell[] = [];
  for (let at = from; at <= to; ) {
    const next = text.indexOf(delimiter, at);
    const end = next < 0 || next > to ? to : next;
    cells.push(trimmed(text, at, end));
    at = end + 1;
  }
  if (PIPES.includes(delimiter)) {
    // What stands outside the first and last line of a frame is no cell.
    if (cells.length > 2 && cells[0]!.from === cells[0]!.to) cells.shift();
    if (cells.length > 2 && cells.at(-1)!.from === cells.at(-1)!.to) cells.pop();
  }
  return cells;
}

function trimmed(text: string, from: number, to: number): Cell {
  let begin = from;
  let end = to;
  while (begin < end && /\s/.test(text[begin]!)) begin++;
  while (end > begin && /\s/.test(text[end - 1]!)) end--;
  return { from: begin, to: end };
}

/** Takes the secrets of a row; false when the line is no row of the table. */
function row(text: string, from: number, to: number, table: Table, found: number[]): boolean {
  const cells = table.spans ? cut(text, from, to, table.spans) : cellsOf(text, from, to, table.delimiter);
  if (cells.length !== table.count || to === from) return false;
  for (const { at, secrecy } of table.columns) take(text, cells[at]!, secrecy, found);
  if (table.values > 0) take(text, cells[table.values]!, secrecyOf(text.slice(cells[0]!.from, cells[0]!.to)), found);
  return true;
}

/** `| password | x |`, `password | x` */
function pair(text: string, from: number, to: number, found: number[]): void {
  const line = text.slice(from, to);
  const pipe = PIPES.find((char) => line.includes(char));
  if (pipe === undefined) return;
  const cells = cellsOf(text, from, to, pipe);
  if (cells.length !== 2) return;
  const name = text.slice(cells[0]!.from, cells[0]!.to).replace(/^[*`]+|[*`:]+$/g, '');
  if (HEAD.test(name)) take(text, cells[1]!, secrecyOf(name), found);
}

function take(text: string, cell: Cell, secrecy: KeySecrecy, found: number[]): void {
  let { from, to } = cell;
  if (to - from >= 2 && /["'`]/.test(text[from]!) && text[to - 1] === text[from]) {
    from++;
    to--;
  }
  const value = text.slice(from, Math.min(to, from + 200));
  if (secrecy === 0 || value.length < 2 || !/[\p{L}\p{N}]/u.test(value)) return;
  if (isPlaceholder(value) || isHarmless(value) || isOfSentence(value)) return;
  if (/\s/.test(value) && !/\d/.test(value)) return;
  if (secrecy === 1 && !looksMade(value)) return;
  found.push(from, to);
}

const TAG = /<(tr|th|td)\b[^<>]{0,300}>\s{0,40}([^<]{0,300})/gi;

/** Cells of HTML under a head that names a secret. */
function inHtml(text: string, found: number[]): void {
  let heads: KeySecrecy[] = [];
  let column = 0;
  TAG.lastIndex = 0;
  for (let tag = TAG.exec(text); tag !== null; tag = TAG.exec(text)) {
    const kind = tag[1]!.toLowerCase();
    if (kind === 'tr') column = 0;
    else if (kind === 'th') {
      if (column === 0) heads = [];
      heads[column++] = HEAD.test(tag[2]!.trim()) ? secrecyOf(tag[2]!.trim()) : 0;
    } else {
      const end = tag.index + tag[0].length;
      take(text, trimmed(text, end - tag[2]!.length, end), heads[column++] ?? 0, found);
    }
  }
}

const COLUMNS =
  /["'](?:columns|fields|headers?|keys)["']\s{0,4}:\s{0,4}\[((?:\s{0,8}["'][^"'\n]{0,64}["']\s{0,8},?){1,60})\]\s{0,8},\s{0,8}["'](?:rows|values|data|records)["']\s{0,4}:\s{0,4}/gi;
const ITEM = /\s{0,8}("(?:[^"\\]|\\.){0,2000}"|'(?:[^'\\]|\\.){0,2000}'|[^\s,[\]{}"']{1,64})\s{0,8}/y;

/** `{"columns": ["name", "password"], "rows": [["bob", "x"]]}` */
function inColumns(text: string, found: number[]): void {
  COLUMNS.lastIndex = 0;
  for (let head = COLUMNS.exec(text); head !== null; head = COLUMNS.exec(text)) {
    const secrecy = head[1]!.split(',').map((name) => secrecyOf(name.replace(/["'\s]/g, '')));
    if (!secrecy.some((one) => one > 0)) continue;
    let at = COLUMNS.lastIndex;
    for (let opened = match(/[\s,]{0,8}\[/y, text, at); opened !== null; opened = match(/[\s,]{0,8}\[/y, text, at)) {
      at += opened[0].length;
      let column = 0;
      for (let item = match(ITEM, text, at); item !== null; item = match(ITEM, text, at)) {
        const from = at + item[0].indexOf(item[1]!);
        take(text, { from, to: from + item[1]!.length }, secrecy[column++] ?? 0, found);
        at += item[0].length;
        if (text[at] === ',') at++;
      }
      while (text[at] === ']') at++;
    }
    COLUMNS.lastIndex = Math.max(at, COLUMNS.lastIndex);
  }
}
