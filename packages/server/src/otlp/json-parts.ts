// A large OTLP/JSON request, cut into small ones between its spans: as objects it would be many times as large as its text.
import type { EncodedMessage } from './encode.ts';
import { fromJson } from './json.ts';
import { LOGS, type Message, TRACES } from './messages.ts';
import { MalformedError } from './wire.ts';

/** Text of the spans of one part. */
const PART_BYTES = 256 * 1024;
/** Of one span, and of one resource or scope; text is held as it is, objects are not. */
const MAX_SPAN_BYTES = 8 << 20;
const MAX_HEAD_BYTES = 1 << 20;

/** Names of the lists in a request, and of the request. */
export interface Nesting {
  message: Message;
  resources: readonly [name: string, protoName: string];
  scopes: readonly [name: string, protoName: string];
  items: readonly string[];
}

export const OF_SPANS: Nesting = {
  message: TRACES,
  resources: ['resourceSpans', 'resource_spans'],
  scopes: ['scopeSpans', 'scope_spans'],
  items: ['spans'],
};
export const OF_LOGS: Nesting = {
  message: LOGS,
  resources: ['resourceLogs', 'resource_logs'],
  scopes: ['scopeLogs', 'scope_logs'],
  items: ['logRecords', 'log_records'],
};

/** From where to where a value stands. */
type Place = readonly [from: number, to: number];

/**
 * Requests with the spans, or log records, of this one, in their order.
 *
 * @throws MalformedError where the text is no JSON of such a request; the parts before that are whole.
 */
export function* jsonParts(bytes: Buffer, nesting: Nesting = OF_SPANS): Generator<EncodedMessage, void> {
  const { message, resources, scopes, items } = nesting;
  const text = new JsonText(bytes);
  for (const resourceSpans of text.itemsOf(text.members([0, bytes.length]), ...resources)) {
    const resource = text.members(resourceSpans);
    const head = text.head(resource, ...scopes);
    for (const scopeSpans of text.itemsOf(resource, ...scopes)) {
      const scope = text.members(scopeSpans);
      const frame = [
        `{"${resources[0]}":[{${head}"${scopes[0]}":[{${text.head(scope, ...items)}"${items[0]}":[`,
        ']}]}]}',
      ] as const;
      let spans: string[] = [];
      let length = 0;
      const part = () => {
        const made = fromJson(message, `${frame[0]}${spans.join()}${frame[1]}`);
        spans = [];
        length = 0;
        return made;
      };
      const tooLarge: string[] = [];
      for (const span of text.itemsOf(scope, ...items)) {
        if (span[1] - span[0] > MAX_SPAN_BYTES) {
          tooLarge.push(`a span is larger than ${MAX_SPAN_BYTES} bytes`);
          continue;
        }
        spans.push(text.slice(span));
        length += span[1] - span[0];
        if (length >= PART_BYTES) yield part();
      }
      if (spans.length > 0 || tooLarge.length > 0) {
        const last = part();
        last.unreadable.push(...tooLarge);
        yield last;
      }
    }
  }
}

/** Items of a JSON array, as texts of so many bytes together. @throws MalformedError where it is no array of objects. */
export function* arrayParts(bytes: Buffer): Generator<string[], void> {
  const text = new JsonText(bytes);
  let items: string[] = [];
  let length = 0;
  for (const item of text.items([0, bytes.length])) {
    if (item[1] - item[0] > MAX_SPAN_BYTES) throw new MalformedError(`a span is larger than ${MAX_SPAN_BYTES} bytes`);
    items.push(text.slice(item));
    length += item[1] - item[0];
    if (length < PART_BYTES) continue;
    yield items;
    items = [];
    length = 0;
  }
  if (items.length > 0) yield items;
}

/** Finds values in JSON text without making them. */
class JsonText {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  slice([from, to]: Place): string {
    return this.#bytes.toString('utf8', from, to);
  }

  /** Members of an object; of a name that comes twice, the last one. */
  members([from]: Place): Map<string, Place> {
    const found = new Map<string, Place>();
    let at = this.#expect(this.#space(from), OPEN_BRACE, 'an object');
    for (;;) {
      at = this.#space(at);
      if (this.#bytes[at] === CLOSE_BRACE && found.size === 0) return found;
      const nameEnd = this.#string(at);
      const name = nameEnd - at > 64 ? '' : (JSON.parse(this.slice([at, nameEnd])) as string);
      const value = this.#space(this.#expect(this.#space(nameEnd), COLON, 'a colon'));
      const end = this.#value(value);
      found.set(name, [value, end]);
      at = this.#space(end);
      if (this.#bytes[at] === CLOSE_BRACE) return found;
      at = this.#expect(at, COMMA, 'a comma');
    }
  }

  /** The members that are no lists of spans, as text with a comma after each. */
  head(members: Map<string, Place>, ...without: string[]): string {
    let head = '';
    for (const [name, place] of members) {
      if (without.includes(name)) continue;
      if (place[1] - place[0] > MAX_HEAD_BYTES)
        throw new MalformedError(`${name} is larger than ${MAX_HEAD_BYTES} bytes`);
      if (/^[A-Za-z_]{1,64}$/.test(name)) head += `"${name}":${this.slice(place)},`;
    }
    return head;
  }

  *itemsOf(members: Map<string, Place>, ...names: string[]): Generator<Place, void> {
    for (const name of names) {
      const place = members.get(name);
      if (place && this.#bytes[place[0]] !== NULL) yield* this.items(place);
    }
  }

  *items([from]: Place): Generator<Place, void> {
    let at = this.#expect(this.#space(from), OPEN_BRACKET, 'an array');
    at = this.#space(at);
    if (this.#bytes[at] === CLOSE_BRACKET) return;
    for (;;) {
      const end = this.#value(at);
      yield [at, end];
      at = this.#space(end);
      if (this.#bytes[at] === CLOSE_BRACKET) return;
      at = this.#space(this.#expect(at, COMMA, 'a comma'));
    }
  }

  #expect(at: number, byte: number, what: string): number {
    if (this.#bytes[at] !== byte)
      throw new MalformedError(`the body is not valid JSON: ${what} is missing at byte ${at}`);
    return at + 1;
  }

  #space(at: number): number {
    const bytes = this.#bytes;
    let i = at;
    while (bytes[i] === 0x20 || bytes[i] === 0x0a || bytes[i] === 0x0d || bytes[i] === 0x09) i++;
    return i;
  }

  /** Where a string ends. */
  #string(at: number): number {
    const bytes = this.#bytes;
    let i = this.#expect(at, QUOTE, 'a string');
    for (; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) return i + 1;
    }
    throw new MalformedError(`the body is not valid JSON: the string at byte ${at} does not end`);
  }

  /** Where a value ends; what is inside is looked at when it is made. */
  #value(at: number): number {
    const bytes = this.#bytes;
    const first = bytes[at];
    if (first === QUOTE) return this.#string(at);
    let i = at;
    if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      for (let depth = 0; i < bytes.length; i++) {
        const byte = bytes[i]!;
        if (byte === QUOTE) i = this.#string(i) - 1;
        else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
        else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return i + 1;
      }
      throw new MalformedError(`the body is not valid JSON: what begins at byte ${at} does not end`);
    }
    while (i < bytes.length && ENDS[bytes[i]!] === 0) i++;
    if (i === at) throw new MalformedError(`the body is not valid JSON: a value is missing at byte ${at}`);
    return i;
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const NULL = 0x6e;
/** What ends a number or a word. */
const ENDS = new Uint8Array(256);
for (const byte of [COMMA, CLOSE_BRACKET, CLOSE_BRACE, 0x20, 0x0a, 0x0d, 0x09]) ENDS[byte] = 1;
