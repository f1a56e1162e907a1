// Secrets that no name stands before: in addresses, after the name of a scheme, in the files of keys.
import { type Found, lastBetween, match, nextOf } from './match.ts';
import { isPlaceholder, looksMade } from './placeholders.ts';

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
  const end = nextOf(TOKEN_END, text, colon + 1);
  // The last one: a password may hold an @ that nothing has escaped.
  const last = lastBetween('@', text, colon + 1, end);
  if (last <= colon + 1) return undefined;
  // `token:x-oauth-basic@`, `token:@`: the token is the user.
  if (user.length >= 20 && looksMade(user)) return [at, last];
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

const KEY_END = /-{4,5} ?END [A-Z0-9 ]{0,40}-{4,5}/gi;

/** From `-----BEGIN ... PRIVATE KEY-----` to its end. @param at Where it begins. */
export function privateKey(text: string, at: number): Found {
  const head = match(/-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}/iy, text, at);
  if (!head) return undefined;
  const end = match(KEY_END, text, at);
  return [at, end ? end.index + end[0].length : text.length];
}
