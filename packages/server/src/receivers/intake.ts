// One body on its way in: unpacked while it arrives, into its reservation. A client that stalls is cut off, and one that is slow gives
// way when others need the room.
import * as zlib from 'node:zlib';
import { Refusal } from './answer.ts';
import type { Reservation } from './reservation.ts';

const SLOW_BYTES_PER_SECOND = 128 * 1024;
/** Longest that any body may take. */
const LONGEST_MS = 120_000;

export interface IntakeLimits {
  /** Bytes of a body, unpacked. */
  maxRequestBytes: number;
  tooLarge(): Refusal;
  /** Without a byte for so many milliseconds, a body is given up. */
  stalledMs: number;
  /** After so many milliseconds, a body that came slowly gives way to others. */
  patienceMs: number;
}

export class Intake {
  readonly reservation: Reservation;
  /** Resolves when all of it is there; rejects with a Refusal, or when the client went away. */
  readonly body: Promise<Buffer>;
  readonly #limits: IntakeLimits;
  readonly #expected: number;
  readonly #unpack: zlib.Gunzip | zlib.Inflate | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  #heardAt = this.#startedAt;
  #received = 0;
  #unpacked = 0;
  #resolve!: (body: Buffer) => void;
  #reject!: (error: unknown) => void;
  #isOver = false;

  /**
   * @param encoding As the client names it: gzip, deflate or none.
   * @param expected Bytes of the body as it arrives; 0 when the client does not say.
   * @throws Refusal when the encoding is not understood, or the body announced is larger than any may be.
   */
  constructor(limits: IntakeLimits, reservation: Reservation, encoding: string | undefined, expected: number) {
    if (expected > limits.maxRequestBytes) throw limits.tooLarge();
    this.#limits = limits;
    this.reservation = reservation;
    this.#unpack = unpackerOf(encoding);
    this.#expected = this.#unpack ? 0 : expected;
    this.body = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#timer = setInterval(() => this.#look(), limits.stalledMs / 4);
    this.#timer.unref();
    this.#unpack
      ?.on('data', (chunk: Buffer) => this.#store(chunk))
      .on('end', () => this.#finish())
      .on('error', (error) => {
        this.fail(new Refusal('INVALID_ARGUMENT', 'malformed', `the body is not valid ${encoding}: ${error.message}`));
      });
  }

  /** Takes what has arrived; false when the source is to wait for `onDrain`. */
  write(chunk: Buffer): boolean {
    if (this.#isOver) return true;
    this.#heardAt = performance.now();
    this.#received += chunk.length;
    if (this.#unpack) return this.#unpack.write(chunk);
    this.#store(chunk);
    return true;
  }

  onDrain(resume: () => void): void {
    this.#unpack?.on('drain', resume);
  }

  end(): void {
    if (this.#unpack && this.#received > 0) this.#unpack.end();
    else this.#finish();
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#leave();
    this.#reject(error);
  }

  /** Gives its room to others; false when it is not one of the slow. */
  giveWay(): boolean {
    const ms = performance.now() - this.#startedAt;
    if (this.#isOver || ms < this.#limits.patienceMs || this.#received > (ms / 1_000) * SLOW_BYTES_PER_SECOND)
      return false;
    this.giveUp('the body came slowly');
    return true;
  }

  /** Its room goes to others. */
  giveUp(why: string): void {
    if (this.#isOver) return;
    const text = `${why}: its room went to others; send it again`;
    this.fail(new Refusal('RESOURCE_EXHAUSTED', 'gave_way', text, 1_000));
    this.reservation.release();
  }

  #store(chunk: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#unpacked += chunk.length;
      if (this.#unpacked > this.#limits.maxRequestBytes) throw this.#limits.tooLarge();
      this.reservation.append(chunk, this.#expected);
    } catch (error) {
      this.fail(error);
    }
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#resolve(this.reservation.body());
  }

  #look(): void {
    const now = performance.now();
    if (now - this.#heardAt < this.#limits.stalledMs && now - this.#startedAt < LONGEST_MS) return;
    this.fail(new Refusal('TIMEOUT', 'stalled', `the body stopped after ${this.#received} bytes`));
  }

  #leave(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#unpack?.destroy();
  }
}

function unpackerOf(encoding: string | undefined): zlib.Gunzip | zlib.Inflate | undefined {
  const name = (encoding ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return undefined;
  if (name === 'gzip' || name === 'x-gzip') return zlib.createGunzip({ chunkSize: 64 * 1024 });
  if (name === 'deflate') return zlib.createInflate({ chunkSize: 64 * 1024 });
  throw new Refusal(
    'UNSUPPORTED_MEDIA_TYPE',
    'encoding',
    `the encoding "${name.slice(0, 50)}" is not understood; gzip and deflate are.`,
  );
}
