// Times of OTLP are unsigned 64-bit nanoseconds: more than a JavaScript number holds exactly,
// so they are kept as seconds and nanoseconds.
import type { CopyWriter } from './copy-writer.ts';

export class Stamp {
  seconds = 0;
  nanos = 0;

  /** From the two halves of a fixed64. */
  set(low: number, high: number): void {
    // 2^48 ns are 281,474 s and 976,710,656 ns; 2^32 ns are 4 s and 294,967,296 ns. Every product stays below 2^53.
    const upper = high >>> 16;
    const lower = high & 0xffff;
    const nanos = upper * 976_710_656 + lower * 294_967_296 + low;
    const carry = Math.floor(nanos / 1e9);
    this.seconds = upper * 281_474 + lower * 4 + carry;
    this.nanos = nanos - carry * 1e9;
  }

  copyFrom(other: Stamp): void {
    this.seconds = other.seconds;
    this.nanos = other.nanos;
  }

  get isZero(): boolean {
    return this.seconds === 0 && this.nanos === 0;
  }

  isBefore(other: Stamp): boolean {
    return this.seconds < other.seconds || (this.seconds === other.seconds && this.nanos < other.nanos);
  }

  /** Nanoseconds since the epoch, in decimal. */
  text(): string {
    return this.seconds === 0 ? `${this.nanos}` : `${this.seconds}${String(this.nanos).padStart(9, '0')}`;
  }
}

// Most spans of a request share a second.
const cachedText = Buffer.alloc(19);
let cachedSecond = -1;

/** `2026-01-31T12:00:00.123456+00`, 29 bytes: PostgreSQL reads it whatever its DateStyle, and as text it sorts by time. */
export function writeStamp(out: CopyWriter, stamp: Stamp): void {
  if (stamp.seconds !== cachedSecond) {
    cachedText.write(new Date(stamp.seconds * 1_000).toISOString(), 0, 19, 'latin1');
    cachedSecond = stamp.seconds;
  }
  out.room(29);
  out.copyOf(cachedText);
  out.byte(0x2e);
  out.digits(Math.trunc(stamp.nanos / 1_000), 6);
  out.plain('+00');
}

/** Milliseconds from start to end, with six decimals. `end` must not be before `start`. */
export function writeDuration(out: CopyWriter, start: Stamp, end: Stamp): void {
  let seconds = end.seconds - start.seconds;
  let nanos = end.nanos - start.nanos;
  if (nanos < 0) {
    seconds--;
    nanos += 1e9;
  }
  const millis = Math.trunc(nanos / 1e6);
  out.number(seconds * 1_000 + millis);
  out.byte(0x2e);
  out.room(6);
  out.digits(nanos - millis * 1e6, 6);
}

/** Whether a double of milliseconds keeps the duration to the nanosecond: 15 digits, so below 1,000,000 s. */
export function isExact(start: Stamp, end: Stamp): boolean {
  return end.seconds - start.seconds < 1_000_000;
}
