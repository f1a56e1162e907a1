// A table whose columns sort, whose rows open by their first link, and through which arrow keys walk.
import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';
import { Scroll } from './scroll.tsx';

export interface Column<R> {
  key: string;
  title: string;
  cell(row: R): ComponentChildren;
  /** What to sort by; a column without it does not sort. Nulls come last. */
  sort?: (row: R) => string | number | null;
  /** Figures stand at the end. */
  end?: boolean;
  /** Left out where there is little room. */
  wideOnly?: boolean;
  /** Sentences: they take as many lines as they need. */
  wrap?: boolean;
}

/** `key`, or `-key` for descending; empty for the order of the rows. */
export type Sort = string;

interface TableProps<R> {
  /** What the rows are, for those who do not see the heading. */
  caption: string;
  columns: Column<R>[];
  rows: R[];
  rowKey(row: R): string;
  rowClass?: (row: R) => string | undefined;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
}

export function Table<R>({ caption, columns, rows, rowKey, rowClass, sort = '', onSort }: TableProps<R>) {
  const sorted = sortRows(rows, columns, sort);
  return (
    <Scroll label={caption} onKeyDown={walk}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.key} column={column} sort={sort} onSort={column.sort && onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={rowKey(row)} class={rowClass?.(row)}>
              {columns.map((column) => (
                <td key={column.key} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

interface HeadProps<R> {
  column: Column<R>;
  sort: Sort;
  onSort: ((sort: Sort) => void) | undefined;
}

function Head<R>({ column, sort, onSort }: HeadProps<R>) {
  const { key, title } = column;
  if (!onSort) {
    return (
      <th scope="col" class={classOf(column)}>
        {title}
      </th>
    );
  }
  const direction = sort === key ? 'ascending' : sort === `-${key}` ? 'descending' : 'none';
  // Figures are wanted from the largest first.
  const next = column.end ? (sort === `-${key}` ? key : `-${key}`) : sort === key ? `-${key}` : key;
  return (
    <th scope="col" class={classOf(column)} aria-sort={direction}>
      <button type="button" class="sort" onClick={() => onSort(next)}>
        {title}
        {direction !== 'none' && <Icon name={direction === 'ascending' ? 'up' : 'down'} size={10} />}
      </button>
    </th>
  );
}

function classOf(column: { end?: boolean; wideOnly?: boolean; wrap?: boolean }): string | undefined {
  const names = [column.end && 'end', column.wideOnly && 'wide-only', column.wrap && 'sentence'].filter(Boolean);
  return names.length > 0 ? names.join(' ') : undefined;
}

function sortRows<R>(rows: R[], columns: Column<R>[], sort: Sort): R[] {
  const descending = sort.startsWith('-');
  const by = columns.find(({ key }) => key === sort.replace(/^-/, ''))?.sort;
  if (!by) return rows;
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [x, y] = [by(a), by(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    if (typeof x === 'number' && typeof y === 'number') return sign * (x - y);
    return sign * String(x).localeCompare(String(y));
  });
}

/** Arrow keys go to the link of the row above or below. */
function walk(event: KeyboardEvent): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (step === 0 || (event.target as Element).matches('input, select, textarea')) return;
  const links = [
    ...(event.currentTarget as Element).querySelectorAll<HTMLElement>('tbody tr :is(a, button):first-of-type'),
  ];
  const firsts = links.filter((link, i) => i === 0 || link.closest('tr') !== links[i - 1]?.closest('tr'));
  if (firsts.length === 0) return;
  event.preventDefault();
  const row = (event.target as Element).closest('tr');
  const at = firsts.findIndex((link) => link.closest('tr') === row);
  firsts[Math.max(0, Math.min(firsts.length - 1, at + step))]?.focus();
}
