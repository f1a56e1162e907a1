// Where the secrets of a text are. One pass finds the words that a secret may stand beside; each has its own way of looking
// further, and none looks again at what another has taken. A megabyte costs milliseconds, whatever is in it.
import { inAliases } from './aliases.ts';
import { afterCommand, afterOption, pipedTo } from './commands.ts';
import { inBase64, isManifest } from './encoded.ts';
import { inInserts } from './insert.ts';
import { type KeySecrecy, secrecyOf } from './keys.ts';
import { type Found, forget, ITEM, isNameAt } from './match.ts';
import { valueOfName } from './named.ts';
import { withoutScheme } from './places.ts';
import { isIntroduced } from './said.ts';
import { inTables } from './tables.ts';
import { viewOf } from './view.ts';
import { isAlphanumeric, LOOKS, OF_INTEREST, WORDS, words } from './words.ts';

const codes = (chars: string) => new Set([...chars].map((char) => char.charCodeAt(0)));
/** What may follow a name that has a value, and what may follow a space after it. */
const LEADS = codes(`=:"'\`])><,( \t\n\r-*${ITEM}`);
const LEADS_LATER = codes(`=:"'\`({ \tNEefFiIwW-&!$<`);
const SETTING = /\bconfig(?:ure)?[: ][^\n|;]{0,80}$/i;
/** After so many names of secrets the rest of a text is taken out: to look at each would hold up everything else. */
const MAX_NAMES = 20_000;
/** Base64 in base64 is looked into so many times. */
const MAX_DEPTH = 2;

/** Texts that are looked through are shorter. */
const LONGEST = 2 ** 26;

export type OwnSecrecy = (key: string) => KeySecrecy | undefined;

/** Pairs of places, in order and apart from each other. */
export function secretsIn(text: string, own: OwnSecrecy, depth = 0): number[] {
  const view = viewOf(text);
  const found = new Scan(view.text, own, depth).run();
  if (depth === 0) forget();
  if (view.at === undefined || found.length === 0) return found;
  return found.map((place) => view.at![place]!);
}

/** First letters of what else may stand between a password's name and the password. */
const CONTINUES: Record<number, boolean> = { 97: true, 99: true, 104: true, 108: true };

export class Scan {
  readonly text: string;
  readonly #own: OwnSecrecy;
  readonly #found: number[] = [];
  /** Up to where names were looked at. */
  #named = 0;
  #names = 0;
  #program: string | undefined;
  #programAt = 0;
  /** Whether a secret's name stood without a value: a column's, perhaps. */
  #hasName = false;

  readonly #depth: number;

  constructor(text: string, own: OwnSecrecy, depth: number) {
    this.text = text;
    this.#own = own;
    this.#depth = depth;
  }

  run(): number[] {
    const { text } = this;
    const { classOf, next, ends } = words();
    const first = words().firstOf(OF_INTEREST);
    let done = 0;
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      state = next[(state << 7) | classOf[unit]!]!;
      if (unit === 0x0a) {
        this.#program = undefined;
        this.#line = i + 1;
      }
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
    if (this.#hasName) {
      if (/into|set\s?\(|\bvalues\b/i.test(text)) inInserts(text, this.#late);
      inAliases(text, this.#late);
      inTables(text, this.#late);
    }
    if (this.#late.length > 0) this.#merge();
    return this.#found;
  }

  /** Found out of order. */
  readonly #late: number[] = [];
  /** Where the line begins. */
  #line = 0;

  secrecyOf(name: string): KeySecrecy {
    return this.#own(name) ?? secrecyOf(name);
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
    if (++this.#names > MAX_NAMES) return [start, this.text.length];
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

  /** Whether a value may follow this name after nothing but a space, or after `for bob is`. */
  #mayBeSpaced(from: number, to: number): boolean {
    const { text } = this;
    // A word with a digit or a sign in it is what a password may be: `password x1 is wrong`.
    for (let i = to + 1; i < to + 24; i++) {
      const unit = text.charCodeAt(i);
      if (unit === 0x20 || Number.isNaN(unit)) break;
      if (
        (unit >= 0x21 && unit <= 0x26) ||
        (unit >= 0x2a && unit <= 0x2b) ||
        (unit >= 0x30 && unit <= 0x39) ||
        unit === 0x40 ||
        unit === 0x5e
      )
        return true;
    }
    const length = to - from;
    const next = text.charCodeAt(to + 1) | 0x20;
    // `er`, `est`, `ist`, `lautet`, `è`, `–`
    if (next > 0x7f || (next === 0x65 && /^(?:e[rs]|est) /i.test(text.slice(to + 1, to + 5)))) return true;
    if (CONTINUES[next] && /^(?:changed|has been|lautet|as) /i.test(text.slice(to + 1, to + 10))) return true;
    return (
      isIntroduced(text, from) ||
      (next === 0x74 && text.charCodeAt(to + 3) === 0x20) ||
      next === 0x73 ||
      (next === 0x6c && text.charCodeAt(to + 5) === 0x20) ||
      (length === 6 && /^(?:root|bind)pw$/i.test(text.slice(from, to))) ||
      (length === 8 && this.#lines()) ||
      length === 10 ||
      length === 11 ||
      this.#isConfiguring(from) ||
      /[<:]$|(?:ENV|ARG|ETX|SetEnv|_header|RequestHeader set) $/i.test(text.slice(Math.max(0, from - 20), from))
    );
  }

  #configures: boolean | undefined;

  /** Whether a name here may be one of a setting: `config set name value`. */
  #isConfiguring(at: number): boolean {
    this.#configures ??= /\b(?:config(?:ure)?|conf)\b/i.test(this.text);
    return this.#configures && SETTING.test(this.text.slice(Math.max(0, at - 100), at));
  }

  #netrc: boolean | undefined;

  /** Whether this may be a file of logins: `machine x login y password z`. */
  #lines(): boolean {
    this.#netrc ??= /\blogin\s+\S/.test(this.text);
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

  command(command: string, at: number): Found {
    return afterCommand(command, this.text, at);
  }

  /** What stands before where the scan is. */
  also(found: Found): undefined {
    if (found) this.#late.push(...found);
  }

  #piped = 0;

  /** What is piped to a program that reads a password. */
  reader(start: number, end: number): undefined {
    const from = Math.max(this.#line, this.#piped, start - 300);
    this.#piped = end;
    const found = pipedTo(this.text, from, start);
    if (found) this.#late.push(...found);
  }

  #decoded = 0;

  /** The run of base64 that a word stands in, when there is a secret in it. */
  base64(start: number, end: number): Found {
    if (start < this.#decoded || this.#depth >= MAX_DEPTH) return undefined;
    const { found, end: next } = inBase64(
      this.text,
      end,
      Math.max(this.#decoded, this.#found.at(-1) ?? 0),
      (decoded) => secretsIn(decoded, this.#own, this.#depth + 1).length > 0,
    );
    this.#decoded = next;
    return found;
  }

  #manifest: boolean | undefined;

  isManifest(): boolean {
    this.#manifest ??= isManifest(this.text);
    return this.#manifest;
  }

  #webKey: boolean | undefined;

  isWebKey(): boolean {
    this.#webKey ??= /["']kty["']/.test(this.text);
    return this.#webKey;
  }

  #merge(): void {
    const all = [...this.#found, ...this.#late];
    // Two places in one number: there may be a hundred thousand pairs.
    const pairs = new Float64Array(all.length / 2);
    for (let i = 0; i < pairs.length; i++) pairs[i] = all[2 * i]! * LONGEST + all[2 * i + 1]!;
    pairs.sort();
    this.#found.length = 0;
    for (const pair of pairs) {
      const from = Math.floor(pair / LONGEST);
      const to = pair % LONGEST;
      const last = this.#found.at(-1) ?? -1;
      if (from >= last) this.#found.push(from, to);
      else if (to > last) this.#found[this.#found.length - 1] = to;
    }
  }
}
