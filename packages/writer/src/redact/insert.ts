// `insert into users (name, password) values ('a', 'x'), ('b', 'y')`: the column's name says which values are secret.
import { secrecyOf } from './keys.ts';
import { isPlaceholder } from './placeholders.ts';

const INSERT =
  /\b(?:insert|replace|upsert)\s{1,8}(?:\w{1,16}\s{1,8})?into\s[^()]{1,300}\(([^()]*)\)\s{0,8}(?:overriding\s{1,8}\w{1,8}\s{1,8}value\s{1,8})?values\s{0,8}/gi;

/** Adds the places of secret values to `found`. */
export function inInserts(text: string, found: number[]): void {
  for (const insert of text.matchAll(INSERT)) {
    const secret = insert[1]!.split(',').map((column) => secrecyOf(column.trim()) > 0);
    if (!secret.includes(true)) continue;
    let at = insert.index + insert[0].length;
    while (text[at] === '(') {
      at = tuple(text, at + 1, secret, found);
      const comma = /\s*,\s*/y;
      comma.lastIndex = at;
      if (!comma.test(text)) break;
      at = comma.lastIndex;
    }
  }
}

/** Reads one row of values and returns where it ends. */
function tuple(text: string, from: number, secret: readonly boolean[], found: number[]): number {
  let depth = 0;
  let column = 0;
  let start = from;
  for (let i = from; i < text.length; i++) {
    const char = text[i];
    if (char === "'" || char === '"') {
      for (i++; i < text.length && text[i] !== char; i++) if (text[i] === '\\') i++;
    } else if (char === '(' || char === '[') depth++;
    else if (depth > 0 && (char === ')' || char === ']')) depth--;
    else if (depth === 0 && (char === ',' || char === ')')) {
      if (secret[column]) value(text, start, i, found);
      column++;
      start = i + 1;
      if (char === ')') return i + 1;
    }
  }
  if (secret[column]) value(text, start, text.length, found);
  return text.length;
}

function value(text: string, from: number, to: number, found: number[]): void {
  const part = text.slice(from, to);
  const begin = from + part.length - part.trimStart().length;
  const trimmed = part.trim();
  if (trimmed === '' || isPlaceholder(trimmed) || /^(?:null|default|true|false)$/i.test(trimmed)) return;
  const quoted = /^[NEbx]?'(.*)'$/is.exec(trimmed);
  if (quoted) {
    if (quoted[1] !== '') found.push(begin + trimmed.indexOf("'") + 1, begin + trimmed.length - 1);
  } else if (/'/.test(trimmed)) found.push(begin + trimmed.indexOf("'") + 1, begin + trimmed.lastIndexOf("'"));
  else if (/^[-\d.]+$|^0x/.test(trimmed)) found.push(begin, begin + trimmed.length);
}
