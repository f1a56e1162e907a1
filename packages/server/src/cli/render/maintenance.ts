// Beacon's own state, its schema, and the answers of statements, as a person reads them.
import type { Row } from '../../store/values.ts';
import { asTable, id, num, plain, type Renderer, state, text, when } from './cells.ts';
import { bytes, number } from './format.ts';
import type { Column } from './table.ts';
import { clean, padEnd, type Terminal, wrap } from './terminal.ts';

const LABEL = 12;

function renderStorage([stored]: Row[], terminal: Terminal): string[] {
  if (!stored) return ['Nothing is stored.'];
  const line = (label: string, value: string) => `${terminal.paint('dim', padEnd(label, LABEL))} ${value}`;
  const partitions = (
    stored.partitions as { partition: string; bytes: number; spans_estimated: number; logs_estimated: number }[]
  ).filter(({ spans_estimated, logs_estimated }) => spans_estimated + logs_estimated > 0);
  const max = Math.max(1, ...partitions.map((day) => day.bytes));
  const days = stored.days_to_limit === null ? null : Math.floor(Number(stored.days_to_limit));
  return [
    line(
      'on disk',
      `${bytes(stored.bytes)}, ${number(Math.round(Number(stored.bytes_per_span)))} B a span (${stored.basis})`,
    ),
    line(
      'pace',
      `${number(Math.round(Number(stored.spans_per_day ?? 0)))} spans a day, ${bytes(stored.bytes_per_day ?? 0)}`,
    ),
    line('retention', `${stored.retention_days} days, which hold ${bytes(stored.bytes_at_retention ?? 0)}`),
    ...(Number(stored.archived_spans) === 0
      ? []
      : [
          line(
            'archive',
            `${number(stored.archived_spans)} spans in ${bytes(stored.archived_bytes)}, which were ${bytes(stored.archived_bytes_before)}`,
          ),
        ]),
    ...(stored.limit_bytes === null
      ? []
      : [
          line(
            'limit',
            `${bytes(stored.limit_bytes)}, ${days === null ? 'not reached at this pace' : `reached in ${number(days)} days without retention`}; keep ${stored.retention_suggested} days`,
          ),
        ]),
    ...(partitions.length > 0 ? ['', terminal.paint('dim', 'partition')] : []),
    ...partitions.map(
      (day) =>
        `${padEnd(day.partition, 22)} ${terminal.paint('blue', padEnd('█'.repeat(Math.max(1, Math.round((20 * day.bytes) / max))), 20))} ${bytes(day.bytes)}, about ${day.logs_estimated > 0 ? `${number(day.logs_estimated)} log records` : `${number(day.spans_estimated)} spans`}`,
    ),
  ];
}

function renderSchema(rows: Row[], terminal: Terminal): string[] {
  if (rows.length === 0) return ['Nothing has that name.'];
  return rows.flatMap((row) => {
    const head = `${terminal.paint('bold', clean(row.name))}${row.signature === null ? '' : `(${clean(row.signature)})`}`;
    const columns = (row.columns ?? []) as { name: string; type: string; comment: string | null }[];
    return [
      `${terminal.paint('cyan', clean(row.kind))} ${head}`,
      ...(row.comment ? wrap(clean(row.comment), terminal.width, '  ') : []),
      ...(row.returns ? wrap(`returns ${clean(row.returns)}`, terminal.width, '  ') : []),
      ...columns.flatMap(({ name, type, comment }) =>
        wrap(clean(`${name} ${type}${comment ? `: ${comment}` : ''}`), terminal.width, '    '),
      ),
      '',
    ];
  });
}

/** The answer of a statement: its columns are those of its first row. */
function renderRows(rows: Row[], terminal: Terminal): string[] {
  const columns = Object.keys(rows[0] ?? {}).map(
    (name): Column<Row> => ({
      title: name,
      text: (row) =>
        row[name] === null ? '–' : typeof row[name] === 'object' ? JSON.stringify(row[name]) : plain(row[name]),
      ...(rows.every((row) => row[name] === null || typeof row[name] === 'number')
        ? { right: true }
        : { flexible: true }),
    }),
  );
  return asTable(columns, 'No rows.')(rows, terminal);
}

export const UPKEEP: Record<string, Renderer> = {
  storage: { lines: renderStorage },
  ingest: {
    lines: asTable(
      [
        state('state'),
        text('instance'),
        id('state', 'state'),
        text('ports'),
        when('heartbeat_at', 'heartbeat'),
        num('spans_stored', 'stored'),
        num('spans_duplicate', 'repeated'),
        { ...text('spans_rejected', 'rejected'), text: (row) => plain(row.spans_rejected) || '0' },
        { ...text('requests_refused', 'refused'), text: (row) => plain(row.requests_refused) || '0' },
        num('values_redacted', 'redacted'),
        { ...text('last_error', 'last error'), style: () => 'red' },
      ],
      'No server has taken spans over OTLP in this database.',
    ),
  },
  'preflight-report': {
    lines: asTable(
      [
        num('number', '#'),
        text('name', 'check'),
        {
          ...id('state', 'state'),
          style: ({ state: found }) => (found === 'go' ? 'green' : found === 'no-go' ? 'red' : 'yellow'),
        },
        text('numbers', 'measured'),
        text('reason', 'why'),
        id('decision', 'decision'),
        when('taken_at', 'taken'),
      ],
      'No preflight has been run here: `beacon preflight`.',
    ),
    problem: (rows) => rows.some(({ decision }) => decision === 'NO-GO'),
  },
  schema: { lines: renderSchema },
  sql: { lines: renderRows },
};
