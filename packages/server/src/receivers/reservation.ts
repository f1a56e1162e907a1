// The memory of one request, from its first byte to its commit. It grows with what has arrived, never with what was announced.
import type { BufferPool } from './pool.ts';

const FIRST_BYTES = 4 * 1024;
/** A body that grows past it gets all the room that one may have, of which only what is written takes memory. */
const SMALL_BYTES = 1 << 20;
/** Large ones are paid for in steps of so many bytes. */
const STEP_BYTES = 1 << 20;

/** Takes bytes of the server's memory for a reservation, or gives them back; throws when there is no room. */
export type Take = (by: number, reservation: Reservation, mayExceed: boolean) => void;

export class Reservation {
  /** Whose request it is of. */
  readonly sender: string;
  readonly #take: Take;
  readonly #pool: BufferPool;
  #bytes = 0;
  #body: Buffer | undefined;
  #length = 0;

  constructor(take: Take, pool: BufferPool, sender: string) {
    this.sender = sender;
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
      this.grow(room <= SMALL_BYTES ? room : inSteps(length));
      const larger = room <= SMALL_BYTES ? this.#pool.take(room) : this.#pool.takeLargest();
      this.#body?.copy(larger, 0, 0, this.#length);
      this.#giveBody();
      this.#body = larger;
    } else if (length > SMALL_BYTES) this.grow(inSteps(length));
    chunk.copy(this.#body, this.#length);
    this.#length = length;
    this.#pool.passed(chunk.length);
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

function inSteps(bytes: number): number {
  return Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
}

const NOTHING = Buffer.alloc(0);
