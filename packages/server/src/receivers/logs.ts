// Log records over OTLP: those that belong to a trace are stored, the others are refused and counted.
import {
  isEvaluation,
  type LogRow,
  LogWriter,
  type LogWriterOptions,
  type ResourceRow,
  resourceRow,
  TimeSlice,
  UnavailableError,
} from '@project-beacon/writer';
import { MalformedError } from '../otlp/wire.ts';
import { Refusal } from './answer.ts';
import type { Counters } from './counters.ts';
import type { Accepted } from './ingest.ts';
import { recordsOf } from './log-parts.ts';
import type { Reservation } from './reservation.ts';

type Json = Record<string, unknown>;

/** Largest request, unpacked, bytes. */
const MAX_BYTES = 4 << 20;
/** Records that are written in one transaction, and bytes of the request that they come from. */
const TOGETHER = 512;
const TOGETHER_BYTES = 256 * 1024;
/** As objects, records take so many times their room. */
const OBJECTS_PER_BYTE = 4;
const MAX_DEPTH = 64;
const MAX_SEVERITY = 24;

const REFUSED = {
  no_trace: 'have no trace id; Beacon stores log records that belong to a trace',
  no_answer: 'evaluate an answer that is not here: no span of the last seven days has that gen_ai.response.id',
  invalid_id: 'have a trace id that is not 16 bytes or a span id that is not 8',
  too_deep: `nest deeper than ${MAX_DEPTH} levels`,
  too_large: 'hold too many values',
} as const;

type Reason = keyof typeof REFUSED;

export class LogReceiver {
  readonly #writer: LogWriter;
  readonly #counters: Counters;

  constructor(options: LogWriterOptions, counters: Counters) {
    this.#writer = new LogWriter(options);
    this.#counters = counters;
  }

  /**
   * Stores an ExportLogsServiceRequest. Resolves when it is committed.
   *
   * @throws Refusal when nothing of it is stored, or only a part, or it is unknown whether it is; it may be sent again then.
   */
  async store(body: Buffer, encoding: 'protobuf' | 'json', reservation: Reservation): Promise<Accepted> {
    if (body.length > MAX_BYTES) {
      const text = `a request of log records may have ${MAX_BYTES} bytes when unpacked; send fewer at once`;
      throw new Refusal('PAYLOAD_TOO_LARGE', 'too_large', text);
    }
    reservation.grow(body.length + OBJECTS_PER_BYTE * Math.min(body.length, TOGETHER_BYTES));
    const refused = new Map<Reason, number>();
    const refuse = (reason: Reason, count: number) => refused.set(reason, (refused.get(reason) ?? 0) + count);
    let received = 0;
    let rows: LogRow[] = [];
    const write = async () => {
      const unplaced = await this.#write(rows);
      if (unplaced > 0) refuse('no_answer', unplaced);
      rows = [];
    };
    const slice = new TimeSlice();
    try {
      for (const row of rowsOf(body, encoding)) {
        received++;
        if (typeof row === 'object') rows.push(row);
        else refuse(row, 1);
        if (rows.length >= TOGETHER) await write();
        else if (slice.isOver()) await slice.yield();
      }
    } catch (error) {
      throw asRefusal(error);
    }
    await write();
    const said: string[] = [];
    let rejected = 0;
    for (const [reason, count] of refused) {
      this.#counters.count('logsRejected', reason, count);
      rejected += count;
      said.push(`${count} log records ${REFUSED[reason]}`);
    }
    return { received, rejected, message: said.join('; ') };
  }

  /** @returns how many evaluate an answer that is not here. */
  async #write(rows: readonly LogRow[]): Promise<number> {
    try {
      const { stored, duplicates, unplaced, scored, redacted } = await this.#writer.write(rows);
      this.#counters.logsStored += stored;
      this.#counters.scores += scored;
      this.#counters.logsDuplicate += duplicates;
      this.#counters.redacted += redacted;
      return unplaced;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      throw new Refusal('UNAVAILABLE', 'database', error.message, error.retryAfterMs);
    }
  }

  /** Commits what is under way, for at most `budgetMs`. */
  close(budgetMs: number): Promise<void> {
    return this.#writer.close(budgetMs);
  }
}

/** Rows, and for each record that is none why. */
function* rowsOf(body: Buffer, encoding: 'protobuf' | 'json'): Generator<LogRow | Reason, void> {
  let last: { resourceLogs: Json; scopeLogs: Json } | undefined;
  let resource: ResourceRow | undefined;
  for (const { resourceLogs, scopeLogs, record } of recordsOf(body, encoding)) {
    if (resource === undefined || last?.resourceLogs !== resourceLogs || last.scopeLogs !== scopeLogs) {
      last = { resourceLogs, scopeLogs };
      resource = resourceOf(resourceLogs, scopeLogs);
    }
    yield record === undefined ? 'too_large' : rowOf(record, resource);
  }
}

/** What is wrong with a request that cannot be read. */
function asRefusal(error: unknown): unknown {
  // Nested without end, it ends the stack of the decoder.
  if (!(error instanceof MalformedError) && !(error instanceof RangeError)) return error;
  const why = error instanceof RangeError ? 'it nests too deep' : error.message;
  return new Refusal('INVALID_ARGUMENT', 'malformed', `this is no ExportLogsServiceRequest: ${why}`);
}

function rowOf(record: Json, resource: ResourceRow): LogRow | Reason {
  const traceId = String(record.traceId ?? '').toLowerCase();
  const spanId = String(record.spanId ?? '').toLowerCase();
  const isTraced = !/^0*$/.test(traceId);
  if (isTraced && (traceId.length !== 32 || (spanId !== '' && spanId.length !== 16))) return 'invalid_id';
  const time = BigInt((record.timeUnixNano as string | undefined) ?? 0);
  const observed = BigInt((record.observedTimeUnixNano as string | undefined) ?? 0);
  const severity = Number(record.severityNumber ?? 0);
  const dropped = Number(record.droppedAttributesCount ?? 0);
  try {
    const row: LogRow = {
      traceId: isTraced ? traceId : '',
      spanId: /^0*$/.test(spanId) ? null : spanId,
      time: time || observed || BigInt(Date.now()) * 1_000_000n,
      severity: severity > 0 && severity <= MAX_SEVERITY ? severity : 0,
      severityText: (record.severityText as string) || null,
      eventName: (record.eventName as string) || null,
      body: plain(record.body),
      attributes: attributesOf(record.attributes),
      otel: dropped > 0 ? { dropped_attributes: dropped } : null,
      resource,
      flags: Number(record.flags ?? 0) | 0,
    };
    return isTraced || (isEvaluation(row) && row.attributes['gen_ai.response.id']) ? row : 'no_trace';
  } catch (error) {
    if (error instanceof TooDeep) return 'too_deep';
    throw error;
  }
}

function resourceOf(resourceLogs: Json, scopeLogs: Json): ResourceRow {
  const scope = (scopeLogs.scope ?? {}) as Json;
  const scopeAttributes = attributesOrNone(scope.attributes);
  const otel = {
    ...(resourceLogs.schemaUrl ? { resource_schema_url: resourceLogs.schemaUrl } : {}),
    ...(scopeLogs.schemaUrl ? { scope_schema_url: scopeLogs.schemaUrl } : {}),
    ...(Object.keys(scopeAttributes).length > 0 ? { scope_attributes: scopeAttributes } : {}),
  };
  return resourceRow({
    attributes: attributesOrNone(((resourceLogs.resource ?? {}) as Json).attributes),
    scopeName: (scope.name as string) || null,
    scopeVersion: (scope.version as string) || null,
    otel: Object.keys(otel).length > 0 ? otel : null,
  });
}

class TooDeep extends Error {}

function attributesOrNone(list: unknown): Record<string, unknown> {
  try {
    return attributesOf(list);
  } catch (error) {
    if (error instanceof TooDeep) return {};
    throw error;
  }
}

function attributesOf(list: unknown, depth = 0): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const { key = '', value } of listOf(list)) {
    // Plain assignment of __proto__ would set the prototype instead of a key.
    Object.defineProperty(made, String(key), {
      value: plain(value, depth),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return made;
}

/** A value as JSON has it: whole numbers that JavaScript's cannot hold stay text, bytes stay bytes. */
function plain(value: unknown, depth = 0): unknown {
  if (value === undefined) return null;
  if (depth > MAX_DEPTH) throw new TooDeep();
  const any = value as Json;
  if (any.stringValue !== undefined) return any.stringValue;
  if (any.boolValue !== undefined) return any.boolValue;
  if (any.intValue !== undefined) {
    const number = Number(any.intValue);
    return Number.isSafeInteger(number) ? number : any.intValue;
  }
  if (any.doubleValue !== undefined) return any.doubleValue;
  if (any.bytesValue !== undefined) return Buffer.from(any.bytesValue as string, 'base64');
  if (any.arrayValue !== undefined) {
    return listOf((any.arrayValue as Json).values).map((item) => plain(item, depth + 1));
  }
  if (any.kvlistValue !== undefined) return attributesOf((any.kvlistValue as Json).values, depth + 1);
  return null;
}

function listOf(value: unknown): Json[] {
  return (value ?? []) as Json[];
}
