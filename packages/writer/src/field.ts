// Fields of COPY's text format, read from the bytes of a line.

const MICROS_OF_MINUTE = 60_000_000;
/** Minutes from 1970 to 2000. */
const FIRST_MINUTE = 15_778_080;

export function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}

/** Text of a field of a COPY line; null for SQL null. */
export function unescaped(bytes: Uint8Array, from: number, to: number): string | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
  if (text === '\\N') return null;
  return text.includes('\\') ? text.replace(/\\(.)/g, (_, char: string) => UNESCAPES[char] ?? char) : text;
}

const UNESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

const lastMinute = Buffer.alloc(16);
let lastMinuteMicros = 0;

/** Microseconds since 2000 of a time like 2026-01-31T12:00:00.123456+00. */
export function microsOf(bytes: Uint8Array, from: number, to: number): number {
  let same = to - from === 29;
  for (let i = 0; same && i < 16; i++) same = bytes[from + i] === lastMinute[i];
  if (!same) {
    const text = latin1(bytes, from, to);
    const [, minute = text, seconds = '0'] = /^(.*T\d\d:\d\d):(\d\d(?:\.\d+)?)\+00$/.exec(text) ?? [];
    const micros = Math.round(Date.parse(`${minute}Z`) / 60_000 - FIRST_MINUTE) * MICROS_OF_MINUTE;
    if (to - from !== 29) return micros + Math.round(Number(seconds) * 1e6);
    for (let i = 0; i < 16; i++) lastMinute[i] = bytes[from + i]!;
    lastMinuteMicros = micros;
  }
  let micros = 10 * (bytes[from + 17]! - 0x30) + bytes[from + 18]! - 0x30;
  for (let i = from + 20; i < from + 26; i++) micros = 10 * micros + bytes[i]! - 0x30;
  return lastMinuteMicros + micros;
}

/** The same double that the database reads: digits below 2^53 over a power of ten are rounded once, as it does. */
export function numberOf(bytes: Uint8Array, from: number, to: number): number {
  let digits = 0;
  let scale = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte === 0x2e && scale === 0) scale = 1;
    else if (byte >= 0x30 && byte <= 0x39) {
      digits = 10 * digits + byte - 0x30;
      if (scale > 0) scale *= 10;
    } else return Number(latin1(bytes, from, to));
  }
  if (digits >= 2 ** 53) return Number(latin1(bytes, from, to));
  return scale > 1 ? digits / scale : digits;
}
