// Secrets are taken out before anything is stored, whichever way it came in: whole values under keys that name a secret,
// and parts of other values that look like one.
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { isContentKey } from './content.ts';
import { isHarmless, type KeySecrecy, secrecyOf } from './keys.ts';
import { ITEM } from './match.ts';
import { secretsIn } from './text.ts';
import { SUSPICIOUS, words } from './words.ts';

export const REDACTED = '[redacted]';

/** A suspicious text that is longer is taken out whole: to look through it would hold up everything else. */
const MAX_CHARACTERS = 1 << 21;

export interface RedactorOptions {
  /** `false` stores everything as it came. Default true. */
  enabled?: boolean;
  /** Further keys whose values are secret; compared without case. */
  keys?: readonly string[];
  /** Keys that are stored as they are, whatever they look like. */
  keep?: readonly string[];
  /** `false` keeps only length and hash of what people and models said to each other. Default true. */
  content?: boolean;
}

interface JudgedKey {
  secrecy: KeySecrecy;
  /** The key without secrets in it. */
  name: string;
}

const MAX_KEYS = 2_000;
const LONGEST_KEY = 256;

/** Keys whose value names what another member of the same object holds, and keys of that member. */
const NAMES =
  /^(?:(?:parameter|option|variable|env|attribute)_?(?:name|key)|name|key|header|header_?name|field|variable|k)$/i;
const VALUES =
  /^(?:(?:parameter|option|variable|env|attribute)_?value|value|values|val|v|header_?value|content|data)$/i;

export class Redactor {
  readonly enabled: boolean;
  /** Whether the content of messages is kept. */
  readonly content: boolean;
  /** Names known to hold no secret; the writer's, which fills it. */
  readonly cleanNames = new Set<string>();
  readonly #keysSeen = new Map<string, JudgedKey>();
  readonly #keys: ReadonlySet<string>;
  readonly #keep: ReadonlySet<string>;
  readonly #own = (key: string): KeySecrecy | undefined => {
    if (this.#keys.size + this.#keep.size === 0) return undefined;
    const lower = key.toLowerCase();
    if (this.#keep.has(lower)) return 0;
    return this.#keys.has(lower) ? 2 : undefined;
  };

  constructor(options: RedactorOptions = {}) {
    this.enabled = options.enabled ?? true;
    this.content = options.content ?? true;
    this.#keys = new Set((options.keys ?? []).map((key) => key.toLowerCase()));
    this.#keep = new Set((options.keep ?? []).map((key) => key.toLowerCase()));
  }

  /** Whether the value under this key is a secret whatever it looks like. */
  ofKey(key: string): KeySecrecy {
    if (!this.enabled) return 0;
    return this.#judged(key).secrecy;
  }

  /** The usual keys are few: what is known of them is remembered. */
  #judged(key: string): JudgedKey {
    let known = this.#keysSeen.get(key);
    if (known !== undefined) return known;
    known = { secrecy: this.#own(key) ?? secrecyOf(key), name: this.ofText(key) };
    // Keys made from ids would fill it: it starts again then.
    if (this.#keysSeen.size >= MAX_KEYS) this.#keysSeen.clear();
    if (key.length <= LONGEST_KEY) this.#keysSeen.set(key, known);
    return known;
  }

  /** Whether the value under a key of this secrecy is to be taken out; switches and empty texts never are. */
  isSecret(secrecy: KeySecrecy, value: unknown): boolean {
    if (secrecy === 0 || value === null || value === undefined || typeof value === 'boolean' || value === '')
      return false;
    if (secrecy === 2) return true;
    return typeof value === 'string' ? !isHarmless(value) : typeof value === 'object';
  }

  /** Whether the value under this key is what was said, and that is not to be kept. */
  isHidden(key: string): boolean {
    return !this.content && isContentKey(key);
  }

  /** Whether the text has to be looked at as a whole; never false when it holds a secret. */
  isSuspicious(text: string): boolean {
    return this.enabled && words().finds(text, SUSPICIOUS);
  }

  /** The text without the secrets in it; the same string when there are none. */
  ofText(text: string): string {
    if (!this.isSuspicious(text)) return text;
    if (text.length > MAX_CHARACTERS) return REDACTED;
    const found = secretsIn(text, this.#own);
    if (found.length === 0) return text;
    let clean = '';
    let at = 0;
    for (let i = 0; i < found.length; i += 2) {
      clean += text.slice(at, found[i]) + REDACTED;
      at = found[i + 1]!;
    }
    return clean + text.slice(at);
  }

  /** The items of a list without their secrets, those included that begin in one item and end in another. */
  ofItems(items: readonly string[]): readonly string[] {
    const joined = items.join(ITEM);
    if (!this.isSuspicious(joined)) return items;
    const made = [...items];
    let changed = false;
    const found = secretsIn(joined, this.#own);
    let start = 0;
    let next = 0;
    for (let i = 0; i < items.length; i++) {
      const end = start + items[i]!.length;
      while (next < found.length && found[next + 1]! <= start) next += 2;
      let clean = '';
      let at = start;
      for (let k = next; k < found.length && found[k]! < end; k += 2) {
        clean += joined.slice(at, Math.max(at, found[k]!)) + REDACTED;
        at = Math.min(end, found[k + 1]!);
      }
      if (at > start || clean !== '') {
        made[i] = clean + joined.slice(at, end);
        changed = true;
      } else if (items.length > 1) {
        // What an item is on its own, it is in a list too.
        const own = this.ofText(items[i]!);
        if (own !== items[i]) {
          made[i] = own;
          changed = true;
        }
      }
      start = end + 1;
    }
    return changed ? made : items;
  }

  /** Bytes that hold a secret as text. */
  ofBytes(bytes: Uint8Array): boolean {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(isUtf8(bytes) ? 'utf8' : 'latin1');
    return this.ofText(text) !== text;
  }

  /**
   * A JSON value without its secrets; the same value when there are none. `count` is called for each value taken out.
   *
   * @param value Without cycles.
   */
  ofValue(value: unknown, count: () => void): unknown {
    if (typeof value === 'string') {
      const clean = this.ofText(value);
      if (clean !== value) count();
      return clean;
    }
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return this.#ofArray(value, count);
    return this.#ofObject(value as Record<string, unknown>, count);
  }

  #ofArray(list: readonly unknown[], count: () => void): readonly unknown[] {
    if (list.every((item) => typeof item === 'string')) {
      const clean = this.ofItems(list as string[]);
      for (let i = 0; i < list.length; i++) if (clean[i] !== list[i]) count();
      return clean;
    }
    const made = list.map((item) => this.ofValue(item, count));
    return made.every((item, i) => item === list[i]) ? list : made;
  }

  #ofObject(object: Record<string, unknown>, count: () => void): Record<string, unknown> {
    const made: Record<string, unknown> = {};
    let changed = false;
    const named = this.#namedSecret(object);
    for (const key in object) {
      const value = object[key];
      const { name, secrecy } = this.#judged(key);
      let clean: unknown;
      if (this.isHidden(key)) clean = hidden(value);
      else if (
        (this.enabled && this.isSecret(secrecy, value)) ||
        (named > 0 && VALUES.test(key) && this.isSecret(named, value))
      ) {
        clean = REDACTED;
        count();
      } else clean = this.ofValue(value, count);
      if (name !== key) count();
      changed ||= clean !== value || name !== key;
      // Plain assignment of __proto__ would set the prototype instead of a key.
      if (name === '__proto__')
        Object.defineProperty(made, name, { value: clean, enumerable: true, configurable: true, writable: true });
      else made[name] = clean;
    }
    return changed ? made : object;
  }

  /** `{"name": "password", "value": "x"}`: how secret the value is. */
  #namedSecret(object: Record<string, unknown>): KeySecrecy {
    for (const key in object) {
      if (NAMES.test(key) && typeof object[key] === 'string') return this.ofKey(object[key].slice(0, 256));
    }
    return 0;
  }
}

/** 1 for a key whose value may name what another member holds, 2 for the key of that member, 0 for all others. */
export function pairRole(key: string): 0 | 1 | 2 {
  return NAMES.test(key) ? 1 : VALUES.test(key) ? 2 : 0;
}

/** What is kept of content: how long it was, and enough of its hash to see that two are the same. */
export function hidden(value: unknown): unknown {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `[${text.length} characters, sha256 ${createHash('sha256').update(text).digest('hex').slice(0, 32)}]`;
}

/** What applications and receivers use unless they are configured otherwise. */
export function redactorFrom(env: NodeJS.ProcessEnv): Redactor {
  return new Redactor({
    enabled: !isOff(env.BEACON_REDACT),
    content: !isOff(env.BEACON_CONTENT),
    keys: listed(env.BEACON_REDACT_KEYS),
    keep: listed(env.BEACON_REDACT_KEEP),
  });
}

function isOff(value: string | undefined): boolean {
  return /^(?:off|false|0|no)$/i.test(value ?? '');
}

function listed(names: string | undefined): string[] {
  return (names ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}
