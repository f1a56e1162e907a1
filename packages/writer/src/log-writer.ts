// Log records of traces: few beside the spans, so one statement a request takes them.
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { Connection } from './connection.ts';
import { encodeResource } from './encode.ts';
import { describeError, isRowsFault } from './errors.ts';
import { UnavailableError } from './group-writer.ts';
import { isTimeout } from './meaning.ts';
import { hidden, Redactor } from './redact/redactor.ts';
import { Repairs, repairedText, repairedValue } from './repair.ts';
import { insertResources } from './resources.ts';
import type { EncodedResource, ResourceRow } from './row.ts';

/** A log record as the table `trace_logs` wants it; secrets and what PostgreSQL cannot hold are taken out on the way. */
export interface LogRow {
  /** 32 hexadecimal digits; empty for an evaluation that names the answer it judges by `gen_ai.response.id` only. */
  traceId: string;
  /** 16 hexadecimal digits; null where only the trace is named. */
  spanId: string | null;
  /** Nanoseconds since the epoch. */
  time: bigint;
  /** OpenTelemetry's severity number, 0 to 24. */
  severity: number;
  severityText: string | null;
  eventName: string | null;
  /** Text, or a structure without cycles. */
  body: unknown;
  attributes: Record<string, unknown>;
  /** What the columns cannot hold: dropped counts. */
  otel: Record<string, unknown> | null;
  resource: ResourceRow;
  flags: number;
}

export interface LogWriterOptions {
  connectionString: string;
  applicationName?: string;
  connectTimeoutMs?: number;
  /** Milliseconds the database may take for one request's records. Default 10,000. */
  statementTimeoutMs?: number;
  redactor?: Redactor;
}

export interface WrittenLogs {
  stored: number;
  /** Were stored before, or came twice. */
  duplicates: number;
  /** Evaluations whose answer no span has: they are not stored. */
  unplaced: number;
  /** Scores made of evaluations. */
  scored: number;
  /** Values taken out as secrets. */
  redacted: number;
}

/** What a model's answer was judged to be, as OpenTelemetry's conventions for GenAI name the event. */
const EVALUATION = 'gen_ai.evaluation.result';

export function isEvaluation({ eventName, attributes }: Pick<LogRow, 'eventName' | 'attributes'>): boolean {
  return eventName === EVALUATION || attributes['event.name'] === EVALUATION;
}

const MAX_NAME = 1_024;
const RETRY_MS = 1_000;

const INSERT = `
insert into beacon.trace_logs (trace_id, span_id, recorded_at, recorded_ns, severity, severity_text, event_name, body, attributes,
  timed_out, otel, resource_id, flags, content_hash)
select (r ->> 'trace_id')::uuid, decode(r ->> 'span_id', 'hex'),
  timestamptz '1970-01-01 00:00:00+00' + (r ->> 'micros')::bigint * interval '1 microsecond',
  (r ->> 'ns')::smallint, (r ->> 'severity')::smallint, r ->> 'severity_text', r ->> 'event_name', nullif(r -> 'body', 'null'),
  r -> 'attributes', (r ->> 'timed_out')::boolean, nullif(r -> 'otel', 'null'), (r ->> 'resource')::bigint, (r ->> 'flags')::integer,
  (r ->> 'hash')::bigint
from jsonb_array_elements($1::jsonb) r
on conflict do nothing`;

export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #redactor: Redactor;
  readonly #connection: Connection;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#redactor = options.redactor ?? new Redactor();
    const { connectionString, connectTimeoutMs, applicationName = 'beacon logs' } = options;
    this.#connection = new Connection({
      connectionString,
      applicationName,
      ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
    });
  }

  /**
   * Stores the records in one transaction; resolves when it is committed.
   *
   * @throws UnavailableError when nothing is stored, or it is unknown whether it is; the records may come again then.
   */
  async write(rows: readonly LogRow[]): Promise<WrittenLogs> {
    if (rows.length === 0) return { stored: 0, duplicates: 0, unplaced: 0, scored: 0, redacted: 0 };
    let redacted = 0;
    const resources = new Map<string, EncodedResource>();
    for (const { resource } of rows) {
      if (resources.has(resource.id)) continue;
      const encoded = encodeResource(resource, this.#redactor);
      redacted += encoded.redacted;
      resources.set(resource.id, encoded.resource);
    }
    const count = () => {
      redacted++;
    };
    const encoded = rows.map((row) => this.#encoded(row, count));
    const done = await this.#inTurn(() => this.#store(encoded, resources));
    return { ...done, duplicates: rows.length - done.stored - done.unplaced, redacted };
  }

  /** Waits for what is under way, for at most `budgetMs`. */
  async close(budgetMs: number): Promise<void> {
    const budget = new Promise((resolve) => setTimeout(resolve, budgetMs).unref());
    await Promise.race([this.#last, budget]);
    this.#connection.close();
  }

  #encoded(row: LogRow, countAll: () => void) {
    const redactor = this.#redactor;
    let redacted = 0;
    const count = () => {
      redacted++;
      countAll();
    };
    const repairs = new Repairs();
    repairs.isSecret = (bytes) => {
      const isSecret = redactor.ofBytes(bytes);
      if (isSecret) count();
      return isSecret;
    };
    const clean = (value: unknown, where: string) => redactor.ofValue(repairedValue(value, where, repairs), count);
    const name = (value: string | null, where: string) =>
      value === null ? null : repairedText(redactor.ofValue(value, count) as string, where, repairs, MAX_NAME);
    const body = clean(row.body, 'body') ?? null;
    const attributes = clean(row.attributes, 'attributes') as Record<string, unknown>;
    const content = {
      span_id: row.spanId,
      ns: Number(row.time % 1_000n),
      severity: row.severity,
      severity_text: name(row.severityText, 'severity_text'),
      event_name: name(row.eventName, 'event_name'),
      // Of messages of models the body is what was said.
      body: !redactor.content && row.eventName?.startsWith('gen_ai.') ? hidden(body) : body,
      attributes,
      resource: row.resource.id,
    };
    const { 'exception.type': type, 'exception.message': message } = attributes;
    const otel = {
      ...row.otel,
      ...(redacted > 0 && { redacted }),
      ...(repairs.count > 0 && { repairs: repairs.words }),
    };
    return {
      ...content,
      trace_id: row.traceId,
      evaluation: isEvaluation(row),
      micros: String(row.time / 1_000n),
      flags: row.flags,
      timed_out: typeof type === 'string' && isTimeout(type, typeof message === 'string' ? message : null),
      otel: Object.keys(otel).length > 0 ? otel : null,
      hash: createHash('sha256').update(JSON.stringify(content, inOrder)).digest().readBigInt64BE(0).toString(),
    };
  }

  /** One transaction after another: the connection has room for one. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #store(records: Encoded[], resources: ReadonlyMap<string, EncodedResource>) {
    const { connectionString, connectTimeoutMs = 5_000, statementTimeoutMs = 10_000 } = this.#options;
    try {
      return await this.#connection.use(
        (client) => inTransaction(client, statementTimeoutMs, records, resources),
        connectTimeoutMs + 2 * statementTimeoutMs,
      );
    } catch (error) {
      if (isRowsFault(error)) throw error;
      throw new UnavailableError(describeError(error, connectionString), RETRY_MS, { cause: error });
    }
  }
}

type Encoded = Pick<LogRow, 'attributes'> & { trace_id: string; span_id: string | null; evaluation: boolean };

/** Evaluations without a trace go to the span of the answer they judge; those whose answer is not known are left out. */
async function place(client: pg.ClientBase, records: Encoded[]): Promise<Encoded[]> {
  const ids = records.filter(({ trace_id }) => trace_id === '').map(responseOf);
  if (ids.length === 0) return records;
  const { rows } = await client.query(
    `select i.id, r.trace_id, encode(r.span_id, 'hex') as span_id
     from (select distinct id from unnest($1::text[]) id) i cross join lateral beacon.span_of_response(i.id) r`,
    [ids],
  );
  const found = new Map(rows.map(({ id, ...span }) => [id, span as Pick<Encoded, 'trace_id' | 'span_id'>]));
  return records
    .map((record) => ({ ...record, ...(record.trace_id === '' && found.get(responseOf(record))) }))
    .filter(({ trace_id }) => trace_id !== '');
}

const responseOf = ({ attributes }: Encoded): string => String(attributes['gen_ai.response.id']);

async function score(client: pg.ClientBase, records: Encoded[]): Promise<number> {
  const traces = new Set(records.filter(({ evaluation }) => evaluation).map(({ trace_id }) => trace_id));
  if (traces.size === 0) return 0;
  const { rows } = await client.query('select beacon.score_evaluations($1::uuid[]) as scored', [[...traces]]);
  return rows[0].scored;
}

/** Members in the order of their names: the table does not keep that in which they came. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function inTransaction(
  client: pg.ClientBase,
  timeoutMs: number,
  records: Encoded[],
  resources: ReadonlyMap<string, EncodedResource>,
): Promise<Pick<WrittenLogs, 'stored' | 'unplaced' | 'scored'>> {
  await client.query(`begin; set local statement_timeout = ${Math.trunc(timeoutMs)}`);
  try {
    await insertResources(client, resources, undefined);
    const placed = await place(client, records);
    const { rowCount } = await client.query(INSERT, [JSON.stringify(placed)]);
    const scored = await score(client, placed);
    await client.query('commit');
    return { stored: rowCount ?? 0, unplaced: records.length - placed.length, scored };
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
