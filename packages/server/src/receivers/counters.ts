// What became of everything that arrived. /metrics and the table `ingest` show the same numbers.

/** Upper bounds of the classes of flush times, milliseconds. */
export const FLUSH_BOUNDS = [2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000];

export class Counters {
  /** By receiver: http, grpc, zipkin. */
  readonly requests: Record<string, number> = {};
  spansReceived = 0;
  spansStored = 0;
  /** Spans that were stored before: they were sent again. */
  duplicates = 0;
  /** Spans, by reason. */
  readonly rejected: Record<string, number> = {};
  /** Requests turned away as a whole, by reason. */
  readonly refused: Record<string, number> = {};
  logsStored = 0;
  /** Log records that were stored before. */
  logsDuplicate = 0;
  /** Log records, by reason. */
  readonly logsRejected: Record<string, number> = {};
  /** Scores made of evaluations in log records. */
  scores = 0;
  redacted = 0;
  repaired = 0;
  /** Flushes by class of duration, and one class above the last bound. */
  readonly flushes = FLUSH_BOUNDS.map(() => 0).concat(0);
  flushMs = 0;
  flushCount = 0;

  count(of: 'requests' | 'rejected' | 'refused' | 'logsRejected', what: string, by = 1): void {
    this[of][what] = (this[of][what] ?? 0) + by;
  }

  flushed(ms: number): void {
    const found = FLUSH_BOUNDS.findIndex((bound) => ms <= bound);
    this.flushes[found < 0 ? FLUSH_BOUNDS.length : found]!++;
    this.flushMs += ms;
    this.flushCount++;
  }
}

/** What is asked for at the moment of asking. */
export interface Gauges {
  queueBytes: number;
  queueLimitBytes: number;
  queuedSpans: number;
  flushFailures: number;
}

/** Prometheus text of the counters. */
export function metricsText(counters: Counters, gauges: Gauges): string {
  const lines: string[] = [];
  const family = (name: string, type: string, help: string, samples: [labels: string, value: number][]) => {
    lines.push(`# HELP beacon_ingest_${name} ${help}`, `# TYPE beacon_ingest_${name} ${type}`);
    for (const [labels, value] of samples) lines.push(`beacon_ingest_${name}${labels} ${value}`);
  };
  const by = (label: string, values: Record<string, number>): [string, number][] =>
    Object.entries(values).map(([key, value]) => [`{${label}="${key}"}`, value]);
  family('requests_total', 'counter', 'Requests that arrived.', by('receiver', counters.requests));
  family('spans_received_total', 'counter', 'Spans in requests that could be read.', [['', counters.spansReceived]]);
  family('spans_stored_total', 'counter', 'Spans committed.', [['', counters.spansStored]]);
  family('spans_duplicate_total', 'counter', 'Spans that were stored before.', [['', counters.duplicates]]);
  family('spans_rejected_total', 'counter', 'Spans not stored, by reason.', by('reason', counters.rejected));
  family('logs_stored_total', 'counter', 'Log records committed.', [['', counters.logsStored]]);
  family('logs_duplicate_total', 'counter', 'Log records that were stored before.', [['', counters.logsDuplicate]]);
  family('logs_rejected_total', 'counter', 'Log records not stored, by reason.', by('reason', counters.logsRejected));
  family('scores_total', 'counter', 'Scores made of evaluations in log records.', [['', counters.scores]]);
  family('requests_refused_total', 'counter', 'Requests turned away whole, by reason.', by('reason', counters.refused));
  family('values_redacted_total', 'counter', 'Values taken out as secrets.', [['', counters.redacted]]);
  family('spans_repaired_total', 'counter', 'Spans in which a value had to be changed.', [['', counters.repaired]]);
  family('queue_bytes', 'gauge', 'Bytes of requests under way.', [['', gauges.queueBytes]]);
  family('queue_limit_bytes', 'gauge', 'Past this, requests are refused.', [['', gauges.queueLimitBytes]]);
  family('queue_spans', 'gauge', 'Spans that wait for their commit.', [['', gauges.queuedSpans]]);
  family('flush_failures_total', 'counter', 'Transactions that failed.', [['', gauges.flushFailures]]);
  let below = 0;
  const buckets = counters.flushes.map((count, i): [string, number] => {
    below += count;
    return [`_bucket{le="${i < FLUSH_BOUNDS.length ? FLUSH_BOUNDS[i]! / 1_000 : '+Inf'}"}`, below];
  });
  family('flush_seconds', 'histogram', 'How long a transaction took.', [
    ...buckets,
    ['_sum', counters.flushMs / 1_000],
    ['_count', counters.flushCount],
  ]);
  return `${lines.join('\n')}\n`;
}
