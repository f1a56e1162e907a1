// Passwords in statements of SQL, Redis and MongoDB and in protocols of text, where no name stands right before them.
import { endOf, type Found, match } from './match.ts';
import { isPlaceholder } from './placeholders.ts';

const IDENTIFIED =
  /\s{1,8}(?:WITH\s{1,8}['"`\w]{1,64}\s{1,8})?(?:BY|AS)\s{1,8}(?:PASSWORD\s{1,8}|VALUES\s{1,8})?(?:(['"`])|(?=[^\s;,)]))/iy;
const REPLACE = /\s{1,8}REPLACE\s{1,8}(?:"([^"]{1,200})"|([^\s;]{1,200}))/iy;

/** `IDENTIFIED BY 'x'`, `IDENTIFIED BY x REPLACE y`. @param at After `IDENTIFIED`. */
export function afterIdentified(text: string, at: number): Found {
  const found = match(IDENTIFIED, text, at);
  if (!found) return undefined;
  const from = at + found[0].length;
  const end = found[1] ? endOf(text, from, found[1]) : from + match(/[^\s;,)\u007f]*/y, text, from)![0].length;
  if (isPlaceholder(text.slice(from, end))) return undefined;
  const replaced = match(REPLACE, text, found[1] ? end + 1 : end);
  return [from, replaced ? (found[1] ? end + 1 : end) + replaced[0].length : end];
}

const ALGORITHM =
  /^(?:sha-?\d+|sha[123]?|md5|bf|xdes|des|aes(?:-?\d+)?(?:-?cbc|-?ecb)?(?:\/pad:\w+)?|hex|base64|escape|utf-?8|hmacsha\d+)$/i;

/** `crypt('x', gen_salt('bf'))`, `pgp_sym_encrypt(data, 'x')`: all texts among its arguments. @param at At its parenthesis. */
export function inCrypt(text: string, at: number): Found {
  return textsFrom(text, at, 0);
}

/** `sp_addlogin 'bob', 'x'`, `db.auth("bob", "x")`: what follows the first text, or the only one. @param at After the name. */
export function inCall(text: string, at: number): Found {
  return textsFrom(text, at, 1);
}

/** `BasicAuth("bob", "x")`: the last of two texts or more. @param at After the parenthesis. */
export function inLogin(text: string, at: number): Found {
  const first = match(ARGUMENT, text, at);
  if (!first) return undefined;
  const [from, to] = textsFrom(text, at, 1) ?? [0, 0];
  return from >= at + first[0].length ? [from, to] : undefined;
}

const ARGUMENT = /\(?[^'"();\n]{0,200}(?:N?'((?:[^'\\]|\\.|''){0,2000})'|"((?:[^"\\]|\\.){0,2000})")/y;

/** From the text of this number among the arguments, or the only one, to the end of the last. */
function textsFrom(text: string, at: number, number: number): Found {
  let from = -1;
  let to = -1;
  let end = at;
  for (let i = 0; i < 6; i++) {
    const found = match(ARGUMENT, text, end);
    if (!found) break;
    const value = found[1] ?? found[2] ?? '';
    end += found[0].length;
    if (value === '' || ALGORITHM.test(value) || isPlaceholder(value)) continue;
    if (i <= number || from < 0) from = end - 1 - value.length;
    to = end - 1;
  }
  return to > from && from >= 0 ? [from, to] : undefined;
}

const OPEN_ROWSET =
  /\s{0,4}N?'[^']{1,200}'\s{0,4},\s{0,4}N?'[^']{0,200}'\s{0,4};\s{0,4}N?'[^']{0,200}'\s{0,4};\s{0,4}N?'([^']{1,200})'/y;

/** `OPENROWSET('provider', 'host'; 'user'; 'x', ...)`. @param at After the parenthesis. */
export function inRowset(text: string, at: number): Found {
  const found = match(OPEN_ROWSET, text, at);
  if (!found) return undefined;
  const to = at + found[0].length - 1;
  return [to - found[1]!.length, to];
}

const AUTH =
  /(?:"?[ \t\u007f]{1,4}|\s{1,2}\$\d{1,6}\s{1,2})["']?([^\s"'\u007f]{1,256})["']?(?:(?:[ \t\u007f]{1,4}|\s{1,2}\$\d{1,6}\s{1,2})["']?([^\s"'\u007f]{1,256})["']?)?[ \t]*(?=$|[\r\n;]|SETNAME\b)/iy;
const SENTENCE =
  /^(?:failed|failure|required|error|errors|ok|success|successful|succeeded|login|plain|token|service|check|timeout|with|is|not|needed|denied|disabled|enabled|none|method|header|flow|middleware|server|rejected|expired|started|done|completed|user|provider|api|module|<\w+>|called|command|callback|cookie|code|mode|type)$/i;
/** Mechanisms of SASL, after which the credentials are in base64. */
const MECHANISM = /^(?:plain|login|xoauth2?|oauthbearer|cram-md5|ntlm|external|scram-sha-\d+|digest-md5)$/i;

/** Redis' `AUTH x` and `AUTH user x`, SMTP's `AUTH PLAIN x`. */
export function afterAuth(text: string, start: number, end: number): Found {
  const before = text.slice(Math.max(0, start - 16), start);
  const isCommand = /(?:^|[\r\n;\u007f]|hello \d |^[CS]: |[\r\n][CS]: )\s?["']?$/i.test(before);
  const isInside = /(?:[:>=(\]] ?["'`]?| \d{1,9} |" ")$/.test(before) && text.startsWith('AUTH', start);
  if (!isCommand && !isInside) return undefined;
  const found = match(AUTH, text, end);
  if (!found) return undefined;
  const [, first, second] = found;
  if (second !== undefined && /[:=,]$/.test(first!)) return undefined;
  if (MECHANISM.test(first!)) {
    if (second === undefined || !/^[A-Za-z0-9+/]{6,}={0,2}$/.test(second) || MECHANISM.test(second)) return undefined;
  }
  const value = second ?? first!;
  if (isPlaceholder(value)) return undefined;
  if (!MECHANISM.test(first!) && (SENTENCE.test(first!) || (second !== undefined && SENTENCE.test(second))))
    return undefined;
  const from = text.indexOf(value, end + (second === undefined ? 0 : found[0].indexOf(first!) + first!.length));
  return [from, from + value.length];
}

const AUTHENTICATE = /[ \t]{1,4}(?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER)[ \t]{1,4}([A-Za-z0-9+/]{6,}={0,2})/iy;
const ASKED = /[ \t]*[\r\n]{1,4}(?:[CS]: ?)?([A-Za-z0-9+/]{4,}={0,2})/y;
const IMAP_LOGIN =
  /[ \t]{1,4}(?:"[^"\n]{1,200}"|[^\s"]{1,200})[ \t]{1,4}(?:"([^"\n]{1,200})"|([^\s"]{1,200}))(?=[ \t]{0,4}(?:$|[\r\n]))/y;
const PASS = /[ \t]{1,4}([^\s]{1,200})(?=[ \t]{0,4}(?:$|[\r\n]))/y;

/** IMAP's `a1 AUTHENTICATE PLAIN x`. @param at After the word. */
export function afterAuthenticate(text: string, at: number): Found {
  return last(match(AUTHENTICATE, text, at), at);
}

/** What answers `334 UGFzc3dvcmQ6`, SMTP's way to ask for a password. @param at After the question. */
export function afterQuestion(text: string, at: number): Found {
  return last(match(ASKED, text, at), at);
}

/** IMAP's `a1 LOGIN user x`. @param at After `LOGIN`. */
export function afterLogin(text: string, start: number, at: number): Found {
  if (!/(?:^|[\s>:])[A-Za-z]{1,4}\d{1,6} $/.test(text.slice(Math.max(0, start - 16), start))) return undefined;
  if (text.slice(start, at) !== 'LOGIN') return undefined;
  const found = match(IMAP_LOGIN, text, at);
  const to = found ? at + found[0].length - (found[1] === undefined ? 0 : 1) : 0;
  const value = found?.[1] ?? found?.[2];
  return value === undefined ? undefined : [to - value.length, to];
}

/** `PASS x` of FTP, POP3 and IRC, and IRC's IDENTIFY. @param at After the word. */
export function afterPass(text: string, start: number, at: number): Found {
  const before = text.slice(Math.max(0, start - 120), start);
  const isUsers = /(?:^|[\s>])(?:USER|NICK) [^\s]{1,64}\s{1,4}(?:[CS]: |> ?)?$/i.test(before);
  const isIrc = /NickServ :?$|^$/i.test(before) && /^identify/i.test(text.slice(start, at));
  const found = match(PASS, text, at);
  if (!found) return undefined;
  const value = found[1]!;
  const isAlone =
    before === '' && at + found[0].length === text.length && /[\d!@#$%^&*]/.test(value) && !/[/.]/.test(value);
  return isUsers || isIrc || isAlone ? last(found, at) : undefined;
}

function last(found: RegExpExecArray | null, at: number): Found {
  if (!found || isPlaceholder(found[1]!)) return undefined;
  const to = at + found[0].length;
  return [to - found[1]!.length, to];
}

const ACL = /[^\r\n>]{0,200}? [><#]([^\s\u007f]+)/y;

/** Redis' `ACL SETUSER bob on >x`. @param at After the command. */
export function afterSetUser(text: string, at: number): Found {
  return last(match(ACL, text, at), at);
}

const PGPASS = /(?:[\w*.-]{1,63}):(?:[\w*.@-]{1,63}):((?:[^\s:"'`<>\\]|\\.){1,128})(?=$|[\s"'`\u007f])/y;

/** A line of .pgpass: `host:5432:database:user:x`. @param at After the port. */
export function inPgpass(text: string, at: number): Found {
  return last(match(PGPASS, text, at), at);
}
