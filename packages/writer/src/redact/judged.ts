// Whether what stands where the value of a name would is a secret, or a word, a placeholder, a switch.
import { isHarmless, type KeySecrecy, secrecyOf } from './keys.ts';
import type { Found } from './match.ts';
import { isPlaceholder, isSentence } from './placeholders.ts';
import { isOfSentence } from './prose.ts';

/** @param isNumber Whether the name is of a number: `pin`. */
export function judged(
  text: string,
  name: string,
  isNumber: boolean,
  secrecy: KeySecrecy,
  from: number,
  to: number,
  isQuoted: boolean,
): Found {
  const value = text.slice(from, Math.min(to, from + 200));
  if (to - from < 3 && !/[\p{L}\p{N}]/u.test(value)) return undefined;
  if (to <= from || isPlaceholder(value) || (isQuoted && isSentence(value))) return undefined;
  if (secrecy === 1 && isHarmless(value)) return undefined;
  // The tokens of a model's answer, with their probabilities.
  if (secrecy === 1 && isQuoted && /^["'],\s{0,4}["'](?:logprob|bytes|prob|id)["']/.test(text.slice(to, to + 20)))
    return undefined;
  if (isNumber && !/^\d[\d -]{2,}$/.test(value) && !(/otp/i.test(name) && /^(?=.*\d)[A-Za-z\d]{6,10}$/.test(value)))
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

/** Whether a word is what forms call a field, not what they hold. */
export function isFieldName(word: string): boolean {
  return (
    secrecyOf(word) > 0 ||
    isOfSentence(word) ||
    /(?:^|[_-])(?:e?mail|login|username|user|name|role|phone|address|id|remember|confirm\w*|age|title|url|host|port|db|database)$/i.test(
      word,
    )
  );
}
