// The row of this process in the table `ingest`: the same counts as /metrics, where `trace_spans_health` sees them.
import { randomUUID } from 'node:crypto';
import * as os from 'node:os';
import { Connection } from '@project-beacon/writer';
import type { Ingest } from './ingest.ts';

const EVERY_MS = 5_000;
const DEADLINE_MS = 4_000;

const UPSERT = `
insert into beacon.ingest as i (ingest_id, instance, pid, ports, requests, spans_received, spans_stored, spans_duplicate,
  spans_rejected, requests_refused, spans_repaired, values_redacted, queue_bytes, flushes, flush_failures, last_error,
  last_error_at, stopped_at, logs_stored, logs_duplicate, logs_rejected)
values ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8, $9::jsonb, $10::jsonb, $11, $12, $13, $14, $15, $16, $17,
  case when $18::boolean then now() end, $19, $20, $21::jsonb)
on conflict (ingest_id) do update set
  ports = excluded.ports, requests = excluded.requests, spans_received = excluded.spans_received,
  spans_stored = excluded.spans_stored, spans_duplicate = excluded.spans_duplicate,
  spans_rejected = excluded.spans_rejected, requests_refused = excluded.requests_refused,
  spans_repaired = excluded.spans_repaired, values_redacted = excluded.values_redacted,
  queue_bytes = excluded.queue_bytes, flushes = excluded.flushes, flush_failures = excluded.flush_failures,
  last_error = excluded.last_error, last_error_at = excluded.last_error_at, heartbeat_at = excluded.heartbeat_at,
  stopped_at = excluded.stopped_at, logs_stored = excluded.logs_stored, logs_duplicate = excluded.logs_duplicate,
  logs_rejected = excluded.logs_rejected`;

export interface Report {
  /** Writes the row now; never rejects. */
  write(): Promise<void>;
  /** Writes it a last time, as stopped. */
  stop(): Promise<void>;
}

/** Writes the row now and then. @param receivers Ports by protocol. */
export function startReport(connectionString: string, ingest: Ingest, ports: Record<string, number>): Report {
  const id = randomUUID();
  const connection = new Connection({ connectionString, applicationName: 'beacon ingest report' });
  let writing = Promise.resolve();
  const write = (stopped: boolean) => {
    writing = writing
      .then(() => connection.use((client) => client.query(UPSERT, values(id, ingest, ports, stopped)), DEADLINE_MS))
      // The counters themselves tell of a database that is away; the row follows when it is back.
      .then(
        () => {},
        () => {},
      );
    return writing;
  };
  const timer = setInterval(() => void write(false), EVERY_MS);
  timer.unref();
  void write(false);
  return {
    write: () => write(false),
    async stop() {
      clearInterval(timer);
      await write(true);
      connection.close();
    },
  };
}

function values(id: string, ingest: Ingest, ports: Record<string, number>, stopped: boolean): unknown[] {
  const { lastError, lastErrorAt } = ingest.settle();
  const { counters } = ingest;
  const { queueBytes, flushFailures } = ingest.gauges();
  return [
    id,
    `${os.hostname()}:${process.pid}`,
    process.pid,
    JSON.stringify(ports),
    JSON.stringify(counters.requests),
    counters.spansReceived,
    counters.spansStored,
    counters.duplicates,
    JSON.stringify(counters.rejected),
    JSON.stringify(counters.refused),
    counters.repaired,
    counters.redacted,
    queueBytes,
    counters.flushCount,
    flushFailures,
    lastError,
    lastErrorAt,
    stopped,
    counters.logsStored,
    counters.logsDuplicate,
    JSON.stringify(counters.logsRejected),
  ];
}
