// How each operation's rows look to a person. Columns are named here; verdicts come from SQL.
import type { Row } from '../operations/operation.ts';
import { renderCauses } from './diagnosis.ts';
import { type Column, cutNote, table } from './table.ts';
import { clean, type Terminal } from './terminal.ts';
import { renderWaterfall } from './waterfall.ts';
import { ago, duration, number, signOf } from './words.ts';

export interface Renderer {
  lines: (rows: Row[], terminal: Terminal) => string[];
  /** Whether these rows mean that something is wrong: exit code 1. */
  problem?: (rows: Row[]) => boolean;
}

const text = (key: string, title = key): Column<Row> => ({
  title,
  flexible: true,
  text: (row) => plain(row[key]),
});
const id = (key: string, title: string): Column<Row> => ({ title, text: (row) => String(row[key] ?? '–') });
const num = (key: string, title: string): Column<Row> => ({ title, right: true, text: (row) => number(row[key]) });
const ms = (key: string, title: string): Column<Row> => ({ title, right: true, text: (row) => duration(row[key]) });
const when = (key: string, title: string): Column<Row> => ({ title, right: true, text: (row) => ago(row[key]) });
const percent = (key: string, title: string, factor = 1): Column<Row> => ({
  title,
  right: true,
  text: (row) => (row[key] === null || row[key] === undefined ? '–' : `${(Number(row[key]) * factor).toFixed(0)} %`),
});
const state = (key: string): Column<Row> => ({
  title: ' ',
  text: (row) => signOf(row[key]).glyph,
  style: (row) => signOf(row[key]).style,
});
/** What `beacon waterfall` takes. */
const subject: Column<Row> = { title: 'execution|trace', text: (row) => String(row.execution_id ?? row.trace_id) };
const service: Column<Row> = { ...text('service'), style: () => 'cyan' };

function plain(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(plain).join(', ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, each]) => `${name} ${plain(each)}`)
      .join(', ');
  }
  return String(value);
}

function difference(ms: unknown): string {
  if (ms === null || ms === undefined) return '–';
  return Number(ms) < 0 ? `−${duration(-Number(ms))}` : `+${duration(ms)}`;
}

/** A renderer that is a table, or a sentence where there are no rows. */
function asTable(columns: Column<Row>[], none: string): Renderer['lines'] {
  return (rows, terminal) => {
    if (rows.length === 0) return [none];
    const { lines, cut } = table(rows, columns, terminal);
    const note = cutNote(cut, terminal);
    return note ? [...lines, note] : lines;
  };
}

/** Renderers by operation name; `diagnose` has a verb of its own. */
export const RENDERERS: Record<string, Renderer> = {
  search: {
    lines: asTable(
      [
        state('status'),
        when('started_at', 'started'),
        subject,
        text('job_id', 'job'),
        {
          ...text('root', 'root'),
          text: (row) => `${plain(row.root_service)} ${plain(row.root_operation)}`.trim() || '(not here yet)',
        },
        text('services'),
        num('span_count', 'spans'),
        num('error_count', 'errors'),
        ms('duration_ms', 'duration'),
      ],
      'No traces match.',
    ),
  },
  spans: {
    lines: asTable(
      [
        state('status'),
        when('started_at', 'started'),
        service,
        text('operation'),
        subject,
        text('job_id', 'job'),
        ms('duration_ms', 'duration'),
        {
          ...text('error'),
          text: (row) => [row.error_type, row.error_message].filter(Boolean).join(': '),
          style: () => 'red',
        },
      ],
      'No spans match.',
    ),
  },
  waterfall: { lines: renderWaterfall },
  'root-cause': { lines: renderCauses, problem: (rows) => rows.length > 0 },
  similar: {
    lines: asTable(
      [
        state('outcome'),
        percent('similarity', 'alike', 100),
        id('execution_id', 'execution'),
        text('outcome'),
        when('started_at', 'started'),
        ms('duration_ms', 'duration'),
        text('difference'),
      ],
      'No other execution looks like this one.',
    ),
  },
  'critical-path': {
    lines: asTable(
      [
        num('step', 'step'),
        service,
        text('operation'),
        ms('from_ms', 'from'),
        ms('ms', 'took'),
        percent('share_pct', 'share'),
        {
          title: '',
          text: (row) => '━'.repeat(Math.round(Number(row.share_pct) / 4)),
          style: () => 'blue',
        },
      ],
      'The trace has no critical path: none of its spans is a root.',
    ),
  },
  compare: {
    lines: asTable(
      [
        { ...text('change'), style: (row) => (row.change === 'same' ? 'dim' : 'yellow') },
        service,
        { ...text('operation'), text: (row) => `${'  '.repeat(Number(row.depth))}${plain(row.operation)}` },
        { title: 'a', text: (row) => plain(row.a_status), style: (row) => signOf(row.a_status).style },
        ms('a_ms', 'took'),
        { title: 'b', text: (row) => plain(row.b_status), style: (row) => signOf(row.b_status).style },
        ms('b_ms', 'took'),
        { ...ms('delta_ms', 'difference'), text: (row) => difference(row.delta_ms) },
      ],
      'Nothing to compare.',
    ),
  },
  coverage: {
    lines: asTable(
      [
        text('records'),
        text('job_id', 'job'),
        num('executions', 'executions'),
        num('traced', 'traced'),
        percent('coverage_pct', 'coverage'),
        text('untraced_execution_ids', 'without a trace'),
        when('last_created_at', 'newest'),
      ],
      'No records are registered, or none match: nothing says which executions there should be.',
    ),
    problem: (rows) => rows.some((row) => Number(row.coverage_pct) < 100),
  },
  health: {
    lines: asTable(
      [
        state('state'),
        text('item'),
        { ...num('value', 'value'), text: (row) => `${number(row.value)}${row.unit ? ` ${clean(row.unit)}` : ''}` },
        text('detail'),
      ],
      'Nothing to report.',
    ),
    problem: (rows) => rows.some((row) => row.state === 'fail'),
  },
  tracers: {
    lines: asTable(
      [
        state('state'),
        service,
        text('instance'),
        id('state', 'state'),
        text('flag'),
        when('heartbeat_at', 'heartbeat'),
        num('spans_written', 'written'),
        { ...text('spans_dropped', 'dropped'), text: (row) => plain(row.spans_dropped) || '0' },
        num('queue_depth', 'queued'),
        { ...text('last_error', 'last error'), style: () => 'red' },
      ],
      'No tracer has ever reported to this database.',
    ),
  },
};
