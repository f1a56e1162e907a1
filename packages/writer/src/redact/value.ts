// How languages, shells, headers and files write the value of a name. It is read forward, each character at most a few times.

import { isFieldName, judged } from './judged.ts';
import { isHarmless, type KeySecrecy } from './keys.ts';
import { inMarkup } from './markup.ts';
import { type Found, ITEM, isNameAt, match, nextOf } from './match.ts';
import type { Name } from './named.ts';
import { isCode, isPlaceholder, isProseWord, isSentence, looksMade } from './placeholders.ts';
import { isOfSentence } from './prose.ts';
import { saidAfter, saidCode } from './said.ts';
import { inCall, inCrypt } from './statements.ts';
import * as patterns from './value-patterns.ts';

export class Value {
  readonly #text: string;
  readonly #start: number;
  readonly #end: number;
  readonly #name: Name;
  readonly #secrecy: KeySecrecy;

  constructor(text: string, start: number, end: number, name: Name, secrecy: KeySecrecy) {
    this.#text = text;
    this.#start = start;
    this.#end = end;
    this.#name = name;
    this.#secrecy = secrecy;
  }

  find(): Found {
    return this.#markup() ?? this.#assigned() ?? this.#listed() ?? this.#spaced();
  }

  #markup(): Found {
    const found = inMarkup(this.#text, this.#start, this.#end);
    return found && this.#upTo(found.at, found.stop);
  }

  /** `name=x`, `"name": "x"`, `name := x`, `Name: x`. */
  #assigned(): Found {
    const text = this.#text;
    const closed = this.#end + match(patterns.CLOSE, text, this.#end)![0].length;
    const typed =
      closed === this.#end && patterns.TYPES.test(text.slice(closed, closed + 6))
        ? match(patterns.TYPED, text, closed)
        : null;
    const separator =
      typed ??
      (closed > this.#end ? match(patterns.SPREAD, text, closed) : null) ??
      match(patterns.SEPARATOR, text, closed);
    if (!separator) return undefined;
    let at = closed + separator[0].length;
    at += match(patterns.EMPHASIS, text, at)?.[0].length ?? 0;
    if (this.#name.isHeader) return this.#header(at);
    const begin = text[at];
    if (begin === '!' || begin === '&' || begin === 's') at += match(patterns.TAGGED, text, at)?.[0].length ?? 0;
    if (this.#name.isOption && match(patterns.OPTIONS, text, at)) return undefined;
    const open = this.#openAt(at);
    const quote = quoteOf(open);
    // `(name, password) = ('bob', 'x')`: its column says which.
    if (open.startsWith('(') && text[this.#end] === ')' && text[this.#start - 1] !== '(') return undefined;
    // `auth=("bob", "x")`
    if (quote && open.startsWith('(') && this.#secrecy === 1) return inCall(text, at);
    if (quote && open.startsWith('[')) return this.#list(at + open.length);
    if (quote) return this.#quoted(at + open.length, quote);
    if (open.startsWith('[')) return this.#upTo(at + open.length, ']');
    // ODBC writes what holds a semicolon in braces.
    const braced = text[at] === '{' && separator[1] === '=' ? match(patterns.BRACED, text, at) : null;
    if (braced && (/[};]/.test(braced[0].slice(1, -1)) || text[at + braced[0].length] === ';'))
      return [at + 1, at + braced[0].length - 1];
    if (text.startsWith('<%', at)) return this.#otherwise(at);
    if (patterns.TEMPLATES.has(text[at]!) && match(patterns.TEMPLATE, text, at)) return undefined;
    if (text[at] === '{' && (this.#secrecy !== 2 || match(patterns.SCHEMA, text, at))) return undefined;
    if (text[at] === '{') return this.#object(at);
    if (/^[|>][-+]?\s*[\r\n]/.test(text.slice(at, at + 8))) return this.#block(at);
    if (text[at] === '\n' || text[at] === '\r' || text[at] === ITEM) return this.#item(at);
    const isProse = separator[1] === ':' && separator[0].length > separator[1].length;
    const isCodeLike = separator[1] !== ':' && /\s/.test(separator[0]);
    // `auth:session:42` is the key of a cache.
    if (separator[0] === ':' && this.#secrecy === 1 && /^[\w.-]{1,64}:/.test(text.slice(at, at + 66))) return undefined;
    return this.#unquoted(at, isProse, isCodeLike);
  }

  /** `this.password = password` */
  #isItself(value: string): boolean {
    if (
      value.length < 3 ||
      (value.charCodeAt(value.length - 1) | 0x20) !== (this.#text.charCodeAt(this.#end - 1) | 0x20)
    )
      return false;
    const name = this.#text.slice(this.#start, this.#end);
    return name.toLowerCase().endsWith(value.toLowerCase().replace(/;$/, '')) && /^[A-Za-z_]{3,};?$/.test(value);
  }

  /** What opens a value: a quote, a bracket, a call. */
  #openAt(at: number): string {
    const text = this.#text;
    if (!isNameAt(text, at)) return patterns.OPENS.has(text[at]!) ? match(patterns.OPEN, text, at)![0] : '';
    let end = at + 1;
    while (end < at + 16 && (isNameAt(text, end) || text[end] === ':')) end++;
    if (text[end] === '(' || text[end] === ' ') return match(patterns.WRAPPED, text, at)?.[0] ?? '';
    return patterns.OPENS.has(text[at]!) && patterns.QUOTES.has(text[end]!) ? match(patterns.OPEN, text, at)![0] : '';
  }

  /** A header's value is all that follows: a scheme with its parameters, a list of cookies. */
  #header(at: number): Found {
    const text = this.#text;
    const open = this.#openAt(at);
    const quote = quoteOf(open);
    if (quote) return this.#quoted(at + open.length, quote);
    if (open.startsWith('[')) return this.#upTo(at + open.length, ']');
    const before = text[this.#start - 1] ?? '';
    if (/["'`]/.test(before) && text[this.#end] !== before) return this.#upTo(at, before);
    // In the dump of a map other entries follow on the same line.
    const isMap = /[{[(,]/.test(before) || (before === ' ' && /[,{[(]/.test(text[this.#start - 2] ?? ''));
    const value = text.slice(at, nextOf(isMap ? patterns.ENTRY_END : patterns.LINE_END, text, at)).trimEnd();
    if (value.length < 2 || isHarmless(value) || isPlaceholder(value)) return undefined;
    const scheme = match(patterns.SCHEME, text, at)?.[0].length ?? 0;
    // "Authorization: must be set"
    const isSentence = scheme === 0 && /^[A-Za-z]+(?: [A-Za-z]+){1,}[.!]?$/.test(value) && !/=/.test(value);
    if (isSentence || (/^[A-Za-z]+$/.test(value) && isProseWord(value))) return undefined;
    return [at + (scheme < value.length ? scheme : 0), at + value.length];
  }

  #quoted(at: number, quote: string): Found {
    const text = this.#text;
    let end = at;
    if (quote.length === 3) end = text.indexOf(quote, at);
    else {
      for (; end < text.length; end++) {
        const char = text[end];
        if (char === '\\') end++;
        else if (char === quote) {
          // '' within a text of patterns.SQL.
          if (text[end + 1] === quote && quote === "'") end++;
          else break;
        } else if (char === ITEM) break;
      }
    }
    if (end < 0 || end > text.length) end = text.length;
    return this.#judged(at, end, true);
  }

  #upTo(at: number, stop: string): Found {
    const found = this.#text.indexOf(stop, at);
    const end = found < 0 ? this.#text.length : found;
    return this.#judged(at, end, true);
  }

  /** A list of texts, from the first to the last; `["can't be blank"]` says what is wrong with one. */
  #list(at: number): Found {
    const text = this.#text;
    const end = text.indexOf(']', at);
    const to = end < 0 ? text.length : end;
    return isSentence(text.slice(at, Math.min(to, at + 200)).replace(/["'`]\s*$/, ''))
      ? undefined
      : this.#judged(at, to, true);
  }

  /** A JSON object under a secret name, to its last brace. */
  #object(at: number): Found {
    let depth = 0;
    for (let i = at; i < this.#text.length; i++) {
      const char = this.#text[i];
      if (char === '{') depth++;
      else if (char === '}' && --depth === 0) return [at, i + 1];
    }
    return [at, this.#text.length];
  }

  /** A block of YAML: the lines after it that are indented. */
  #block(at: number): Found {
    const lines = /[^\n]*\n((?:[ \t]+[^\n]*(?:\n|$)|\n)+)/y;
    const found = match(lines, this.#text, at);
    return found ? [at + found[0].length - found[1]!.length, at + found[0].length] : undefined;
  }

  /** On the next line, or in the next item of a list. */
  #item(at: number): Found {
    const text = this.#text;
    if (text[at] === ITEM) return this.#judged(at + 1, itemEnd(text, at + 1), true);
    if (this.#name.isPassword && !this.#name.isOption) {
      const alone = match(patterns.ALONE, text, at);
      if (alone && !isOfSentence(alone[1]!) && !isProseWord(alone[1]!)) {
        const from = at + alone[0].indexOf(alone[1]!);
        return this.#judged(from, from + alone[1]!.length, false);
      }
    }
    const line = match(patterns.NEXT_LINE, text, at);
    return line && line[1] === '' ? this.#unquoted(at + line[0].length, false, false) : undefined;
  }

  #unquoted(at: number, isProse: boolean, isCodeLike: boolean): Found {
    const text = this.#text;
    const scheme = patterns.SCHEMES.has(text[at]!) ? (match(patterns.SCHEME, text, at)?.[0].length ?? 0) : 0;
    const from = at + scheme;
    if (scheme > 0 && match(patterns.TEMPLATE, text, from)) return undefined;
    const end = this.#endOf(from);
    const value = text.slice(from, Math.min(end, from + 200));
    if (value.length < 4 && !/[\p{L}\p{N}]/u.test(value)) return undefined;
    if (isCode(value, text.slice(end, end + 1), isCodeLike) || (isCodeLike && this.#isItself(value))) {
      return this.#otherwise(from);
    }
    if (isProse) {
      const isLast = /^[ \t]*(?:$|[\r\n\u007f,;)}\]|#"']|[\w.-]+ ?[=:])/.test(text.slice(end, end + 60));
      // A word in a sentence, unless it can be none.
      if (!/[\d$!@#%^&*_+=]/.test(value) && (!isLast || isProseWord(value) || /[.:!?]$/.test(value))) return undefined;
      if (
        this.#secrecy === 1 &&
        !this.#name.isJoined &&
        !this.#isShortName() &&
        !looksMade(value) &&
        value.length < 20 &&
        !/\d/.test(value)
      )
        return undefined;
    }
    return this.#judged(from, end, false);
  }

  /** `pw: x` and `pass: x` among other settings, as opposed to `first pass: x`. */
  #isShortName(): boolean {
    return (
      this.#name.isShort &&
      /(?:^|[\n\r,;{(|/\u007f])[ \t-]*$/.test(this.#text.slice(Math.max(0, this.#start - 40), this.#start))
    );
  }

  #otherwise(from: number): Found {
    const found = match(patterns.OTHERWISE, this.#text, from);
    return found ? this.#quoted(from + found[0].length, found[1]!) : undefined;
  }

  /** Where a value without quotes ends. */
  #endOf(from: number): number {
    const isQuery = /[?&]/.test(this.#text[this.#start - 1] ?? '');
    return nextOf(isQuery ? patterns.QUERY_END : patterns.VALUE_END, this.#text, from);
  }

  /** `"name", "value"` in a pair, `"name":"password","value":"x"`, `- name: X_TOKEN` and `value:` in the next line. */
  #listed(): Found {
    const text = this.#text;
    const before = text[this.#start - 1] ?? '';
    const next = text[this.#end] ?? '';
    if (before === '{') {
      const tuple = match(patterns.TUPLE, text, this.#end);
      if (tuple) return this.#quoted(text.indexOf('"', this.#end) + 1, '"');
    }
    if (next === '"' && text.slice(this.#start - 6, this.#start) === 'name="') {
      const form = match(patterns.FORM, text, this.#end);
      if (form)
        return this.#judged(
          this.#end + form[0].length,
          nextOf(patterns.LINE_END, text, this.#end + form[0].length),
          false,
        );
    }
    if (/["'`]/.test(before) && next === before) {
      const variable = match(patterns.VARIABLE, text, this.#end);
      if (variable) return this.#quoted(this.#end + variable[0].length, variable[1]!);
      const pair =
        match(patterns.PAIR, text, this.#end) ??
        (this.#secrecy === 2 ? match(patterns.COMMAND, text, this.#end) : null);
      if (pair) {
        const at = this.#end + pair[0].length;
        const found = this.#quoted(at, pair[1]!);
        if (!found) return undefined;
        if (this.#name.isOption || pair[0] === '" "' || /[:=]\s*[bNu]?["'`]$/.test(pair[0])) return found;
        // Without more, a list of names is as likely.
        const opened = text.slice(Math.max(0, this.#start - 6), this.#start - 1);
        const isCall = /\w\(\s*[bu]?$/.test(opened);
        const isPair =
          /[[({]\s*[bu]?$/.test(opened) && (isCall || /^["'`]\s*[\])}]/.test(text.slice(found[1], found[1] + 4)));
        const value = text.slice(...found);
        if (!isPair && !this.#name.isTitled) return undefined;
        if (!/^[A-Za-z]+(?:[_-][A-Za-z]+)*$/.test(value)) return found;
        // Two names, or a name and a value.
        const isSet = isCall && SETTER.test(text.slice(Math.max(0, this.#start - 24), this.#start - 1));
        const isLikelyValue = isPair && (this.#name.isJoined || (this.#name.isPassword && !isFieldName(value)));
        return isSet || isLikelyValue ? found : undefined;
      }
    }
    const line = /[\s"'`,]/.test(next) ? match(patterns.NEXT_LINE, text, this.#end) : null;
    if (!line) return undefined;
    const at = this.#end + line[0].length;
    return line[1] ? this.#quoted(at, line[1]) : this.#unquoted(at, false, false);
  }

  /** `--password x`, `PASSWORD 'x'`, `password('x')`, `ENV DB_PASSWORD x`, an item and the one after it. */
  #spaced(): Found {
    const text = this.#text;
    const next = text[this.#end];
    if (next === ITEM) return this.#nextItem();
    const { isPassword, isOption, isUpper } = this.#name;
    if (isPassword && next === '(') {
      if (!match(patterns.CALL, text, this.#end)) return undefined;
      const isCipher = /crypt/i.test(text.slice(this.#start, this.#end));
      return isCipher ? inCrypt(text, this.#end) : inCall(text, this.#end + 1);
    }
    const here = next === ' ' ? match(patterns.HERE, text, this.#end) : null;
    if (here) {
      const from = this.#end + here[0].length;
      return here[1] ? this.#quoted(from, here[1]) : this.#judged(from, nextOf(patterns.SPACE_END, text, from), false);
    }
    const sql = match(patterns.SQL, text, this.#end) ?? (isPassword ? match(patterns.FOR, text, this.#end) : null);
    if (isOption && next === ',') {
      const item = match(patterns.FLOW, text, this.#end);
      return item
        ? this.#judged(this.#end + item[0].length - item[1]!.length, this.#end + item[0].length, false)
        : undefined;
    }
    if (sql && (isPassword || isOption || ((isUpper || /\S/.test(sql[0].slice(0, -1))) && sql[1] !== '"'))) {
      const from = this.#end + sql[0].length;
      if (/in\s*\(\s*N?'$/i.test(sql[0])) {
        const list = match(patterns.LIST, text, from - 1);
        if (list) return this.#judged(from, from - 2 + list[0].length, true);
      }
      const found = this.#quoted(from, sql[1]!);
      const to = found && /from\s/i.test(sql[0]) ? match(patterns.TO, text, found[1]) : null;
      return found && to ? [found[0], found[1] + to[0].length - 1] : found;
    }
    if (next !== ' ' && next !== '\t') return undefined;
    const kind = match(patterns.KIND, text, this.#end);
    if (kind && (/\d/.test(kind[1]!) || !isOfSentence(kind[1]!)))
      return this.#judged(this.#end + kind[0].length - kind[1]!.length, this.#end + kind[0].length, false);
    const marked = isPassword ? match(patterns.MARKED, text, this.#end) : null;
    if (marked) {
      const to = this.#end + marked[0].length - 1;
      return this.#judged(to - marked[1]!.length, to, false);
    }
    if (!isOption) {
      if (this.#name.isNumber) return saidCode(text, this.#end);
      const isPlain = isPassword || (this.#secrecy === 2 && this.#isOfProgram());
      const said = saidAfter(text, this.#start, this.#end, isPassword, isPlain);
      if (said) return said;
    }
    const before = text.slice(Math.max(0, this.#start - 100), this.#start);
    const isNetrc = isPassword && /(?:login|account)\s{1,8}\S{1,64}\s{1,8}$/.test(before);
    if (
      !isOption &&
      !isNetrc &&
      !/(?:^|\s)(?:ENV|ARG|setx|setenv|requirepass|masterauth|SetEnv|RequestHeader set|proxy_set_header|add_header) $/i.test(
        before,
      ) &&
      !/\bconfig(?:ure)?[: ][^\n|;]{0,80}[\s/:]$/i.test(before) &&
      !/^(?:requirepass|masterauth|bindpw|rootpw)$/i.test(text.slice(this.#start, this.#end))
    ) {
      return undefined;
    }
    const at = this.#end + /^[ \t]+/.exec(text.slice(this.#end, this.#end + 16))![0].length;
    const open = this.#openAt(at);
    if (quoteOf(open)) return this.#quoted(at + open.length, open.at(-1)!);
    if (isOption && (text[at] === '-' || match(patterns.OPTIONS, text, at))) return undefined;
    return this.#judged(at, nextOf(patterns.SPACE_END, text, at), false);
  }

  /** `secret key`, `client secret`: not any secret or key. */
  #isOfProgram(): boolean {
    const name = this.#text.slice(this.#start, this.#end);
    if (/passphrase|passcode/i.test(name)) return true;
    const before = this.#text.slice(Math.max(0, this.#start - 12), this.#start);
    return (
      /^(?:secret|key)$/i.test(name) && /(?:api|client|app|shared|access|signing|secret|private)[ _-]$/i.test(before)
    );
  }

  /** Items of one list: an option and its value, or a header and its value. */
  #nextItem(): Found {
    const text = this.#text;
    const isWhole = this.#start === 0 || text[this.#start - 1] === ITEM;
    if (!isWhole) return undefined;
    const at = this.#end + 1;
    const end = itemEnd(text, at);
    const value = text.slice(at, end);
    if (this.#name.isOption) return value.startsWith('-') ? undefined : this.#judged(at, end, true);
    const isPair = this.#start === 0 && end === text.length;
    if (isPair || this.#name.isTitled) {
      if (/^[A-Za-z]+(?:[_-][A-Za-z]+)*$/.test(value) && !isPair) return undefined;
      return this.#judged(at, end, true);
    }
    return undefined;
  }

  #judged(from: number, to: number, isQuoted: boolean): Found {
    const name = this.#text.slice(this.#start, this.#end);
    return judged(this.#text, name, this.#name.isNumber, this.#secrecy, from, to, isQuoted);
  }
}

const SETTER = /(?:define|set\w{0,20}|put\w{0,20}|add\w{0,20}|append|header|param\w{0,8}|env\w{0,8})\(\s{0,4}[bu]?$/i;

function quoteOf(open: string): string | undefined {
  const last = open.at(-1);
  if (last === undefined || !patterns.QUOTES.has(last)) return undefined;
  return open.length >= 3 && open.endsWith(last.repeat(3)) ? last.repeat(3) : last;
}

function itemEnd(text: string, at: number): number {
  const end = text.indexOf(ITEM, at);
  return end < 0 ? text.length : end;
}
