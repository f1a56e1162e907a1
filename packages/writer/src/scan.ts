// What a JSON object of attributes has in it, read from the bytes of a COPY line.
import { HASH, hash } from './hash.ts';

/** Takes the hash in HASH. */
export type Take = () => void;

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const COMMA = 0x2c;
const TAB = 0x09;

const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/**
 * Takes a hash of each key, and of each key with its value: text as it is, numbers in their shortest form, elements of lists
 * one by one.
 *
 * @param at Where the object begins.
 * @returns where the field ends, or -1 when the object has something that must be unescaped first.
 */
export function scanObject(bytes: Uint8Array, at: number, take: Take): number {
  let i = at + 1;
  if (bytes[i] === 0x7d) return i + 1;
  for (;;) {
    const key = i + 1;
    for (i = key; bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) return -1;
    hash(bytes, key, i);
    take();
    const keyHigh = HASH[0]!;
    const keyLow = HASH[1]!;
    // The quote and the colon.
    i += 2;
    const first = bytes[i]!;
    if (first === QUOTE) {
      const from = ++i;
      for (; bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) return -1;
      hash(bytes, from, i, keyHigh, keyLow);
      take();
      i++;
    } else if (first === 0x5b || first === 0x7b) {
      // Lists and objects are few.
      return -1;
    } else {
      const from = i;
      // true, false and null are as they are.
      const word = first > 0x39;
      let plain = true;
      for (; bytes[i] !== COMMA && bytes[i] !== 0x7d; i++) {
        const byte = bytes[i]!;
        if (byte === 0x2e || byte === 0x65 || byte === 0x45 || byte === 0x2d) plain = false;
      }
      if (plain || word) hash(bytes, from, i, keyHigh, keyLow);
      else
        hashText(
          shortest(Buffer.from(bytes.buffer, bytes.byteOffset + from, i - from).toString('latin1')),
          keyHigh,
          keyLow,
        );
      take();
    }
    if (bytes[i] === 0x7d) return i + 1;
    i++;
  }
}

/** The same of an object as JavaScript has it; numbers are `Digits`. */
export function scanParsed(object: Record<string, unknown>, take: Take): void {
  for (const [key, value] of Object.entries(object)) {
    hashText(key);
    take();
    const [keyHigh, keyLow] = [HASH[0]!, HASH[1]!];
    for (const one of Array.isArray(value) ? value : [value]) {
      const text = textOf(one);
      if (text === undefined) continue;
      hashText(text, keyHigh, keyLow);
      take();
    }
  }
}

export function hashText(text: string, seedHigh = 0, seedLow = 0): void {
  const bytes = Buffer.from(text);
  hash(bytes, 0, bytes.length, seedHigh, seedLow);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (value instanceof Digits) return shortest(value.text);
  if (typeof value === 'boolean') return (value ? TRUE : FALSE).toString();
  return value === null ? 'null' : undefined;
}

class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The JSON of a field of a COPY line; undefined for SQL null. */
export function parseField(bytes: Uint8Array, from: number, to: number): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
  if (text === '\\N') return undefined;
  const json = text.includes('\\') ? text.replace(/\\(.)/g, (_, char: string) => UNESCAPES[char] ?? char) : text;
  return JSON.parse(json, (_key, value, context?: { source?: string }) =>
    typeof value === 'number' ? new Digits(context?.source ?? String(value)) : value,
  );
}

const UNESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

/** Where the field ends that begins here. */
export function fieldEnd(bytes: Uint8Array, from: number): number {
  let i = from;
  while (bytes[i] !== TAB && bytes[i] !== 0x0a) i++;
  return i;
}

/** A number of JSON without exponent and without zeros at its end, as `trim_scale(n::numeric)::text`. */
export function shortest(text: string): string {
  const [, sign = '', whole = '0', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const places = Number(exponent);
  let digits = whole + fraction;
  let point = whole.length + places;
  if (point < 1) {
    digits = '0'.repeat(1 - point) + digits;
    point = 1;
  }
  digits = digits.padEnd(point, '0');
  const left = digits.slice(0, point).replace(/^0+(?=\d)/, '');
  const right = digits.slice(point).replace(/0+$/, '');
  const number = right === '' ? left : `${left}.${right}`;
  return sign === '' || number === '0' ? number : `-${number}`;
}
