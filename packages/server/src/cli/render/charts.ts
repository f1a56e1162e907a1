// Pictures over time, drawn in characters.
import type { Row } from '../../store/values.ts';
import type { Renderer } from './cells.ts';
import { count, duration, number } from './format.ts';
import { table } from './table.ts';
import { padStart, type Terminal } from './terminal.ts';

const SHADES = [' ', '░', '▒', '▓', '█'];
const EIGHTHS = '▏▎▍▌▋▊▉█';
const WIDEST_BAR = 30;

/** Time to the right, duration upwards, the darker the more; red where some failed. */
function heatmapLines(rows: Row[], terminal: Terminal): string[] {
  if (rows.length === 0) return ['No span began in this time.'];
  const times = [...new Set(rows.map((row) => String(row.at)))].sort();
  const step = Math.min(
    ...times.slice(1).map((at, i) => Date.parse(at) - Date.parse(times[i] as string)),
    Number.POSITIVE_INFINITY,
  );
  const first = Date.parse(times[0] as string);
  const last = Date.parse(times.at(-1) as string);
  const columns = Number.isFinite(step) ? Math.round((last - first) / step) + 1 : 1;
  const ended = rows.filter((row) => row.bucket_ms_from !== null);
  const classes = [...new Set(ended.map((row) => Number(row.bucket_ms_from)))].sort((a, b) => b - a);
  const max = Math.max(...rows.map((row) => Number(row.count)));
  const cells = new Map(ended.map((row) => [`${row.at} ${row.bucket_ms_from}`, row]));
  const labels = classes.map((from) => duration(from));
  const margin = Math.max(...labels.map((label) => label.length), 0);
  // Columns that do not fit are drawn together.
  const together = Math.max(1, Math.ceil(columns / Math.max(10, terminal.width - margin - 2)));
  const lines = classes.map((from, i) => {
    let line = `${padStart(labels[i] as string, margin)} │`;
    for (let column = 0; column < columns; column += together) {
      let spans = 0;
      let errors = 0;
      for (let k = column; k < Math.min(columns, column + together); k += 1) {
        const cell = cells.get(`${atOf(first, step, k, times)} ${from}`);
        spans += Number(cell?.count ?? 0);
        errors += Number(cell?.errors ?? 0);
      }
      const shade =
        spans === 0
          ? 0
          : 1 + Math.min(3, Math.floor((3.999 * Math.log(spans)) / Math.max(1, Math.log(max * together))));
      line += terminal.paint(errors > 0 ? 'red' : 'blue', SHADES[shade] as string);
    }
    return line.trimEnd();
  });
  const open = rows.filter((row) => row.bucket_ms_from === null).reduce((sum, row) => sum + Number(row.count), 0);
  const spans = rows.reduce((sum, row) => sum + Number(row.count), 0);
  const errors = rows.reduce((sum, row) => sum + Number(row.errors), 0);
  const foot = `${' '.repeat(margin)} └ ${clock(times[0] as string)} to ${clock(times.at(-1) as string)} UTC · ${count(spans, 'span')}, ${number(errors)} failed${open > 0 ? `, ${open} not ended` : ''}`;
  return [...lines, terminal.paint('dim', foot)];
}

/** Times as PostgreSQL writes them, so that they can be looked up. */
function atOf(first: number, step: number, column: number, times: string[]): string {
  if (column === 0) return times[0] as string;
  return new Date(first + column * step).toISOString().replace(/\.000Z$/, 'Z');
}

function clock(at: string): string {
  return at.slice(5, 19).replace('T', ' ');
}

/** A bar to an eighth of a column. */
function bar(share: number, width: number): string {
  const eighths = Math.round(share * width * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + (eighths % 8 > 0 ? EIGHTHS[(eighths % 8) - 1] : '');
}

function seriesLines(rows: Row[], terminal: Terminal): string[] {
  if (rows.length === 0) return ['No span began in this time.'];
  const max = Math.max(...rows.map((row) => Number(row.calls)));
  const { lines } = table(
    rows,
    [
      { title: 'from (UTC)', text: (row) => clock(String(row.at)) },
      { title: 'calls', right: true, text: (row) => number(row.calls) },
      {
        title: 'errors',
        right: true,
        text: (row) => number(row.errors),
        style: (row) => (Number(row.errors) > 0 ? 'red' : 'dim'),
      },
      { title: 'p50', right: true, text: (row) => duration(row.p50_ms) },
      { title: 'p95', right: true, text: (row) => duration(row.p95_ms) },
      { title: 'p99', right: true, from: 70, text: (row) => duration(row.p99_ms) },
      {
        title: '',
        from: 60,
        text: (row) => bar(Number(row.calls) / max, Math.min(WIDEST_BAR, Math.max(4, terminal.width - 64))),
        style: () => 'blue',
      },
    ],
    terminal,
  );
  return lines;
}

export const CHARTS: Record<string, Renderer> = {
  heatmap: { lines: heatmapLines },
  series: { lines: seriesLines },
};
