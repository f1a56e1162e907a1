// Rows as PostgreSQL's COPY sends them in its binary form, in which numbers need no parsing.
// https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".

const SIGNATURE_BYTES = 11;
/** Signature, flags, and the length of an extension, of which none is defined. */
const HEADER_BYTES = SIGNATURE_BYTES + 4 + 4;
/** Where others count from 1970. */
const POSTGRES_EPOCH_US = 946_684_800_000_000;

/** A row, for as long as the call it is given to. Fields are read by their place in the statement. */
export class CopyRow {
  /** Where the value of a field begins, and how long it is; -1 for null. */
  readonly #at: Int32Array;
  readonly #length: Int32Array;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(fields: number) {
    this.#at = new Int32Array(fields);
    this.#length = new Int32Array(fields);
  }

  /** Takes the row that begins there; returns where it ends, or -1 when its end has not come yet. */
  take(bytes: Buffer, start: number): number {
    const fields = this.#at.length;
    let at = start + 2;
    for (let field = 0; field < fields; field++) {
      if (at + 4 > bytes.length) return -1;
      const length = bytes.readInt32BE(at);
      at += 4;
      this.#at[field] = at;
      this.#length[field] = length;
      if (length > 0) at += length;
    }
    this.#bytes = bytes;
    return at <= bytes.length ? at : -1;
  }

  /** In bytes; -1 for null. */
  length(field: number): number {
    return this.#length[field]!;
  }

  isNull(field: number): boolean {
    return this.#length[field]! < 0;
  }

  /** Four bytes of a bytea, from that one on. */
  int32(field: number, from: number): number {
    return this.#bytes.readInt32BE(this.#at[field]! + from);
  }

  text(field: number): string | null {
    if (this.isNull(field)) return null;
    const at = this.#at[field]!;
    return this.#bytes.toString('utf8', at, at + this.#length[field]!);
  }

  smallint(field: number): number {
    return this.#bytes.readInt16BE(this.#at[field]!);
  }

  /** NaN for null. */
  double(field: number): number {
    return this.isNull(field) ? Number.NaN : this.#bytes.readDoubleBE(this.#at[field]!);
  }

  /** A timestamptz as microseconds since 1970, exact until the year 2255; NaN for null. */
  timeUs(field: number): number {
    if (this.isNull(field)) return Number.NaN;
    const at = this.#at[field]!;
    return this.#bytes.readInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4) + POSTGRES_EPOCH_US;
  }
}

/**
 * Calls `each` for every row of a binary COPY, while the rest is still on its way.
 *
 * @param fields How many columns a row has.
 */
export async function eachCopiedRow(
  chunks: AsyncIterable<Buffer>,
  fields: number,
  each: (row: CopyRow) => void,
): Promise<void> {
  const row = new CopyRow(fields);
  let rest: Buffer = Buffer.alloc(0);
  let isBegun = false;
  for await (const chunk of chunks) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    if (!isBegun && bytes.length >= HEADER_BYTES) {
      at = HEADER_BYTES + bytes.readInt32BE(HEADER_BYTES - 4);
      isBegun = true;
    }
    // The last row is followed by -1 instead of a number of fields.
    while (isBegun && at + 2 <= bytes.length && bytes.readInt16BE(at) >= 0) {
      const end = row.take(bytes, at);
      if (end < 0) break;
      each(row);
      at = end;
    }
    rest = bytes.subarray(at);
  }
}
