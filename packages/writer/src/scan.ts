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

/** Attributes of an object that are remembered: more than most spans have. */
const REMEMBERED = 64;

/** Reads objects of one batch. Spans that follow each other have most of their attributes in common: those are not hashed again. */
export class ObjectScan {
  readonly #takeKey: Take;
  readonly #takeValue: Take;
  #bytes: Uint8Array | undefined;
  // Of the object before, by the place of the attribute: where its key and its value begin and end, and the hashes of both.
  readonly #keyFrom = new Int32Array(REMEMBERED);
  readonly #keyTo = new Int32Array(REMEMBERED);
  readonly #valueFrom = new Int32Array(REMEMBERED);
  readonly #valueTo = new Int32Array(REMEMBERED);
  readonly #high = new Int32Array(REMEMBERED);
  readonly #low = new Int32Array(REMEMBERED);
  readonly #valueHigh = new Int32Array(REMEMBERED);
  readonly #valueLow = new Int32Array(REMEMBERED);

  /** @param takeKey Is not called for a key that the object before had in the same place. */
  constructor(takeKey: Take, takeValue: Take) {
    this.#takeKey = takeKey;
    this.#takeValue = takeValue;
  }

  /**
   * Takes a hash of each key, and of each key with its value: text as it is, numbers in their shortest form.
   *
   * @param at Where the object begins.
   * @returns where the field ends, or -1 when the object has something that must be unescaped first, or a list.
   */
  scan(bytes: Uint8Array, at: number): number {
    if (bytes !== this.#bytes) this.#forget(bytes);
    let i = at + 1;
    if (bytes[i] === 0x7d) return i + 1;
    for (let n = 0; ; n++) {
      const place = n < REMEMBERED ? n : -1;
      const key = i + 1;
      const known = place >= 0 ? this.#sameKey(bytes, key, place) : -1;
      if (known > 0) i = known;
      else {
        for (i = key; bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) return -1;
        hash(bytes, key, i);
        this.#takeKey();
        if (place >= 0) this.#remember(place, key, i);
      }
      const high = place >= 0 ? this.#high[place]! : HASH[0]!;
      const low = place >= 0 ? this.#low[place]! : HASH[1]!;
      // The quote and the colon.
      const value = i + 2;
      i = known > 0 ? this.#sameValue(bytes, value, place) : -1;
      if (i < 0) {
        i = this.#value(bytes, value, high, low);
        if (i < 0) return -1;
        if (place >= 0) {
          this.#valueFrom[place] = value;
          this.#valueTo[place] = i;
          this.#valueHigh[place] = HASH[0]!;
          this.#valueLow[place] = HASH[1]!;
        }
      } else {
        HASH[0] = this.#valueHigh[place]!;
        HASH[1] = this.#valueLow[place]!;
        this.#takeValue();
      }
      if (bytes[i] === 0x7d) return i + 1;
      i++;
    }
  }

  #forget(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#keyTo.fill(0);
    this.#valueTo.fill(0);
  }

  #remember(place: number, from: number, to: number): void {
    this.#keyFrom[place] = from;
    this.#keyTo[place] = to;
    this.#valueTo[place] = 0;
    this.#high[place] = HASH[0]!;
    this.#low[place] = HASH[1]!;
  }

  /** Where the key ends that is the one remembered; -1 where it is another. */
  #sameKey(bytes: Uint8Array, at: number, place: number): number {
    const to = this.#keyTo[place]!;
    let i = at;
    for (let k = this.#keyFrom[place]!; k < to; k++, i++) if (bytes[i] !== bytes[k]) return -1;
    return to > 0 && bytes[i] === QUOTE ? i : -1;
  }

  /** Where the value ends that is the one remembered; -1 where it is another. */
  #sameValue(bytes: Uint8Array, at: number, place: number): number {
    const to = this.#valueTo[place]!;
    let i = at;
    for (let k = this.#valueFrom[place]!; k < to; k++, i++) if (bytes[i] !== bytes[k]) return -1;
    return to > 0 && (bytes[i] === COMMA || bytes[i] === 0x7d) ? i : -1;
  }

  /** Takes the hash of a value; returns where it ends. */
  #value(bytes: Uint8Array, from: number, high: number, low: number): number {
    const first = bytes[from]!;
    let i = from;
    if (first === QUOTE) {
      for (i++; bytes[i] !== QUOTE; i++) if (bytes[i] === BACKSLASH) return -1;
      hash(bytes, from + 1, i, high, low);
      this.#takeValue();
      return i + 1;
    }
    // Lists and objects are few.
    if (first === 0x5b || first === 0x7b) return -1;
    // true, false and null are as they are.
    let plain = first > 0x39;
    if (!plain) {
      plain = first !== 0x2d;
      for (; bytes[i] !== COMMA && bytes[i] !== 0x7d; i++) if (bytes[i]! > 0x39 || bytes[i] === 0x2e) plain = false;
    } else while (bytes[i] !== COMMA && bytes[i] !== 0x7d) i++;
    if (plain) hash(bytes, from, i, high, low);
    else hashText(shortest(Buffer.from(bytes.buffer, bytes.byteOffset + from, i - from).toString('latin1')), high, low);
    this.#takeValue();
    return i;
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
