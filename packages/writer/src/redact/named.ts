// `name separator value`, in the ways in which languages, shells, headers and configuration files write it: what the value
// is, given a name. Everything here reads forward from the name, each character at most a few times.
import { isHarmless, type KeySecrecy, secrecyOf } from './keys.ts';
import { isPlaceholder, isProseWord, looksMade } from './placeholders.ts';

/** From where to where a secret stands. */
export type Found = readonly [from: number, to: number] | undefined;

/** Longest name that is looked at. */
const LONGEST_NAME = 128;
/** Separates the items of a list that is looked at as one text. */
export const ITEM = '\u007f';

const isNamePart = new Uint8Array(128);
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-$')
  isNamePart[char.charCodeAt(0)] = 1;

export function isNameAt(text: string, i: number): boolean {
  const unit = text.charCodeAt(i);
  return unit < 128 && isNamePart[unit] === 1;
}

const HEADER =
  /^(?:proxy-|x-)?(?:authorization|cookie|set-cookie|set-cookie2|forwarded-authorization|original-authorization)$/i;

interface Name {
  secrecy: KeySecrecy;
  isHeader: boolean;
  isPassword: boolean;
  /** `pin`: what has no digit is none. */
  isNumber: boolean;
  isUpper: boolean;
  /** `--password` */
  isOption: boolean;
  /** With capitals or dashes, as headers and variables are written. */
  isTitled: boolean;
}

const memory = new Map<string, Name>();

function remembered(text: string): Name {
  let known = memory.get(text);
  if (known !== undefined) return known;
  known = {
    secrecy: secrecyOf(text),
    isHeader: HEADER.test(text),
    isPassword: /pass|pwd/i.test(text),
    isNumber: /^(?:pin|otp|totp|cvv|cvc|ssn)$/i.test(text),
    isUpper: text === text.toUpperCase(),
    isOption: text.startsWith('-'),
    isTitled: /[A-Z]|-/.test(text),
  };
  if (memory.size >= 2_000) memory.clear();
  memory.set(text, known);
  return known;
}

/**
 * The value of the name between two places, when the name is one of a secret.
 *
 * @param own How secret a key is by the redactor's own lists; undefined where they do not say.
 */
export function valueOfName(
  text: string,
  start: number,
  end: number,
  own: (key: string) => KeySecrecy | undefined,
): Found {
  let from = Math.max(start, end - LONGEST_NAME);
  let to = end;
  while (to > from && (text[to - 1] === '.' || text[to - 1] === '-')) to--;
  const stop = to < end && text[end - 1] === '-' && text[end] === '>' ? end - 1 : end;
  const name = text.slice(from, to);
  const known = remembered(name);
  let secrecy = own(name) ?? known.secrecy;
  if (secrecy === 0 && to - from <= 4 && text[from - 1] === ' ' && /^keys?$/i.test(name)) {
    // `API key: x`
    const before = from - 1;
    from = before;
    while (from > 0 && before - from < 24 && isNameAt(text, from - 1)) from--;
    if (from < before) secrecy = remembered(text.slice(from, to)).secrecy;
  }
  if (secrecy === 0) return text[stop] === '=' ? querysKey(text, start, stop, name) : undefined;
  // `arn:aws:secretsmanager:eu-west-1:1:secret:name`, `user:token:12`: a path whose parts are between colons.
  if (text[stop] === ':' && text[start - 1] === ':' && text[stop + 1] !== ' ') return undefined;
  return new Value(text, start, stop, known, secrecy).find();
}

/** `?key=...` and `Signature=...` in an address: secret only when the value looks like one. */
function querysKey(text: string, start: number, end: number, name: string): Found {
  const isSignature = /(?:^|[-_])sig(?:nature)?$/i.test(name);
  if (!isSignature && (!/[?&]/.test(text[start - 1] ?? '') || !/^(?:key|appid|code|t|sas)$/i.test(name))) {
    return undefined;
  }
  const [found] = match(/[\w.~%+/=-]*/y, text, end + 1)!;
  const isMade = isSignature ? found.length >= 8 && /\d|[A-Z]/.test(found) : found.length >= 16 && looksMade(found);
  return isMade ? [end + 1, end + 1 + found.length] : undefined;
}

const CLOSE = /["'`\])]{0,3}/y;
const SEPARATOR = /[ \t]{0,8}(=>|:=|={1,3}|:|->)[ \t]{0,8}/y;
const OPEN = /(?:[NEbru]|\[\](?:string|byte)\{|\[{1,2}|\()?(?:"""|'''|["'`])?/y;
const PAIR =
  /["'`]?\s{0,8},\s{0,8}(?:["'`]?(?:value|val|content|secret|data|default)["'`]?\s{0,4}[:=]\s{0,4})?[bNu]?(["'`])/iy;
const NEXT_LINE = /["'`]?,?\s{1,40}["'`]?value["'`]?\s{0,4}[:=]\s{0,4}(["'`]?)/iy;
const ATTRIBUTE = /["']\s{1,8}value\s{0,4}=\s{0,4}(["'])/iy;
const ELEMENT = /(?:["'][^<>]{0,200}|(?:\s[^<>]{0,200})?)>(?:<!\[CDATA\[)?/y;
const SIBLING = /<\/[\w:.-]{1,64}>\s{0,40}<[\w:.-]{1,64}>/y;
const SQL = /\s{1,8}(?:=\s{0,8}|\(\s{0,8})?N?(['"])/y;
const CALL = /\(\s{0,8}N?(['"])/y;
// Ends of values without quotes; searched for from where the value begins.
const LINE_END = /[\r\n\u007f]|$/g;
const ENTRY_END = /, ?[\w-]+[=:]|[}\])\r\n\u007f]|$/g;
const QUERY_END = /[\s\u007f&#"'<>]|$/g;
const VALUE_END = /[\s\u007f&;"'`<]|,(?=$|\s|[\w.-]{1,64} ?[=:]|["'{[])|[)\]}>](?=$|[\s,;)\]}>"'])|$/g;
const SPACE_END = /[\s\u007f]|$/g;
const TEMPLATE =
  /(?:\$\{[A-Za-z0-9_.]{0,80}\}|\{\{[^{}]{0,100}\}\}|\{\w{0,40}\}|\$\([^()]{0,60}\)|<[\w -]{0,40}>|%\(\w{1,40}\)s)(?=$|[\s,;&"'`)\]}@])/y;
const IS = /[ \t]{1,4}(?:is|was|=|:)[ \t:]{1,4}(["'`])/iy;
const SCHEMA = /\{\s{0,8}["']?(?:type|\$ref|description|title|format|minLength|maxLength|required)["']?\s{0,4}:/y;
const FOR = /\s{1,8}for\s{1,8}[^\s=]{1,130}\s{0,8}=\s{0,8}(?:password\s{0,4}\(\s{0,4})?N?(['"])/iy;
const SCHEME = /(?:Bearer|Basic|Token|ApiKey|Negotiate|Digest|Key|AWS4-HMAC-SHA256)[ +]{1,4}/iy;

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

class Value {
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

  /** `<password>x</password>`, `<add key="password" value="x"/>`, `<name>password</name><value>x</value>`. */
  #markup(): Found {
    const text = this.#text;
    const next = text[this.#end];
    const isQuoted = /["']/.test(next ?? '') && /["']/.test(text[this.#start - 1] ?? '');
    let opening = this.#start - 1;
    if (next !== '<' && !isQuoted && text[opening] !== '<' && text[opening] !== ':') return undefined;
    if (text[opening] === ':') for (opening--; opening > this.#start - 20 && isNameAt(text, opening); ) opening--;
    const sibling = next === '<' ? match(SIBLING, text, this.#end) : null;
    if (sibling) return this.#upTo(this.#end + sibling[0].length, '<');
    if (text[opening] === '<' || isQuoted) {
      const attribute = match(ATTRIBUTE, text, this.#end);
      if (attribute) return this.#upTo(this.#end + attribute[0].length, attribute[1]!);
    }
    if (next === '>' && text[opening] !== '<') return undefined;
    if (
      text[opening] !== '<' &&
      !(isQuoted && /\s(?:key|name|id)=["']$/i.test(text.slice(Math.max(0, this.#start - 8), this.#start)))
    ) {
      return undefined;
    }
    const element = match(ELEMENT, text, this.#end);
    if (!element || element[0].endsWith('/>')) return undefined;
    return this.#upTo(this.#end + element[0].length, '<');
  }

  /** `name=x`, `"name": "x"`, `:name => 'x'`, `name := x`, `Name: x`. */
  #assigned(): Found {
    const text = this.#text;
    const closed = this.#end + match(CLOSE, text, this.#end)![0].length;
    const separator = match(SEPARATOR, text, closed);
    if (!separator) return undefined;
    const at = closed + separator[0].length;
    if (this.#name.isHeader) return this.#header(at);
    const open = match(OPEN, text, at)![0];
    const quote = /["'`]+$/.exec(open)?.[0];
    if (quote) return this.#quoted(at + open.length, quote);
    if (open.startsWith('[')) return this.#upTo(at + open.length, ']');
    if (text[at] === '{' && (this.#secrecy !== 2 || match(SCHEMA, text, at))) return undefined;
    if (text[at] === '{') return this.#object(at);
    if (/^[|>][-+]?\s*[\r\n]/.test(text.slice(at, at + 8))) return this.#block(at);
    if (text[at] === '\n' || text[at] === '\r' || text[at] === ITEM) return this.#item(at);
    const isProse = separator[1] === ':' && separator[0].length > separator[1].length;
    const isCode = separator[1] !== ':' && /\s/.test(separator[0]);
    return this.#unquoted(at, isProse, isCode);
  }

  /** A header's value is all that follows: a scheme with its parameters, a list of cookies. */
  #header(at: number): Found {
    const text = this.#text;
    const open = match(OPEN, text, at)![0];
    const quote = /["'`]+$/.exec(open)?.[0];
    if (quote) return this.#quoted(at + open.length, quote);
    if (open.startsWith('[')) return this.#upTo(at + open.length, ']');
    const before = text[this.#start - 1] ?? '';
    if (/["'`]/.test(before) && text[this.#end] !== before) return this.#upTo(at, before);
    // In the dump of a map other entries follow on the same line.
    const isMap = /[{[(,]/.test(before) || (before === ' ' && /[,{[(]/.test(text[this.#start - 2] ?? ''));
    const value = text.slice(at, match(isMap ? ENTRY_END : LINE_END, text, at)!.index).trimEnd();
    if (value.length < 2 || isHarmless(value) || isPlaceholder(value)) return undefined;
    const scheme = match(SCHEME, text, at)?.[0].length ?? 0;
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
          // '' within a text of SQL.
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
    const line = match(NEXT_LINE, text, at);
    return line && line[1] === '' ? this.#unquoted(at + line[0].length, false, false) : undefined;
  }

  #unquoted(at: number, isProse: boolean, isCode: boolean): Found {
    const text = this.#text;
    const scheme = match(SCHEME, text, at)?.[0].length ?? 0;
    const from = at + scheme;
    if (match(TEMPLATE, text, from)) return undefined;
    const end = this.#endOf(from);
    const value = text.slice(from, Math.min(end, from + 200));
    if (isCode && /^[A-Za-z_][\w.]*\(|^[a-z_]+(?:\.[A-Za-z_]+)+$|^(?:new|await|process\.env|os\.environ)\b/.test(value))
      return undefined;
    if (isProse) {
      const isLast = /^[ \t]*(?:$|[\r\n\u007f,;)}\]|#]|[\w.-]+ ?[=:])/.test(text.slice(end, end + 60));
      // A word in a sentence, unless it can be none.
      if (!/[\d$!@#%^&*_+=]/.test(value) && (!isLast || isProseWord(value) || /[.:!?]$/.test(value))) return undefined;
      if (this.#secrecy === 1 && !looksMade(value) && value.length < 20 && !/\d/.test(value)) return undefined;
    }
    return this.#judged(from, end, false);
  }

  /** Where a value without quotes ends. */
  #endOf(from: number): number {
    const isQuery = /[?&]/.test(this.#text[this.#start - 1] ?? '');
    return match(isQuery ? QUERY_END : VALUE_END, this.#text, from)!.index;
  }

  /** `"name", "value"` in a pair, `"name":"password","value":"x"`, `- name: X_TOKEN` and `value:` in the next line. */
  #listed(): Found {
    const text = this.#text;
    const before = text[this.#start - 1] ?? '';
    const next = text[this.#end] ?? '';
    if (/["'`]/.test(before) && next === before) {
      const pair = match(PAIR, text, this.#end);
      if (pair) {
        const at = this.#end + pair[0].length;
        const found = this.#quoted(at, pair[1]!);
        if (!found) return undefined;
        if (this.#name.isOption || /[:=]\s*[bNu]?["'`]$/.test(pair[0])) return found;
        // Without more, a list of names is as likely.
        const opened = text.slice(Math.max(0, this.#start - 6), this.#start - 1);
        const isPair = /[[({]\s*[bu]?$/.test(opened) && /^["'`]\s*[\])}]/.test(text.slice(found[1], found[1] + 4));
        const value = text.slice(...found);
        return (isPair || this.#name.isTitled) && !/^[A-Za-z]+(?:[_-][A-Za-z]+)*$/.test(value) ? found : undefined;
      }
    }
    const line = /[\s"'`,]/.test(next) ? match(NEXT_LINE, text, this.#end) : null;
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
    const sql =
      match(SQL, text, this.#end) ??
      (isPassword ? (match(CALL, text, this.#end) ?? match(FOR, text, this.#end)) : null);
    if (sql && (isPassword || isOption || (isUpper && sql[1] === "'"))) {
      return this.#quoted(this.#end + sql[0].length, sql[1]!);
    }
    if (next !== ' ' && next !== '\t') return undefined;
    const said = isPassword ? match(IS, text, this.#end) : null;
    if (said) return this.#quoted(this.#end + said[0].length, said[1]!);
    const before = text.slice(Math.max(0, this.#start - 12), this.#start);
    const isNetrc =
      isPassword && /(?:login|account) \S{1,64} $/.test(text.slice(Math.max(0, this.#start - 80), this.#start));
    if (
      !isOption &&
      !isNetrc &&
      !/(?:^|\s)(?:ENV|ARG|setx|setenv|requirepass|masterauth) $/i.test(before) &&
      !/^(?:requirepass|masterauth)$/i.test(text.slice(this.#start, this.#end))
    ) {
      return undefined;
    }
    const at = this.#end + /^[ \t]+/.exec(text.slice(this.#end, this.#end + 16))![0].length;
    const open = match(OPEN, text, at)![0];
    if (/["'`]$/.test(open)) return this.#quoted(at + open.length, open.at(-1)!);
    if (text[at] === '-' && isOption) return undefined;
    return this.#judged(at, match(SPACE_END, text, at)!.index, false);
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
    const text = this.#text;
    const value = text.slice(from, Math.min(to, from + 200));
    if (to <= from || isPlaceholder(value)) return undefined;
    if (this.#secrecy === 1 && isHarmless(value)) return undefined;
    // The tokens of a model's answer, with their probabilities.
    if (
      this.#secrecy === 1 &&
      isQuoted &&
      /^["'],\s{0,4}["'](?:logprob|bytes|prob|id)["']/.test(text.slice(to, to + 20))
    )
      return undefined;
    if (this.#name.isNumber && !/\d/.test(value)) return undefined;
    if (/^(?:true|false|null|none|nil|undefined|unset)$/i.test(value) && !isQuoted) return undefined;
    // The shell's working directory has the name of a password.
    const first = value.charCodeAt(0);
    if (
      (first === 0x2f || first === 0x7e || value[1] === ':') &&
      /^(?:OLD)?PWD$/i.test(text.slice(this.#start, this.#end))
    )
      return undefined;
    if (/^(?:include|omit|same-origin)$/.test(value)) return undefined;
    return [from, to];
  }
}

function itemEnd(text: string, at: number): number {
  const end = text.indexOf(ITEM, at);
  return end < 0 ? text.length : end;
}
