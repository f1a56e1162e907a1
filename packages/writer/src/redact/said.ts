// Sentences that say a password: `Password for bob is x`, `password x is wrong`. A word of a sentence is only taken for one
// when people do not write it: with digits or signs in it.
import { type Found, match } from './match.ts';

const SAID =
  /[ \t]{1,4}(?:(?:for|of)[ \t]{1,4}(?:(?:the|my|your|a|this|user|account|login|role|database|db)[ \t]{1,4}){0,3}(?:["'`][^"'`\n]{1,64}["'`]|[\w.@+\\/-]{1,64})[ \t]{0,4})?(?:\([^()\n]{1,40}\)[ \t]{0,4})?(?:is[ \t]{1,4}now|is|was|are|will[ \t]{1,4}be|(?:has[ \t]{1,4}been[ \t]{1,4}|was[ \t]{1,4})?(?:set|changed|reset|updated)[ \t]{1,4}to|to|from|=>|=|:=|:|->)[ \t]{0,4}:?[ \t]{0,4}(?=(["'`]?))/iy;
const NEXT_WORD = /[ \t]([^\s"'`\u007f<>(){}[\]]{5,64})/y;
/** Names of standards, versions, measures: words with digits all the same. */
const TECHNICAL =
  /^(?:v?\d+(?:\.\d+)*(?:st|nd|rd|th|s|ms|mb|kb|gb|px|k|m|x)?|(?:pbkdf|sha|md|aes|rc|rsa|utf|base|iso|argon|scram-sha|bcrypt|oauth|http|ipv|ecma|es|tls|ssl|ed|x|p|k|s|step|page|line|item|field|level|version|auth|web|log|win|db|ec|kb|cve|rfc|issue|bug|task|phase|part|round|test|user|attempt|argument|arg|param)[-_]?\d{1,5}(?:[-_.+][\w.+-]*)?|\d+[-/]\w+|[a-z]+(?:-[a-z]+)+-\d{1,4})$/i;
const AFTER_MEASURE =
  /^[ \t]{1,4}(?:encoded|hashed|characters?|chars?|bytes?|bits?|digits?|letters?|days?|hours?|minutes?|seconds?|times?|attempts?|tokens?|hash|encryption|algorithm|format|encoding|requests?|errors?|users?)\b/i;

/** Whether people would not write it as a word. */
function isOdd(word: string, isNumberEnough: boolean): boolean {
  if (word.length < 4 || word.includes('://') || TECHNICAL.test(word)) return false;
  const hasLetter = /\p{L}/u.test(word);
  const hasDigit = /\d/.test(word);
  if (hasLetter && hasDigit) return !/^[\w.-]+[=:]|^[\d:.,T+Z-]+$|^[\w-]+(?:\.[a-z]{1,4}){1,2}$/.test(word);
  if (hasLetter) return /[!@#$%^&*+~?][^\s]*\w/.test(word) && !/^[\w.-]+@[\w.-]+\.\w+$|^[\w.-]+[=:&?]/.test(word);
  return isNumberEnough && /^\d{4,12}$/.test(word);
}

const TAIL = /[.,;:!?'"`)\]}]+$/;

/** @param end Where the name ends. @param isPassword Whether a word may follow without `is`. */
export function saidAfter(text: string, end: number, isPassword: boolean): Found {
  const said = match(SAID, text, end);
  if (said) {
    const at = end + said[0].length;
    if (said[1]) {
      const close = text.indexOf(said[1], at + 1);
      const value = text.slice(at + 1, close);
      const isOne = close > at + 1 && close - at <= 200 && !/[\n]/.test(value);
      return isOne && isPassword ? [at + 1, close] : undefined;
    }
    const found = word(text, at, true);
    if (found) return found;
  }
  if (!isPassword) return undefined;
  const next = match(NEXT_WORD, text, end);
  return next ? word(text, end + 1, false) : undefined;
}

const WORD = /[^\s"'`<>\u007f]{1,200}/y;

function word(text: string, at: number, isNumberEnough: boolean): Found {
  const whole = match(WORD, text, at)?.[0];
  if (whole === undefined) return undefined;
  const value = whole.replace(/[.,;:!?'"`)\]}]$/, '').replace(/^[(]/, '');
  const bare = whole.replace(TAIL, '');
  if (!isOdd(bare, isNumberEnough) || AFTER_MEASURE.test(text.slice(at + whole.length, at + whole.length + 16)))
    return undefined;
  const from = at + whole.indexOf(value);
  return [from, from + value.length];
}

const CODE =
  /[ \t]{0,4}(?:["'`]?[ \t]{0,4}(?:is|was|=|:)[ \t]{0,4}:?[ \t]{0,4}|[ \t]{1,4})["'`]?(\d{3}[ -]?\d{1,5})(?![\w.-])/iy;

/** `Your verification code is 482193`. @param end After the word `code`. */
export function saidCode(text: string, end: number): Found {
  const found = match(CODE, text, end);
  if (!found) return undefined;
  const to = end + found[0].length;
  return [to - found[1]!.length, to];
}
