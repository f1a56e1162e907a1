// Bytes in, bytes of a COPY line out: numbers and text. Neither strings nor objects are made of what is ordinary.
import { isUtf8 } from 'node:buffer';
import { type Redactor, Repairs, repairedKey, SUSPICIOUS, secretWords } from '@project-beacon/writer';
import { WireReader } from '../otlp/wire.ts';

const MAX_NAMES = 2_000;
const LONGEST_NAME = 256;
const FIRST_ROOM = 1 << 20;
const KEPT_ROOM = 8 << 20;
/** Reads one message and writes a line, or parts of one. */
export class CopyBuffer extends WireReader {
  readonly redactor: Redactor;
  out: Buffer = Buffer.allocUnsafeSlow(FIRST_ROOM);
  /** Where the next byte of `out` goes. */
  to = 0;
  /** What was repaired in the row at hand. */
  repairs: Repairs | undefined;
  /** Values taken out of the row at hand. */
  redacted = 0;
  /** Whether something of the value at hand had to be written otherwise than it came. */
  isInexact = false;
  /** Whether the value as it came must not be stored: it holds a secret, or is no UTF-8. */
  isUnsafe = false;
  /** Where the value at hand is, for what is said about it. */
  where = '';

  readonly #clean = new Map<string, string>();
  readonly #words = secretWords();
  /** State from which on text is looked at as a whole; out of reach when nothing is taken out. */
  readonly #suspicious: number;

  constructor(redactor: Redactor) {
    super();
    this.redactor = redactor;
    this.#suspicious = redactor.enabled ? this.#words.firstOf(SUSPICIOUS) : 0xffff;
  }

  /** Makes room for `bytes` more. */
  room(bytes: number): void {
    if (this.to + bytes <= this.out.length) return;
    this.checkRow(this.to + bytes);
    const grown = Buffer.allocUnsafeSlow(Math.max(this.out.length * 2, this.to + bytes));
    this.out.copy(grown, 0, 0, this.to);
    this.out = grown;
  }

  /** Objects to a row that grows without end; asked whenever more memory is taken. */
  checkRow(_to: number): void {}

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

  /** A name that comes again and again, without its secrets; looked at once. */
  clean(name: string): string {
    let clean = this.#clean.get(name);
    if (clean !== undefined) return clean;
    clean = this.redactor.ofText(name);
    // Names made from ids would fill it, and a long one is none.
    if (this.#clean.size >= MAX_NAMES) this.#clean.clear();
    if (name.length <= LONGEST_NAME) this.#clean.set(name, clean);
    return clean;
  }

  /** Text of at most so many bytes that PostgreSQL can hold; what had to be changed is said. */
  fitted(text: string, where: string, bytes: number): string {
    if (text.length * 3 <= bytes && text.isWellFormed()) return text;
    return repairedKey(text, where, this.#repairs(), bytes);
  }

  /** A JSON string, escaped for COPY. */
  jsonText(from: number, to: number, where = this.where): void {
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
    const { classOf, next } = this.#words;
    const limit = this.#suspicious;
    let at = this.to;
    let state = 0;
    let high = 0;
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!;
      out[at++] = byte;
      state = next[(state << 7) | classOf[byte]!]!;
      if (state >= limit || ESCAPED[byte] === 1) return false;
      high |= byte;
    }
    this.to = at;
    return high < 0x80 || isUtf8(bytes.subarray(from, to));
  }

  /** The long way. */
  #string(from: number, to: number, where: string): { text: string } {
    const part = this.bytes.subarray(from, to);
    let text = part.toString('utf8');
    if (!isUtf8(part)) {
      this.say(where, 'invalid UTF-8 replaced by U+FFFD');
      this.isUnsafe = true;
    }
    if (text.includes('\u0000')) {
      text = text.replaceAll('\u0000', '\ufffd');
      this.say(where, 'U+0000 replaced by U+FFFD');
      this.isInexact = true;
    }
    const clean = this.redactor.ofText(text);
    if (clean !== text) {
      this.redacted++;
      this.isUnsafe = true;
    }
    return { text: clean };
  }
}

const NOTHING = Buffer.alloc(0);
const QUOTE = 0x22;
/** Bytes that JSON or COPY escapes. */
const ESCAPED = new Uint8Array(256).fill(1, 0, 0x20);
ESCAPED[QUOTE] = ESCAPED[0x5c] = 1;
const HEX = Buffer.from('0123456789abcdef');
const COLUMN_ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
