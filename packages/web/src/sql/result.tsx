// The answer of a statement as a table: whatever a value is, it is shown as text.
import { executionHref } from '../state/url.ts';
import { Scroll } from '../ui/scroll.tsx';

export interface Column {
  name: string;
  /** As PostgreSQL calls it. */
  type: string;
}

interface ResultProps {
  columns: Column[];
  rows: Record<string, unknown>[];
}

const LONGEST = 300;

export function ResultTable({ columns, rows }: ResultProps) {
  return (
    <Scroll label="Answer">
      <table class="result">
        <caption class="unseen">Rows of the answer</caption>
        <thead>
          <tr>
            {columns.map(({ name, type }) => (
              <th key={name} scope="col" class={isNumber(type) ? 'end' : undefined}>
                {name} <span class="faint">{type}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={`${i}`}>
              {columns.map(({ name, type }) => (
                <td key={name} class={isNumber(type) ? 'end' : undefined}>
                  <Value value={row[name]} name={name} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Value({ value, name }: { value: unknown; name: string }) {
  if (value === null || value === undefined) return <span class="faint">null</span>;
  const text = textOf(value);
  if (name === 'trace_id') return <a href={`/trace/${text.replaceAll('-', '')}`}>{text}</a>;
  if (name === 'execution_id' || name === 'execution_key') return <a href={executionHref(text)}>{text}</a>;
  if (text.length <= LONGEST) return <>{text}</>;
  return <span title={text}>{`${text.slice(0, LONGEST)}… (${text.length} characters)`}</span>;
}

export function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export function isNumber(type: string): boolean {
  return /^(?:int|bigint|smallint|integer|numeric|real|double|float)/.test(type);
}
