// A name beside which a secret may stand, and whether it names one.
import { type KeySecrecy, secrecyOf } from './keys.ts';
import { type Found, isNameAt, match } from './match.ts';
import { isPlaceholder, looksMade } from './placeholders.ts';
import { Value } from './value.ts';

/** Longest name that is looked at. */
const LONGEST_NAME = 128;
const HEADER =
  /^(?:proxy-|x-)?(?:authorization|cookie|set-cookie|set-cookie2|forwarded-authorization|original-authorization)$/i;

export interface Name {
  secrecy: KeySecrecy;
  isHeader: boolean;
  isPassword: boolean;
  /** `pin`: what is no number is none. */
  isNumber: boolean;
  /** `token.ts`: a file of source code, with the line after it. */
  isFile: boolean;
  isUpper: boolean;
  /** Of several words: of no sentence. */
  isJoined: boolean;
  /** `pw`, `pass` */
  isShort: boolean;
  /** `--password` */
  isOption: boolean;
  /** With capitals or dashes, as headers and variables are written. */
  isTitled: boolean;
}

const SOURCE =
  /\.(?:[cm]?[jt]sx?|go|py|pyx|rb|java|kt|rs|php|cs|cpp|cc|c|h|ex|exs|erl|swift|scala|clj|vue|svelte|ya?ml|json|pem|key|crt|sql|html|css|md|txt|sh|conf|properties|xml)$/i;

const memory = new Map<string, Name>();

function remembered(text: string): Name {
  let known = memory.get(text);
  if (known !== undefined) return known;
  known = {
    secrecy: secrecyOf(text),
    isHeader: HEADER.test(text),
    isPassword: /pass|pwd|^pw$|kennwort|contrase|mot de passe|senha|wachtwoord|hasło|lösenord|пароль/i.test(text),
    isShort: /^(?:\w{1,20}[._-])?(?:pw|pass)$/i.test(text),
    isNumber: /^(?:pin|otp|totp|cvv|cvc|ssn)$/i.test(text),
    isFile: SOURCE.test(text),
    isJoined: /\w[-_]\w/.test(text),
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
  if (known.isFile && text[stop] === ':') return undefined;
  if (text[start - 1] === '{' && text[start - 2] === '$') return defaultOf(text, stop);
  // `arn:aws:secretsmanager:eu-west-1:1:secret:name`, `user:token:12`: a path whose parts are between colons.
  if (text[stop] === ':' && text[start - 1] === ':' && text[stop + 1] !== ' ') return undefined;
  return new Value(text, start, stop, known, secrecy).find();
}

/** `${PASSWORD:-x}` of a shell, which is given when the variable is not set. */
function defaultOf(text: string, end: number): Found {
  const found = match(/:?[-=]([^{}]{1,200})\}/y, text, end);
  const to = found ? end + found[0].length - 1 : 0;
  return found && !isPlaceholder(found[1]!) ? [to - found[1]!.length, to] : undefined;
}

/** `?key=...` and `Signature=...` in an address: secret only when the value looks like one. */
function querysKey(text: string, start: number, end: number, name: string): Found {
  const isSignature = /(?:^|[-_])sig(?:nature)?$/i.test(name);
  if (!isSignature && (!/[?&]/.test(text[start - 1] ?? '') || !/^(?:key|appid|code|t|sas)$/i.test(name))) {
    return undefined;
  }
  // What is in it shows at its beginning.
  if (!/[\dA-Z]/.test(text.slice(end + 1, end + 41))) return undefined;
  const [found] = match(/[\w.~%+/=-]*/y, text, end + 1)!;
  const isMade = isSignature ? found.length >= 8 && /\d|[A-Z]/.test(found) : found.length >= 16 && looksMade(found);
  return isMade ? [end + 1, end + 1 + found.length] : undefined;
}
