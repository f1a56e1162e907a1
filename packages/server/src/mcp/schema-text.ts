// The schema as a model reads it before it writes SQL.
import type { Row } from '../store/values.ts';

interface Column {
  name: string;
  type: string;
  comment: string | null;
}

/** Signatures of functions that take or give what only other functions know. */
export const INNER = /span_fact|failure_origin|finding\b|\bsignal|bigint\[\]/;

const FEW = 6;
const LONGEST = 160;
const SHORTEST = 70;

/** Rows of the query `schema`: one object whole, a few with their columns, many by name. */
export function schemaRows(rows: Row[]): Row[] {
  if (rows.length === 1) return rows;
  const told = rows.filter((row) => !INNER.test(`${row.signature} ${row.returns}`));
  return told.map((row) => {
    const { kind, name, signature, comment } = row;
    if (told.length > FEW) return { kind, name, comment: firstSentence(comment, SHORTEST) };
    const columns = (row.columns as Column[] | null)?.map((column) => `${column.name} ${column.type}`);
    return { kind, name, signature, comment: firstSentence(comment, LONGEST), columns };
  });
}

/** Lines of what {@link schemaRows} gives. */
export function schemaLines(rows: Row[]): string[] {
  return rows.length === 1 ? rows.flatMap(whole) : rows.map((row) => `${row.kind} ${brief(row).slice(2)}`);
}

/** Name, columns or arguments, and what it is. */
export function brief(row: Row): string {
  const columns = (row.columns as Array<Column | string> | null | undefined)?.map((column) =>
    typeof column === 'string' ? column : column.name,
  );
  const parts = columns?.join(', ') ?? row.signature;
  return `- ${row.name}${parts ? `(${parts})` : ''}: ${firstSentence(row.comment, LONGEST)}`;
}

/** Every column with its comment. */
export function whole(row: Row): string[] {
  const columns = ((row.columns ?? []) as Array<Column | string>).map((column) =>
    typeof column === 'string'
      ? `- ${column}`
      : `- ${column.name} ${column.type}${column.comment ? `: ${column.comment}` : ''}`,
  );
  const isFunction = row.kind === 'function';
  const head = isFunction ? `${row.name}(${row.signature ?? ''}) returns ${row.returns}` : `${row.kind} ${row.name}`;
  return [`# ${head}`, String(row.comment ?? ''), ...columns];
}

function firstSentence(comment: unknown, longest: number): string {
  const text = String(comment ?? '');
  const sentence = /^.*?\.(?= |$)/.exec(text)?.[0] ?? text;
  return sentence.length > longest ? `${sentence.slice(0, longest)}…` : sentence;
}
