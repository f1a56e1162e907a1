// An answer that fits: as many rows as the budget holds, as text and as JSON, and in words what is not in it.

import type { Answer } from '../queries/run.ts';
import type { Row } from '../store/values.ts';
import { type Cuts, cutRow, MEASURES, type Measure, shareOut } from './cut.ts';
import { tokensOf } from './tokens.ts';
import { FENCE } from './untrusted.ts';

/** Tokens of an answer, text and JSON together. */
export const BUDGET = { min: 1_000, default: 2_000, max: 20_000 } as const;

/** Rows of one query inside an answer; the last part of an answer is the one that is cut first. */
export interface Part {
  /** Its name in the JSON: `rows`, `causes`. */
  key: string;
  rows: Row[];
  /** What the query itself left out. */
  truncated: string | null;
  lines: (rows: Row[]) => string[];
  /** Columns of no use to who has read the others. */
  omit: readonly string[];
  /** How long its values may be, whatever the rest of the answer needs: a verdict cut short says nothing. */
  measure?: Measure;
}

export interface Question {
  /** The call as the model made it: `get_trace {"execution_id":"7"}`. */
  call: string;
  /** Where the rows came from. */
  origin: Pick<Answer, 'database' | 'schema' | 'range'>;
  next: string | null;
  budget: number;
  /** What to call for the rows that did not fit; undefined where only a larger answer has them. */
  rest: string | undefined;
}

export interface Fitted {
  text: string;
  structured: Record<string, unknown>;
  /** Rows that are in it, by part. */
  shown: number[];
}

/** A row costs more tokens than this, whatever is in it: what could never fit need not be tried. */
const LEAST_ROW = 12;
/** Fewer rows than these, and texts are shortened further to make room for more. */
const ENOUGH_ROWS = 6;
/** Of a part whose values are what matters: sentences whole, lists of evidence short. */
export const VERDICT: Measure = { characters: 400, items: 8 };
/** What the first of two parts may take, so that the second is not left without. */
const FIRST_PART = 0.6;

/** The largest answer that costs no more than the budget. Without any row it still says where it looked. */
export function fitAnswer(parts: Part[], question: Question): Fitted {
  const enough = Math.min(ENOUGH_ROWS, parts.at(-1)?.rows.length ?? 0);
  let best: Fitted | undefined;
  for (const measure of MEASURES) {
    const fitted = fitRows(parts, question, measure);
    if (fitted && (!best || rowsIn(fitted) > rowsIn(best))) best = fitted;
    if (best && rowsIn(best) >= enough) break;
  }
  const lost = parts.some(({ rows, measure }, i) => measure && rows.length > 0 && !best?.shown[i]);
  // Rather a short verdict than none.
  if (lost)
    return fitAnswer(
      parts.map(({ measure: _, ...part }) => part),
      question,
    );
  return best ?? bare(parts, question);
}

/** How many rows of the last part are in it. */
export function rowsIn({ shown }: Fitted): number {
  return shown.at(-1) ?? 0;
}

/** Each part in turn takes what it needs, all but the last no more than its share. */
function fitRows(parts: Part[], question: Question, measure: Measure): Fitted | undefined {
  const shown = parts.map(() => 0);
  for (const [i, { rows }] of parts.entries()) {
    const room = i === parts.length - 1 ? question.budget : question.budget * FIRST_PART;
    const fits = (count: number) => {
      shown[i] = count;
      // The first row of all may take everything: the others explain it.
      return attempt(parts, shown, question, measure).cost <= (i === 0 && count === 1 ? question.budget : room);
    };
    let low = 0;
    let high = Math.min(rows.length, Math.floor(question.budget / LEAST_ROW));
    if (fits(high)) low = high;
    // By halving: what a row costs depends on what it has in common with the others.
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (fits(middle)) low = middle;
      else high = middle - 1;
    }
    shown[i] = low;
  }
  const { cost, fitted } = attempt(parts, shown, question, measure);
  return cost <= question.budget ? fitted : undefined;
}

function attempt(parts: Part[], shown: number[], question: Question, measure: Measure) {
  const cuts: Cuts = { values: 0 };
  const rows = parts.map(({ rows: all, omit, measure: own }, i) =>
    all.slice(0, shown[i]).map((row) => cutRow(without(row, omit), own ?? measure, cuts)),
  );
  const truncated = truncatedWords(parts, shown, question, cuts);
  const { database, schema, range } = question.origin;
  const structured: Record<string, unknown> = {};
  for (const [i, part] of parts.entries()) {
    const { common, rows: own } = shareOut(rows[i] ?? []);
    if (part.key === 'rows' && Object.keys(common).length > 0) structured.common = common;
    structured[part.key] = part.key === 'rows' ? own : rows[i];
  }
  Object.assign(structured, { truncated, next: question.next, database, schema, ...(range && { range }) });
  const text = [
    `${question.call} on database ${database}, schema ${schema}${range ? `, from ${range.from} to ${range.to}` : ''}`,
    FENCE.open,
    ...parts.flatMap((part, i) => linesOf(part, rows[i] ?? [])),
    FENCE.close,
    ...(truncated ? [`Left out: ${truncated}`] : []),
    ...(question.next ? [`Next page: the same parameters and after="${question.next}"`] : []),
  ].join('\n');
  const cost = tokensOf(text) + tokensOf(JSON.stringify(structured));
  return { cost, fitted: { text, structured, shown: [...shown] } };
}

/** That nothing is shown must not read as if there were nothing. */
function linesOf({ key, rows, lines }: Part, shown: Row[]): string[] {
  return shown.length === 0 && rows.length > 0 ? [`(${rows.length} ${key} did not fit)`] : lines(shown);
}

function truncatedWords(parts: Part[], shown: number[], question: Question, cuts: Cuts): string | null {
  const words: string[] = [];
  const larger = question.budget < BUDGET.max ? `max_tokens (at most ${BUDGET.max}) allows a longer answer` : '';
  for (const [i, { key, rows, truncated }] of parts.entries()) {
    const missing = rows.length - (shown[i] ?? 0);
    if (missing > 0) words.push(`${missing} of the ${rows.length} ${key} found did not fit.`);
    // Where the next page is named below, how to get it need not be said.
    if (truncated)
      words.push(question.next ? truncated.replace(/and there are more: [^.]*\./, 'and there are more.') : truncated);
  }
  if (cuts.values > 0)
    words.push(`${cuts.values} long ${cuts.values === 1 ? 'value is' : 'values are'} shortened (…).`);
  if (words.length === 0) return null;
  if (question.rest) words.push(question.rest);
  if (larger && (cuts.values > 0 || parts.some(({ rows }, i) => rows.length > (shown[i] ?? 0))))
    words.push(`${larger}.`);
  return words.join(' ');
}

function bare(parts: Part[], question: Question): Fitted {
  const none = parts.map((part) => ({ ...part, rows: [], truncated: null, lines: () => [] }));
  const found = parts.map(({ key, rows }) => `${rows.length} ${key}`).join(' and ');
  const truncated = `${found} were found, and not one fits into ${question.budget} tokens: raise max_tokens.`;
  const { fitted } = attempt(
    none,
    parts.map(() => 0),
    { ...question, call: question.call.slice(0, 80), rest: undefined },
    MEASURES[3] as Measure,
  );
  return { ...fitted, text: `${fitted.text}\nLeft out: ${truncated}`, structured: { ...fitted.structured, truncated } };
}

function without(row: Row, names: readonly string[]): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));
}
