// Where the secrets of a text are. One pass finds the words that a secret may stand beside; each has its own way of looking
// further, and none looks again at what another has taken. A megabyte costs milliseconds, whatever is in it.
import { Automaton } from './automaton.ts';
import { inInserts } from './insert.ts';
import type { KeySecrecy } from './keys.ts';
import { type Found, ITEM, isNameAt, valueOfName } from './named.ts';
import {
  afterAuth,
  afterIdentified,
  afterOption,
  afterScheme,
  inAddress,
  inCrypt,
  inOracle,
  PROGRAMS,
  privateKey,
  withoutScheme,
} from './places.ts';
import { SECRET_PATHS, SHAPES } from './shapes.ts';
import { viewOf } from './view.ts';

/** A word after which a text has to be looked at as a whole. */
export const SUSPICIOUS = 2;
/** A word that only means something in a text that is looked at. */
const OF_INTEREST = 1;

const codes = (chars: string) => new Set([...chars].map((char) => char.charCodeAt(0)));
/** What may follow a name that has a value, and what may follow a space after it. */
const LEADS = codes(`=:"'\`])><,( \t\n\r-${ITEM}`);
const LEADS_LATER = codes(`=:"'\`({ \tNEfFiw-`);

type Look = (scan: Scan, start: number, end: number) => Found;

const WORDS: (readonly [word: string, rank: number])[] = [];
const LOOKS: Look[] = [];

function watch(word: string, rank: number, look: Look): void {
  WORDS.push([word, rank]);
  LOOKS.push(look);
}

const split = (words: string) => words.split(/\s+/);
const byName: Look = (scan, start, end) => scan.named(start, end);

for (const word of split(
  'passw passphrase passcode pwd secret token credential creds authorization cookie apikey mnemonic sessid sessionid nonce jwt csrf xsrf requirepass masterauth',
)) {
  watch(word, SUSPICIOUS, byName);
}
// Short ones, or parts of many words: only before what separates a name from its value.
for (const word of [
  'key',
  'keys',
  'auth',
  'pass',
  'pin',
  'otp',
  'pw',
  'sig',
  'signature',
  'cvv',
  'cvc',
  'ssn',
  'sid',
  'appid',
  'code',
  'sas',
  'bearer',
]) {
  for (const after of ['=', ':', '"', "'", '%', '>', '\\', ')', '&quot', ' =', ' :', '\n', '\t', ITEM]) {
    if (word !== 'code' || after === '=')
      watch(word + after, SUSPICIOUS, (scan, start) => scan.named(start, start + word.length));
  }
}
for (const word of ['-key ', '-auth ', '-pass ', '-pin ', '-otp ', '-pw ', '_key ', '_pass ']) {
  watch(word, SUSPICIOUS, (scan, start, end) => scan.named(start, end - 1));
}
for (const scheme of split('bearer basic token apikey negotiate key')) {
  const rank = scheme === 'key' || scheme === 'token' ? OF_INTEREST : SUSPICIOUS;
  for (const after of [' ', '+', '%20', ITEM]) {
    watch(scheme + after, rank, (scan, start) => afterScheme(scan.text, start, start + scheme.length, scheme));
  }
}
watch('@', SUSPICIOUS, () => undefined);
watch('://', OF_INTEREST, (scan, _, end) => inAddress(scan.text, end));
watch('@', OF_INTEREST, (scan, start) => scan.userOf(start));
watch('jdbc:oracle:', SUSPICIOUS, (scan, _, end) => inOracle(scan.text, scan.text.indexOf(':', end) + 1));
watch('sqlplus ', SUSPICIOUS, (scan, _, end) => inOracle(scan.text, end));
watch('identified', SUSPICIOUS, (scan, _, end) => afterIdentified(scan.text, end));
for (const name of ['crypt', 'pgp_sym_encrypt', 'pgp_sym_decrypt', 'hmac', 'digest', 'encode_password']) {
  watch(`${name}(`, SUSPICIOUS, (scan, start, end) =>
    name === 'crypt' && /\w/.test(scan.text[start - 1] ?? '') ? undefined : inCrypt(scan.text, end - 1),
  );
}
for (const after of [' ', '\t', '\n', '\r', ITEM])
  watch(`auth${after}`, SUSPICIOUS, (scan, start, end) => afterAuth(scan.text, start, end - 1));
watch('acl setuser ', SUSPICIOUS, (scan, _, end) => after(scan.text, end, /[^\r\n>]{0,200}? [><#]([^\s\u007f]+)/y));
watch('-----begin ', SUSPICIOUS, (scan, start) => privateKey(scan.text, start));
for (const path of SECRET_PATHS)
  watch(path, SUSPICIOUS, (scan, _, end) => after(scan.text, end, /([^\s"'<>?#\u007f]{8,})/y));
for (const program of PROGRAMS) {
  for (const after of program.length > 4 ? [''] : [' ', ITEM, '"', "'"]) {
    watch(program + after, SUSPICIOUS, (scan, start) => scan.program(program, start));
  }
}
for (const before of [' ', ITEM, '"', "'"]) watch(`${before}-`, OF_INTEREST, (scan, _, end) => scan.option(end - 1));
for (const { anchor, before, upTo, pattern } of SHAPES) {
  const strict = anchor.length <= 4;
  watch(anchor, SUSPICIOUS, (scan, start) => {
    let from = start - before;
    if (upTo) for (from = start; start - from < before && isAlphanumeric(scan.text.charCodeAt(from - 1)); ) from--;
    if (from < 0 || (upTo && from === start) || !scan.isStart(from, strict)) return undefined;
    pattern.lastIndex = from;
    const found = pattern.exec(scan.text);
    return found ? [from, from + found[0].length] : undefined;
  });
}
// Encodings of text in text.
for (const word of ['%3d', '%3a', '%22', '%27', '%40', '%25', '%2b', '&quot', '&#3', '&#6', '\\u00', 'eyj'])
  watch(word, SUSPICIOUS, () => undefined);

function after(text: string, at: number, pattern: RegExp): Found {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  return found ? [found.index + found[0].length - found[1]!.length, found.index + found[0].length] : undefined;
}

function isAlphanumeric(unit: number): boolean {
  const small = unit | 0x20;
  return (unit >= 0x30 && unit <= 0x39) || (small >= 0x61 && small <= 0x7a);
}

let automaton: Automaton | undefined;

/** Of all words; made when it is first needed, because it takes a millisecond or two. */
export function words(): Automaton {
  automaton ??= new Automaton(WORDS);
  return automaton;
}

export type OwnSecrecy = (key: string) => KeySecrecy | undefined;

/** Pairs of places, in order and apart from each other. */
export function secretsIn(text: string, own: OwnSecrecy): number[] {
  const view = viewOf(text);
  const found = new Scan(view.text, own).run();
  if (view.at === undefined || found.length === 0) return found;
  return found.map((place) => view.at![place]!);
}

class Scan {
  readonly text: string;
  readonly #own: OwnSecrecy;
  readonly #found: number[] = [];
  /** Up to where names were looked at. */
  #named = 0;
  #program: string | undefined;
  #programAt = 0;
  /** Whether a secret's name stood without a value: a column's, perhaps. */
  #hasName = false;

  constructor(text: string, own: OwnSecrecy) {
    this.text = text;
    this.#own = own;
  }

  run(): number[] {
    const { text } = this;
    const { classOf, next, ends } = words();
    const first = words().firstOf(OF_INTEREST);
    let done = 0;
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      state = next[(state << 6) | classOf[unit]!]!;
      if (unit === 0x0a) this.#program = undefined;
      if (state < first) continue;
      for (const number of ends[state]!) {
        const start = i + 1 - WORDS[number]![0].length;
        if (start < done) continue;
        const found = LOOKS[number]!(this, start, i + 1);
        if (found === undefined || found[1] <= found[0] || found[0] < done) continue;
        this.#found.push(...found);
        done = found[1];
        if (done > i + 1) {
          i = done - 1;
          state = 0;
        }
        break;
      }
    }
    if (this.#hasName && /into/i.test(text)) this.#inserts();
    return this.#found;
  }

  /** Whether something may begin here that is no part of a longer word. */
  isStart(at: number, strict: boolean): boolean {
    if (at === 0) return true;
    const before = this.text.charCodeAt(at - 1);
    return !isAlphanumeric(before) && !(strict && (before === 0x2d || before === 0x5f));
  }

  /** The value of the name that the word between two places is a part of. */
  named(start: number, end: number): Found {
    if (end <= this.#named) return undefined;
    const { text } = this;
    let from = start;
    while (from > this.#named && isNameAt(text, from - 1)) from--;
    let to = end;
    while (to < text.length && isNameAt(text, to)) to++;
    this.#named = to;
    // Most of what follows a word in a sentence cannot lead to a value.
    if (
      !LEADS.has(text.charCodeAt(to)) ||
      (text[to] === ' ' &&
        !LEADS_LATER.has(text.charCodeAt(to + 1)) &&
        text[from] !== '-' &&
        !this.#mayBeSpaced(from, to))
    ) {
      this.#hasName = true;
      return undefined;
    }
    const found = valueOfName(text, from, to, this.#own);
    if (found === undefined) this.#hasName = true;
    return found;
  }

  /** Whether a value may follow this name after nothing but a space. */
  #mayBeSpaced(from: number, to: number): boolean {
    const length = to - from;
    return (
      (length === 8 && this.#lines()) ||
      length === 10 ||
      length === 11 ||
      /[<:]$|(?:ENV|ARG|ETX) $/i.test(this.text.slice(Math.max(0, from - 4), from))
    );
  }

  #netrc: boolean | undefined;

  /** Whether this may be a file of logins: `machine x login y password z`. */
  #lines(): boolean {
    this.#netrc ??= /\blogin \S/.test(this.text);
    return this.#netrc;
  }

  /** `user:password@host`, looked at from the @. */
  userOf(at: number): Found {
    const { text } = this;
    let from = at;
    let colon = -1;
    const least = Math.max(0, at - 200, this.#found.at(-1) ?? 0, this.#userAt);
    this.#userAt = at;
    while (from > least && !/[\s"'`<>(,;=/\u007f]/.test(text[from - 1]!)) {
      from--;
      if (text[from] === ':') colon = from;
    }
    return colon > from ? withoutScheme(text, from) : undefined;
  }

  #userAt = 0;

  program(name: string, start: number): undefined {
    if (start > 0 && /[\w.-]/.test(this.text[start - 1]!)) return;
    this.#program = name;
    this.#programAt = start;
  }

  option(at: number): Found {
    if (this.#program === undefined || at - this.#programAt > 2_000) return undefined;
    return afterOption(this.text, at, this.#program, this.#programAt);
  }

  #inserts(): void {
    const more: number[] = [];
    inInserts(this.text, more);
    if (more.length === 0) return;
    const pairs: [number, number][] = [];
    const all = [...this.#found, ...more];
    for (let i = 0; i < all.length; i += 2) pairs.push([all[i]!, all[i + 1]!]);
    pairs.sort((a, b) => a[0] - b[0]);
    this.#found.length = 0;
    for (const [from, to] of pairs) {
      const last = this.#found.at(-1) ?? -1;
      if (from >= last) this.#found.push(from, to);
      else if (to > last) this.#found[this.#found.length - 1] = to;
    }
  }
}
