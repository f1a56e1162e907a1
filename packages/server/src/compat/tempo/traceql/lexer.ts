// Words of TraceQL. An attribute's name goes on until a blank or an operator, so that `.a+1` is one name.
import { BeaconError } from '../../../store/errors.ts';

export type Token =
  | { kind: 'name'; text: string; at: number }
  | { kind: 'attribute'; scope: string; name: string; at: number }
  | { kind: 'intrinsic'; scope: string; name: string; at: number }
  | { kind: 'string'; text: string; at: number }
  | { kind: 'int'; value: bigint; at: number }
  | { kind: 'float'; value: number; at: number }
  | { kind: 'duration'; value: bigint; at: number }
  | { kind: 'sign'; text: string; at: number }
  | { kind: 'end'; at: number };

const SIGNS = [
  ['&>>', '&<<', '!>>', '!<<'],
  ['&&', '||', '!=', '=~', '!~', '>=', '<=', '>>', '<<', '!>', '!<', '&~', '&>', '&<'],
  ['{', '}', '(', ')', ',', '=', '>', '<', '+', '-', '*', '/', '%', '^', '!', '|', '~'],
].flat();

const ATTRIBUTE_SCOPES = ['span', 'resource', 'event', 'link', 'instrumentation', 'parent'];
const INTRINSIC_SCOPES = ['trace', 'span', 'event', 'link', 'instrumentation'];
const ENDS_ATTRIBUTE = /[\s{}()=~!<>&|^,]/;
const NAME = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const DURATION_CHARS = /[\d.nsuµμmhdwy]*/y;
const MAX_LENGTH = 32_000;
const MAX_INT = 2n ** 63n - 1n;

/** A query that Tempo would refuse as well: says what is wrong, and where. */
export function refused(
  what: string,
  at: number,
  hint = 'https://grafana.com/docs/tempo/latest/traceql/ describes it.',
) {
  return new BeaconError('usage', `The TraceQL query is wrong at character ${at + 1}: ${what}.`, hint);
}

/**
 * The words of a query; the last is its end.
 *
 * @throws BeaconError with the position of what is not a word.
 */
export function wordsOf(query: string): Token[] {
  if (query.length > MAX_LENGTH) throw refused(`it is longer than ${MAX_LENGTH} characters`, MAX_LENGTH);
  const words: Token[] = [];
  const reader = new Reader(query);
  for (;;) {
    const word = reader.next();
    words.push(word);
    if (word.kind === 'end') return words;
  }
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
    const at = this.#at;
    const char = this.#text[at];
    if (char === undefined) return { kind: 'end', at };
    if (char === '"' || char === '`') return { kind: 'string', text: this.#string(char), at };
    const number = this.#match(NUMBER);
    if (number !== undefined) return this.#number(number, at);
    if (char === '.') {
      this.#at += 1;
      return { kind: 'attribute', scope: 'none', name: this.#attribute(at), at };
    }
    const name = this.#match(NAME);
    if (name !== undefined) return this.#named(name, at);
    const sign = SIGNS.find((each) => this.#text.startsWith(each, at));
    if (sign === undefined) throw refused(`"${char}" has no meaning`, at);
    this.#at += sign.length;
    return { kind: 'sign', text: sign, at };
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #named(name: string, at: number): Token {
    const next = this.#text[this.#at];
    if (next === '.' && ATTRIBUTE_SCOPES.includes(name)) {
      this.#at += 1;
      return { kind: 'attribute', scope: name, name: this.#attribute(at), at };
    }
    if (next === ':' && INTRINSIC_SCOPES.includes(name)) {
      this.#at += 1;
      const intrinsic = this.#match(NAME);
      if (intrinsic === undefined) throw refused(`a name is missing after ${name}:`, this.#at);
      return { kind: 'intrinsic', scope: name, name: intrinsic, at };
    }
    return { kind: 'name', text: name, at };
  }

  #attribute(from: number): string {
    let name = '';
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || ENDS_ATTRIBUTE.test(char)) break;
      if (char === '"') name += this.#quotedPart();
      else {
        name += char;
        this.#at += 1;
      }
    }
    if (name === '') throw refused('an attribute has no name', from);
    return name;
  }

  #quotedPart(): string {
    const from = this.#at;
    let read = '';
    for (this.#at += 1; ; this.#at += 1) {
      const char = this.#text[this.#at];
      if (char === undefined) throw refused('the quotes of a name are not closed', from);
      if (char === '"') break;
      if (char === '\\') {
        this.#at += 1;
        const escaped = this.#text[this.#at];
        if (escaped !== '"' && escaped !== '\\') throw refused('in a name only \\" and \\\\ are escapes', this.#at - 1);
        read += escaped;
      } else read += char;
    }
    this.#at += 1;
    return read;
  }

  #string(quote: string): string {
    const from = this.#at;
    let read = '';
    for (this.#at += 1; ; ) {
      const char = this.#text[this.#at];
      if (char === undefined || (char === '\n' && quote === '"')) throw refused('a string is not closed', from);
      this.#at += 1;
      if (char === quote) return read;
      read += char === '\\' && quote === '"' ? this.#escape() : char;
    }
  }

  /** Escapes of Go's strings. */
  #escape(): string {
    const at = this.#at - 1;
    const plain: Record<string, string> = {
      a: '\x07',
      b: '\b',
      f: '\f',
      n: '\n',
      r: '\r',
      t: '\t',
      v: '\v',
      '\\': '\\',
      '"': '"',
    };
    const char = this.#text[this.#at] ?? '';
    const known = plain[char];
    if (known !== undefined) {
      this.#at += 1;
      return known;
    }
    const code = this.#match(/x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}/y);
    const value =
      code === undefined
        ? Number.NaN
        : Number.parseInt(...((/^[xuU]/.test(code) ? [code.slice(1), 16] : [code, 8]) as [string, number]));
    if (!(value <= 0x10ffff)) throw refused('there is no such escape in a string', at);
    return String.fromCodePoint(value);
  }

  #number(text: string, at: number): Token {
    const after = this.#at;
    const rest = this.#match(DURATION_CHARS) ?? '';
    if (rest !== '') {
      const duration = durationNs(text + rest);
      if (duration !== undefined) return { kind: 'duration', value: duration, at };
      this.#at = after;
    }
    if (/[.eE]/.test(text)) return { kind: 'float', value: Number(text), at };
    const value = BigInt(text);
    if (value > MAX_INT) throw refused(`${text} is beyond 64 bits`, at);
    return { kind: 'int', value, at };
  }
}

const UNIT_NS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3_600e9,
  d: 86_400e9,
  w: 604_800e9,
  y: 31_536_000e9,
};
const DURATION =
  /^(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/;
const LONG_DURATION = /^(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?$/;

/** Nanoseconds of `1h2m`, `1.5s`, `1w2d`; undefined for anything else. */
export function durationNs(text: string): bigint | undefined {
  if (!DURATION.test(text) && !LONG_DURATION.test(text)) return undefined;
  let sum = 0n;
  for (const [, count = '0', unit = 's'] of text.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h|d|w|y)/g)) {
    const ns = UNIT_NS[unit] as number;
    sum += count.includes('.') ? BigInt(Math.round(Number(count) * ns)) : BigInt(count) * BigInt(ns);
  }
  return sum > MAX_INT ? undefined : sum;
}
