// Which attributes occur in a trace, as bits of their hashes: what a search asks before it looks into the trace.

const BYTES = 64;
/** What none of the spans added anything to: it may have nothing that is looked for. */
const NONE = `x${'0'.repeat(2 * BYTES)}`;

export class Signatures {
  readonly #traces = new Map<string, Uint8Array>();

  /** Bits of a trace, to be set. @param traceId As its summary has it. */
  of(traceId: string): Uint8Array {
    let bits = this.#traces.get(traceId);
    if (bits === undefined) {
      bits = new Uint8Array(BYTES);
      this.#traces.set(traceId, bits);
    }
    return bits;
  }

  /** As PostgreSQL reads a bit(512). */
  text(traceId: string): string {
    const bits = this.#traces.get(traceId);
    return bits ? `x${Buffer.from(bits.buffer).toString('hex')}` : NONE;
  }
}

/** Sets the two bits of a hash, given in halves, as beacon.signature_mask has them. */
export function sign(bits: Uint8Array, high: number, low: number): void {
  const one = (low >>> 20) & 511;
  const other = high & 511;
  bits[one >> 3]! |= 0x80 >> (one & 7);
  bits[other >> 3]! |= 0x80 >> (other & 7);
}
