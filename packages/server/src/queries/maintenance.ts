// What Beacon itself takes and does: storage, ingest, the last preflight.
import { z } from 'zod';
import * as c from './columns.ts';
import { defineQuery } from './query.ts';

export const storage = defineQuery({
  name: 'storage',
  doc: 'What spans take on disk, how fast that grows, and when a limit is reached.',
  params: {
    limit_bytes: z.coerce
      .number()
      .positive()
      .optional()
      .describe('Bytes that spans may take (default: the setting storage_limit_bytes, else none).'),
  },
  row: z.object({
    bytes: c.number('Bytes on disk, indexes included.'),
    spans: c.number('Spans of the last 7 days.'),
    bytes_per_span: c.number('Bytes a span takes; basis says whether measured.'),
    spans_per_day: c.numberOrNull('Pace of the last 7 days.'),
    bytes_per_day: c.numberOrNull('The same in bytes.'),
    limit_bytes: c.numberOrNull('The limit asked about.'),
    days_to_limit: c.numberOrNull('Days until it is reached at this pace and without retention.'),
    retention_days: c.count('Days for which spans are kept.'),
    bytes_at_retention: c.numberOrNull('What retention holds it at.'),
    retention_suggested: c.numberOrNull('Days that keep below the limit with a fifth to spare.'),
    basis: c.text('How bytes_per_span came about.'),
    partitions: z
      .array(
        z.object({ partition: z.string(), bytes: z.number(), spans_estimated: z.number(), logs_estimated: z.number() }),
      )
      .describe('Each day with its bytes and an estimate of its spans, newest first.'),
    archived_spans: c.number('Spans in the archive.'),
    archived_bytes: c.number('What they take there.'),
    archived_bytes_before: c.number('What they took before.'),
  }),
  limit: { default: 1, max: 100 },
  sql: (p) => ({ text: 'select * from beacon.storage($1::double precision)', values: [p.limit_bytes] }),
});

export const ingest = defineQuery({
  name: 'ingest',
  doc: 'Servers that take spans over OTLP: what arrived, was stored, rejected, refused, changed.',
  params: {},
  row: z.object({
    ingest_id: c.text('Id of the server, a uuid.'),
    instance: c.text('Host and process.'),
    pid: c.numberOrNull('Process id.'),
    state: z.enum(['alive', 'silent', 'stopped']).describe('alive, silent (no heartbeat any more) or stopped.'),
    ports: c.json('Ports by protocol.'),
    requests: c.json('Requests by protocol.'),
    spans_received: c.count('Spans in requests answered with success.'),
    spans_stored: c.count('Spans stored.'),
    spans_duplicate: c.count('Spans that had been stored before.'),
    spans_rejected: c.json('Spans not stored, by reason; the client was informed.'),
    requests_refused: c.json('Requests turned away whole, by reason; the client was informed.'),
    spans_repaired: c.count('Spans in which a value was changed to be storable.'),
    values_redacted: c.count('Values taken out as secrets.'),
    queue_bytes: c.count('Bytes waiting to be stored.'),
    flushes: c.count('Transactions.'),
    flush_failures: c.count('Transactions that failed.'),
    last_error: c.textOrNull('Last error.'),
    last_error_at: c.timeOrNull('When it happened.'),
    started_at: c.time('When it began.'),
    heartbeat_at: c.time('Last heartbeat.'),
    stopped_at: c.timeOrNull('When it shut down in an orderly way.'),
  }),
  limit: { default: 20, max: 1000 },
  sql: () => ({
    text: `
      select ingest_id, instance, pid,
        case when stopped_at is not null then 'stopped'
          when heartbeat_at < beacon.clock() - beacon.setting('lost_after_seconds', '30')::integer * interval '1 second'
            then 'silent' else 'alive' end as state,
        ports, requests, spans_received, spans_stored, spans_duplicate, spans_rejected, requests_refused, spans_repaired,
        values_redacted, queue_bytes, flushes, flush_failures, last_error, last_error_at, started_at, heartbeat_at, stopped_at
      from beacon.ingest
      order by heartbeat_at desc, ingest_id`,
    values: [],
  }),
});

export const preflightReport = defineQuery({
  name: 'preflight-report',
  doc: 'The checks of the last preflight: what was measured, and whether tracing may be switched on.',
  params: {},
  row: z.object({
    preflight_id: c.text('Id of the preflight, a uuid.'),
    taken_at: c.time('When it was run.'),
    taken_by: c.text('Who ran it.'),
    decision: z.enum(['GO', 'NO-GO', 'UNKNOWN']).describe('GO, NO-GO, or UNKNOWN when something could not be checked.'),
    number: c.count('Place of the check among the ten.'),
    name: c.text('What was checked.'),
    state: z
      .enum(['go', 'warn', 'no-go', 'open', 'unknown'])
      .describe('go, warn, no-go, open (for a person) or unknown.'),
    numbers: c.text('What was measured.'),
    reason: c.text('Why; empty where nothing is to be said.'),
  }),
  limit: { default: 20, max: 100 },
  sql: () => ({
    text: `
      select p.preflight_id, p.taken_at, p.taken_by, p.decision, k.number, k.name, k.state, k.numbers, k.reason
      from (select * from beacon.preflights order by taken_at desc, preflight_id limit 1) p,
        jsonb_to_recordset(p.checks) k (number integer, name text, state text, numbers text, reason text)
      order by k.number`,
    values: [],
  }),
});
