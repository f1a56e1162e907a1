// Attribute values as JSON, on a line of COPY.

import { hidden, type KeySecrecy, REDACTED, type Redactor } from '@project-beacon/writer';
import { CopyBuffer } from './copy-buffer.ts';
import { type Key, KeyTable, ROLE } from './keys.ts';

/** Deepest nesting of attribute values; protobuf's own parsers stop at 100. */
const MAX_DEPTH = 64;

/** Of one span as a line of COPY. */
const MAX_ROW_BYTES = 16 << 20;
/** Values that the attributes of one span may have, those inside lists and objects counted. */
const MAX_VALUES = 250_000;
/** Texts of a list that are looked at together. */
const MAX_TEXTS = 10_000;

/** Why a span is not stored: counted by `reason`, described by `message`. */
export interface Objection {
  readonly reason: 'invalid_id' | 'no_time' | 'too_deep' | 'too_large';
  readonly message: string;
}

/** This span cannot be stored; the others can. There may be a million of them: none has a stack. */
export class SpanError extends Error implements Objection {
  readonly reason: Objection['reason'];

  constructor(reason: Objection['reason'], message: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.reason = reason;
  }
}

export class CopyWriter extends CopyBuffer {
  readonly keys: KeyTable;
  /** `KeyValue` messages whose JSON does not say all, as base64. */
  exact: string[] = [];
  /** Number of the attribute list at hand: tells a key that comes twice. */
  #list = 0;
  // Of the key and value last read.
  #keyFrom = 0;
  #keyTo = 0;
  valueFrom = 0;
  valueTo = 0;
  /** Where the row at hand begins in `out`. */
  rowFrom = 0;

  constructor(redactor: Redactor) {
    super(redactor);
    this.keys = new KeyTable(redactor);
  }

  #values = 0;

  /** Another row begins in `out`. */
  beginRow(): void {
    this.rowFrom = this.to;
    this.#values = 0;
  }

  override checkRow(to: number): void {
    if (to - this.rowFrom > MAX_ROW_BYTES)
      throw new SpanError('too_large', `it is larger than ${MAX_ROW_BYTES} bytes as a row`);
  }

  /** Reads a KeyValue message: `valueFrom` is -1 where it has no value. */
  keyValue(from: number, to: number): Key {
    const { bytes } = this;
    this.at = from;
    this.#keyFrom = this.#keyTo = from;
    this.valueFrom = this.valueTo = -1;
    while (this.at < to) {
      const tag = this.varint(to);
      if (tag === 0x0a) {
        this.#keyTo = this.lengthDelimitedEnd(to);
        this.#keyFrom = this.at;
        this.at = this.#keyTo;
      } else if (tag === 0x12) {
        this.valueTo = this.lengthDelimitedEnd(to);
        this.valueFrom = this.at;
        this.at = this.valueTo;
      } else this.skip(tag, to);
    }
    return this.keys.find(bytes, this.#keyFrom, this.#keyTo);
  }

  /** Begins a JSON object of attributes. */
  beginList(): number {
    return ++this.#list;
  }

  /**
   * One attribute of an object: `"key":value`, with a comma before it unless it is the first.
   *
   * @param from Where its KeyValue message begins, and `to` where it ends.
   */
  attribute(key: Key, from: number, to: number, valueFrom: number, valueTo: number, list: number, where: string): void {
    this.isInexact = false;
    this.isUnsafe = false;
    this.where = where;
    if (key.seen === list) this.say(`${where}.${key.name}`, 'this key came twice; the last value counts');
    key.seen = list;
    this.#member(key, valueFrom, valueTo, 0);
    if (this.isInexact && !this.isUnsafe) this.exact.push(this.bytes.toString('base64', from, to));
  }

  /** @param named How secret the value of the object's pair of name and value is. */
  #member(key: Key, from: number, to: number, depth: number, named: KeySecrecy = 0): void {
    this.copyOf(key.json);
    if (key.isRedacted) {
      this.redacted++;
      this.isUnsafe = true;
    }
    if (key.repair !== null) {
      this.say(`${this.where}: a key`, key.repair);
      if (key.repair.startsWith('invalid')) this.isUnsafe = true;
      else this.isInexact = true;
    }
    if (key.isHidden) this.#hidden(from, to, depth);
    else if (
      (key.secrecy !== 0 && this.#isSecret(key.secrecy, from, to)) ||
      (named !== 0 && key.pairRole === 2 && this.#isSecret(named, from, to))
    ) {
      this.plain(`"${REDACTED}"`);
      this.redacted++;
      this.isUnsafe = true;
    } else if (key.role === ROLE.tokenCount) this.#tokenCount(from, to, depth);
    else this.#value(from, to, depth);
  }

  #isSecret(secrecy: KeySecrecy, from: number, to: number): boolean {
    if (from === to || from < 0) return false;
    const tag = this.bytes[from]!;
    if (tag === 0x0a || tag === 0x10)
      return this.redactor.isSecret(secrecy, tag === 0x10 || (this.scalar(from, to) ?? ''));
    // A number is a count unless the key leaves no doubt.
    return secrecy === 2 || (tag !== 0x18 && tag !== 0x21);
  }

  /** What was said, as its length and hash. */
  #hidden(from: number, to: number, depth: number): void {
    if (from < 0) {
      this.plain('null');
      return;
    }
    const start = this.to;
    this.#value(from, to, depth);
    const written = JSON.parse(this.out.toString('utf8', start, this.to).replaceAll('\\\\', '\\')) as unknown;
    this.to = start;
    this.json(hidden(written));
    this.isUnsafe = true;
  }

  /** JSON of an AnyValue message; null where it is empty. */
  #value(from: number, to: number, depth: number): void {
    if (++this.#values > MAX_VALUES) throw new SpanError('too_large', `it has more than ${MAX_VALUES} values`);
    this.at = from;
    let kind = 0;
    let begin = 0;
    let end = 0;
    while (this.at < to) {
      const tag = this.varint(to);
      switch (tag) {
        case 0x0a:
        case 0x2a:
        case 0x32:
        case 0x3a:
          end = this.lengthDelimitedEnd(to);
          begin = this.at;
          this.at = end;
          kind = tag;
          break;
        case 0x10:
        case 0x18:
          begin = this.at;
          this.varint(to);
          end = this.at;
          kind = tag;
          break;
        case 0x21:
          begin = this.fixed(8, to);
          kind = tag;
          break;
        default:
          this.skip(tag, to);
      }
    }
    switch (kind) {
      case 0x0a:
        this.jsonText(begin, end);
        break;
      case 0x10:
        this.plain(isTrue(this.bytes, begin, end) ? 'true' : 'false');
        break;
      case 0x18:
        this.#int(begin, end);
        break;
      case 0x21:
        this.#double(this.bytes.readDoubleLE(begin));
        break;
      case 0x2a:
        this.#array(begin, end, depth + 1);
        break;
      case 0x32:
        this.#object(begin, end, depth + 1);
        break;
      case 0x3a:
        this.#bytesValue(begin, end);
        break;
      default:
        this.plain('null');
    }
  }

  #int(begin: number, end: number): void {
    this.at = begin;
    if (end - begin <= 4) this.number(this.varint(end));
    else this.plain(this.int64(end));
  }

  /** Always with a point in it: that is what tells it from an integer when it is read back. */
  #double(value: number): void {
    if (!Number.isFinite(value)) {
      this.plain(`"${value}"`);
      this.isInexact = true;
      return;
    }
    if (Object.is(value, -0)) this.isInexact = true;
    const text = String(value);
    if (text.includes('e+')) this.plain(`${BigInt(value)}.0`);
    else this.plain(text.includes('.') || text.includes('e') ? text : `${text}.0`);
  }

  #bytesValue(begin: number, end: number): void {
    if (this.redactor.ofBytes(this.bytes.subarray(begin, end))) {
      this.plain(`"${REDACTED}"`);
      this.redacted++;
      this.isUnsafe = true;
      return;
    }
    this.plain(`"${this.bytes.toString('base64', begin, end)}"`);
    this.isInexact = true;
  }

  #array(begin: number, end: number, depth: number): void {
    this.#deeper(depth);
    const texts = this.#textsOf(begin, end);
    const clean = texts === undefined ? undefined : this.redactor.ofItems(texts);
    this.byte(0x5b);
    this.at = begin;
    for (let i = 0; this.at < end; ) {
      const tag = this.varint(end);
      if (tag !== 0x0a) {
        this.skip(tag, end);
        continue;
      }
      const next = this.lengthDelimitedEnd(end);
      if (i > 0) this.byte(0x2c);
      if (clean !== undefined && clean[i] !== texts![i]) {
        this.json(clean[i]);
        this.redacted++;
        this.isUnsafe = true;
      } else this.#value(this.at, next, depth);
      i++;
      this.at = next;
    }
    this.byte(0x5d);
  }

  /** The items of an array in which all are text; undefined for any other. */
  #textsOf(begin: number, end: number): string[] | undefined {
    if (!this.redactor.enabled) return undefined;
    const texts: string[] = [];
    this.at = begin;
    while (this.at < end) {
      const tag = this.varint(end);
      if (tag !== 0x0a) {
        this.skip(tag, end);
        continue;
      }
      const next = this.lengthDelimitedEnd(end);
      if (this.at === next || this.bytes[this.at] !== 0x0a || texts.length === MAX_TEXTS) return undefined;
      texts.push(this.scalar(this.at, next) ?? '');
      this.at = next;
    }
    return texts;
  }

  #object(begin: number, end: number, depth: number): void {
    this.#deeper(depth);
    const list = this.beginList();
    const named = this.#namedSecret(begin, end);
    this.byte(0x7b);
    this.at = begin;
    for (let first = true; this.at < end; ) {
      const tag = this.varint(end);
      if (tag !== 0x0a) {
        this.skip(tag, end);
        continue;
      }
      const next = this.lengthDelimitedEnd(end);
      if (!first) this.byte(0x2c);
      first = false;
      const key = this.keyValue(this.at, next);
      if (key.seen === list) this.say(`${this.where}: ${key.name}`, 'this key came twice; the last value counts');
      key.seen = list;
      this.#member(key, this.valueFrom, this.valueTo, depth, named);
      this.at = next;
    }
    this.byte(0x7d);
  }

  /** `{"name": "password", "value": "x"}`: how secret the value is. */
  #namedSecret(begin: number, end: number): KeySecrecy {
    this.at = begin;
    while (this.at < end) {
      const tag = this.varint(end);
      if (tag !== 0x0a) {
        this.skip(tag, end);
        continue;
      }
      const next = this.lengthDelimitedEnd(end);
      const key = this.keyValue(this.at, next);
      if (key.pairRole === 1 && this.valueFrom >= 0 && this.bytes[this.valueFrom] === 0x0a) {
        return this.redactor.ofKey((this.scalar(this.valueFrom, this.valueTo) ?? '').slice(0, 256));
      }
      this.at = next;
    }
    return 0;
  }

  #deeper(depth: number): void {
    if (depth > MAX_DEPTH) throw new SpanError('too_deep', `an attribute nests deeper than ${MAX_DEPTH} levels`);
  }

  /** As an integer wherever it is one, so that it can be summed; how it came is kept beside it. */
  #tokenCount(from: number, to: number, depth: number): void {
    const text = from >= 0 && (this.bytes[from] === 0x0a || this.bytes[from] === 0x21) ? this.scalar(from, to) : null;
    if (text !== null && /^\d{1,15}$/.test(text)) {
      this.plain(text);
      this.isInexact = true;
    } else this.#value(from, to, depth);
  }

  /** Text, number or switch as text; null for anything else, and for empty text. */
  scalar(from: number, to: number): string | null {
    this.at = from;
    let found: string | null = null;
    while (this.at < to) {
      const tag = this.varint(to);
      if (tag === 0x0a) {
        const end = this.lengthDelimitedEnd(to);
        found = this.bytes.toString('utf8', this.at, end).replaceAll('\u0000', '\ufffd') || null;
        this.at = end;
      } else if (tag === 0x18) found = this.int64(to);
      else if (tag === 0x10) {
        const begin = this.at;
        this.varint(to);
        found = String(isTrue(this.bytes, begin, this.at));
      } else if (tag === 0x21) found = String(this.bytes.readDoubleLE(this.fixed(8, to)));
      else this.skip(tag, to);
    }
    return found;
  }
}

function isTrue(bytes: Buffer, begin: number, end: number): boolean {
  for (let i = begin; i < end; i++) if ((bytes[i]! & 0x7f) !== 0) return true;
  return false;
}
