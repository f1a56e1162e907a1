// One span, fact by fact.
import type { Row } from '../../store/values.ts';
import type { Renderer } from './cells.ts';
import { ago, count, duration, signOf } from './format.ts';
import { clean, padEnd, type Terminal, widthOf, wrap } from './terminal.ts';

const WIDEST_LABEL = 34;

function spanLines(rows: Row[], terminal: Terminal): string[] {
  return rows.flatMap((row, i) => [...(i > 0 ? [''] : []), ...oneSpan(row, terminal)]);
}

function oneSpan(row: Row, terminal: Terminal): string[] {
  const { glyph, style } = signOf(row.status);
  const lines = [
    `${terminal.paint(style, glyph)} ${terminal.paint('cyan', clean(row.service))} ${terminal.paint('bold', clean(row.operation))} ${terminal.paint('dim', clean(row.kind))}`,
    ...section('', facts(row), terminal),
  ];
  const error = [row.error_type, row.error_message].filter(Boolean).join(': ');
  if (error) lines.push(...wrap(`↳ ${clean(error)}`, terminal.width, '  ').map((line) => terminal.paint('red', line)));
  if (row.note) lines.push(terminal.paint('yellow', `  ↳ ${clean(row.note)}`));
  lines.push(...peers(row, terminal));
  lines.push(...section('Attributes', entries(row.attributes), terminal));
  for (const [i, event] of list(row.events).entries()) {
    lines.push(...section(`Event ${i + 1}: ${clean(event.name)}`, entries(event.attributes), terminal));
  }
  for (const [i, log] of list(row.logs).entries()) {
    const title = [`Log ${i + 1}:`, log.severity, log.name].filter(Boolean).join(' ');
    const said: Array<[string, unknown]> = log.body === undefined ? [] : [['body', log.body]];
    lines.push(...section(clean(title), [...said, ...entries(log.attributes)], terminal));
  }
  for (const [i, link] of list(row.links).entries()) {
    const to: Array<[string, unknown]> = [
      ['trace', link.trace_id],
      ['span', link.span_id],
      ...entries(link.attributes),
    ];
    lines.push(...section(`Link ${i + 1}`, to, terminal));
  }
  lines.push(...section('Resource', entries(row.resource), terminal));
  lines.push(...section('Scope', entries(row.scope), terminal));
  lines.push(...section('On the way in', entries(row.otel), terminal));
  return lines;
}

function facts(row: Row): Array<[string, unknown]> {
  const all: Array<[string, unknown]> = [
    ['status', row.status],
    ['took', duration(row.duration_ms)],
    ['started', `${row.started_at} (${ago(row.started_at)})`],
    ['trace', row.trace_id],
    ['span', row.span_id],
    ['parent', row.parent_span_id],
    ['execution', row.execution_id],
    ['job', row.job_id],
    ['model', row.model_id],
    ['region', row.region],
    ['trace state', row.trace_state],
  ];
  return all.filter(([, value]) => value !== null && value !== undefined && value !== '');
}

/** Where its duration lies among those of others, a line a class. */
function peers(row: Row, terminal: Terminal): string[] {
  const calls = Number(row.peer_count ?? 0);
  if (calls === 0) return [];
  const slower = row.slower_than_pct === null ? '' : `, slower than ${row.slower_than_pct} %`;
  const lines = [
    '',
    terminal.paint('bold', `Beside ${count(calls, 'call')} in other traces${slower}`),
    `  median ${duration(row.peer_p50_ms)}, 95th percentile ${duration(row.peer_p95_ms)}`,
  ];
  const histogram = (row.peer_histogram ?? []) as Array<{ from_ms: number; to_ms: number; count: number }>;
  const max = Math.max(1, ...histogram.map((each) => each.count));
  for (const each of histogram) {
    const own = Number(row.duration_ms) >= each.from_ms && Number(row.duration_ms) < each.to_ms;
    const mark = '█'.repeat(Math.max(1, Math.round((each.count / max) * Math.min(30, terminal.width - 30))));
    lines.push(
      `  ${padEnd(duration(each.from_ms), 10)} ${terminal.paint(own ? 'yellow' : 'blue', mark)} ${each.count}${own ? ' ◂ this one' : ''}`,
    );
  }
  return lines;
}

function section(title: string, given: Array<[string, unknown]>, terminal: Terminal): string[] {
  if (given.length === 0) return [];
  const label = Math.min(WIDEST_LABEL, Math.max(...given.map(([name]) => widthOf(clean(name)))));
  const lines = given.flatMap(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const [first = '', ...more] = wrap(clean(text), Math.max(20, terminal.width - label - 4));
    return [
      `  ${terminal.paint('dim', padEnd(clean(name), label))}  ${first}`,
      ...more.map((line) => `${' '.repeat(label + 4)}${line}`),
    ];
  });
  return title ? ['', terminal.paint('bold', title), ...lines] : lines;
}

function entries(value: unknown): Array<[string, unknown]> {
  return value !== null && typeof value === 'object' ? Object.entries(value) : [];
}

function list(value: unknown): Array<Record<string, unknown>> {
  return Array.isArray(value) ? value : [];
}

export const SPAN: Record<string, Renderer> = { span: { lines: spanLines } };
