// Memory for bodies and lines, used again and again: a gigabyte a minute that is taken anew would be found unused by the
// garbage collector only when there is much of it.
import { collectAll, collectYoung } from './collect.ts';

const SMALLEST = 4_096;
const LARGEST = 8 << 20;
const KEPT = 8 << 20;
/** Bytes that arrive between two collections of what they arrived in. */
const COLLECTED_EVERY = 4 << 20;

export class BufferPool {
  readonly #largest: number;
  readonly #spare = new Map<number, Buffer[]>();
  #kept = 0;
  #passed = 0;

  /** @param largest Bytes of the largest body. */
  constructor(largest = LARGEST) {
    this.#largest = largest;
  }

  /** As long as a body may be. The system gives memory when it is written to, and gets so large a piece back as a whole. */
  takeLargest(): Buffer {
    collectAll();
    return Buffer.allocUnsafeSlow(Math.max(this.#largest, LARGEST + 1));
  }

  /**
   * Bytes have come in pieces that nothing refers to any more: sockets and unpackers make new ones all the time, in memory that
   * the garbage collector takes for a few small objects.
   */
  passed(bytes: number): void {
    this.#passed += bytes;
    if (this.#passed < COLLECTED_EVERY) return;
    this.#passed = 0;
    collectYoung();
  }

  /** At least `bytes` long, with whatever was in it. */
  take(bytes: number): Buffer {
    const size = sizeOf(bytes);
    const spare = this.#spare.get(size)?.pop();
    if (spare === undefined) return Buffer.allocUnsafeSlow(size);
    this.#kept -= size;
    return spare;
  }

  /** Gives back what `take` gave; no reference to it, or to a part of it, may be left. */
  give(buffer: Buffer): void {
    const size = buffer.length;
    if (size > LARGEST) {
      free(buffer);
      return;
    }
    if (this.#kept + size > KEPT) {
      // Sizes that are not asked for any more must not fill it for ever.
      for (const buffers of this.#spare.values()) buffers.forEach(free);
      this.#spare.clear();
      this.#kept = 0;
    }
    const spare = this.#spare.get(size);
    if (spare) spare.push(buffer);
    else this.#spare.set(size, [buffer]);
    this.#kept += size;
  }
}

/** Returns its memory now: the garbage collector would see a small object and let it lie for long. */
function free(buffer: Buffer): void {
  (buffer.buffer as ArrayBuffer).transfer(0);
}

/** The next of four sizes between two powers of two: a quarter is wasted at most, and sizes are few. */
function sizeOf(bytes: number): number {
  if (bytes <= SMALLEST) return SMALLEST;
  if (bytes > LARGEST) return bytes;
  const step = 2 ** (29 - Math.clz32(bytes - 1));
  return Math.ceil(bytes / step) * step;
}
