// Secrets that no name stands before: in addresses, after the name of a scheme, in commands and statements.
import type { Found } from './named.ts';
import { isPlaceholder, looksMade } from './placeholders.ts';

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

const TOKEN_END = /[\s"'`<>\u007f]|$/g;
const PORT = /\d{1,5}(?=[/?#,]|$|[\s"'`<>\u007f])/y;
const USER = /[^\s:/@"'`?#<>\u007f]{0,256}/y;

/**
 * The password of an address, or what stands there in place of user and password.
 *
 * @param at After `://`.
 */
export function inAddress(text: string, at: number): Found {
  const user = match(USER, text, at)![0];
  const colon = at + user.length;
  if (text[colon] === '@') return user.length >= 20 && looksMade(user) ? [at, colon] : undefined;
  if (text[colon] !== ':' || match(PORT, text, colon + 1)) return undefined;
  const end = match(TOKEN_END, text, colon + 1)!.index;
  // The last one: a password may hold an @ that nothing has escaped.
  const last = text.lastIndexOf('@', end - 1);
  if (last <= colon + 1) return undefined;
  return isPlaceholder(text.slice(colon + 1, Math.min(last, colon + 60))) ? undefined : [colon + 1, last];
}

const NO_SCHEME =
  /[\w.+-]{1,64}:([^\s:@/"'`<>\u007f]{1,128})@(?:[\w.-]{1,253}(?::\d{1,5}[/?\s]|:\d{1,5}$|\/[\w-]+)|tcp\(|unix\(|\[)/y;
const ORACLE = /[\w$#]{1,64}\/([^\s@"'`/\u007f]{1,128})@/y;

/** `user:password@host:5432/db`, without a scheme. @param at Where the user's name begins. */
export function withoutScheme(text: string, at: number): Found {
  const found = match(NO_SCHEME, text, at);
  if (
    !found ||
    /^(?:mailto|sip|sips|acct|xmpp|pkg|npm|git|docker|im|pres|urn|arn|tag|cid|mid)$/i.test(
      text.slice(at, text.indexOf(':', at)),
    )
  )
    return undefined;
  const from = text.indexOf(':', at) + 1;
  return isPlaceholder(found[1]!) ? undefined : [from, from + found[1]!.length];
}

/** `jdbc:oracle:thin:user/password@...`. @param at Where the user's name begins. */
export function inOracle(text: string, at: number): Found {
  const found = match(ORACLE, text, at);
  if (!found) return undefined;
  const from = at + found[0].length - 1 - found[1]!.length;
  return [from, from + found[1]!.length];
}

const CREDENTIAL = /[ +\t\u007f]{1,4}(?:\[)?([A-Za-z0-9._~+/-]{6,}={0,2})(?![\w="(])/y;

/** What follows `Bearer`, `Basic` and their like. @param scheme In small letters. */
export function afterScheme(text: string, start: number, end: number, scheme: string): Found {
  if (/[\w-]/.test(text[start - 1] ?? '')) return undefined;
  const found = match(CREDENTIAL, text, end);
  if (!found) return undefined;
  const value = found[1]!;
  const at = end + found[0].length - value.length;
  const before = text.slice(Math.max(0, start - 2), start);
  const isHeader = before === '' || /[:="'\u007f[]\s?$/.test(before);
  return isCredential(scheme, value, isHeader) ? [at, at + value.length] : undefined;
}

function isCredential(scheme: string, value: string, isHeader: boolean): boolean {
  if (scheme === 'basic') {
    return (
      /^[A-Za-z0-9+/]+={0,2}$/.test(value) && isLogin(Buffer.from(value.slice(0, 1_000), 'base64').toString('utf8'))
    );
  }
  if (/^[A-Za-z]+$/.test(value)) return value.length >= 24 && (isHeader || scheme === 'bearer');
  if (scheme === 'bearer')
    return (value.length >= 8 && /[0-9_+/=]/.test(value)) || /[a-z][A-Z]/.test(value) || value.length >= 20;
  return isHeader && value.length >= 16 && /\d/.test(value);
}

/** `user:password`, as opposed to bytes that a word happens to stand for. */
function isLogin(decoded: string): boolean {
  return decoded.includes(':') && /^[^\p{Cc}\ufffd]*$/u.test(decoded);
}

/** Options of programs whose value is a password, where no name says so. */
const OPTIONS: Record<string, RegExp> = {
  curl: /^-(?:u|U)$|^--(?:user|proxy-user)$/,
  mysql: /^-p(?=.)/,
  mariadb: /^-p(?=.)/,
  sshpass: /^-p/,
  'redis-cli': /^-a$/,
  mongo: /^-p$/,
  docker: /^-p$/,
  podman: /^-p$/,
  helm: /^-p$/,
  ldapsearch: /^-w$/,
  ldapwhoami: /^-w$/,
  ldapadd: /^-w$/,
  ldapmodify: /^-w$/,
  ldapdelete: /^-w$/,
  ldappasswd: /^-(?:w|s|a)$/,
  smbclient: /^-U$/,
  sqlcmd: /^-P$/,
  bcp: /^-P$/,
  az: /^-p$/,
  lftp: /^-u$/,
  http: /^-a$/,
  https: /^-a$/,
  xh: /^-a$/,
  '7z': /^-p(?=.)/,
  zip: /^-P$/,
  unzip: /^-P$/,
  snowsql: /^-p$/,
  openssl: /^-(?:k|K)$/,
};
export const PROGRAMS = Object.keys(OPTIONS);
/** Programs that take their subcommand first: without it their option means something else. */
const LOGIN = /^(?:docker|podman|helm|az)$/;

const OPTION = /(-{1,2}[A-Za-z][A-Za-z-]{0,30})(?:[=\s\u007f]|["'],?\s{0,4}["']?)?["']?/y;

/** The password that follows an option of a program. @param at Where the option begins. */
export function afterOption(text: string, at: number, program: string, since: number): Found {
  const pattern = OPTIONS[program]!;
  if (LOGIN.test(program) && !/\blogin\b/.test(text.slice(since, Math.min(at, since + 200)))) return undefined;
  const found = match(OPTION, text, at);
  if (!found) return undefined;
  const short = found[1]!.slice(0, 2);
  const isAttached = !found[1]!.startsWith('--') && found[1]!.length > 2;
  let from = at + found[0].length;
  if (isAttached) {
    // Attached to one letter: `-psecret`, `-uroot:secret`.
    if (!pattern.test(`${short}x`) && !pattern.test(short)) return undefined;
    if (pattern.source.endsWith('$') && short !== '-u') return undefined;
    from = at + 2;
  } else if (pattern.test(found[1]!)) from = at + found[0].length;
  else if (pattern.test(`${found[1]}x`) && /\S/.test(text[at + 2] ?? ' ') && !/[\s"'\u007f]/.test(text[at + 2]!))
    from = at + 2;
  else return undefined;
  const quote = /["']/.test(text[from - 1] ?? '') ? text[from - 1]! : undefined;
  const end = quote ? endOf(text, from, quote) : match(SPACE, text, from)!.index;
  const value = text.slice(from, end);
  if (value === '' || value.startsWith('-') || isPlaceholder(value)) return undefined;
  if (!/^-(?:u|U|a)$|user/.test(short === '--' ? found[1]! : short) || program === 'redis-cli') return [from, end];
  const cut = value.search(/[:%,]/);
  return cut < 0 || cut === value.length - 1 ? undefined : [from + cut + 1, end];
}

const SPACE = /[\s"'`\u007f]|$/g;

function endOf(text: string, from: number, stop: string): number {
  const end = text.indexOf(stop, from);
  return end < 0 ? text.length : end;
}

const IDENTIFIED =
  /\s{1,8}(?:WITH\s{1,8}['"`\w]{1,64}\s{1,8})?(?:BY|AS)\s{1,8}(?:PASSWORD\s{1,8}|VALUES\s{1,8})?(?:(['"`])|(?=[^\s;,)]))/iy;

/** `IDENTIFIED BY 'x'`. @param at After `IDENTIFIED`. */
export function afterIdentified(text: string, at: number): Found {
  const found = match(IDENTIFIED, text, at);
  if (!found) return undefined;
  const from = at + found[0].length;
  const end = found[1] ? endOf(text, from, found[1]) : from + match(/[^\s;,)\u007f]*/y, text, from)![0].length;
  return isPlaceholder(text.slice(from, end)) ? undefined : [from, end];
}

const CRYPT = /\s{0,4}\(\s{0,4}(?:'(?:[^']|''){0,4000}'|\$\d+|[\w.]+)?\s{0,4}(?:,\s{0,4})?/y;

/** `crypt('x', gen_salt('bf'))`, `pgp_sym_encrypt(data, 'x')`: all texts among its arguments. @param at After its name. */
export function inCrypt(text: string, at: number): Found {
  const first = match(CRYPT, text, at);
  if (!first) return undefined;
  let end = at + first[0].length;
  const from = at + text.slice(at, end + 1).indexOf("'");
  if (from < at) return undefined;
  if (text[end] === "'") end = endOf(text, end + 1, "'");
  const last = text.lastIndexOf("'", end);
  return last > from ? [from + 1, last] : undefined;
}

const AUTH =
  /(?:[ \t\u007f]{1,4}|\s{1,2}\$\d{1,6}\s{1,2})["']?([^\s"'\u007f]{1,256})["']?(?:(?:[ \t\u007f]{1,4}|\s{1,2}\$\d{1,6}\s{1,2})["']?([^\s"'\u007f]{1,256})["']?)?[ \t]*(?=$|[\r\n;])/y;
const SENTENCE =
  /^(?:failed|failure|required|error|errors|ok|success|successful|succeeded|login|plain|token|service|check|timeout|with|is|not|needed|denied|disabled|enabled|none|method|header|flow|middleware|server|rejected|expired|started|done|completed|user|provider|api|module)$/i;

/** Redis' `AUTH x` and `AUTH user x`. */
export function afterAuth(text: string, start: number, end: number): Found {
  const before = text.slice(Math.max(0, start - 12), start);
  const isCommand = /(?:^|[\r\n;\u007f]|hello \d )\s?["']?$/i.test(before);
  if (!isCommand && !(/[:>=(] ?["'`]?$/.test(before) && text.startsWith('AUTH', start))) return undefined;
  const found = match(AUTH, text, end);
  if (!found) return undefined;
  const value = found[2] ?? found[1]!;
  if (isPlaceholder(value) || SENTENCE.test(found[1]!) || (found[2] !== undefined && SENTENCE.test(found[2])))
    return undefined;
  const from = text.indexOf(value, end + (found[2] === undefined ? 0 : found[0].indexOf(found[1]!) + found[1]!.length));
  return [from, from + value.length];
}

const KEY_END = '-----END ';

/** From `-----BEGIN ... PRIVATE KEY-----` to its end. @param at Where it begins. */
export function privateKey(text: string, at: number): Found {
  const head = match(/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/y, text, at);
  if (!head) return undefined;
  const end = text.indexOf(KEY_END, at);
  if (end < 0) return [at, text.length];
  const tail = match(/-----END [A-Z0-9 ]{0,40}-----/y, text, end);
  return [at, tail ? end + tail[0].length : text.length];
}
