// Bytes in, bytes of a COPY line out: text, numbers, times, and any attribute value as JSON. Neither strings nor objects
// are made of what is ordinary.
import { isUtf8 } from 'node:buffer';
import { Repairs, repairedKey } from '@project-beacon/writer';
import { type Key, KeyTable, ROLE } from './keys.ts';
import { REDACTED, type Redactor } from './redact.ts';
import { Wire } from './wire.ts';

const FIRST_ROOM = 1 << 20;
const KEPT_ROOM = 8 << 20;
/** Deepest nesting of attribute values; protobuf's own parsers stop at 100. */
const MAX_DEPTH = 64;

/** This span cannot be stored; the others can. */
export class SpanError extends Error {}

export class Scribe extends Wire {
  readonly redactor: Redactor;
  readonly keys: KeyTable;
  out: Buffer = Buffer.allocUnsafeSlow(FIRST_ROOM);
  /** Where the next byte of `out` goes. */
  to = 0;
  /** What was repaired in the row at hand. */
  repairs: Repairs | undefined;
  /** Values taken out of the row at hand. */
  redacted = 0;
  /** `KeyValue` messages whose JSON does not say all, as base64. */
  exact: string[] = [];
  /** Number of the attribute list at hand: tells a key that comes twice. */
  #list = 0;
  #isInexact = false;
  #isUnsafe = false;
  /** Where the value at hand is, for what is said about it. */
  #where = '';
  // Of the key and value last read.
  #keyFrom = 0;
  #keyTo = 0;
  valueFrom = 0;
  valueTo = 0;

  constructor(redactor: Redactor) {
    super();
    this.redactor = redactor;
    this.keys = new KeyTable(redactor);
  }

  /** Makes room for `bytes` more. */
  room(bytes: number): void {
    if (this.to + bytes <= this.out.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.out.length * 2, this.to + bytes));
    this.out.copy(grown, 0, 0, this.to);
    this.out = grown;
  }

  /** Gives large memory back, and forgets the message. */
  rest(): void {
    if (this.out.length > KEPT_ROOM) this.out = Buffer.allocUnsafeSlow(FIRST_ROOM);
    this.to = 0;
    this.bytes = NOTHING;
  }

  say(where: string, what: string): void {
    this.#repairs().say(where, what);
  }

  #repairs(): Repairs {
    this.repairs ??= new Repairs();
    return this.repairs;
  }

  /** Text that needs no escaping. */
  plain(text: string): void {
    this.room(text.length);
    this.to += this.out.write(text, this.to, 'latin1');
  }

  copyOf(bytes: Buffer): void {
    this.room(bytes.length);
    const { out } = this;
    let { to } = this;
    for (let i = 0; i < bytes.length; i++) out[to++] = bytes[i]!;
    this.to = to;
  }

  byte(value: number): void {
    this.room(1);
    this.out[this.to++] = value;
  }

  hex(from: number, to: number): void {
    this.room(2 * (to - from));
    const { bytes, out } = this;
    let at = this.to;
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!;
      out[at++] = HEX[byte >> 4]!;
      out[at++] = HEX[byte & 15]!;
    }
    this.to = at;
  }

  number(value: number): void {
    if (value < 0 || value >= 1e9) {
      this.plain(`${value}`);
      return;
    }
    this.room(10);
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    this.digits(value, digits);
  }

  /** A number of so many digits, zeros in front. */
  digits(value: number, count: number): void {
    const { out } = this;
    let rest = value;
    for (let at = this.to + count - 1; at >= this.to; at--) {
      const tens = Math.trunc(rest / 10);
      out[at] = 0x30 + rest - tens * 10;
      rest = tens;
    }
    this.to += count;
  }

  /** JSON of any value. */
  json(value: unknown): void {
    this.text(JSON.stringify(value));
  }

  /** Text as a column of COPY wants it; PostgreSQL must be able to hold it. */
  text(text: string): void {
    const safe = /[\\\n\r\t]/.test(text) ? text.replace(/[\\\n\r\t]/g, (char) => COLUMN_ESCAPES[char]!) : text;
    this.room(3 * safe.length);
    this.to += this.out.write(safe, this.to);
  }

  /**
   * A column of text from the message, without its secrets, repaired where PostgreSQL cannot hold it.
   *
   * @param bytes Longest that is kept.
   * @returns the whole text when it was cut.
   */
  column(from: number, to: number, where: string, bytes: number): string | undefined {
    const start = this.to;
    if (to - from <= bytes && this.#ordinary(from, to)) return undefined;
    this.to = start;
    const { text } = this.#string(from, to, where);
    const kept = repairedKey(text, where, this.#repairs(), bytes);
    this.text(kept);
    return kept === text ? undefined : text;
  }

  /** Text of the message as a string, without its secrets and repaired. */
  string(from: number, to: number, where: string): string {
    return this.#string(from, to, where).text;
  }

  /** Text of at most so many bytes that PostgreSQL can hold; what had to be changed is said. */
  fitted(text: string, where: string, bytes: number): string {
    if (text.length * 3 <= bytes && text.isWellFormed()) return text;
    return repairedKey(text, where, this.#repairs(), bytes);
  }

  /** A JSON string, escaped for COPY. */
  jsonText(from: number, to: number, where = this.#where): void {
    const start = this.to;
    this.byte(QUOTE);
    if (this.#ordinary(from, to)) {
      this.byte(QUOTE);
      return;
    }
    this.to = start;
    this.json(this.#string(from, to, where).text);
  }

  /** Copies text that needs neither escaping nor a second look; false when it does. */
  #ordinary(from: number, to: number): boolean {
    this.room(to - from + 2);
    const { bytes, out } = this;
    let at = this.to;
    let run = 0;
    let high = 0;
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!;
      out[at++] = byte;
      const kind = CLASS[byte]!;
      if (kind === WORD) {
        if (++run === SUSPICIOUS_RUN && KEY_START[(bytes[i - 15]! << 7) | bytes[i - 14]!] === 1) return false;
        continue;
      }
      const word = run;
      run = 0;
      if (kind === PLAIN) continue;
      if (kind === HIGH) high = 1;
      else if (kind === SPECIAL) return false;
      else if (i > from && mayPrecedeSecret(kind, bytes, from, i, word)) return false;
    }
    this.to = at;
    return high === 0 || isUtf8(bytes.subarray(from, to));
  }

  /** The long way. */
  #string(from: number, to: number, where: string): { text: string } {
    const part = this.bytes.subarray(from, to);
    let text = part.toString('utf8');
    if (!isUtf8(part)) {
      this.say(where, 'invalid UTF-8 replaced by U+FFFD');
      this.#isUnsafe = true;
    }
    if (text.includes('\u0000')) {
      text = text.replaceAll('\u0000', '\ufffd');
      this.say(where, 'U+0000 replaced by U+FFFD');
      this.#isInexact = true;
    }
    const clean = this.redactor.ofText(text);
    if (clean !== text) {
      this.redacted++;
      this.#isUnsafe = true;
    }
    return { text: clean };
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
        this.#keyTo = this.end(to);
        this.#keyFrom = this.at;
        this.at = this.#keyTo;
      } else if (tag === 0x12) {
        this.valueTo = this.end(to);
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
    this.#isInexact = false;
    this.#isUnsafe = false;
    this.#where = where;
    if (key.seen === list) this.say(`${where}.${key.name}`, 'this key came twice; the last value counts');
    key.seen = list;
    this.#member(key, valueFrom, valueTo, 0);
    if (this.#isInexact && !this.#isUnsafe) this.exact.push(this.bytes.toString('base64', from, to));
  }

  #member(key: Key, from: number, to: number, depth: number): void {
    this.copyOf(key.json);
    if (key.repair !== null) {
      this.say(`${this.#where}: a key`, key.repair);
      if (key.repair.startsWith('invalid')) this.#isUnsafe = true;
      else this.#isInexact = true;
    }
    if (key.secrecy !== 0 && this.#isSecret(key, from, to)) {
      this.plain(`"${REDACTED}"`);
      this.redacted++;
      this.#isUnsafe = true;
    } else if (key.role === ROLE.tokenCount) this.#tokenCount(from, to, depth);
    else this.#value(from, to, depth);
  }

  #isSecret(key: Key, from: number, to: number): boolean {
    if (from === to) return false;
    const tag = this.bytes[from]!;
    // A switch is no secret, and neither is an empty text; a number is a count unless the key leaves no doubt.
    if (tag === 0x10 || (tag === 0x0a && this.bytes[from + 1] === 0)) return false;
    return key.secrecy === 2 || (tag !== 0x18 && tag !== 0x21);
  }

  /** JSON of an AnyValue message; null where it is empty. */
  #value(from: number, to: number, depth: number): void {
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
          end = this.end(to);
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
        this.plain(`"${this.bytes.toString('base64', begin, end)}"`);
        this.#isInexact = true;
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
      this.#isInexact = true;
      return;
    }
    if (Object.is(value, -0)) this.#isInexact = true;
    const text = String(value);
    if (text.includes('e+')) this.plain(`${BigInt(value)}.0`);
    else this.plain(text.includes('.') || text.includes('e') ? text : `${text}.0`);
  }

  #array(begin: number, end: number, depth: number): void {
    this.#deeper(depth);
    this.byte(0x5b);
    this.at = begin;
    for (let first = true; this.at < end; ) {
      const tag = this.varint(end);
      if (tag !== 0x0a) {
        this.skip(tag, end);
        continue;
      }
      const next = this.end(end);
      if (!first) this.byte(0x2c);
      first = false;
      this.#value(this.at, next, depth);
      this.at = next;
    }
    this.byte(0x5d);
  }

  #object(begin: number, end: number, depth: number): void {
    this.#deeper(depth);
    const list = this.beginList();
    this.byte(0x7b);
    this.at = begin;
    for (let first = true; this.at < end; ) {
      const tag = this.varint(end);
      if (tag !== 0x0a) {
        this.skip(tag, end);
        continue;
      }
      const next = this.end(end);
      if (!first) this.byte(0x2c);
      first = false;
      const key = this.keyValue(this.at, next);
      if (key.seen === list) this.say(`${this.#where}: ${key.name}`, 'this key came twice; the last value counts');
      key.seen = list;
      this.#member(key, this.valueFrom, this.valueTo, depth);
      this.at = next;
    }
    this.byte(0x7d);
  }

  #deeper(depth: number): void {
    if (depth > MAX_DEPTH) throw new SpanError(`an attribute nests deeper than ${MAX_DEPTH} levels`);
  }

  /** As an integer wherever it is one, so that it can be summed; how it came is kept beside it. */
  #tokenCount(from: number, to: number, depth: number): void {
    const text = from >= 0 && (this.bytes[from] === 0x0a || this.bytes[from] === 0x21) ? this.scalar(from, to) : null;
    if (text !== null && /^\d{1,15}$/.test(text)) {
      this.plain(text);
      this.#isInexact = true;
    } else this.#value(from, to, depth);
  }

  /** Text, number or switch as text; null for anything else, and for empty text. */
  scalar(from: number, to: number): string | null {
    this.at = from;
    let found: string | null = null;
    while (this.at < to) {
      const tag = this.varint(to);
      if (tag === 0x0a) {
        const end = this.end(to);
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

const NOTHING = Buffer.alloc(0);
const QUOTE = 0x22;
const HEX = Buffer.from('0123456789abcdef');
const COLUMN_ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

// What a byte of text is: of a word, plain, one that may stand between a secret and its name, above ASCII, or one that
// needs escaping or a look at the whole.
const WORD = 0;
const PLAIN = 1;
const SPACE = 2;
const EQUALS = 3;
const COLON = 4;
const DOT = 5;
const HIGH = 6;
const SPECIAL = 7;
const CLASS = new Uint8Array(256);
for (let i = 0; i < 256; i++) {
  const char = String.fromCharCode(i);
  if (i >= 0x80) CLASS[i] = HIGH;
  else if (i < 0x20 || char === '"' || char === '\\' || char === '@') CLASS[i] = SPECIAL;
  else if (char === ' ') CLASS[i] = SPACE;
  else if (char === '=') CLASS[i] = EQUALS;
  else if (char === ':') CLASS[i] = COLON;
  else if (char === '.') CLASS[i] = DOT;
  else CLASS[i] = /[\w-]/.test(char) ? WORD : PLAIN;
}

// A wrong "maybe" costs a microsecond, a wrong "no" a secret: a test holds this against every pattern of redact.ts.
/** Keys of providers and tokens are at least so long, without a break. */
const SUSPICIOUS_RUN = 16;
/** First two letters of those keys. */
const KEY_START = new Uint8Array(1 << 14);
const STARTS =
  'sk pk rk wh gh gi gl xo xa AK AS AB AC AI ya GO np py hf r8 gs dc sn fi ru ls li sh do nv pp tv PM SG hv dp da ke sq AT AG AA ey';
for (const two of STARTS.split(' ')) KEY_START[(two.charCodeAt(0) << 7) | two.charCodeAt(1)] = 1;

/** Whether the text before this byte may name a secret that follows it: `Bearer x`, `password=x`, `"token":x`. */
function mayPrecedeSecret(kind: number, bytes: Buffer, from: number, i: number, word: number): boolean {
  const last = bytes[i - 1]! | 0x20;
  if (kind === EQUALS) return SECRET_END[last] === 1;
  if (kind === COLON) return last !== 0x73 && last !== 0x20 && SECRET_END[last] === 1;
  if (kind === DOT) {
    // `hooks.slack.com`, `discord.com`; `SG.`, `ya29.`, `hvs.`, `dp.`.
    if (last === 0x6b || last === 0x64 || last === 0x70) return true;
    return word >= 2 && word <= 4 && KEY_START[(bytes[i - word]! << 7) | bytes[i - word + 1]!] === 1;
  }
  if (i - from < 5) return false;
  const three = ((bytes[i - 3]! | 0x20) << 16) | ((bytes[i - 2]! | 0x20) << 8) | last;
  return three === 0x726572 || three === 0x736963 || three === 0x617465 || three === 0x6b656e || three === 0x6b6579;
}

// Last letters of password, token, key, signature, sig, credentials, authorization, and quotes and spaces after them.
const SECRET_END = new Uint8Array(256);
for (const char of `detnygs '`) SECRET_END[char.charCodeAt(0)] = 1;
SECRET_END[0x27] = 1;
