// What all receivers have in common: room is reserved before a body is read, a request is decoded in one go, and it is
// answered when it is committed.
import {
  GroupWriter,
  type GroupWriterOptions,
  Redactor,
  type RejectedRow,
  UnavailableError,
} from '@project-beacon/writer';
import { fromJson } from '../otlp/json.ts';
import { TRACES } from '../otlp/messages.ts';
import { MalformedError } from '../otlp/wire.ts';
import { Refusal } from './answer.ts';
import { Counters, type Gauges } from './counters.ts';
import { type Decoded, Decoder, type RejectedSpan } from './decode.ts';
import { BufferPool } from './pool.ts';
import { Reservation } from './reservation.ts';

export interface IngestOptions extends GroupWriterOptions {
  /** Takes the secrets out. Default: one with the usual rules. */
  redactor?: Redactor;
  /** Largest request, unpacked, bytes. Default 64 MiB. */
  maxRequestBytes?: number;
  /** Bytes of requests under way, past which further ones are refused; one is always let in. Default 24 MiB. */
  maxQueueBytes?: number;
}

export interface Accepted {
  /** Spans that were not stored. */
  rejected: number;
  /** Why, and which; empty when all were stored. */
  message: string;
}

export const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
const MAX_QUEUE_BYTES = 24 * 1024 * 1024;
/** Lines about single spans in an answer; the rest is told as a number. */
const NAMED = 20;
const BUSY_RETRY_MS = 1_000;

export class Ingest {
  readonly counters = new Counters();
  readonly maxRequestBytes: number;
  readonly maxQueueBytes: number;
  readonly #pool = new BufferPool();
  readonly #decoder: Decoder;
  readonly #writer: GroupWriter;
  #queueBytes = 0;
  #closing = false;

  constructor(options: IngestOptions) {
    this.maxRequestBytes = options.maxRequestBytes ?? MAX_REQUEST_BYTES;
    this.maxQueueBytes = options.maxQueueBytes ?? MAX_QUEUE_BYTES;
    this.#decoder = new Decoder(options.redactor ?? new Redactor(), this.#pool);
    const named = { applicationName: 'beacon ingest', ...options };
    this.#writer = new GroupWriter(named, (ms) => this.counters.flushed(ms));
  }

  /**
   * reserves room for a request; `grow` it as more of it turns up, and release it in the end.
   *
   * @throws Refusal when there is none, when it is too large, or when the database takes nothing at the moment.
   */
  reserve(bytes: number): Reservation {
    this.#open();
    // It would never find room: told so, and not to come back.
    if (bytes > this.maxRequestBytes) throw this.tooLarge();
    const reservation = new Reservation((by, mayExceed) => this.#take(by, mayExceed), this.#pool);
    reservation.grow(bytes);
    return reservation;
  }

  #open(): void {
    if (this.#closing) throw new Refusal('UNAVAILABLE', 'shutting_down', 'the server is shutting down', BUSY_RETRY_MS);
    const pause = this.#writer.pausedMs();
    if (pause > 0) {
      const { lastError } = this.#writer.counters();
      throw new Refusal('UNAVAILABLE', 'database', `the database takes nothing now: ${lastError}`, pause);
    }
  }

  #take(bytes: number, mayExceed: boolean): void {
    if (!mayExceed && this.#queueBytes > 0 && this.#queueBytes + bytes > this.maxQueueBytes) {
      const text = `${this.maxQueueBytes} bytes of requests are under way; send this one again later`;
      throw new Refusal('RESOURCE_EXHAUSTED', 'queue_full', text, BUSY_RETRY_MS);
    }
    this.#queueBytes += bytes;
  }

  /** A request that is larger than this server takes. */
  tooLarge(): Refusal {
    const text = `the request is larger than ${this.maxRequestBytes} bytes when unpacked; send fewer spans at once`;
    return new Refusal('PAYLOAD_TOO_LARGE', 'too_large', text);
  }

  /**
   * Stores an ExportTraceServiceRequest. Resolves when it is committed.
   *
   * @param body May lie in the memory of the reservation, which is used for something else once it is decoded.
   * @throws Refusal when nothing of it is stored, or nobody knows whether it is; it may be sent again then.
   */
  async store(body: Buffer, encoding: 'protobuf' | 'json', reservation: Reservation): Promise<Accepted> {
    const decoded = this.#decode(body, encoding);
    reservation.decoded(decoded.bytes);
    const { counters } = this;
    let refusedRows: RejectedRow[];
    try {
      refusedRows = await this.#writer.submit(decoded.batch);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      throw new Refusal('UNAVAILABLE', 'database', error.message, error.retryAfterMs);
    }
    counters.spansReceived += decoded.received;
    counters.redacted += decoded.redacted;
    counters.repaired += decoded.batch.repaired;
    for (const { reason } of decoded.rejected) counters.count('rejected', reason);
    if (refusedRows.length > 0) counters.count('rejected', 'database', refusedRows.length);
    return accepted(decoded.rejected, refusedRows);
  }

  #decode(body: Buffer, encoding: 'protobuf' | 'json'): Decoded {
    try {
      if (encoding === 'protobuf') return this.#decoder.decode(body);
      const { bytes, unreadable } = fromJson(TRACES, body.toString('utf8'));
      const decoded = this.#decoder.decode(bytes);
      decoded.received += unreadable.length;
      for (const message of unreadable) decoded.rejected.push({ reason: 'unreadable', message });
      return decoded;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      const text = `this is no ExportTraceServiceRequest: ${error.message}`;
      throw new Refusal('INVALID_ARGUMENT', 'malformed', text);
    }
  }

  gauges(): Gauges {
    const { waiting, failures } = this.#writer.counters();
    return {
      queueBytes: this.#queueBytes,
      queueLimitBytes: this.maxQueueBytes,
      queuedSpans: waiting.rows,
      flushFailures: failures,
    };
  }

  /** Brings what the writer counts into the counters, and returns its last error. */
  settle(): { lastError: string | null; lastErrorAt: Date | null } {
    const { written, duplicates, lastError, lastErrorAt } = this.#writer.counters();
    this.counters.spansStored = written;
    this.counters.duplicates = duplicates;
    return { lastError, lastErrorAt };
  }

  /** Milliseconds for which the database is known to take nothing; 0 when it does. */
  pausedMs(): number {
    return this.#writer.pausedMs();
  }

  /** Lets nothing in any more. */
  stop(): void {
    this.#closing = true;
  }

  /** Commits what is under way, for at most `budgetMs`. */
  async close(budgetMs: number): Promise<void> {
    this.stop();
    await this.#writer.close(budgetMs);
  }
}

function accepted(rejected: readonly RejectedSpan[], rows: readonly RejectedRow[]): Accepted {
  const total = rejected.length + rows.length;
  if (total === 0) return { rejected: 0, message: '' };
  const said = [
    ...rejected.slice(0, NAMED).map(({ message }) => message),
    ...rows
      .slice(0, Math.max(0, NAMED - rejected.length))
      .map(({ spanId, operation, reason }) => `span ${spanId} "${operation.slice(0, 80)}": ${reason}`),
  ];
  if (total > said.length) said.push(`and ${total - said.length} more`);
  return { rejected: total, message: said.join('; ').toWellFormed() };
}
