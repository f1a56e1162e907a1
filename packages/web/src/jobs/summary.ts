// A job's executions in a few figures.

import type { JobMatrixRow } from '../state/rows.ts';
import { executionHref } from '../state/url.ts';

/** Pending and running are not. */
export function hasEnded({ status }: JobMatrixRow): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

interface Verdict {
  type: string;
  n: number;
  href: string;
}

export interface Summary {
  executions: number;
  finished: number;
  failed: number;
  running: number;
  /** Not ended yet: pending or running. */
  open: number;
  /** Per cent of what ended that has a trace. */
  coverage: number | null;
  p50: number | null;
  p95: number | null;
  tokensIn: number;
  tokensOut: number;
  /** Causes of failures, the most frequent first, each with the address of one to look at. */
  verdicts: Verdict[];
}

export function summarise(rows: JobMatrixRow[]): Summary {
  const ended = rows.filter(hasEnded);
  const failed = rows.filter(({ status }) => status === 'failed');
  const latencies = rows.flatMap(({ latency_ms }) => latency_ms ?? []).sort((a, b) => a - b);
  const sum = (pick: (row: JobMatrixRow) => number | null) => rows.reduce((total, row) => total + (pick(row) ?? 0), 0);
  const verdicts = new Map<string, Verdict>();
  for (const row of failed) {
    const type = row.verdict ?? row.error_type ?? 'unknown';
    const known = verdicts.get(type) ?? { type, n: 0, href: hrefOf(row) };
    verdicts.set(type, { ...known, n: known.n + 1 });
  }
  return {
    executions: rows.length,
    finished: ended.length,
    failed: failed.length,
    running: rows.filter(({ status }) => status === 'running').length,
    open: rows.length - ended.length,
    coverage: ended.length === 0 ? null : (100 * ended.filter(({ traced }) => traced).length) / ended.length,
    p50: quantile(latencies, 0.5),
    p95: quantile(latencies, 0.95),
    tokensIn: sum(({ tokens_in }) => tokens_in),
    tokensOut: sum(({ tokens_out }) => tokens_out),
    verdicts: [...verdicts.values()].sort((a, b) => b.n - a.n),
  };
}

/** Where an execution is looked at; one that only its trace tells of, there. */
export function hrefOf({ execution_id, trace_id }: JobMatrixRow): string {
  return execution_id === null ? `/trace/${trace_id}` : executionHref(execution_id);
}

/** Nearest rank of sorted values; null of none. */
function quantile(sorted: number[], q: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? null;
}
