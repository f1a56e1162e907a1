// OTLP/JSON to protobuf, by the table of messages: a JSON request then takes the way of every other.
import { type Field, type Message, SPAN } from './messages.ts';
import { MalformedError } from './wire.ts';

export interface EncodedMessage {
  bytes: Buffer;
  /** Spans that are none; each was left out, its neighbours were not. */
  unreadable: string[];
}

type Json = Record<string, unknown>;

// Lengths are written before they are known, in so many bytes: a varint may have more of them than it needs.
const LENGTH_BYTES = 4;
const LONGEST = 1 << 28;
const DEEPEST = 256;

/**
 * @param json As `JSON.parse` gives it; whole numbers beyond 2^53 as BigInt. Unknown members are ignored.
 * @throws MalformedError that names the member that is wrong.
 */
export function encodeMessage(message: Message, json: unknown): EncodedMessage {
  const encoder = new Encoder();
  encoder.message(message, json, message.name, 0);
  return { bytes: Buffer.from(encoder.bytes.subarray(0, encoder.at)), unreadable: encoder.unreadable };
}

class Encoder {
  bytes = Buffer.allocUnsafe(64 * 1024);
  at = 0;
  readonly unreadable: string[] = [];

  message(message: Message, json: unknown, path: string, depth: number): void {
    if (json === null || typeof json !== 'object' || Array.isArray(json)) throw wrong(path, 'an object', json);
    if (depth > DEEPEST) throw new MalformedError(`${path} nests deeper than ${DEEPEST} levels`);
    for (const name in json) {
      const field = message.byName.get(name);
      const value = (json as Json)[name];
      // To JSON's protobuf mapping null is as good as absent.
      if (field === undefined || value === null || value === undefined) continue;
      this.#field(message, field, value, path, depth);
    }
  }

  #field(message: Message, field: Field, value: unknown, path: string, depth: number): void {
    if (!field.repeated) {
      this.#one(message, field, value, `${path}.${field.name}`, depth);
      return;
    }
    if (!Array.isArray(value)) throw wrong(`${path}.${field.name}`, 'an array', value);
    for (let i = 0; i < value.length; i++) {
      const place = `${path}.${field.name}[${i}]`;
      if (field.type === SPAN) this.#span(field, value[i], place, depth);
      else this.#one(message, field, value[i], place, depth);
    }
  }

  /** A span that is none must not take its neighbours with it. */
  #span(field: Field, value: unknown, path: string, depth: number): void {
    const { at } = this;
    try {
      this.#one(SPAN, field, value, path, depth);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.at = at;
      this.unreadable.push(error.message);
    }
  }

  #one(message: Message, { type, number, explicit }: Field, value: unknown, path: string, depth: number): void {
    if (typeof type === 'object') {
      this.#varint((number << 3) | 2);
      const start = this.#begin();
      this.message(type, value, path, depth + 1);
      this.#finish(start, path);
      return;
    }
    switch (type) {
      case 'string':
        if (typeof value !== 'string') throw wrong(path, 'a text', value);
        if (value !== '' || explicit) this.#text(number, value, path);
        return;
      case 'bytes':
      case 'id':
        this.#bytes(number, type, value, path, explicit);
        return;
      case 'bool':
        if (typeof value !== 'boolean') throw wrong(path, 'true or false', value);
        if (value || explicit) this.#number(number, 0, value ? 1n : 0n);
        return;
      case 'double': {
        const double = doubleOf(value, path);
        this.#varint((number << 3) | 1);
        this.#room(8);
        this.at = this.bytes.writeDoubleLE(double, this.at);
        return;
      }
      default: {
        const whole = wholeOf(
          type === 'enum' ? (message.enums.get(value as string) ?? value) : value,
          RANGES[type],
          path,
        );
        if (whole !== 0n || explicit) this.#number(number, type === 'fixed32' ? 5 : type === 'fixed64' ? 1 : 0, whole);
      }
    }
  }

  #number(number: number, wire: number, value: bigint): void {
    this.#varint((number << 3) | wire);
    this.#room(10);
    if (wire === 5) this.at = this.bytes.writeUInt32LE(Number(value), this.at);
    else if (wire === 1) this.at = this.bytes.writeBigUInt64LE(value, this.at);
    else {
      let rest = BigInt.asUintN(64, value);
      for (; rest > 0x7fn; rest >>= 7n) this.bytes[this.at++] = Number(rest & 0x7fn) | 0x80;
      this.bytes[this.at++] = Number(rest);
    }
  }

  #text(number: number, value: string, path: string): void {
    this.#varint((number << 3) | 2);
    const start = this.#begin();
    this.#room(3 * value.length);
    // What is not text must stay recognisable: half a surrogate pair becomes bytes that are not UTF-8.
    if (value.isWellFormed()) this.at += this.bytes.write(value, this.at);
    else for (const char of value) this.#char(char);
    this.#finish(start, path);
  }

  #char(char: string): void {
    const code = char.charCodeAt(0);
    if (char.length === 2 || code < 0xd800 || code > 0xdfff) this.at += this.bytes.write(char, this.at);
    else {
      this.bytes[this.at++] = 0xe0 | (code >> 12);
      this.bytes[this.at++] = 0x80 | ((code >> 6) & 0x3f);
      this.bytes[this.at++] = 0x80 | (code & 0x3f);
    }
  }

  #bytes(number: number, type: 'bytes' | 'id', value: unknown, path: string, explicit: boolean): void {
    if (typeof value !== 'string') throw wrong(path, type === 'id' ? 'hexadecimal digits' : 'base64', value);
    if (value === '' && !explicit) return;
    if (type === 'id' && !/^(?:[0-9a-fA-F]{2})*$/.test(value)) throw wrong(path, 'hexadecimal digits', value);
    if (type === 'bytes' && !/^[\w+/-]*={0,2}$/.test(value)) throw wrong(path, 'base64', value);
    this.#varint((number << 3) | 2);
    const start = this.#begin();
    this.#room(value.length);
    this.at += this.bytes.write(value, this.at, type === 'id' ? 'hex' : 'base64');
    this.#finish(start, path);
  }

  #begin(): number {
    this.#room(LENGTH_BYTES);
    this.at += LENGTH_BYTES;
    return this.at;
  }

  #finish(start: number, path: string): void {
    const length = this.at - start;
    if (length >= LONGEST) throw new MalformedError(`${path} is longer than ${LONGEST} bytes`);
    for (let i = 0; i < LENGTH_BYTES; i++) {
      const last = i === LENGTH_BYTES - 1;
      this.bytes[start - LENGTH_BYTES + i] = ((length >>> (7 * i)) & 0x7f) | (last ? 0 : 0x80);
    }
  }

  #varint(value: number): void {
    this.#room(5);
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.bytes[this.at++] = (rest & 0x7f) | 0x80;
    this.bytes[this.at++] = rest;
  }

  #room(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + more));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }
}

const RANGES = {
  uint32: [0n, (1n << 32n) - 1n],
  fixed32: [0n, (1n << 32n) - 1n],
  enum: [-(1n << 31n), (1n << 31n) - 1n],
  int64: [-(1n << 63n), (1n << 63n) - 1n],
  fixed64: [0n, (1n << 64n) - 1n],
} as const;

function wholeOf(value: unknown, [least, max]: readonly [bigint, bigint], path: string): bigint {
  let whole: bigint | undefined;
  if (typeof value === 'bigint') whole = value;
  else if (typeof value === 'number' && Number.isInteger(value)) whole = BigInt(value);
  else if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) whole = BigInt(value);
  if (whole === undefined || whole < least || whole > max)
    throw wrong(path, `a whole number from ${least} to ${max}`, value);
  return whole;
}

function doubleOf(value: unknown, path: string): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' && /^(?:NaN|-?Infinity|-?\d[\d.eE+-]*)$/.test(value)) return Number(value);
  throw wrong(path, 'a number', value);
}

function wrong(path: string, wanted: string, value: unknown): MalformedError {
  const shown =
    JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? String(item) : item)) ?? String(value);
  return new MalformedError(`${path} must be ${wanted}, not ${shown.slice(0, 60).toWellFormed()}`);
}
