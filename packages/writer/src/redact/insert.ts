// `insert into users (name, password) values ('a', 'x'), ('b', 'y')`: the column's name says which values are secret.
import { secrecyOf } from './keys.ts';
import { match } from './match.ts';
import { isPlaceholder } from './placeholders.ts';

const INSERT =
  /\b(?:insert|replace|upsert)\s{1,8}(?:\w{1,16}\s{1,8})?into\s[^()]{1,300}\(([^()]*)\)\s{0,8}(?:overriding\s{1,8}\w{1,8}\s{1,8}value\s{1,8})?(?:values\s{0,8}|select\s)|\bwith\s{1,8}\w{1,64}\s{0,4}\(([^()]*)\)\s{0,4}as\s{1,8}(?:\w{1,16}\s{1,8}){0,2}\(\s{0,8}values\s{0,8}|\bset\s{0,4}\(([^()]*)\)\s{0,4}=\s{0,4}(?:row\s{0,4})?/gi;

/** Characters of a select that are read. */
const MAX_SELECT = 2_000;

/** Adds the places of secret values to `found`. */
export function inInserts(text: string, found: number[]): void {
  INSERT.lastIndex = 0;
  for (let insert = INSERT.exec(text); insert !== null; insert = INSERT.exec(text)) {
    const secret = (insert[1] ?? insert[2] ?? insert[3]!).split(',').map((column) => secrecyOf(column.trim()) > 0);
    if (!secret.includes(true)) continue;
    let at = INSERT.lastIndex;
    if (/select\s$/i.test(insert[0])) at = tuple(text, at, secret, found, MAX_SELECT);
    else {
      while (text[at] === '(') {
        at = tuple(text, at + 1, secret, found, text.length);
        const comma = match(/\s*,\s*/y, text, at);
        if (!comma) break;
        at += comma[0].length;
      }
    }
    INSERT.lastIndex = at;
  }
}

/** Reads one row of values and returns where it ends. */
function tuple(text: string, from: number, secret: readonly boolean[], found: number[], max: number): number {
  const end = Math.min(text.length, from + max);
  let depth = 0;
  let column = 0;
  let start = from;
  for (let i = from; i < end; i++) {
    const char = text[i];
    if (char === "'" || char === '"') {
      for (i++; i < end && text[i] !== char; i++) if (text[i] === '\\') i++;
    } else if (char === '(' || char === '[') depth++;
    else if (depth > 0 && (char === ')' || char === ']')) depth--;
    else if (depth === 0 && (char === ',' || char === ')' || char === ';')) {
      if (secret[column]) value(text, start, i, found);
      column++;
      start = i + 1;
      if (char !== ',') return i + 1;
    }
  }
  if (secret[column]) value(text, start, end, found);
  return end;
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
