// PostgreSQL's own hash of a text, `hashtextextended`: Bob Jenkins' lookup3 with a seed of 64 bits, as its source
// (src/common/hashfn.c) has it since version 11 on machines that keep the lowest byte first. What the writer notes about a
// span is looked for in SQL, by the same function.

/** Higher and lower half of the last hash; one array, because a result of two numbers would be an object each time. */
export const HASH = new Int32Array(2);

const GOLDEN = 0x9e3779b9 + 3_923_095;

/** Hashes the bytes between two places; the seed, in two halves, may be the hash before. */
export function hash(bytes: Uint8Array, from: number, to: number, seedHigh = 0, seedLow = 0): void {
  let length = to - from;
  let a = (GOLDEN + length) | 0;
  let b = a;
  let c = a;
  if (seedHigh !== 0 || seedLow !== 0) {
    a = (a + seedHigh) | 0;
    b = (b + seedLow) | 0;
    a = (a - c) ^ ((c << 4) | (c >>> 28));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 6) | (a >>> 26));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 8) | (b >>> 24));
    b = (b + a) | 0;
    a = (a - c) ^ ((c << 16) | (c >>> 16));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 19) | (a >>> 13));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 4) | (b >>> 28));
    b = (b + a) | 0;
  }
  let i = from;
  while (length >= 12) {
    a = (a + (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))) | 0;
    b = (b + (bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24))) | 0;
    c = (c + (bytes[i + 8]! | (bytes[i + 9]! << 8) | (bytes[i + 10]! << 16) | (bytes[i + 11]! << 24))) | 0;
    a = (a - c) ^ ((c << 4) | (c >>> 28));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 6) | (a >>> 26));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 8) | (b >>> 24));
    b = (b + a) | 0;
    a = (a - c) ^ ((c << 16) | (c >>> 16));
    c = (c + b) | 0;
    b = (b - a) ^ ((a << 19) | (a >>> 13));
    a = (a + c) | 0;
    c = (c - b) ^ ((b << 4) | (b >>> 28));
    b = (b + a) | 0;
    i += 12;
    length -= 12;
  }
  // What is left, 0 to 11 bytes; the lowest byte of c is the length's.
  if (length > 7) {
    if (length > 8) {
      if (length > 10) c = (c + (bytes[i + 10]! << 24)) | 0;
      if (length > 9) c = (c + (bytes[i + 9]! << 16)) | 0;
      c = (c + (bytes[i + 8]! << 8)) | 0;
    }
    b = (b + (bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24))) | 0;
    a = (a + (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))) | 0;
  } else if (length > 3) {
    if (length > 6) b = (b + (bytes[i + 6]! << 16)) | 0;
    if (length > 5) b = (b + (bytes[i + 5]! << 8)) | 0;
    if (length > 4) b = (b + bytes[i + 4]!) | 0;
    a = (a + (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))) | 0;
  } else {
    if (length > 2) a = (a + (bytes[i + 2]! << 16)) | 0;
    if (length > 1) a = (a + (bytes[i + 1]! << 8)) | 0;
    if (length > 0) a = (a + bytes[i]!) | 0;
  }
  c = (c ^ b) - ((b << 14) | (b >>> 18));
  a = (a ^ c) - ((c << 11) | (c >>> 21));
  b = (b ^ a) - ((a << 25) | (a >>> 7));
  c = (c ^ b) - ((b << 16) | (b >>> 16));
  a = (a ^ c) - ((c << 4) | (c >>> 28));
  b = (b ^ a) - ((a << 14) | (a >>> 18));
  c = (c ^ b) - ((b << 24) | (b >>> 8));
  HASH[0] = b;
  HASH[1] = c;
}

/** The last hash as PostgreSQL's bigint. */
export function hashBigint(): bigint {
  return (BigInt(HASH[0]!) << 32n) | BigInt(HASH[1]! >>> 0);
}
