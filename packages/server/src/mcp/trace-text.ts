// Spans as an indented tree, causes as numbered paragraphs.
import type { Row } from '../store/values.ts';
import { cellText } from './table.ts';

/** Rows of the query `outline`: a line a fold, what it hides below it. */
export function outlineLines(rows: Row[]): string[] {
  const level = new Map<unknown, number>();
  const lines = rows.flatMap((row) => {
    const own = (level.get(row.parent_line) ?? -1) + 1;
    level.set(row.line, own);
    const indent = '  '.repeat(own);
    const hidden = Number(row.below_spans ?? 0);
    const failed = Number(row.below_failed ?? 0);
    const more = `${indent}  + ${hidden} more spans below, ${failed} of them failed, self ${row.below_self_ms} ms`;
    return [`${indent}${spanLine(row)}`, ...(hidden > 0 ? [more] : [])];
  });
  const first = rows[0];
  if (!first) return ['(no spans)'];
  const head = `trace ${first.trace_id}: ${first.trace_spans} spans, ${first.trace_failed} failed, started ${first.trace_started_at}`;
  return [head, LEGEND, ...lines];
}

const LEGEND =
  'line: service, operation, ×spans folded into it, status, duration (of the longest), self time (of all), offset; * = critical path; # = span id';

/** Rows of the query `unusual-spans`, in the order of the trace. */
export function unusualLines(rows: Row[]): string[] {
  if (rows.length === 0) return [];
  const inOrder = rows.toSorted((a, b) => compare(a.trace_id, b.trace_id) || Number(a.position) - Number(b.position));
  const lines: string[] = [];
  for (const [i, row] of inOrder.entries()) {
    if (row.trace_id !== inOrder[i - 1]?.trace_id) lines.push(`trace ${row.trace_id}`);
    const usual =
      row.baseline_p50_ms === undefined ? '' : `, usually ${row.baseline_p50_ms} to ${row.baseline_p95_ms} ms`;
    const odd = row.anomaly === undefined ? '' : ` -- ${row.anomaly}`;
    lines.push(`${'  '.repeat(Math.min(20, Number(row.depth)))}${spanLine(row)}${usual}${odd}`);
  }
  return lines;
}

function compare(a: unknown, b: unknown): number {
  return a === b ? 0 : String(a) < String(b) ? -1 : 1;
}

function spanLine(row: Row): string {
  const spans = Number(row.spans ?? 1);
  const error = [row.error_type, row.error_message].filter((part) => part !== undefined);
  return [
    `${row.on_critical_path === true ? '* ' : ''}${row.service} ${row.operation}${spans > 1 ? ` ×${spans}` : ''}`,
    row.status === 'completed' ? undefined : String(row.status),
    row.duration_ms === undefined ? 'not ended' : `${row.duration_ms} ms`,
    row.self_ms === undefined || row.self_ms === row.duration_ms ? undefined : `self ${row.self_ms}`,
    row.offset_ms === undefined || row.offset_ms === 0 ? undefined : `at ${row.offset_ms}`,
    row.span_id === undefined ? undefined : `#${row.span_id}`,
    error.length > 0 ? `error: ${error.join(': ')}` : undefined,
    row.note === undefined ? undefined : `note: ${row.note}`,
  ]
    .filter((part) => part !== undefined)
    .join(', ');
}

/** Rows of the query `root-cause`: the verdict a paragraph. */
export function causeLines(rows: Row[]): string[] {
  if (rows.length === 0) return ['No cause: nothing failed, and nothing was unusually slow.'];
  return rows.flatMap((row) => {
    const where = [row.service, row.operation].filter((part) => part !== undefined).join(' ');
    const evidence = Object.entries((row.evidence ?? {}) as Row).map(([name, value]) => `${name}=${cellText(value)}`);
    return [
      `${row.rank}. ${row.type}${where ? ` in ${where}` : ''}, ${row.role}, confidence ${row.confidence}`,
      `   what: ${row.summary}`,
      ...(row.recommendation === undefined ? [] : [`   do: ${row.recommendation}`]),
      ...(evidence.length > 0 ? [`   evidence: ${evidence.join('; ')}`] : []),
      ...(row.trace_id === undefined ? [] : [`   trace ${row.trace_id}, spans ${cellText(row.span_ids)}`]),
    ];
  });
}
