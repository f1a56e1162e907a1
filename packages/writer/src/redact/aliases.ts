// Values of SQL that are named elsewhere in the statement: by an alias, the columns of COPY, the placeholder of a parameter.
import { secrecyOf } from './keys.ts';
import { isPlaceholder } from './placeholders.ts';

const ALIAS =
  /'([^'\n]{1,300})'(?:::\w{1,16})?\s{1,8}(?:as\s{1,8})["`[]?(\w{1,64})|'([^'\n]{1,300})'\s{1,4}["`]?(\w{1,64})["`]?\s{0,4}(?=,|from\b)/gi;
const COPY = /\bcopy\s{1,8}[\w."]{1,128}\s{0,4}\(([^()]{1,2000})\)\s{1,8}from\s{1,8}stdin[^\n]{0,200}\n/gi;
const BOUND = /([\w."]{1,64})\s{0,4}(?:=|<>|like)\s{0,4}\$(\d{1,4})\b/gi;
const INSERTED = /\binto\s{1,8}[^()]{1,200}\(([^()]{1,2000})\)\s{0,8}values\s{0,8}\(([^()]{1,2000})\)/gi;
const PARAMETER = /\$(\d{1,4})\s{0,4}=\s{0,4}'([^']{1,2000})'/g;

/** Adds the places of secret values to `found`. */
export function inAliases(text: string, found: number[]): void {
  if (/\bselect\b|\breturning\b|\bvalues\b/i.test(text)) {
    ALIAS.lastIndex = 0;
    for (let alias = ALIAS.exec(text); alias !== null; alias = ALIAS.exec(text)) {
      const value = alias[1] ?? alias[3]!;
      if (secrecyOf(alias[2] ?? alias[4]!) === 0 || isPlaceholder(value)) continue;
      found.push(alias.index + 1, alias.index + 1 + value.length);
    }
  }
  if (/\bcopy\b/i.test(text)) inCopies(text, found);
  if (/\bparameters\b/i.test(text)) inParameters(text, found);
}

function inCopies(text: string, found: number[]): void {
  COPY.lastIndex = 0;
  for (let copy = COPY.exec(text); copy !== null; copy = COPY.exec(text)) {
    const secret = copy[1]!.split(',').map((name) => secrecyOf(name.trim()) > 0);
    if (!secret.includes(true)) continue;
    for (let from = COPY.lastIndex; from < text.length; ) {
      const newline = text.indexOf('\n', from);
      const to = newline < 0 ? text.length : newline;
      const line = text.slice(from, to);
      COPY.lastIndex = from;
      if (line.startsWith('\\.')) break;
      let at = from;
      line.split('\t').forEach((value, i) => {
        if (secret[i] && value !== '' && value !== '\\N') found.push(at, at + value.length);
        at += value.length + 1;
      });
      from = to + 1;
    }
  }
}

/** `parameters: $1 = 'bob', $2 = 'x'`, as PostgreSQL logs them beside the statement. */
function inParameters(text: string, found: number[]): void {
  const secret = new Set<string>();
  for (const [, name, number] of text.matchAll(BOUND)) if (secrecyOf(name!) > 0) secret.add(number!);
  for (const [, names, values] of text.matchAll(INSERTED)) {
    const numbers = values!.split(',');
    names!.split(',').forEach((name, i) => {
      const number = /^\s*\$(\d+)/.exec(numbers[i] ?? '')?.[1];
      if (number && secrecyOf(name.trim()) > 0) secret.add(number);
    });
  }
  if (secret.size === 0) return;
  PARAMETER.lastIndex = 0;
  for (let set = PARAMETER.exec(text); set !== null; set = PARAMETER.exec(text)) {
    const end = set.index + set[0].length - 1;
    if (secret.has(set[1]!)) found.push(end - set[2]!.length, end);
  }
}
