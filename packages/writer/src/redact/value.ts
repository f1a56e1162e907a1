// How languages, shells, headers and configuration files write the value of a name. Everything here reads forward from the
// name, each character at most a few times.
import { isHarmless, type KeySecrecy } from './keys.ts';
import { inMarkup } from './markup.ts';
import { type Found, ITEM, isNameAt, match, nextOf } from './match.ts';
import type { Name } from './named.ts';
import { isCode, isPlaceholder, isProseWord, isSentence, looksMade } from './placeholders.ts';
import { saidAfter } from './said.ts';
import { inCall, inCrypt } from './statements.ts';

const CLOSE = /["'`\])]{0,3}/y;
const SEPARATOR = /[ \t]{0,8}(=>|:=|={1,3}|!={1,2}|<-|:|->)[ \t]{0,8}/y;
/** Between the quoted name of a member and its value, on lines of their own. */
const SPREAD = /\s{0,8}(:)\s{0,8}(?=["'])|(;)s:\d{1,9}:(?=")/y;
/** `name: String = `, `name string = `, `name string(7) `, and the tags, anchors and lengths of YAML and PHP. */
const TYPED =
  /(?::[ \t]{0,4}|[ \t]{1,4})(?:&?(?:'\w{1,20} )?(?:str|String|string|char|CharSequence|text|SecretStr|Optional\[str\]|const|varchar|bytes|\[\]byte)\b(?:\[\]|\?|\(\d{1,6}\))?)[ \t]{0,4}(:?=)[ \t]{0,4}(?=["'`])/y;
/** How one begins: most names are followed by no type. */
const TYPES = /^:?[ \t]{0,4}[&sStTcCOvb[]/;
const TAGGED = /(?:!![a-z]{1,12}|![A-Za-z]{1,20}|&[\w-]{1,40}|string\(\d{1,9}\)|s:\d{1,9}:)[ \t]{0,4}/y;
const OPEN = /(?:[NEbru]|\[\](?:string|byte)\{|\[{1,2}|\()?(?:"""|'''|["'`])?/y;
/** Calls that are given the secret, as opposed to those that get it from somewhere. */
const WRAPPED =
  /(?:md5|sha1|sha2|sha256|sha512|sha|crypt|password|old_password|encrypt|hash|hashbytes|some|just|ok|secretstr|secret|string|str|new string|string::from|bytes|buffer\.from|optional\.of|value|to_base64|unhex|lower|trim|concat|encode|base64)\((?:['"](?:sha\w{0,8}|md5)['"],\s{0,4})?N?["'`]/iy;
const OPENS = new Set('NEbru[("\'`');
const QUOTES = new Set('"\'`');
const PAIR =
  /["'`]?\s{0,8},\s{0,8}(?:["']\w{1,32}["']\s{0,4}:\s{0,4}(?:"[^"]{0,64}"|[\w.]{1,20})\s{0,4},\s{0,8}){0,3}(?:["'`]?(?:\w{0,16}value|val|content|secret|data|default)["'`]?\s{0,4}[:=]\s{0,4})?[bNu]?(["'`])/iy;
/** `variable "db_password" { default = "x" }` */
const VARIABLE = /["']\s{0,4}\{[^{}]{0,200}?\bdefault\s{0,4}=\s{0,4}(["'])/y;
/** `"requirepass" "x"`, as Redis shows commands. */
const COMMAND = /" (")(?=[^"\n]{1,200}"$)/y;
const NEXT_LINE = /["'`]?,?\s{1,40}["'`]?value["'`]?\s{0,4}[:=]\s{0,4}(["'`]?)/iy;
const SQL = /\s{1,8}(?:(?:=|<>|!=|to|as|like|ilike|eq|ne|from|in\s{0,4}\()\s{0,8}|\(\s{0,8})?[NE]?(['"]|\$\w{0,8}\$)/iy;
const TO = /'\s{1,4}TO\s{1,4}'[^']{1,200}'/iy;
const LIST = /'(?:[^']|''){0,400}'(?:\s{0,4},\s{0,4}'(?:[^']|''){0,400}'){1,50}/y;
const BRACED = /\{(?:[^}\n]|\}\}){1,200}\}(?=$|[;"'\s\u007f])/y;
const FLOW = /,[ \t]{1,4}([^\s,\]"'-][^\s,\]"']{0,200})(?=[,\]])/y;
const KIND = /[ \t][0-9][ \t]{1,2}([\w$./]{8,200})/y;
const CALL = /\(\s{0,8}N?(['"])/y;
// Ends of values without quotes; searched for from where the value begins.
const LINE_END = /[\r\n\u007f]|$/g;
const ENTRY_END = /, ?[\w-]{1,64}[=:]|[}\])\r\n\u007f]|$/g;
const QUERY_END = /[\s\u007f&"'<>]|$/g;
const VALUE_END = /[\s\u007f&;"'`<]|,(?=$|\s|[\w.-]{1,64} ?[=:]|["'{[])|[)\]}>](?=$|[\s,;)\]}>"'])|$/g;
const SPACE_END = /[\s\u007f]|$/g;
const TEMPLATE =
  /(?:\$\{[A-Za-z0-9_.]{0,80}(?::?-|:?\?[^{}]{0,80})?\}|\{\{[^{}]{0,100}\}\}|\{\w{0,40}\}|\$\([^()]{0,60}\)|<[\w -]{0,40}>|%\(\w{1,40}\)s)(?=$|[\s,;&"'`)\]}@])/y;
const TEMPLATES = new Set(['$', '{', '<', '%']);
const SCHEMA = /\{\s{0,8}["']?(?:type|\$ref|description|title|format|minLength|maxLength|required)["']?\s{0,4}:/y;
const FOR = /\s{1,8}for\s{1,8}[^\s=]{1,130}\s{0,8}=\s{0,8}(?:password\s{0,4}\(\s{0,4})?N?(['"])/iy;
const SCHEME = /(?:Bearer|Basic|Token|ApiKey|Negotiate|Digest|Key|Splunk|SharedKey|Hawk|AWS4-HMAC-SHA256)[ +]{1,4}/iy;
const SCHEMES = new Set('bBtTaAnNdDkKsShH');
const OPTIONS = /\b(?:id|src|env|type)=/y;

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

  /** `name=x`, `"name": "x"`, `:name => 'x'`, `name := x`, `Name: x`. */
  #assigned(): Found {
    const text = this.#text;
    const closed = this.#end + match(CLOSE, text, this.#end)![0].length;
    const typed =
      closed === this.#end && TYPES.test(text.slice(closed, closed + 6)) ? match(TYPED, text, closed) : null;
    const separator =
      typed ?? (closed > this.#end ? match(SPREAD, text, closed) : null) ?? match(SEPARATOR, text, closed);
    if (!separator) return undefined;
    let at = closed + separator[0].length;
    if (this.#name.isHeader) return this.#header(at);
    const begin = text[at];
    if (begin === '!' || begin === '&' || begin === 's') at += match(TAGGED, text, at)?.[0].length ?? 0;
    if (this.#name.isOption && match(OPTIONS, text, at)) return undefined;
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
    const braced = text[at] === '{' && separator[1] === '=' ? match(BRACED, text, at) : null;
    if (braced && (/[};]/.test(braced[0].slice(1, -1)) || text[at + braced[0].length] === ';'))
      return [at + 1, at + braced[0].length - 1];
    if (TEMPLATES.has(text[at]!) && match(TEMPLATE, text, at)) return undefined;
    if (text[at] === '{' && (this.#secrecy !== 2 || match(SCHEMA, text, at))) return undefined;
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
    if (!isNameAt(text, at)) return OPENS.has(text[at]!) ? match(OPEN, text, at)![0] : '';
    let end = at + 1;
    while (end < at + 16 && (isNameAt(text, end) || text[end] === ':')) end++;
    if (text[end] === '(' || text[end] === ' ') return match(WRAPPED, text, at)?.[0] ?? '';
    return OPENS.has(text[at]!) && QUOTES.has(text[end]!) ? match(OPEN, text, at)![0] : '';
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
    const value = text.slice(at, nextOf(isMap ? ENTRY_END : LINE_END, text, at)).trimEnd();
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
    const line = match(NEXT_LINE, text, at);
    return line && line[1] === '' ? this.#unquoted(at + line[0].length, false, false) : undefined;
  }

  #unquoted(at: number, isProse: boolean, isCodeLike: boolean): Found {
    const text = this.#text;
    const scheme = SCHEMES.has(text[at]!) ? (match(SCHEME, text, at)?.[0].length ?? 0) : 0;
    const from = at + scheme;
    if (scheme > 0 && match(TEMPLATE, text, from)) return undefined;
    const end = this.#endOf(from);
    const value = text.slice(from, Math.min(end, from + 200));
    if (isCode(value, text.slice(end, end + 1), isCodeLike) || (isCodeLike && this.#isItself(value))) return undefined;
    if (isProse) {
      const isLast = /^[ \t]*(?:$|[\r\n\u007f,;)}\]|#"']|[\w.-]+ ?[=:])/.test(text.slice(end, end + 60));
      // A word in a sentence, unless it can be none.
      if (!/[\d$!@#%^&*_+=]/.test(value) && (!isLast || isProseWord(value) || /[.:!?]$/.test(value))) return undefined;
      if (this.#secrecy === 1 && !this.#name.isJoined && !looksMade(value) && value.length < 20 && !/\d/.test(value))
        return undefined;
    }
    return this.#judged(from, end, false);
  }

  /** Where a value without quotes ends. */
  #endOf(from: number): number {
    const isQuery = /[?&]/.test(this.#text[this.#start - 1] ?? '');
    return nextOf(isQuery ? QUERY_END : VALUE_END, this.#text, from);
  }

  /** `"name", "value"` in a pair, `"name":"password","value":"x"`, `- name: X_TOKEN` and `value:` in the next line. */
  #listed(): Found {
    const text = this.#text;
    const before = text[this.#start - 1] ?? '';
    const next = text[this.#end] ?? '';
    if (/["'`]/.test(before) && next === before) {
      const variable = match(VARIABLE, text, this.#end);
      if (variable) return this.#quoted(this.#end + variable[0].length, variable[1]!);
      const pair = match(PAIR, text, this.#end) ?? (this.#secrecy === 2 ? match(COMMAND, text, this.#end) : null);
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
    if (isPassword && next === '(') {
      if (!match(CALL, text, this.#end)) return undefined;
      const isCipher = /crypt/i.test(text.slice(this.#start, this.#end));
      return isCipher ? inCrypt(text, this.#end) : inCall(text, this.#end + 1);
    }
    const sql = match(SQL, text, this.#end) ?? (isPassword ? match(FOR, text, this.#end) : null);
    if (isOption && next === ',') {
      const item = match(FLOW, text, this.#end);
      return item
        ? this.#judged(this.#end + item[0].length - item[1]!.length, this.#end + item[0].length, false)
        : undefined;
    }
    if (sql && (isPassword || isOption || ((isUpper || /\S/.test(sql[0].slice(0, -1))) && sql[1] !== '"'))) {
      const from = this.#end + sql[0].length;
      if (/in\s*\(\s*N?'$/i.test(sql[0])) {
        const list = match(LIST, text, from - 1);
        if (list) return this.#judged(from, from - 2 + list[0].length, true);
      }
      const found = this.#quoted(from, sql[1]!);
      const to = found && /from\s/i.test(sql[0]) ? match(TO, text, found[1]) : null;
      return found && to ? [found[0], found[1] + to[0].length - 1] : found;
    }
    if (next !== ' ' && next !== '\t') return undefined;
    const kind = match(KIND, text, this.#end);
    if (kind && /\d/.test(kind[1]!))
      return this.#judged(this.#end + kind[0].length - kind[1]!.length, this.#end + kind[0].length, false);
    if (!isOption) {
      const said = saidAfter(text, this.#end, isPassword);
      if (said) return said;
    }
    const before = text.slice(Math.max(0, this.#start - 100), this.#start);
    const isNetrc = isPassword && /(?:login|account)\s{1,8}\S{1,64}\s{1,8}$/.test(before);
    if (
      !isOption &&
      !isNetrc &&
      !/(?:^|\s)(?:ENV|ARG|setx|setenv|requirepass|masterauth) $/i.test(before) &&
      !/\bconfig(?:ure)?[: ][^\n|;]{0,80}[\s/:]$/i.test(before) &&
      !/^(?:requirepass|masterauth|bindpw|rootpw)$/i.test(text.slice(this.#start, this.#end))
    ) {
      return undefined;
    }
    const at = this.#end + /^[ \t]+/.exec(text.slice(this.#end, this.#end + 16))![0].length;
    const open = this.#openAt(at);
    if (quoteOf(open)) return this.#quoted(at + open.length, open.at(-1)!);
    if (isOption && (text[at] === '-' || match(OPTIONS, text, at))) return undefined;
    return this.#judged(at, nextOf(SPACE_END, text, at), false);
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
    const name = text.slice(this.#start, this.#end);
    if (to <= from || isPlaceholder(value) || (isQuoted && isSentence(value))) return undefined;
    if (this.#secrecy === 1 && isHarmless(value)) return undefined;
    // The tokens of a model's answer, with their probabilities.
    if (
      this.#secrecy === 1 &&
      isQuoted &&
      /^["'],\s{0,4}["'](?:logprob|bytes|prob|id)["']/.test(text.slice(to, to + 20))
    )
      return undefined;
    if (
      this.#name.isNumber &&
      !/^\d[\d -]{2,}$/.test(value) &&
      !(/otp/i.test(name) && /^(?=.*\d)[A-Za-z\d]{6,10}$/.test(value))
    )
      return undefined;
    // A piece of what a model said.
    if (isQuoted && /^[ \u0120\u2581]?[A-Za-z]{1,5}$/.test(value) && /^token$/i.test(name)) return undefined;
    if (/^(?:true|false|null|none|nil|undefined|unset)$/i.test(value) && !isQuoted) return undefined;
    // The shell's working directory has the name of a password.
    const first = value.charCodeAt(0);
    if ((first === 0x2f || first === 0x7e || value[1] === ':') && /^(?:OLD)?PWD$/i.test(name)) return undefined;
    if (/^(?:include|omit|same-origin)$/.test(value)) return undefined;
    return [from, to];
  }
}

function quoteOf(open: string): string | undefined {
  const last = open.at(-1);
  if (last === undefined || !QUOTES.has(last)) return undefined;
  return open.length >= 3 && open.endsWith(last.repeat(3)) ? last.repeat(3) : last;
}

function itemEnd(text: string, at: number): number {
  const end = text.indexOf(ITEM, at);
  return end < 0 ? text.length : end;
}
