// The memory of one request, from its first byte to its commit. It grows with what has arrived, never with what was announced.
import type { BufferPool } from './pool.ts';

const FIRST_BYTES = 4 * 1024;

/** Takes bytes of the server's memory for a reservation, or gives them back; throws when there is no room. */
export type Take = (by: number, reservation: Reservation, mayExceed: boolean) => void;

export class Reservation {
  readonly #take: Take;
  readonly #pool: BufferPool;
  #bytes = 0;
  #body: Buffer | undefined;
  #length = 0;

  constructor(take: Take, pool: BufferPool) {
    this.#take = take;
    this.#pool = pool;
  }

  /** Bytes it holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Raises it to `bytes`, if it is less.
   *
   * @throws Refusal when there is no room for more; what was reserved before stays reserved.
   */
  grow(bytes: number): void {
    if (bytes <= this.#bytes) return;
    this.#take(bytes - this.#bytes, this, false);
    this.#bytes = bytes;
  }

  /**
   * Adds a part of the body.
   *
   * @param expected Bytes of the whole body, as far as that is known: room that is taken ahead stops there.
   * @throws Refusal when there is no room.
   */
  append(chunk: Buffer, expected: number): void {
    const length = this.#length + chunk.length;
    if (this.#body === undefined || length > this.#body.length) {
      const ahead = Math.max(FIRST_BYTES, 2 * (this.#body?.length ?? 0));
      const room = Math.max(length, expected > length ? Math.min(ahead, expected) : ahead);
      this.grow(room);
      const larger = this.#pool.take(room);
      this.#body?.copy(larger, 0, 0, this.#length);
      this.#giveBody();
      this.#body = larger;
    }
    chunk.copy(this.#body, this.#length);
    this.#length = length;
  }

  /** What was appended; the memory goes elsewhere when the reservation is released or decoded. */
  body(): Buffer {
    return this.#body?.subarray(0, this.#length) ?? NOTHING;
  }

  /** The body has become `bytes` of lines, and is not needed any more. */
  decoded(bytes: number): void {
    this.#giveBody();
    this.#take(bytes - this.#bytes, this, true);
    this.#bytes = bytes;
  }

  release(): void {
    this.#giveBody();
    this.#take(-this.#bytes, this, true);
    this.#bytes = 0;
  }

  #giveBody(): void {
    if (this.#body) this.#pool.give(this.#body);
    this.#body = undefined;
  }
}

const NOTHING = Buffer.alloc(0);
