// Why executions of a time range failed, the most frequent cause first.
import type { Row } from '../../store/values.ts';
import { ago, count } from './format.ts';
import { clean, type Terminal, wrap } from './terminal.ts';

/** A paragraph a cause: how many it hit, where, since when, what to do, which one to open. */
export function renderFindings(findings: Row[], terminal: Terminal): string[] {
  if (findings.length === 0) {
    return [`${terminal.paint('green', '✔')} Nothing failed in this time.`];
  }
  const max = Math.max(...findings.map(({ executions }) => Number(executions)));
  return findings.flatMap((found, i) => [...(i > 0 ? [''] : []), ...paragraph(found, max, terminal)]);
}

const BAR = 20;

function paragraph(found: Row, max: number, terminal: Terminal): string[] {
  const known = found.type !== 'NOT_DIAGNOSED';
  const where = [found.service, found.operation].filter(Boolean).map(clean).join(' ');
  const widest = Math.min(BAR, Math.floor(terminal.width / 5));
  const bar = '█'.repeat(Math.max(1, Math.round((widest * Number(found.executions)) / max)));
  const confidence =
    known && found.confidence !== null ? `confidence ${Math.round(Number(found.confidence) * 100)} %` : '';
  const example = found.example_execution_id ?? found.example_trace_id;
  const places = [list(found.models, 'model'), list(found.regions, 'region')].filter(Boolean).join(', ');
  const told = `${count(Number(found.executions), 'execution')}, ${span(found)}${places ? `; ${places}` : ''}`;
  const hit = wrap(told, Math.max(20, terminal.width - bar.length - 3));
  return [
    [
      terminal.paint(['bold', known ? 'red' : 'yellow'], clean(found.type)),
      ...(where ? [`in ${where}`] : []),
      ...(confidence ? [terminal.paint('dim', confidence)] : []),
    ].join('  '),
    ...hit.map((line, i) => `  ${i === 0 ? terminal.paint('red', bar) : ' '.repeat(bar.length)} ${line}`),
    ...(found.summary ? wrap(clean(found.summary), terminal.width, '  ') : []),
    ...(found.recommendation ? wrap(`→ ${clean(found.recommendation)}`, terminal.width, '  ') : []),
    ...(known && example
      ? [terminal.paint('dim', `  beacon ${found.example_execution_id ? 'diagnose' : 'waterfall'} ${example}`)]
      : []),
  ];
}

function span(found: Row): string {
  const [first, last] = [ago(found.first_at), ago(found.last_at)];
  return first === last ? first : `first ${first}, last ${last}`;
}

const MAX_NAMED = 4;

function list(values: unknown, noun: string): string {
  const all = Array.isArray(values) ? values.map(clean) : [];
  if (all.length === 0) return '';
  return all.length > MAX_NAMED ? count(all.length, noun) : all.join(', ');
}
