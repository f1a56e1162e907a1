// The result of a gate as text, as Markdown and as JUnit XML.
import type { Check } from '../../queries/gate.ts';
import type { Row } from '../../store/values.ts';
import { asTable, text as column, ms, type Renderer } from './cells.ts';
import { clean, type Terminal, wrap } from './terminal.ts';

export interface GateResult {
  job: string;
  against: string;
  passed: boolean;
  checks: Check[];
  total: Row;
  /** Cells that got worse. */
  cells: Row[];
  truncated: string | null;
}

const SHOWN = 20;

const cellTable = asTable(
  [
    column('change'),
    column('model_id', 'model'),
    column('region'),
    { ...column('question'), text: (row) => String(row.question ?? row.question_id) },
    { ...column('reason'), text: (row) => why(row), style: () => 'red' },
    { ...column('execution_b', 'execution'), text: (row) => String(row.execution_b ?? '–') },
    { ...ms('latency_a', 'was'), from: 120 },
    { ...ms('latency_b', 'is'), from: 120 },
  ],
  'No cell got worse.',
);

export function text(
  { job, against, passed, checks, total, cells, truncated }: GateResult,
  terminal: Terminal,
): string[] {
  const verdict = passed ? terminal.paint('green', 'PASSED') : terminal.paint('red', 'FAILED');
  const lines = [`${verdict}  job ${clean(job)} against job ${clean(against)}, ${total.cells} cells`, ''];
  for (const { name, limit, measured, ok } of checks) {
    lines.push(`${ok ? terminal.paint('green', '✔') : terminal.paint('red', '✖')} ${name}: ${measured} (${limit})`);
  }
  const also = `Also: ${total.answer_changed} answers changed, ${total.recovered} cells recovered, ${total.still_failing} still fail.`;
  lines.push('', ...wrap(also, terminal.width));
  if (total.latency_said) lines.push(...wrap(String(total.latency_said), terminal.width));
  if (cells.length > 0) lines.push('', ...cellTable(cells.slice(0, SHOWN), terminal));
  if (cells.length > SHOWN)
    lines.push(`… and ${cells.length - SHOWN} more: beacon compare-jobs ${clean(against)} ${clean(job)}`);
  return truncated ? [...lines, truncated] : lines;
}

export function markdown({ job, against, passed, checks, total, cells, truncated }: GateResult): string {
  const row = (...parts: unknown[]) => `| ${parts.map((part) => escaped(String(part ?? '–'))).join(' | ')} |`;
  return `${[
    `## ${passed ? '✅ Passed' : '❌ Failed'}: job ${escaped(job)} against job ${escaped(against)}`,
    [
      row('check', 'limit', 'measured', ''),
      '|---|---|---|---|',
      ...checks.map((c) => row(c.name, c.limit, c.measured, c.ok ? '✔' : '✖')),
    ].join('\n'),
    `${total.cells} cells; ${total.answer_changed} answers changed, ${total.recovered} recovered, ${total.still_failing} still fail. ${total.latency_said ?? ''}`.trim(),
    ...(cells.length > 0
      ? [
          [
            row('change', 'model', 'region', 'question', 'why', 'execution'),
            '|---|---|---|---|---|---|',
            ...cells.map((c) =>
              row(c.change, c.model_id, c.region, c.question ?? c.question_id, why(c), c.execution_b),
            ),
          ].join('\n'),
        ]
      : []),
    ...(truncated ? [truncated] : []),
  ].join('\n\n')}\n`;
}

export function junit({ job, against, checks, cells }: GateResult): string {
  const failed = checks.filter(({ ok }) => !ok).length + cells.length;
  const failure = (message: string) => `<failure message="${xml(message)}"/>`;
  const cases = [
    ...checks.map(({ name, limit, measured, ok }) => [
      `gate.${name}`,
      name,
      ok ? '' : failure(`${measured} (${limit})`),
    ]),
    ...cells.map((c) => [
      `cells.${c.model_id ?? ''}.${c.region ?? ''}`,
      `${c.question ?? c.question_id}`,
      failure(`${c.change}: ${why(c)}`),
    ]),
  ];
  return `${[
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="job ${xml(job)} against job ${xml(against)}" tests="${cases.length}" failures="${failed}">`,
    ...cases.map(
      ([of, name, inner]) => `  <testcase classname="${xml(`${of}`)}" name="${xml(`${name}`)}">${inner}</testcase>`,
    ),
    '</testsuite>',
  ].join('\n')}\n`;
}

export const COMPARISONS: Record<string, Renderer> = {
  'compare-jobs': { lines: cellTable },
};

function why(row: Row): string {
  if (row.change === 'score worse') return `${row.score} ${row.score_a} to ${row.score_b}`;
  if (row.change === 'answer changed') return `${row.said_a ?? '?'} → ${row.said_b ?? '?'}`;
  return [row.validity_b, row.reason].filter(Boolean).join(', ') || 'not there';
}

/** Answers of models must not become markup. */
function escaped(given: string): string {
  return clean(given)
    .replace(/[\\`*_{}[\]<>|#!~]/g, (sign) => `\\${sign}`)
    .replace(/\s+/g, ' ');
}

function xml(given: string): string {
  return clean(given).replace(/[<>&"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
