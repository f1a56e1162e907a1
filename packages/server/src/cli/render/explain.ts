// Questions about one execution or trace, and what a diagnosis may say.
import type { Row } from '../../store/values.ts';
import { asTable, difference, id, ms, num, plain, type Renderer, service, state, text } from './cells.ts';
import { duration, number, signOf } from './format.ts';
import type { Column } from './table.ts';
import { clean, wrap } from './terminal.ts';
import { branchesOf } from './waterfall.ts';

const statusOf = (key: string, title: string): Column<Row> => ({
  title,
  text: (row) => plain(row[key]),
  style: (row) => signOf(row[key]).style,
});

const OUTLINE = asTable(
  [
    state('status'),
    service,
    text('tree', 'span'),
    { title: 'spans', right: true, text: (row) => number(row.spans) },
    ms('duration_ms', 'longest'),
    ms('self_ms', 'self'),
    { title: 'below', right: true, text: (row) => (Number(row.below_spans) > 0 ? `+${number(row.below_spans)}` : '') },
    { title: 'path', from: 70, text: (row) => (row.on_critical_path ? '◆' : '') },
    { ...text('error'), text: (row) => [row.error_type, row.error_message].filter(Boolean).join(': ') },
  ],
  'The trace has no spans.',
);

/** Levels count lines, not spans: between two lines spans may have been left out. */
function drawn(rows: Row[]): Row[] {
  const levels = new Map<unknown, number>();
  for (const row of rows) levels.set(row.line, (levels.get(row.parent_line) ?? -1) + 1);
  const branches = branchesOf(rows.map((row) => levels.get(row.line) ?? 0));
  return rows.map((row, i) => ({ ...row, tree: `${branches[i]}${plain(row.operation)}` }));
}

export const EXPLANATIONS: Record<string, Renderer> = {
  outline: { lines: (rows, terminal) => OUTLINE(drawn(rows), terminal) },
  'unusual-spans': {
    lines: asTable(
      [
        state('status'),
        service,
        text('operation'),
        ms('duration_ms', 'took'),
        ms('self_ms', 'self'),
        ms('baseline_p95_ms', 'usual p95'),
        { title: 'path', from: 70, text: (row) => (row.on_critical_path ? '◆' : '') },
        { ...text('anomaly', 'unusual'), style: () => 'yellow' },
      ],
      'Nothing is unusual.',
    ),
  },
  'timeout-root-cause': {
    lines: (rows, terminal) => {
      if (rows.length === 0) return ['Nothing timed out.'];
      return rows.flatMap((row, i) => {
        const slowest = row.slowest_operation
          ? `Most of the time: ${row.slowest_service} ${row.slowest_operation}, ${duration(row.slowest_ms)} of its own${row.usual_p50_ms === null ? '' : `, usually ${duration(row.usual_p50_ms)}`}.`
          : undefined;
        return [
          ...(i > 0 ? [''] : []),
          `${row.waiting_service} ${row.waiting_operation} gave up after ${duration(row.gave_up_after_ms)}${row.waited_for ? ` on ${row.waited_for}` : ''}${row.decided_outcome ? '' : ' (coped with)'}`,
          ...[`The callee ${row.callee_state}.`, slowest, row.summary, row.recommendation]
            .filter((line) => line !== undefined && line !== null)
            .flatMap((line) => wrap(clean(line), terminal.width, '  ')),
        ].map(clean);
      });
    },
    problem: (rows) => rows.some((row) => row.decided_outcome === true),
  },
  'compare-with-successful': {
    lines: (rows, terminal) => {
      const table = asTable(
        [
          { ...text('change'), style: (row) => (row.change === 'same' ? 'dim' : 'yellow') },
          service,
          { ...text('operation'), text: (row) => `${'  '.repeat(Number(row.depth))}${plain(row.operation)}` },
          statusOf('successful_status', 'there'),
          ms('successful_ms', 'took'),
          statusOf('status', 'here'),
          ms('ms', 'took'),
          { ...ms('delta_ms', 'difference'), text: (row) => difference(row.delta_ms) },
        ],
        'Nothing to compare.',
      );
      const [first] = rows;
      if (!first) return table(rows, terminal);
      const subject = first.successful_execution_id ?? first.successful_trace_id;
      return [
        ...wrap(clean(`Beside ${subject}, which worked: ${first.chosen_because}.`), terminal.width),
        '',
        ...table(rows, terminal),
      ];
    },
  },
  'compare-with-usual': {
    lines: asTable(
      [
        { ...text('change'), style: (row) => (row.change === 'slower' ? 'yellow' : 'dim') },
        service,
        text('operation'),
        num('spans', 'spans'),
        ms('median_ms', 'here'),
        ms('usual_p50_ms', 'usual'),
        { title: 'times', right: true, text: (row) => (row.times === null ? '' : `${row.times}×`) },
        { ...ms('extra_ms', 'extra'), text: (row) => difference(row.extra_ms) },
        { ...text('compared_with', 'compared with'), style: () => 'dim' },
      ],
      'There is nothing to compare.',
    ),
  },
  'job-cells': {
    lines: asTable(
      [
        text('model_id', 'model'),
        text('region'),
        num('executions', 'of'),
        num('completed', 'worked'),
        num('failed', 'failed'),
        num('untraced', 'untraced'),
        ms('p50_ms', 'p50'),
        ms('p95_ms', 'p95'),
        text('error_type', 'error'),
        { ...text('verdict'), style: () => 'yellow' },
        id('example_execution_id', 'look at'),
      ],
      'The job has no executions.',
    ),
    problem: (rows) => rows.some((row) => Number(row.failed) > 0),
  },
  'diagnosis-types': {
    lines: (rows, terminal) =>
      rows.flatMap((row) => [
        terminal.paint('bold', clean(row.type)),
        ...wrap(clean(row.meaning), terminal.width, '  '),
      ]),
  },
};
