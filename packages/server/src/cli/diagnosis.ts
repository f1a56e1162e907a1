// A diagnosis as a person reads it: the cause first, then the spans it was found in.
import type { Row } from '../operations/operation.ts';
import { type Column, cutNote, table } from './table.ts';
import { clean, padEnd, type Terminal, wrap } from './terminal.ts';
import { branchesOf } from './waterfall.ts';
import { duration, signOf } from './words.ts';

const LABEL = 16;

/** The causes found, the likeliest in full, the others in a line each. */
export function renderCauses(causes: Row[], terminal: Terminal): string[] {
  const [first, ...others] = causes;
  if (!first)
    return [`${terminal.paint('green', '✔')} No cause found: nothing failed, and nothing was unusually slow.`];
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
  if (others.length > 0) {
    lines.push('', terminal.paint('bold', others.length === 1 ? 'Less likely' : 'Less likely, in order'));
    for (const other of others) {
      const text = `${clean(other.type)} ${clean(where(other))} (${share(other.confidence)}): ${clean(other.summary)}`;
      lines.push(...wrap(text, terminal.width, '  '));
    }
  }
  return lines;
}

function where(cause: Row): string {
  return ['in', cause.service, cause.operation].filter(Boolean).join(' ');
}

function share(value: unknown): string {
  return `${(Number(value) * 100).toFixed(0)} %`;
}

/** Evidence is an object or a list of objects; either way a line a fact. */
function evidenceLines(evidence: unknown, terminal: Terminal): string[] {
  const facts = Array.isArray(evidence) ? evidence : evidence && typeof evidence === 'object' ? [evidence] : [];
  return facts.flatMap((fact) => {
    if (fact === null || typeof fact !== 'object') return wrap(`• ${clean(fact)}`, terminal.width, '  ');
    return Object.entries(fact).flatMap(([name, value]) => {
      const words = clean(name.replaceAll('_', ' '));
      const [line = '', ...more] = wrap(clean(factText(value)), terminal.width - LABEL - 4);
      const label = terminal.paint('dim', padEnd(words, LABEL));
      return [`  ${label}  ${line}`, ...more.map((rest) => `${' '.repeat(LABEL + 4)}${rest}`)];
    });
  });
}

function factText(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (Array.isArray(value)) return value.map(factText).join(', ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, each]) => `${name} = ${factText(each)}`)
      .join(', ');
  }
  return String(value);
}

/** The spans of the diagnosed execution, what is unusual about each at the end. */
export function renderDiagnosedSpans(spans: Row[], terminal: Terminal): string[] {
  const branches = branchesOf(spans.map((row) => Number(row.depth)));
  const rows: Row[] = spans.map((row, i) => ({ ...row, tree: `${branches[i]}${row.operation}` }));
  const columns: Column<Row>[] = [
    {
      title: ' ',
      text: (row) => signOf(row.status).glyph,
      style: (row) => signOf(row.status).style,
    },
    { title: 'service', flexible: true, text: (row) => String(row.service), style: () => 'cyan' },
    { title: 'span', flexible: true, text: (row) => String(row.tree) },
    { title: 'took', right: true, text: (row) => duration(row.duration_ms) },
    { title: 'self', right: true, text: (row) => duration(row.self_ms) },
    {
      title: 'share',
      right: true,
      text: (row) => (row.share_pct === null ? '–' : `${Number(row.share_pct).toFixed(0)} %`),
    },
    { title: 'usual p50', right: true, text: (row) => duration(row.baseline_p50_ms) },
    { title: 'p95', right: true, text: (row) => duration(row.baseline_p95_ms) },
    { title: 'path', text: (row) => (row.on_critical_path ? '◆' : '') },
    {
      title: 'unusual',
      flexible: true,
      text: (row) => [row.anomaly, row.error_type].filter(Boolean).join(' · '),
      style: () => 'yellow',
    },
  ];
  const { lines, cut } = table(rows, columns, terminal);
  const note = cutNote(cut, terminal);
  return [...lines, terminal.paint('dim', '◆ on the critical path'), ...(note ? [note] : [])];
}
