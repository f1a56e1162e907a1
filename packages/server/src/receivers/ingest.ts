// What all receivers have in common: memory is reserved for what arrives, a request is decoded in its turn, and it is
// answered when it is committed.
import {
  GroupWriter,
  type GroupWriterOptions,
  Redactor,
  type RejectedRow,
  UnavailableError,
} from '@project-beacon/writer';
import { MalformedError } from '../otlp/wire.ts';
import { Refusal } from './answer.ts';
import { Counters, type Gauges } from './counters.ts';
import { type Decoded, Decoder } from './decode.ts';
import { type Encoding, isSmall, partsOf } from './encodings.ts';
import { Intake } from './intake.ts';
import { LogReceiver } from './logs.ts';
import { BufferPool } from './pool.ts';
import { Rejections } from './rejections.ts';
import { Reservation, type Take } from './reservation.ts';

export interface IngestOptions extends GroupWriterOptions {
  /** Takes the secrets out. Default: one with the usual rules. */
  redactor?: Redactor;
  /** Largest request, unpacked, bytes. Default 64 MiB. */
  maxRequestBytes?: number;
  /** Bytes of requests under way, past which further ones are refused; one is always let in. Default 24 MiB. */
  maxQueueBytes?: number;
  /** A body is given up after so many milliseconds without a byte. Default 10,000. */
  stalledMs?: number;
  /** A body that comes slowly gives way to others after so many milliseconds. Default 2,000. */
  patienceMs?: number;
}

export interface Accepted {
  /** Spans, or log records, in the request. */
  received: number;
  /** Those that were not stored. */
  rejected: number;
  /** Why, and which; empty when all were stored. */
  message: string;
}

export const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
const MAX_QUEUE_BYTES = 24 * 1024 * 1024;
const BUSY_RETRY_MS = 1_000;

export class Ingest {
  readonly counters = new Counters();
  readonly logs: LogReceiver;
  readonly maxRequestBytes: number;
  readonly maxQueueBytes: number;
  readonly stalledMs: number;
  readonly patienceMs: number;
  readonly #pool: BufferPool;
  readonly #decoder: Decoder;
  /** Of large requests, one after another; between two slices of theirs the small ones go on. */
  readonly #patient: Decoder;
  #turn: Promise<void> = Promise.resolve();
  readonly #writer: GroupWriter;
  /** Bodies that are arriving. */
  readonly #arriving = new Set<Intake>();
  #queueBytes = 0;
  /** Bytes of it by sender. */
  readonly #heldBy = new Map<string, number>();
  #closing = false;

  constructor(options: IngestOptions) {
    this.maxRequestBytes = options.maxRequestBytes ?? MAX_REQUEST_BYTES;
    this.maxQueueBytes = options.maxQueueBytes ?? MAX_QUEUE_BYTES;
    this.stalledMs = options.stalledMs ?? 10_000;
    this.patienceMs = options.patienceMs ?? 2_000;
    this.#pool = new BufferPool(this.maxRequestBytes);
    const redactor = options.redactor ?? new Redactor();
    this.#decoder = new Decoder(redactor, this.#pool);
    this.#patient = new Decoder(redactor, this.#pool);
    this.logs = new LogReceiver({ ...options, applicationName: 'beacon logs', redactor }, this.counters);
    const named = { applicationName: 'beacon ingest', ...options };
    this.#writer = new GroupWriter(named, (ms) => this.counters.flushed(ms));
  }

  /**
   * The memory of a request, none yet; to be released in the end.
   *
   * @param sender Whose request it is: where all want the room at once, each sender has the same share of it.
   * @throws Refusal when the database takes nothing at the moment, or there is no room at all.
   */
  reserve(sender: string): Reservation {
    this.#open();
    const take: Take = (by, reservation, mayExceed) => this.#take(by, reservation, mayExceed);
    const made = new Reservation(take, this.#pool, sender);
    if (this.#queueBytes >= this.maxQueueBytes && !this.#makeRoom(1, made)) throw this.#full();
    return made;
  }

  /**
   * Begins to take a body into its reservation.
   *
   * @param encoding As in Content-Encoding.
   * @param expected Bytes as announced; 0 when nothing was.
   * @throws Refusal when it is too large, or packed in a way that is not understood.
   */
  receive(reservation: Reservation, encoding: string | undefined, expected: number): Intake {
    const intake = new Intake(this, reservation, encoding, expected);
    this.#arriving.add(intake);
    const leave = () => {
      this.#arriving.delete(intake);
    };
    intake.body.then(leave, leave);
    return intake;
  }

  #open(): void {
    if (this.#closing) throw new Refusal('UNAVAILABLE', 'shutting_down', 'the server is shutting down', BUSY_RETRY_MS);
    const pause = this.#writer.pausedMs();
    if (pause > 0) {
      const { lastError } = this.#writer.counters();
      throw new Refusal('UNAVAILABLE', 'database', `the database takes nothing now: ${lastError}`, pause);
    }
  }

  #take(by: number, reservation: Reservation, mayExceed: boolean): void {
    const others = this.#queueBytes - reservation.bytes;
    // One that is alone may be larger than all of them may be together.
    if (!mayExceed && others > 0 && this.#queueBytes + by > this.maxQueueBytes && !this.#makeRoom(by, reservation)) {
      throw this.#full();
    }
    this.#queueBytes += by;
    const held = (this.#heldBy.get(reservation.sender) ?? 0) + by;
    if (held > 0) this.#heldBy.set(reservation.sender, held);
    else this.#heldBy.delete(reservation.sender);
  }

  /** Has arriving bodies give way, the largest first: slow ones, then those whose senders have more than their share. */
  #makeRoom(bytes: number, reservation: Reservation): boolean {
    const hasRoom = () => this.#queueBytes + bytes <= this.maxQueueBytes;
    const others = [...this.#arriving].filter((each) => each.reservation !== reservation);
    others.sort((a, b) => b.reservation.bytes - a.reservation.bytes);
    for (const each of others) {
      if (hasRoom()) return true;
      each.giveWay();
    }
    const held = (sender: string) => this.#heldBy.get(sender) ?? 0;
    const senders = this.#heldBy.size + (this.#heldBy.has(reservation.sender) ? 0 : 1);
    const share = this.maxQueueBytes / senders;
    if (held(reservation.sender) + bytes > share) return hasRoom();
    for (const each of others) {
      if (hasRoom()) return true;
      if (held(each.reservation.sender) > share) each.giveUp('others had less than their share of the room');
    }
    return hasRoom();
  }

  #full(): Refusal {
    const text = `${this.maxQueueBytes} bytes of requests are under way; send this one again later`;
    return new Refusal('RESOURCE_EXHAUSTED', 'queue_full', text, BUSY_RETRY_MS);
  }

  /** A request that is larger than this server takes. */
  tooLarge(): Refusal {
    const text = `the request is larger than ${this.maxRequestBytes} bytes when unpacked; send fewer spans at once`;
    return new Refusal('PAYLOAD_TOO_LARGE', 'too_large', text);
  }

  /**
   * Stores a request. Resolves when it is committed.
   *
   * @param body May lie in the memory of the reservation, which is used for something else once it is decoded.
   * @throws Refusal when nothing of it is stored, or only a part, or it is unknown whether it is; it may be sent again then.
   */
  async store(body: Buffer, encoding: Encoding, reservation: Reservation): Promise<Accepted> {
    const total = new Rejections();
    let received = 0;
    try {
      if (isSmall(body)) {
        for (const { bytes, unreadable } of partsOf(body, encoding)) {
          for (const message of unreadable) total.add('unreadable', () => message);
          const decoded = this.#decoder.decode(bytes);
          reservation.decoded(decoded.bytes);
          received += decoded.received + unreadable.length;
          await this.#submit(decoded, total);
        }
      } else received = await this.#inTurn(() => this.#storeLarge(body, encoding, total));
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      const text = `not an ExportTraceServiceRequest: ${error.message}`;
      throw new Refusal('INVALID_ARGUMENT', 'malformed', text);
    }
    this.counters.spansReceived += received;
    for (const [reason, count] of Object.entries(total.reasons)) this.counters.count('rejected', reason, count);
    return { received, rejected: total.count, message: total.sentence() };
  }

  /** One large request after another. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    let done!: () => void;
    this.#turn = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    try {
      return await work();
    } finally {
      done();
    }
  }

  /** Batch after batch, each committed before the next one is made; returns how many spans there were. */
  async #storeLarge(body: Buffer, encoding: Encoding, total: Rejections): Promise<number> {
    let received = 0;
    for (const { bytes, unreadable } of partsOf(body, encoding)) {
      received += unreadable.length;
      for (const message of unreadable) total.add('unreadable', () => message);
      for (const made of this.#patient.batches(bytes)) {
        if (made === undefined) await new Promise((resolve) => setImmediate(resolve));
        else {
          received += made.received;
          await this.#submit(made, total);
        }
        this.#patient.resume();
      }
    }
    return received;
  }

  async #submit({ batch, rejected, redacted }: Decoded, total: Rejections): Promise<void> {
    total.merge(rejected);
    let refused: RejectedRow[];
    try {
      refused = await this.#writer.submit(batch);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      throw new Refusal('UNAVAILABLE', 'database', error.message, error.retryAfterMs);
    }
    this.counters.redacted += redacted;
    this.counters.repaired += batch.repaired;
    for (const { spanId, operation, reason } of refused) {
      total.add('database', () => `span ${spanId} "${operation.slice(0, 80)}": ${reason}`);
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
    await Promise.all([this.#writer.close(budgetMs), this.logs.close(budgetMs)]);
  }
}
