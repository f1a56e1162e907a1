// Reads the log records of a trace from trace_logs, as the OTLP that came in.
import type pg from 'pg';
import { encodeMessage } from './encode.ts';
import { LOGS } from './messages.ts';
import { RESOURCES } from './read-back.ts';
import { type LogRecord, type ResourceLogs, type ResourceRecord, resourceLogsOf } from './records.ts';

/** Log records a part. */
const PART_RECORDS = 5_000;

const PART_SQL = `
select l.resource_id, replace(l.trace_id::text, '-', '') as trace_id, encode(l.span_id, 'hex') as span_id,
  ((extract(epoch from l.recorded_at) * 1000000)::bigint)::text as recorded_us, l.recorded_ns, l.severity, l.severity_text,
  l.event_name, l.body::text, l.attributes::text, l.otel::text, l.flags, l.recorded_at::text, l.content_hash::text
from beacon.trace_logs l
where l.trace_id = $1 and (l.recorded_at, l.content_hash) > ($2::timestamptz, $3::bigint)
order by l.recorded_at, l.content_hash
limit ${PART_RECORDS}`;

export interface LogsData {
  logs: { resourceLogs: ResourceLogs[] };
  json(): string;
  protobuf(): Buffer;
}

/**
 * The records of a trace in the order of their time, in parts of 5,000, each by a statement of its own. Each part holds
 * the resources of its own records.
 *
 * @param ask Runs `work` on a connection; it may be another one for each part.
 * @param traceId 32 hexadecimal digits.
 * @throws what the database says.
 */
export async function* readLogsInParts(
  ask: <T>(work: (client: Pick<pg.Pool, 'query'>) => Promise<T>) => Promise<T>,
  traceId: string,
): AsyncGenerator<LogsData> {
  let last: [at: string, hash: string] | undefined = ['-infinity', '0'];
  while (last) {
    const after: unknown[] = last;
    const { records, resources } = await ask(async (client) => {
      const { rows } = await client.query<LogRecord>(PART_SQL, [traceId, ...after]);
      const ids = [...new Set(rows.map((row) => row.resource_id))];
      const found = await client.query<ResourceRecord>(RESOURCES, [ids]);
      return { records: rows, resources: new Map(found.rows.map((row) => [row.resource_id, row])) };
    });
    if (records.length > 0) yield dataOf(records, resources);
    const end: LogRecord | undefined = records.length === PART_RECORDS ? records.at(-1) : undefined;
    last = end && [end.recorded_at, end.content_hash];
  }
}

function dataOf(records: LogRecord[], resources: ReadonlyMap<string, ResourceRecord>): LogsData {
  const groups = Map.groupBy(records, (record) => record.resource_id ?? '');
  const logs = { resourceLogs: [...groups].map(([id, of]) => resourceLogsOf(resources.get(id), of)) };
  return { logs, json: () => JSON.stringify(logs), protobuf: () => encodeMessage(LOGS, logs).bytes };
}
