// Which rows of a query alert: `executions >= 3 and type = NETWORK_TIMEOUT`.
import type { Row } from '../store/values.ts';

export interface Term {
  column: string;
  operator: string;
  value: string;
}

const TERM = /^\s*([a-z_][a-z0-9_]*)\s*(>=|<=|!=|=|>|<)\s*(.+?)\s*$/;

/**
 * Reads a condition; an empty one has no terms and every row meets it.
 *
 * @throws Error that says what is wrong with it.
 */
export function parseCondition(text: string, columns: readonly string[]): Term[] {
  if (text.trim() === '') return [];
  return text.split(/\s+and\s+/i).map((part) => {
    const [, column, operator, value] = TERM.exec(part) ?? [];
    if (!column || !operator || value === undefined)
      throw new Error(`"${part}" is no condition: write column, operator (= != < <= > >=) and value.`);
    if (!columns.includes(column))
      throw new Error(`There is no column ${column}: the query has ${columns.join(', ')}.`);
    return { column, operator, value: value.replace(/^(["'])(.*)\1$/, '$2') };
  });
}

/** Whether the row meets every term. Numbers are compared as numbers where both sides are; null meets `!=` only. */
export function meets(row: Row, terms: readonly Term[]): boolean {
  return terms.every(({ column, operator, value }) => {
    const given = row[column];
    if (given === null || given === undefined) return operator === '!=' && value !== 'null';
    const [text, a, b] = [String(given), Number(given), Number(value)];
    const numbers = value.trim() !== '' && typeof given !== 'boolean' && !Number.isNaN(a) && !Number.isNaN(b);
    const order = numbers ? a - b : text < value ? -1 : text > value ? 1 : 0;
    switch (operator) {
      case '=':
        return order === 0;
      case '!=':
        return order !== 0;
      case '<':
        return order < 0;
      case '<=':
        return order <= 0;
      case '>':
        return order > 0;
      default:
        return order >= 0;
    }
  });
}
