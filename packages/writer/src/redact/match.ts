// What all that looks for secrets reads with.
/** From where to where a secret stands. */
export type Found = readonly [from: number, to: number] | undefined;

/** What a sticky or global pattern finds from a place on. */
export function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Where a character stands next, or the end of the text. */
export function endOf(text: string, from: number, stop: string): number {
  const end = text.indexOf(stop, from);
  return end < 0 ? text.length : end;
}

interface Last {
  text: string;
  from: number;
  to: number;
}

const remembered = new Map<RegExp | string, Last>();

/**
 * Where a pattern matches next, the end of the text included; looked for once where many ask from places before it.
 *
 * @param pattern Global, without a look behind; it matches the end of the text.
 */
export function nextOf(pattern: RegExp, text: string, at: number): number {
  const last = remembered.get(pattern);
  if (last !== undefined && last.from <= at && at <= last.to && last.text === text) return last.to;
  const to = match(pattern, text, at)!.index;
  remembered.set(pattern, { text, from: at, to });
  return to;
}

/** Where a character stands last between two places, or -1. */
export function lastBetween(char: string, text: string, from: number, to: number): number {
  const last = remembered.get(char);
  // `from` is then where it was found, and `to` up to where it was looked for.
  if (last !== undefined && last.to === to && last.text === text) return last.from >= from ? last.from : -1;
  let found = to - 1;
  while (found >= from && text[found] !== char) found--;
  remembered.set(char, { text, from: found >= from ? found : -1, to });
  return found >= from ? found : -1;
}

/** Lets go of the texts that were looked through. */
export function forget(): void {
  remembered.clear();
}

/** Separates the items of a list that is looked at as one text. */
export const ITEM = '\u007f';

const isNamePart = new Uint8Array(128);
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-$')
  isNamePart[char.charCodeAt(0)] = 1;

export function isNameAt(text: string, i: number): boolean {
  const unit = text.charCodeAt(i);
  return unit < 128 ? isNamePart[unit] === 1 : isLetter(unit);
}

/** Letters of other alphabets, roughly: what is above ASCII and neither a space nor punctuation. */
function isLetter(unit: number): boolean {
  return (
    unit >= 0xc0 &&
    unit < 0xff00 &&
    (unit < 0x2000 || unit > 0x2bff) &&
    (unit < 0x3000 || unit > 0x303f) &&
    unit !== 0xd7
  );
}
