// The memory of one request, from its first byte to its commit.
import type { BufferPool } from './pool.ts';

export class Reservation {
  readonly #take: (bytes: number, mayExceed: boolean) => void;
  readonly #pool: BufferPool;
  #bytes = 0;
  #body: Buffer | undefined;

  /** @param take Told how many bytes more, or less, are in use; throws when there is no room and it may not exceed. */
  constructor(take: (bytes: number, mayExceed: boolean) => void, pool: BufferPool) {
    this.#take = take;
    this.#pool = pool;
  }

  /**
   * Raises it to `bytes`, if it is less.
   *
   * @throws Refusal when there is no room for more; what was reserved before stays reserved.
   */
  grow(bytes: number): void {
    if (bytes <= this.#bytes) return;
    this.#take(bytes - this.#bytes, false);
    this.#bytes = bytes;
  }

  /** Memory for the body, at least so long; it belongs to the reservation, which gives it back. */
  body(bytes: number): Buffer {
    this.#body = this.#pool.take(bytes);
    return this.#body;
  }

  /** The body has become `bytes` of lines, and is not needed any more. */
  decoded(bytes: number): void {
    this.#giveBody();
    this.#take(bytes - this.#bytes, true);
    this.#bytes = bytes;
  }

  release(): void {
    this.#giveBody();
    this.#take(-this.#bytes, true);
    this.#bytes = 0;
  }

  #giveBody(): void {
    if (this.#body) this.#pool.give(this.#body);
    this.#body = undefined;
  }
}
