// Aligned columns that fit the terminal. What does not fit is cut with an ellipsis, and a note says so.
import { clean, cut, padEnd, padStart, type Terminal, widthOf } from './terminal.ts';

type Style = Parameters<Terminal['paint']>[0];

export interface Column<Row> {
  title: string;
  text: (row: Row) => string;
  right?: boolean;
  /** May be cut when the line is too long; columns that may not are ids and numbers. */
  flexible?: boolean;
  style?: (row: Row) => Style | undefined;
  /** Terminals narrower than this do without the column. */
  from?: number;
}

const GAP = '  ';
const NARROWEST = 6;

/**
 * Lines of a table, heading first.
 *
 * @returns `cut`: how many cells lost text.
 */
export function table<Row>(rows: Row[], all: Column<Row>[], terminal: Terminal): { lines: string[]; cut: number } {
  const columns = all.filter(({ from = 0 }) => terminal.width >= from);
  const cells = rows.map((row) => columns.map((column) => clean(column.text(row))));
  const widths = fit(
    columns.map(({ title }, i) => Math.max(widthOf(title), ...cells.map((line) => widthOf(line[i] ?? '')))),
    columns,
    terminal.width,
  );
  let shortened = 0;
  const draw = (line: string[], style: (i: number) => Style | undefined) =>
    line
      .map((cell, i) => {
        const { right } = columns[i] as Column<Row>;
        const width = widths[i] ?? 0;
        const shown = cut(cell, width);
        if (shown !== cell) shortened += 1;
        // Padding after the last column is only in the way of copying.
        const padded = right ? padStart(shown, width) : i === line.length - 1 ? shown : padEnd(shown, width);
        const how = style(i);
        return how ? terminal.paint(how, padded) : padded;
      })
      .join(GAP)
      .trimEnd();
  const heading = draw(
    columns.map(({ title }) => title),
    () => 'dim',
  );
  shortened = 0;
  const lines = cells.map((line, n) => draw(line, (i) => columns[i]?.style?.(rows[n] as Row)));
  return { lines: [heading, ...lines], cut: shortened };
}

/** Takes what is too much from the widest flexible column first. */
function fit<Row>(wanted: number[], columns: Column<Row>[], width: number): number[] {
  const widths = [...wanted];
  let over = widths.reduce((sum, w) => sum + w, 0) + GAP.length * (widths.length - 1) - width;
  while (over > 0) {
    let widest = -1;
    for (const [i, { flexible }] of columns.entries()) {
      if (flexible && (widths[i] ?? 0) > Math.max(NARROWEST, widths[widest] ?? 0)) widest = i;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over -= 1;
  }
  return widths;
}

/** The sentence below output that was cut; null when nothing was. */
export function cutNote(cells: number, terminal: Terminal): string | null {
  if (cells === 0) return null;
  const text = `… marks text cut at ${terminal.width} columns: widen the terminal, or use --json.`;
  return terminal.paint('dim', cut(text, terminal.width));
}
