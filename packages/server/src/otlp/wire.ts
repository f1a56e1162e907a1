// Protobuf's wire format, as far as OTLP uses it: reading without copying.

/** The request is not a message of the expected kind; says where decoding stopped. */
export class MalformedError extends Error {}

/** Reads one message after another from the same bytes; `at` is where it stands. */
export class Wire {
  bytes: Buffer = EMPTY;
  at = 0;

  /** A varint's low 32 bits, unsigned; the rest is passed over. */
  varint(end: number): number {
    const { bytes } = this;
    let { at } = this;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) break;
      const byte = bytes[at++]!;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return value >>> 0;
      }
    }
    throw new MalformedError(`byte ${this.at}: a number that does not end`);
  }

  /** Reads the length of what follows and returns where it ends. */
  end(end: number): number {
    const { bytes, at } = this;
    const first = at < end ? bytes[at]! : 0x80;
    let length = first;
    if (first < 0x80) this.at = at + 1;
    else length = this.varint(end);
    const to = this.at + length;
    if (to > end) throw new MalformedError(`byte ${at}: a length of ${length} where ${end - this.at} bytes are left`);
    return to;
  }

  /** A varint as a signed 64-bit integer, in decimal. */
  int64(end: number): string {
    const { at } = this;
    const low = this.varint(end);
    const length = this.at - at;
    // Four bytes hold 28 bits.
    if (length <= 4) return `${low}`;
    let value = 0n;
    for (let i = 0; i < length; i++) value |= BigInt(this.bytes[at + i]! & 0x7f) << BigInt(7 * i);
    return BigInt.asIntN(64, value).toString();
  }

  /** Moves past `length` bytes and returns where they begin. */
  fixed(length: number, end: number): number {
    const { at } = this;
    if (at + length > end) throw new MalformedError(`byte ${at}: ${length} bytes where ${end - at} are left`);
    this.at = at + length;
    return at;
  }

  uint32(at: number): number {
    const { bytes } = this;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  /** Passes over the value of a field that is of no interest here, or not known yet. */
  skip(tag: number, end: number): void {
    if (tag >>> 3 === 0) throw new MalformedError(`byte ${this.at}: field number 0`);
    switch (tag & 7) {
      case 0:
        this.varint(end);
        return;
      case 1:
        this.fixed(8, end);
        return;
      case 2:
        this.at = this.end(end);
        return;
      case 5:
        this.fixed(4, end);
        return;
      default:
        throw new MalformedError(`byte ${this.at}: wire type ${tag & 7}`);
    }
  }
}

const EMPTY = Buffer.alloc(0);
