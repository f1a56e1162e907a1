// PostgreSQL holds neither U+0000 nor lone surrogates, JSON neither NaN nor cycles, and a value of 10 MB helps no reader.
// What is changed to make a value storable is said in words, and the words are stored with the span.

import { REDACTED } from './redact/redactor.ts';

/** Longest text kept of one value, in UTF-16 units. */
export const MAX_VALUE = 65_536;
/** Longest error message kept: people read it in a terminal. */
export const MAX_MESSAGE = 16_384;
// Longest attribute key kept.
const MAX_KEY = 1_024;
// All values of one row together, so that 128 attributes of 64 kB each do not become a row of 8 MB.
const MAX_ROW = 1_048_576;
const MAX_NODES = 20_000;
const MAX_DEPTH = 16;
const MAX_WORDS = 20;

/** What was repaired in one row, and how much room that row has left. */
export class Repairs {
  readonly words: string[] = [];
  /** How many repairs there were; `words` holds the first of them. */
  count = 0;
  room = MAX_ROW;
  nodes = MAX_NODES;
  /** Whether bytes hold a secret; undefined where it is not asked. */
  isSecret: ((bytes: Uint8Array) => boolean) | undefined;

  say(where: string, what: string): void {
    this.count++;
    if (this.words.length < MAX_WORDS) this.words.push(`${shortened(where)}: ${what}`);
    else this.words[MAX_WORDS] = `and ${this.count - MAX_WORDS} more`;
  }
}

function shortened(where: string): string {
  const clean = where.replaceAll('\u0000', '\ufffd').toWellFormed();
  return clean.length > 120 ? `${clean.slice(0, 120)}…` : clean;
}

/** Text that PostgreSQL takes, at most `limit` UTF-16 units of it. */
export function repairedText(text: string, where: string, repairs: Repairs, limit: number): string {
  let kept = text;
  if (kept.length > limit) {
    kept = kept.slice(0, limit);
    // A pair cut in two would leave a lone surrogate.
    if (isHighSurrogate(kept.charCodeAt(limit - 1))) kept = kept.slice(0, -1);
    repairs.say(where, `truncated from ${text.length} to ${kept.length} characters`);
  }
  if (kept.includes('\u0000')) {
    const parts = kept.split('\u0000');
    kept = parts.join('\ufffd');
    repairs.say(where, `U+0000 replaced by U+FFFD (${parts.length - 1} times)`);
  }
  if (!kept.isWellFormed()) {
    kept = kept.toWellFormed();
    repairs.say(where, 'lone surrogates replaced by U+FFFD');
  }
  return kept;
}

/** Text of at most `bytes` bytes of UTF-8: what goes into a b-tree key must fit in a third of a page. */
export function repairedKey(text: string, where: string, repairs: Repairs, bytes: number): string {
  const clean = repairedText(text, where, repairs, MAX_VALUE);
  if (Buffer.byteLength(clean) <= bytes) return clean;
  // Cutting bytes can split the last character; the decoder then ends in U+FFFD, which is cut too.
  const cut = Buffer.from(clean)
    .subarray(0, bytes)
    .toString('utf8')
    .replace(/\ufffd$/, '');
  repairs.say(
    where,
    `truncated from ${Buffer.byteLength(clean)} to ${Buffer.byteLength(cut)} bytes (an index holds it)`,
  );
  return cut;
}

/** A value that `JSON.stringify` and jsonb take as it is. Never throws, whatever getters or proxies do. */
export function repairedValue(value: unknown, where: string, repairs: Repairs): unknown {
  return repair(value, where, repairs, []);
}

function repair(value: unknown, where: string, repairs: Repairs, ancestors: object[]): unknown {
  if (--repairs.nodes < 0) {
    if (repairs.nodes === -1) repairs.say(where, `more than ${MAX_NODES} values; the rest is left out`);
    return null;
  }
  switch (typeof value) {
    case 'string': {
      const kept = repairedText(value, where, repairs, Math.min(MAX_VALUE, Math.max(64, repairs.room)));
      repairs.room -= kept.length;
      return kept;
    }
    case 'number':
      if (Number.isFinite(value)) return value;
      repairs.say(where, `${value} is no JSON number; kept as text`);
      return String(value);
    case 'boolean':
      return value;
    case 'bigint':
      repairs.say(where, 'BigInt kept as text');
      return value.toString();
    case 'object':
      if (value === null) return null;
      try {
        return repairedObject(value, where, repairs, ancestors);
      } catch (error) {
        unreadable(where, error, repairs);
        return null;
      }
    default:
      repairs.say(where, `a value of type ${typeof value} is left out`);
      return undefined;
  }
}

function repairedObject(value: object, where: string, repairs: Repairs, ancestors: object[]): unknown {
  if (ancestors.includes(value)) {
    repairs.say(where, 'a cycle is cut');
    return '[circular]';
  }
  if (ancestors.length >= MAX_DEPTH) {
    repairs.say(where, `deeper than ${MAX_DEPTH} levels; the rest is left out`);
    return null;
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Uint8Array) {
    if (repairs.isSecret?.(value)) return REDACTED;
    repairs.say(where, `${value.length} bytes kept as base64`);
    const room = Math.max(64, Math.min(MAX_VALUE, repairs.room));
    const kept = Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, room));
    if (kept.length < value.length) repairs.say(where, `truncated from ${value.length} to ${kept.length} bytes`);
    repairs.room -= kept.length;
    return kept.toString('base64');
  }
  const inside = [...ancestors, value];
  if (Array.isArray(value)) {
    return value.map((item, i) => repair(item, `${where}[${i}]`, repairs, inside) ?? null);
  }
  const made: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (repairs.nodes < 0) break;
    const place = `${where}.${key.slice(0, 120)}`;
    let item: unknown;
    try {
      item = (value as Record<string, unknown>)[key];
    } catch (error) {
      unreadable(place, error, repairs);
      continue;
    }
    const kept = repair(item, place, repairs, inside);
    if (kept === undefined) continue;
    const name = repairedText(key, `${place} (its key)`, repairs, MAX_KEY);
    // Plain assignment of __proto__ would set the prototype instead of a key.
    Object.defineProperty(made, name, { value: kept, enumerable: true, configurable: true, writable: true });
  }
  return made;
}

function unreadable(where: string, error: unknown, repairs: Repairs): void {
  repairs.say(where, `unreadable (${error instanceof Error ? shortened(error.message) : 'it threw'})`);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
