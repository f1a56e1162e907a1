// Secrets hide in encodings of text in text: `password%3Dx`, `{\"password\":\"x\"}`, `&quot;token&quot;`. They are looked
// for in a view without these encodings, in which each character knows where it came from.

export interface View {
  text: string;
  /** Where each character of `text` begins in the original, and after the last one its end; undefined when nothing was changed. */
  at: Int32Array | undefined;
}

const ENTITIES: Record<string, string> = {
  quot: '"',
  amp: '&',
  apos: "'",
  lt: '<',
  gt: '>',
  '#34': '"',
  '#39': "'",
  '#61': '=',
  '#x22': '"',
  '#x27': "'",
  '#x3d': '=',
  '#x3a': ':',
  '#58': ':',
  '#38': '&',
};
const MAX_ROUNDS = 3;
const ENCODED =
  /%[2-7][0-9a-f]|\\["'/nrt\\]|\\u00[2-7][0-9a-f]|\\x[2-7][0-9a-f]|&(?:quot|amp|apos|lt|gt|#34|#38|#39|#58|#61|#x22|#x27|#x3a|#x3d);|[\u00a0\u00ad\u2000-\u200f\u2018-\u201f\u2060\u3000\ufeff\uff01-\uff5e]/i;

/** The text as it reads once percent, backslash and entity encodings are undone, those of encodings included. */
export function viewOf(text: string): View {
  let view: View = { text, at: undefined };
  for (let round = 0; round < MAX_ROUNDS && ENCODED.test(view.text); round++) view = decoded(view);
  return view;
}

function decoded({ text, at }: View): View {
  const places = new Int32Array(text.length + 1);
  const units = new Uint16Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; ) {
    const unit = text.charCodeAt(i);
    const found =
      unit === 0x25
        ? percent(text, i)
        : unit === 0x5c
          ? backslash(text, i)
          : unit === 0x26
            ? entity(text, i)
            : unit >= 0xa0
              ? wide(unit)
              : undefined;
    places[length] = at === undefined ? i : at[i]!;
    if (found === undefined) units[length++] = unit;
    else if (found.char !== '') units[length++] = found.char.charCodeAt(0);
    i += found === undefined ? 1 : found.length;
  }
  places[length] = at === undefined ? text.length : at[text.length]!;
  return { text: Buffer.from(units.buffer, 0, 2 * length).toString('utf16le'), at: places.subarray(0, length + 1) };
}

interface Found {
  char: string;
  length: number;
}

function percent(text: string, i: number): Found | undefined {
  const code = hex(text, i + 1, 2);
  if (code === 0x0a || code === 0x0d) return { char: '\n', length: 3 };
  return code >= 0x20 && code < 0x7f ? { char: String.fromCharCode(code), length: 3 } : undefined;
}

function backslash(text: string, i: number): Found | undefined {
  const next = text[i + 1];
  if (next === '"' || next === "'" || next === '/' || next === '\\') return { char: next, length: 2 };
  if (next === 'n' || next === 'r') return { char: '\n', length: 2 };
  if (next === 't') return { char: '\t', length: 2 };
  if (next === 'x') {
    const code = hex(text, i + 2, 2);
    return code >= 0x20 && code < 0x7f ? { char: String.fromCharCode(code), length: 4 } : undefined;
  }
  if (next !== 'u' || text[i + 2] !== '0' || text[i + 3] !== '0') return undefined;
  const code = hex(text, i + 4, 2);
  return code >= 0x20 && code < 0x7f ? { char: String.fromCharCode(code), length: 6 } : undefined;
}

/** What looks like a character of ASCII, or like nothing: full-width letters, typographic quotes, spaces of all widths. */
function wide(unit: number): Found | undefined {
  if (unit >= 0xff01 && unit <= 0xff5e) return { char: String.fromCharCode(unit - 0xfee0), length: 1 };
  if (unit === 0xad || (unit >= 0x200b && unit <= 0x200f) || unit === 0x2060 || unit === 0xfeff)
    return { char: '', length: 1 };
  if (unit === 0xa0 || unit === 0x3000 || (unit >= 0x2000 && unit <= 0x200a)) return { char: ' ', length: 1 };
  if (unit >= 0x2018 && unit <= 0x201b) return { char: "'", length: 1 };
  return unit >= 0x201c && unit <= 0x201f ? { char: '"', length: 1 } : undefined;
}

function entity(text: string, i: number): Found | undefined {
  for (const [name, char] of Object.entries(ENTITIES)) {
    if (text[i + 1 + name.length] === ';' && text.slice(i + 1, i + 1 + name.length).toLowerCase() === name)
      return { char, length: name.length + 2 };
  }
  return undefined;
}

function hex(text: string, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    const unit = text.charCodeAt(i) | 0x20;
    if (unit >= 0x30 && unit <= 0x39) value = value * 16 + unit - 0x30;
    else if (unit >= 0x61 && unit <= 0x66) value = value * 16 + unit - 0x57;
    else return -1;
  }
  return value;
}
