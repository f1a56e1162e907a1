// A diagnosis as a person reads it: the cause first, then the spans it was found in.
import type { Row } from '../../store/values.ts';
import { duration, signOf } from './format.ts';
import { type Column, cutNote, table } from './table.ts';
import { clean, padEnd, type Terminal, widthOf, wrap } from './terminal.ts';
import { branchesOf } from './waterfall.ts';

const WIDEST_LABEL = 28;
const SPAN_COLUMNS_FIT = 60;

export function hasCause(rows: Row[]): boolean {
  return rows.some(({ role }) => role === 'cause');
}

/** The causes found, the likeliest in full, the others and the remarks in a line each. */
export function renderCauses(rows: Row[], terminal: Terminal): string[] {
  const [first, ...others] = rows.filter(({ role }) => role === 'cause');
  const remarks = rows.filter(({ role }) => role === 'remark');
  const remarkLines = list(remarks, remarks.length === 1 ? 'Remark' : 'Remarks', terminal);
  if (!first) {
    const what =
      remarks.length > 0
        ? 'the execution coped with what is below.'
        : 'nothing failed, and nothing was unusually slow.';
    return [`${terminal.paint('green', '✔')} No cause found: ${what}`, ...remarkLines];
  }
  const lines = [
    `${terminal.paint(['bold', 'red'], clean(first.type))}  ${clean(where(first))}  ${terminal.paint('dim', `confidence ${share(first.confidence)}`)}`,
    '',
    ...wrap(clean(first.summary), terminal.width),
  ];
  const evidence = evidenceLines(first.evidence, terminal);
  if (evidence.length > 0) lines.push('', terminal.paint('bold', 'Evidence'), ...evidence);
  if (first.recommendation) {
    lines.push('', terminal.paint('bold', 'What to do'), ...wrap(clean(first.recommendation), terminal.width, '  '));
  }
  lines.push(...list(others, others.length === 1 ? 'Less likely' : 'Less likely, in order', terminal), ...remarkLines);
  return lines;
}

/** Findings in a line each. */
function list(rows: Row[], title: string, terminal: Terminal): string[] {
  if (rows.length === 0) return [];
  const texts = rows.map(
    (row) => `${clean(row.type)} ${clean(where(row))} (${share(row.confidence)}): ${clean(row.summary)}`,
  );
  return ['', terminal.paint('bold', title), ...texts.flatMap((text) => wrap(text, terminal.width, '  '))];
}

function where(cause: Row): string {
  const named = [cause.service, cause.operation].filter(Boolean);
  return named.length > 0 ? `in ${named.join(' ')}` : '';
}

function share(value: unknown): string {
  return `${(Number(value) * 100).toFixed(0)} %`;
}

/** A line a fact. */
function evidenceLines(evidence: unknown, terminal: Terminal): string[] {
  const given = evidence !== null && typeof evidence === 'object' ? evidence : {};
  const facts = Object.entries(given).map(([name, value]) => [clean(name.replaceAll('_', ' ')), value] as const);
  const label = Math.min(WIDEST_LABEL, Math.max(0, ...facts.map(([name]) => widthOf(name))));
  return facts.flatMap(([name, value]) => {
    const [line = '', ...more] = wrap(clean(factText(value)), Math.max(20, terminal.width - label - 4));
    return [
      `  ${terminal.paint('dim', padEnd(name, label))}  ${line}`,
      ...more.map((rest) => `${' '.repeat(label + 4)}${rest}`),
    ];
  });
}

function factText(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (Array.isArray(value)) return value.length > 0 ? value.map(factText).join(', ') : 'none';
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, each]) => `${name} = ${factText(each)}`)
      .join(', ');
  }
  return String(value);
}

const SPAN_COLUMNS: Column<Row>[] = [
  { title: ' ', text: (row) => signOf(row.status).glyph, style: (row) => signOf(row.status).style },
  { title: 'service', flexible: true, text: (row) => String(row.service), style: () => 'cyan' },
  { title: 'span', flexible: true, text: (row) => String(row.tree) },
  { title: 'took', right: true, text: (row) => duration(row.duration_ms) },
  { title: 'self', right: true, from: 90, text: (row) => duration(row.self_ms) },
  {
    title: 'share',
    right: true,
    text: (row) => (row.share_pct === null ? '–' : `${Math.round(Number(row.share_pct))} %`),
  },
  { title: 'usual p50', right: true, from: 80, text: (row) => duration(row.baseline_p50_ms) },
  { title: 'p95', right: true, from: 100, text: (row) => duration(row.baseline_p95_ms) },
  { title: 'path', from: 70, text: (row) => (row.on_critical_path ? '◆' : '') },
  { title: 'unusual', flexible: true, text: (row) => String(row.anomaly ?? ''), style: () => 'yellow' },
];

/** The spans of the diagnosed execution, a table a trace, what is unusual about each at the end of its line. */
export function renderDiagnosedSpans(spans: Row[], terminal: Terminal): string[] {
  const traces = [...new Set(spans.map((row) => row.trace_id))];
  const columns =
    terminal.width < SPAN_COLUMNS_FIT ? SPAN_COLUMNS.filter(({ title }) => title !== 'unusual') : SPAN_COLUMNS;
  let shortened = 0;
  const lines = traces.flatMap((trace) => {
    const rows = spans.filter((row) => row.trace_id === trace);
    const branches = branchesOf(rows.map((row) => Number(row.depth)));
    const drawn = table<Row>(
      rows.map((row, i) => ({ ...row, tree: `${branches[i]}${row.operation}` })),
      columns,
      terminal,
    );
    shortened += drawn.cut;
    return [terminal.paint('dim', `trace ${trace}`), ...drawn.lines];
  });
  const note = cutNote(shortened, terminal);
  const legend = terminal.width >= 70 ? [terminal.paint('dim', '◆ on the critical path')] : [];
  return [...lines, ...legend, ...(note ? [note] : [])];
}
