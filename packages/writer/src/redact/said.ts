// Sentences that say a password: `Password for bob is x`, `password x is wrong`. A word of a sentence is only taken for one
// when people do not write it, with digits or signs in it, or when the sentence cannot go on with it.
import { secrecyOf } from './keys.ts';
import { type Found, match } from './match.ts';
import { isOfSentence } from './prose.ts';

const SAID =
  /[ \t]{1,4}(?:(?:for|of)[ \t]{1,4}(?:(?:the|my|your|a|this|user|account|login|role|database|db)[ \t]{1,4}){0,3}(?:["'`][^"'`\n]{1,64}["'`]|[\w.@+\\/-]{1,64})[ \t]{0,4})?(?:\([^()\n]{1,40}\)[ \t]{0,4})?(?:is[ \t]{1,4}now|is|was|are|will[ \t]{1,4}be|(?:has[ \t]{1,4}been[ \t]{1,4}|was[ \t]{1,4})?(?:set|changed|reset|updated)[ \t]{1,4}(?:from[ \t]{1,4}\S{1,64}[ \t]{1,4})?to|from[ \t]{1,4}\S{1,64}[ \t]{1,4}to|to|from|as|ist|lautet|est|es|è|é|jest|är|er|=>|=|:=|:|->|--|[–—])(?![a-z])[ \t]{0,4}:?[ \t]{0,4}(?=(["'`]?))/iy;
const NEXT_WORD = /[ \t]([^\s"'`\u007f<>(){}[\]]{5,64})/y;
/** Names of standards, versions, measures: words with digits all the same. */
const TECHNICAL =
  /^(?:v?\d+(?:\.\d+)*(?:st|nd|rd|th|s|ms|mb|kb|gb|px|k|m|x)?|(?:pbkdf|sha|md|aes|rc|rsa|utf|base|iso|argon|scram-sha|bcrypt|oauth|http|ipv|ecma|es|tls|ssl|ed|x|p|k|s|step|page|line|item|field|level|version|auth|web|log|win|db|ec|kb|cve|rfc|issue|bug|task|phase|part|round|test|user|attempt|argument|arg|param)[-_]?\d{1,5}(?:[-_.+][\w.+-]*)?|\d+[-/]\w+|[a-z]+(?:-[a-z]+)+-\d{1,4})$/i;
const AFTER_MEASURE =
  /^[ \t]{1,4}(?:encoded|hashed|characters?|chars?|bytes?|bits?|digits?|letters?|days?|hours?|minutes?|seconds?|times?|attempts?|tokens?|hash|encryption|algorithm|format|encoding|requests?|errors?|users?)\b/i;

/** Whether people would not write it as a word. */
function isOdd(word: string, isNumberEnough: boolean): boolean {
  if (word.length < 4 || word.includes('://') || TECHNICAL.test(word) || /^\w+\(\d/.test(word)) return false;
  const hasLetter = /\p{L}/u.test(word);
  const hasDigit = /\d/.test(word);
  if (hasLetter && hasDigit) return !/^[\w.-]+[=:]|^[\d:.,T+Z-]+$|^[\w-]+(?:\.[a-z]{1,4}){1,2}$/.test(word);
  if (hasLetter) return /[!@#$%^&*+~?][^\s]*\w/.test(word) && !/^[\w.-]+@[\w.-]+\.\w+$|^[\w.-]+[=:&?]/.test(word);
  return isNumberEnough && /^\d{4,12}$/.test(word);
}

const TAIL = /[.,;:!?'"`)\]}]+$/;

const PLAIN = /["'`(]{0,2}([\p{L}\d][\p{L}\d_-]{3,63})(?=([.,;:!?)\]"'`]{1,3}(?:\s|$)|[\r\n]|$)|([ \t]))/uy;
const GOES_ON =
  /[ \t](?:\(|until\b|please\b|but\b|don.t\b|so\b|now\b|today\b|yesterday\b|and[ ](?:the|his|her|my|use|log|user)\b|to[ ](?:log|sign|connect|access|get|enter|continue)|for[ ]\S|at[ ]\S|on[ ]\S|failed|rejected|worked|works|got)/iy;

/** A word of letters alone that stands where a sentence ends, or goes on in a way that shows that it is a value. */
function plainWord(text: string, at: number): Found {
  const found = match(PLAIN, text, at);
  if (!found) return undefined;
  const word = found[1]!;
  const from = at + found[0].length - word.length;
  if (isOfSentence(word) || TECHNICAL.test(word) || secrecyOf(word) > 0) return undefined;
  if (found[3] !== undefined && !match(GOES_ON, text, from + word.length)) return undefined;
  return [from, from + word.length];
}

const INTRODUCED =
  /(?:\b(?:with|use|using|used|tried|try|trying|enter|entered|typed|typing|invalid|wrong|bad|incorrect|default|temporary|sudo|ssh|(?:with|use|using|tried|try|typed)[ ](?:the|this|my|your|his|her)|user(?:name)?[ ]\S{1,40}|user(?:name)?[ ]\S{1,40}(?:,|[ ]and|[ ]\/|[ ]with)(?:[ ]the)?)|\/)[ ]$/i;

/** Whether what stands before `password` says that the next word is one: `with password x`, `user bob / password x`. */
export function isIntroduced(text: string, start: number): boolean {
  return text[start - 1] === ' ' && INTRODUCED.test(text.slice(Math.max(0, start - 64), start));
}

/** What stands for nothing but itself in a sentence; others have read the signs between a name and its value already. */
const ASSIGNED = /^[ \t]*(?:=>|=|:=|:|->)[ \t]*:?$|from[ \t]*$/i;
const IN_PARENTHESES = /[ \t]\(["'`]?([\w!@#$%^&*+-]{4,64})["'`]?\)/y;

/**
 * @param start Where the name begins.
 * @param end Where it ends.
 * @param isPassword Whether a word may follow without `is`.
 * @param isPlain Whether the secret may be a word like any other.
 */
export function saidAfter(text: string, start: number, end: number, isPassword: boolean, isPlain: boolean): Found {
  const said = match(SAID, text, end);
  if (said) {
    const at = end + said[0].length;
    if (said[1]) {
      const close = text.indexOf(said[1], at + 1);
      const value = text.slice(at + 1, close);
      const isOne = close > at + 1 && close - at <= 200 && !/[\n]/.test(value);
      return isOne && isPassword ? [at + 1, close] : undefined;
    }
    const found = word(text, at, true) ?? (isPlain && !ASSIGNED.test(said[0]) ? plainWord(text, at) : undefined);
    if (found) return found;
  }
  if (!isPassword) return undefined;
  const inside = match(IN_PARENTHESES, text, end);
  if (inside && !isOfSentence(inside[1]!) && !TECHNICAL.test(inside[1]!)) {
    const to = end + inside[0].length - (/["'`]\)$/.test(inside[0]) ? 2 : 1);
    return [to - inside[1]!.length, to];
  }
  const next = match(NEXT_WORD, text, end);
  const odd = next ? word(text, end + 1, false) : undefined;
  return odd ?? (isIntroduced(text, start) ? plainWord(text, end + 1) : undefined);
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

const CODE_BEFORE = /\b(\d{4,8})[ \t]{1,4}(?:is|as)[ \t]{1,4}(?:your|the)[ \t]{1,4}(?:[\w.-]{1,20}[ \t]{1,4}){0,4}$/i;

/** `482193 is your verification code`. @param start Where the words for the code begin. */
export function codeBefore(text: string, start: number): Found {
  const found = CODE_BEFORE.exec(text.slice(Math.max(0, start - 80), start));
  if (!found) return undefined;
  const from = Math.max(0, start - 80) + found.index;
  return [from, from + found[1]!.length];
}
