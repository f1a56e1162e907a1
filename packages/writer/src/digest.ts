// What search and counts need to know of a batch, read off the lines that are stored, in one pass over their bytes: which
// attributes occur in it, how many spans of which operation began in which minute and how long they took, and which names
// there are. It is stored in the transaction of the spans, so that a span is found and counted from its commit on.
import { latin1, microsOf, numberOf, unescaped } from './field.ts';
import { HASH, hash, hashBigint } from './hash.ts';
import { fieldEnd, hashText, ObjectScan, parseField, scanParsed } from './scan.ts';
import { Signatures, sign } from './signature.ts';

/** Rows of the chunk index a chunk has at most; a hash's lowest four bits say which. */
const SEGMENTS = 16;
/** A chunk with fewer fingerprints keeps them in one row. */
const FEW = 256;
/** Bits of a hash that are kept. */
const KEPT_BITS = 20;
const MICROS_OF_MINUTE = 60_000_000;

/** Lower ends of the classes of duration but the first, four a doubling, as in beacon.duration_bucket. */
export const BOUNDS: readonly number[] = [];
for (let b = 1; b < 128; b++) {
  const quarter = [1, 1.189207115002721, Math.SQRT2, 1.681792830507429][b % 4]!;
  (BOUNDS as number[]).push(0.01 * quarter * 2 ** Math.floor(b / 4));
}

/** Class of a duration in milliseconds; -1 for none. */
export function bucketOf(ms: number | null): number {
  if (ms === null) return -1;
  let from = 0;
  let to = BOUNDS.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (BOUNDS[middle]! <= ms) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** A name of something that ran, as `span_names` has it. */
export interface SpanName {
  /** Signed 64-bit integer as decimal text. */
  id: string;
  service: string;
  operation: string;
  kind: string;
}

/** What the counts need of a span. */
export interface Counted {
  name: SpanName;
  isRoot: boolean;
  failed: boolean;
  bucket: number;
  /** Of its start, since 2000. */
  minute: number;
  /** Microseconds after that. */
  micros: number;
  ms: number;
}

/** Spans of one name that began in the same minute and are of one class. */
export interface Cell {
  name: SpanName;
  /** Four times the number of the duration's class plus one, 2 for roots, 1 for failures; added up. */
  class: number;
  /** Since 2000. */
  minute: number;
  /** Start of the newest, microseconds of the minute. */
  last: number;
  calls: number;
  total: number;
}

// Columns of a line, as in COLUMNS.
const TRACE = 0;
const PARENT = 2;
const SERVICE = 3;
const OPERATION = 4;
const KIND = 5;
const STATUS = 6;
const STARTED = 7;
const COMPLETED = 8;
const DURATION = 9;
const MODEL = 12;
const REGION = 13;
const ERROR = 14;
const METADATA = 16;
const EVENTS = 17;
const LINKS = 18;
const RESOURCE = 22;
const FIELDS = 26;

/** Those whose values are in the signature of their trace: the summary has the service, and status and error change. */
const SIGNED = new Set([OPERATION, MODEL, REGION, RESOURCE]);

/** Columns whose values can be looked for, by the seed of their hash. */
const INDEXED = Object.entries({
  service: SERVICE,
  operation: OPERATION,
  kind: KIND,
  status: STATUS,
  model: MODEL,
  region: REGION,
  error: ERROR,
  resource: RESOURCE,
}).map(([name, column], place) => {
  hashText(`\u0002${name}`);
  return { place, column, isSigned: SIGNED.has(column), high: HASH[0]!, low: HASH[1]! };
});
type Indexed = (typeof INDEXED)[number];

/** Names come again and again; some are made from ids, and fill it. */
const MAX_NAMES = 20_000;
const names = new Map<number, SpanName>();
// Sets of hashes, each as large as all that are kept; a batch has one while it is read.
const spareSets: Uint32Array[] = [];

const NO_TRACE = new Uint8Array(64);

export class Digest {
  readonly #seen: Uint32Array = spareSets.pop() ?? new Uint32Array(2 ** KEPT_BITS / 32);
  readonly #fingerprints: number[] = [];
  readonly #cells = new Map<number | string, Cell>();
  readonly #numbers = new Map<SpanName, number>();
  #fields = new Int32Array(FIELDS + 1);
  /** Of the line before, in the same bytes. */
  #before = new Int32Array(FIELDS + 1);
  #bytes: Uint8Array | undefined;
  #lastName: SpanName | undefined;
  /** Microseconds since 2000. */
  #startedFrom = Number.POSITIVE_INFINITY;
  #activeTo = Number.NEGATIVE_INFINITY;
  spans = 0;
  readonly names = new Set<SpanName>();
  readonly #signatures: Signatures;
  /** Of the trace of the line. */
  #signature: Uint8Array = NO_TRACE;
  // Of the last value of each of INDEXED: the halves of its hash, and whether there was one.
  readonly #high = new Int32Array(INDEXED.length);
  readonly #low = new Int32Array(INDEXED.length);
  readonly #has = new Uint8Array(INDEXED.length);

  readonly #takeValue = () => {
    sign(this.#signature, HASH[0]!, HASH[1]!);
    this.#take();
  };
  readonly #take = () => {
    const value = HASH[1]! & (2 ** KEPT_BITS - 1);
    const word = value >>> 5;
    const bit = 1 << (value & 31);
    if ((this.#seen[word]! & bit) !== 0) return;
    this.#seen[word]! |= bit;
    this.#fingerprints.push(value);
  };
  readonly #objects = new ObjectScan(this.#take, this.#takeValue);

  /** @param signatures Of the traces of all lines of a transaction. */
  constructor(signatures = new Signatures()) {
    this.#signatures = signatures;
  }

  /**
   * Reads lines of COPY's text format, whole ones, from a place on.
   *
   * @param counts Whether the spans are new, and so are counted.
   * @param max Lines at most.
   * @returns where the next line begins.
   */
  add(lines: Uint8Array, from = 0, max = Number.POSITIVE_INFINITY, counts = true): number {
    let at = from;
    for (let n = 0; n < max && at < lines.length; n++) at = this.#line(lines, at, counts);
    return at;
  }

  /** Reads one line; returns where the next begins. */
  #line(bytes: Uint8Array, from: number, counts: boolean): number {
    const fields = this.#before;
    this.#before = this.#fields;
    this.#fields = fields;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#before.fill(0);
    }
    let i = from;
    for (let f = 0; f < METADATA; f++) {
      fields[f] = i;
      while (bytes[i] !== 0x09) i++;
      i++;
    }
    if (!this.#isSame(bytes, TRACE)) this.#signature = this.#signatures.of(latin1(bytes, from, this.#endOf(TRACE)));
    fields[METADATA] = i;
    const end = bytes[i] === 0x7b ? this.#objects.scan(bytes, i) : -1;
    i = end > 0 && bytes[end] === 0x09 ? end : this.#slowObject(bytes, i);
    for (let f = EVENTS; f < FIELDS; f++) {
      i++;
      fields[f] = i;
      i = fieldEnd(bytes, i);
    }
    fields[FIELDS] = i + 1;
    this.#slowList(bytes, EVENTS);
    this.#slowList(bytes, LINKS);
    for (const indexed of INDEXED) this.#column(bytes, indexed);
    this.spans++;
    const span = this.#counted(bytes);
    const started = span.minute * MICROS_OF_MINUTE + span.micros;
    if (started < this.#startedFrom) this.#startedFrom = started;
    const completed = fields[COMPLETED]!;
    const active =
      bytes[completed] === 0x5c ? started : Math.max(started, microsOf(bytes, completed, this.#endOf(COMPLETED)));
    if (active > this.#activeTo) this.#activeTo = active;
    if (counts) this.count(span, 1);
    else this.names.add(span.name);
    return i + 1;
  }

  #endOf(field: number): number {
    return this.#fields[field + 1]! - 1;
  }

  /** Whether a column has what it had in the line before. */
  #isSame(bytes: Uint8Array, column: number): boolean {
    const from = this.#before[column]!;
    const length = this.#before[column + 1]! - from;
    const at = this.#fields[column]!;
    if (length === 0 || this.#fields[column + 1]! - at !== length) return false;
    for (let k = 0; k < length; k++) if (bytes[from + k] !== bytes[at + k]) return false;
    return true;
  }

  #column(bytes: Uint8Array, { place, column, isSigned, high, low }: Indexed): void {
    if (!this.#isSame(bytes, column)) {
      this.#has[place] = this.#hashColumn(bytes, column, high, low) ? 1 : 0;
      this.#high[place] = HASH[0]!;
      this.#low[place] = HASH[1]!;
      if (this.#has[place]) this.#take();
    }
    // The line before may be of another trace.
    if (isSigned && this.#has[place]) sign(this.#signature, this.#high[place]!, this.#low[place]!);
  }

  /** Whether it has a value, whose hash is in HASH then. */
  #hashColumn(bytes: Uint8Array, column: number, high: number, low: number): boolean {
    const from = this.#fields[column]!;
    const to = this.#endOf(column);
    for (let i = from; i < to; i++) {
      if (bytes[i] !== 0x5c) continue;
      const text = unescaped(bytes, from, to);
      if (text !== null) hashText(text, high, low);
      return text !== null;
    }
    hash(bytes, from, to, high, low);
    return true;
  }

  #slowObject(bytes: Uint8Array, from: number): number {
    const to = fieldEnd(bytes, from);
    const object = parseField(bytes, from, to);
    if (typeof object === 'object' && object !== null) scanParsed(object as Record<string, unknown>, this.#takeValue);
    return to;
  }

  /** Attributes of events and links; an event's name counts as one. */
  #slowList(bytes: Uint8Array, field: number): void {
    const from = this.#fields[field]!;
    if (bytes[from] === 0x5c) return;
    const list = parseField(bytes, from, this.#endOf(field));
    for (const each of Array.isArray(list) ? (list as Record<string, unknown>[]) : []) {
      const own = each?.attributes;
      if (typeof own === 'object' && own !== null) scanParsed(own as Record<string, unknown>, this.#takeValue);
      if (field === EVENTS) scanParsed({ name: each.name }, this.#takeValue);
    }
  }

  #counted(bytes: Uint8Array): Counted {
    const fields = this.#fields;
    const started = fields[STARTED]!;
    const micros = microsOf(bytes, started, this.#endOf(STARTED));
    const minute = Math.floor(micros / MICROS_OF_MINUTE);
    const duration = fields[DURATION]!;
    const ms = bytes[duration] === 0x5c ? null : numberOf(bytes, duration, this.#endOf(DURATION));
    const status = bytes[fields[STATUS]!];
    return {
      name: this.#name(bytes),
      isRoot: bytes[fields[PARENT]!] === 0x5c && bytes[fields[PARENT]! + 1] === 0x4e,
      // Failed, timeout, lost; not completed nor started.
      failed: status === 0x66 || status === 0x74 || status === 0x6c,
      bucket: bucketOf(ms),
      minute,
      micros: micros - minute * MICROS_OF_MINUTE,
      ms: ms ?? 0,
    };
  }

  #name(bytes: Uint8Array): SpanName {
    const fields = this.#fields;
    const isSame = this.#isSame(bytes, OPERATION) && this.#isSame(bytes, SERVICE) && this.#isSame(bytes, KIND);
    if (!isSame || !this.#lastName) this.#lastName = this.#lookUp(bytes, fields);
    return this.#lastName;
  }

  #lookUp(bytes: Uint8Array, fields: Int32Array): SpanName {
    hash(bytes, fields[KIND]!, this.#endOf(KIND));
    hash(bytes, fields[SERVICE]!, this.#endOf(SERVICE), HASH[0]!, HASH[1]!);
    hash(bytes, fields[OPERATION]!, this.#endOf(OPERATION), HASH[0]!, HASH[1]!);
    const key = (HASH[0]! & 0x1fffff) * 4_294_967_296 + (HASH[1]! >>> 0);
    const known = names.get(key);
    if (known) return known;
    if (names.size >= MAX_NAMES) names.clear();
    const text = (field: number) => unescaped(bytes, fields[field]!, this.#endOf(field)) ?? '';
    const made = spanName(text(SERVICE), text(OPERATION), text(KIND));
    names.set(key, made);
    return made;
  }

  /** Counts a span, or with a negative number of calls takes back what was counted of it. */
  count(span: Counted, calls: number): void {
    const { name, minute } = span;
    this.names.add(name);
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(name, number);
    }
    const kind = (span.bucket + 1) * 4 + (span.isRoot ? 2 : 0) + (span.failed ? 1 : 0);
    // 30 bits, which is what the runtime looks up fastest; what does not fit, or is another minute, has a text.
    const small = (number * 1_024 + kind) * 64 + (minute & 63);
    const isOther = number >= 2 ** 14 || (this.#cells.get(small)?.minute ?? minute) !== minute;
    const key = isOther ? `${number} ${kind} ${minute}` : small;
    const cell = this.#cells.get(key);
    if (cell === undefined) {
      this.#cells.set(key, { name, class: kind, minute, last: span.micros, calls, total: calls * span.ms });
      return;
    }
    cell.calls += calls;
    cell.total += calls * span.ms;
    if (span.micros > cell.last) cell.last = span.micros;
  }

  /** Gives its memory back; what it holds has been read by then. */
  done(): void {
    for (const value of this.#fingerprints) this.#seen[value >>> 5] = 0;
    spareSets.push(this.#seen);
  }

  /** Fingerprints of the chunk, in one list where they are few, else by segment. */
  fingerprints(): { few: number[] } | { segments: number[][] } {
    const all = this.#fingerprints;
    if (all.length < FEW) return { few: all };
    const segments: number[][] = Array.from({ length: SEGMENTS }, () => []);
    for (const value of all) segments[value & (SEGMENTS - 1)]!.push((value >>> 4) - 32_768);
    return { segments };
  }

  /** Microseconds since 2000 of the earliest start, and of the latest start or end. */
  get time(): { from: number; to: number } {
    // Beyond 2285 a number holds no single microsecond.
    const beyond = this.#activeTo > Number.MAX_SAFE_INTEGER ? 4 : 0;
    return { from: this.#startedFrom - beyond, to: this.#activeTo + beyond };
  }

  /** What is to be counted. */
  cells(): Cell[] {
    return [...this.#cells.values()].filter(({ calls, total }) => calls !== 0 || total !== 0);
  }
}

export function spanName(service: string, operation: string, kind: string): SpanName {
  hashText(kind);
  hashText(service, HASH[0]!, HASH[1]!);
  hashText(operation, HASH[0]!, HASH[1]!);
  return { id: hashBigint().toString(), service, operation, kind };
}
