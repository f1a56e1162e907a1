// Protobuf's wire format, as far as OTLP uses it: reading without copying.

/** The request is not a message of the expected kind; the message says at which byte decoding stopped. */
export class MalformedError extends Error {}

/** Reads one message after another from the same bytes; `at` is where it stands. */
export class WireReader {
  bytes: Buffer = EMPTY;
  at = 0;

  /** A varint's low 32 bits, unsigned; higher bits are skipped. */
  varint(limit: number): number {
    const { bytes } = this;
    let { at } = this;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= limit) break;
      const byte = bytes[at++]!;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return value >>> 0;
      }
    }
    throw new MalformedError(`byte ${this.at}: a varint that does not end`);
  }

  /** Reads the length of what follows and returns where it ends. */
  lengthDelimitedEnd(limit: number): number {
    const { bytes, at } = this;
    // Past the limit varint() says what is wrong.
    const first = at < limit ? bytes[at]! : 0x80;
    let length = first;
    if (first < 0x80) this.at = at + 1;
    else length = this.varint(limit);
    const to = this.at + length;
    if (to > limit)
      throw new MalformedError(`byte ${at}: a length of ${length} where ${limit - this.at} bytes are left`);
    return to;
  }

  /** A varint as a signed 64-bit integer, in decimal. */
  int64(limit: number): string {
    const { at } = this;
    const low = this.varint(limit);
    const length = this.at - at;
    // Up to four bytes hold 28 bits: small and positive.
    if (length <= 4) return `${low}`;
    let value = 0n;
    for (let i = 0; i < length; i++) value |= BigInt(this.bytes[at + i]! & 0x7f) << BigInt(7 * i);
    return BigInt.asIntN(64, value).toString();
  }

  /** Moves past `length` bytes and returns where they begin. */
  fixed(length: number, limit: number): number {
    const { at } = this;
    if (at + length > limit) throw new MalformedError(`byte ${at}: ${length} bytes where ${limit - at} are left`);
    this.at = at + length;
    return at;
  }

  uint32(at: number): number {
    const { bytes } = this;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  /** Passes over the value of a field that is of no interest here, or not known yet. */
  skip(tag: number, limit: number): void {
    if (tag >>> 3 === 0) throw new MalformedError(`byte ${this.at}: field number 0`);
    switch (tag & 7) {
      case 0:
        this.varint(limit);
        return;
      case 1:
        this.fixed(8, limit);
        return;
      case 2:
        this.at = this.lengthDelimitedEnd(limit);
        return;
      case 5:
        this.fixed(4, limit);
        return;
      default:
        throw new MalformedError(`byte ${this.at}: unsupported wire type ${tag & 7}`);
    }
  }
}

const EMPTY = Buffer.alloc(0);
