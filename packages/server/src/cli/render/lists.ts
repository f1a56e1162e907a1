// Queries whose answer is a list: a table each. Columns are named here; verdicts come from SQL.
import type { Row } from '../../store/values.ts';
import {
  asTable,
  difference,
  id,
  ms,
  num,
  percent,
  plain,
  type Renderer,
  service,
  state,
  subject,
  text,
  when,
} from './cells.ts';
import { hasCause, renderCauses } from './diagnosis.ts';
import { number, signOf } from './format.ts';
import { clean } from './terminal.ts';
import { branchesOf, renderWaterfall } from './waterfall.ts';

const outline = asTable(
  [
    num('position', '#'),
    state('status'),
    service,
    text('tree', 'span'),
    ms('offset_ms', 'at'),
    ms('duration_ms', 'took'),
    { ...ms('self_ms', 'self'), from: 90 },
    {
      ...text('note', 'remarks'),
      text: (row) => [row.error_type, row.error_message, row.note].filter(Boolean).join(': '),
      style: (row) => (row.error_type || row.error_message ? 'red' : 'yellow'),
    },
    { ...id('span_id', 'span id'), from: 110 },
  ],
  'No spans.',
);

export const LISTS: Record<string, Renderer> = {
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
  trace: {
    lines: (rows, terminal) => {
      const branches = branchesOf(rows.map((row) => Number(row.depth)));
      return outline(
        rows.map((row, i) => ({ ...row, tree: `${branches[i]}${plain(row.operation)}` })),
        terminal,
      );
    },
  },
  waterfall: { lines: renderWaterfall },
  'root-cause': { lines: renderCauses, problem: hasCause },
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
  services: {
    lines: asTable(
      [
        service,
        num('spans', 'spans'),
        num('traces', 'traces'),
        { ...num('errors', 'errors'), style: redWhenSome },
        percent('error_pct', 'of all'),
        ms('p50_ms', 'p50'),
        ms('p95_ms', 'p95'),
        when('last_seen_at', 'last seen'),
      ],
      'No service wrote a span in this time.',
    ),
  },
  operations: {
    lines: asTable(
      [
        service,
        text('operation'),
        text('kind'),
        num('calls', 'calls'),
        { ...num('errors', 'errors'), style: redWhenSome },
        percent('error_pct', 'of all'),
        ms('p50_ms', 'p50'),
        ms('p95_ms', 'p95'),
        ms('total_ms', 'in all'),
      ],
      'No span began in this time.',
    ),
  },
  dependencies: {
    lines: asTable(
      [
        { ...text('caller'), style: () => 'cyan' },
        { title: '', text: () => '→' },
        { ...text('callee'), style: () => 'cyan' },
        num('calls', 'calls'),
        { ...num('errors', 'errors'), style: redWhenSome },
        percent('error_pct', 'of all'),
        ms('p50_ms', 'p50'),
        ms('p95_ms', 'p95'),
      ],
      'No service called another in this time.',
    ),
  },
  differences: {
    lines: asTable(
      [
        text('key'),
        text('value'),
        { ...num('difference', 'points'), text: (row) => signed(row.difference), style: byDirection },
        percent('selected_pct', 'selected'),
        { ...percent('rest_pct', 'rest') },
        { title: '', text: (row) => balance(row), from: 80 },
        {
          ...num('selected', 'count'),
          text: (row) => `${number(row.selected)} of ${number(row.selected_total)}`,
          from: 100,
        },
      ],
      'Nothing is selected, or nothing sets the selection apart.',
    ),
  },
  'attribute-keys': {
    lines: asTable([text('key'), text('place'), num('count', 'spans')], 'No attributes were seen in this time.'),
  },
  'attribute-values': {
    lines: asTable([text('value'), text('place'), num('count', 'spans')], 'No such attribute was seen in this time.'),
  },
};

function redWhenSome(row: Row): 'red' | 'dim' {
  return Number(row.errors) > 0 ? 'red' : 'dim';
}

function byDirection(row: Row): 'yellow' | 'blue' {
  return Number(row.difference) > 0 ? 'yellow' : 'blue';
}

function signed(points: unknown): string {
  const value = Number(points);
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
}

/** Both shares as bars of ten columns, the selection above. */
function balance(row: Row): string {
  const bar = (share: unknown, mark: string) => mark.repeat(Math.round(Number(share) / 10)).padEnd(10, '·');
  return `${bar(row.selected_pct, '█')} ${bar(row.rest_pct, '░')}`;
}
