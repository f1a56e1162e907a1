// The spans of a trace, a value a span in every column: 100,000 objects would take longer to make than all the rest.
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { KINDS, STATUSES } from '../filter/parse.ts';
import { type CopyRow, eachCopiedRow } from './copy-rows.ts';

export const SERVER = KINDS.indexOf('server');
/** Code of each status. */
export const STATUS = Object.fromEntries(STATUSES.map((status, code) => [status, code])) as Record<
  (typeof STATUSES)[number],
  number
>;

/** In the order of their start. Times are milliseconds from the start of the earliest, where nothing else is said. */
export interface Spans {
  count: number;
  /** Microseconds since 1970 at which the earliest began. */
  firstUs: number;
  ids: SpanIds;
  parentIds: SpanIds;
  hasParentId: boolean[];
  /** Number in `services`. */
  service: number[];
  services: string[];
  operation: number[];
  operations: string[];
  /** -1 without one. */
  error: number[];
  errors: SpanError[];
  kind: number[];
  status: number[];
  /** Microseconds since 1970. */
  startedUs: number[];
  starts: number[];
  /** Of a span that has not ended: until the last moment it may have run. */
  durations: number[];
  /** Model and tokens, in the words of beacon.generation_note; -1 for what asked no model. */
  generation: number[];
  generations: string[];
}

/** Of a span that failed: class and message, as far as they are known. */
export interface SpanError {
  type: string | null;
  message: string | null;
}

/** The first and the second half of 8 bytes: 100,000 texts would cost more than all else that is read. */
export interface SpanIds {
  high: number[];
  low: number[];
}

const FIELDS = {
  span_id: 0,
  parent_span_id: 1,
  service: 2,
  operation: 3,
  kind: 4,
  status: 5,
  error_type: 6,
  error_message: 7,
  started_at: 8,
  started_ns: 9,
  duration_ms: 10,
  completed_at: 11,
  alive_until: 12,
  generation: 13,
};
const ID_BYTES = 8;

/**
 * Reads a trace. COPY takes no parameters: the trace is named by a setting that ends with the transaction.
 *
 * @param client In a transaction.
 * @returns undefined when the trace has no spans.
 */
export async function readSpans(client: pg.ClientBase, traceId: string): Promise<Spans | undefined> {
  await client.query(`select set_config('beacon.of_trace', $1, true)`, [traceId]);
  const columns = Object.keys(FIELDS);
  const from = `select ${columns.join(', ')} from beacon.trace_rows(current_setting('beacon.of_trace')::uuid)`;
  const collected = new Collected();
  const chunks = client.query(copyTo(`copy (${from}) to stdout (format binary)`));
  await eachCopiedRow(chunks, columns.length, (row) => collected.add(row));
  return collected.spans();
}

/** Texts and the number of each. */
class Numbered {
  readonly texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  /** -1 for null. */
  numberOf(text: string | null): number {
    if (text === null) return -1;
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.texts.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }
}

/** An id that is not 8 bytes long, which a parent may claim, belongs to no span. */
function addId({ high, low }: SpanIds, row: CopyRow, field: number): void {
  const isWhole = row.length(field) === ID_BYTES;
  high.push(isWhole ? row.int32(field, 0) : 0);
  low.push(isWhole ? row.int32(field, 4) : 0);
}

class Collected {
  readonly #ids: SpanIds = { high: [], low: [] };
  readonly #parentIds: SpanIds = { high: [], low: [] };
  readonly #hasParentId: boolean[] = [];
  readonly #services = new Numbered();
  readonly #operations = new Numbered();
  readonly #errors = new Numbered();
  readonly #errorPairs: SpanError[] = [];
  readonly #service: number[] = [];
  readonly #operation: number[] = [];
  readonly #error: number[] = [];
  readonly #kind: number[] = [];
  readonly #status: number[] = [];
  readonly #startedUs: number[] = [];
  readonly #startedNs: number[] = [];
  readonly #durations: number[] = [];
  readonly #completedUs: number[] = [];
  readonly #aliveUs: number[] = [];
  readonly #generations = new Numbered();
  readonly #generation: number[] = [];

  add(row: CopyRow): void {
    addId(this.#ids, row, FIELDS.span_id);
    addId(this.#parentIds, row, FIELDS.parent_span_id);
    this.#hasParentId.push(!row.isNull(FIELDS.parent_span_id));
    this.#service.push(this.#services.numberOf(row.text(FIELDS.service)));
    this.#operation.push(this.#operations.numberOf(row.text(FIELDS.operation)));
    this.#error.push(this.#errorOf(row.text(FIELDS.error_type), row.text(FIELDS.error_message)));
    this.#kind.push(row.smallint(FIELDS.kind));
    this.#status.push(row.smallint(FIELDS.status));
    this.#startedUs.push(row.timeUs(FIELDS.started_at));
    this.#startedNs.push(row.smallint(FIELDS.started_ns));
    this.#durations.push(row.double(FIELDS.duration_ms));
    this.#completedUs.push(row.timeUs(FIELDS.completed_at));
    this.#aliveUs.push(row.timeUs(FIELDS.alive_until));
    this.#generation.push(this.#generations.numberOf(row.text(FIELDS.generation)));
  }

  #errorOf(type: string | null, message: string | null): number {
    if (type === null && message === null) return -1;
    const number = this.#errors.numberOf(JSON.stringify([type, message]));
    this.#errorPairs[number] ??= { type, message };
    return number;
  }

  /** All of them, put in order. */
  spans(): Spans | undefined {
    const count = this.#kind.length;
    if (count === 0) return undefined;
    let firstUs = Infinity;
    let lastUs = -Infinity;
    for (let n = 0; n < count; n++) {
      const began = this.#startedUs[n] as number;
      firstUs = Math.min(firstUs, began);
      lastUs = Math.max(lastUs, began, this.#completedUs[n] || 0, this.#aliveUs[n] || 0);
    }
    // By way of seconds, as in SQL: the last bit decides whether two spans touch.
    const starts = this.#startedUs.map((at, n) => 1_000 * ((at - firstUs) / 1e6) + this.#startedNs[n]! / 1e6);
    const durations = this.#durations.map((duration, n) => {
      if (!Number.isNaN(duration)) return duration;
      const aliveUs = this.#aliveUs[n] as number;
      const until = Number.isNaN(aliveUs) ? lastUs : Math.min(lastUs, aliveUs);
      return Math.max(0, 1_000 * ((until - this.#startedUs[n]!) / 1e6));
    });
    const order = this.#order(starts);
    const take = <T>(values: readonly T[]) => order.map((n) => values[n]!);
    const takeIds = ({ high, low }: SpanIds) => ({ high: take(high), low: take(low) });
    return {
      count,
      firstUs,
      ids: takeIds(this.#ids),
      parentIds: takeIds(this.#parentIds),
      hasParentId: take(this.#hasParentId),
      service: take(this.#service),
      services: this.#services.texts,
      operation: take(this.#operation),
      operations: this.#operations.texts,
      error: take(this.#error),
      errors: this.#errorPairs,
      kind: take(this.#kind),
      status: take(this.#status),
      startedUs: take(this.#startedUs),
      starts: take(starts),
      durations: take(durations),
      generation: take(this.#generation),
      generations: this.#generations.texts,
    };
  }

  /** Who began first; of those who began together, who ended last; else by id. */
  #order(starts: readonly number[]): number[] {
    const ended = (n: number) => {
      const at = this.#completedUs[n] as number;
      return Number.isNaN(at) ? Infinity : at;
    };
    const { high, low } = this.#ids;
    // As bytes compare, not as signed numbers.
    const byId = (a: number, b: number) => (high[a]! >>> 0) - (high[b]! >>> 0) || (low[a]! >>> 0) - (low[b]! >>> 0);
    return Array.from(starts.keys()).sort((a, b) => starts[a]! - starts[b]! || ended(b) - ended(a) || byId(a, b));
  }
}
