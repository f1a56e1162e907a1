// Which text must be looked at as a whole, told from its bytes while they are copied.

// What a byte of text is: of a word, plain, one that may stand between a secret and its name, above ASCII, or one that
// needs escaping or a look at the whole.
export const WORD = 0;
export const PLAIN = 1;
const SPACE = 2;
const EQUALS = 3;
const COLON = 4;
const DOT = 5;
export const HIGH = 6;
export const SPECIAL = 7;
export const CLASS = new Uint8Array(256);
for (let i = 0; i < 256; i++) {
  const char = String.fromCharCode(i);
  if (i >= 0x80) CLASS[i] = HIGH;
  else if (i < 0x20 || char === '"' || char === '\\' || char === '@') CLASS[i] = SPECIAL;
  else if (char === ' ') CLASS[i] = SPACE;
  else if (char === '=') CLASS[i] = EQUALS;
  else if (char === ':') CLASS[i] = COLON;
  else if (char === '.') CLASS[i] = DOT;
  else CLASS[i] = /[\w-]/.test(char) ? WORD : PLAIN;
}

// A wrong "maybe" costs a microsecond, a wrong "no" a secret: a test holds this against every pattern of redact.ts.
/** Keys of providers and tokens are at least so long, without a break. */
export const SUSPICIOUS_RUN = 16;
/** First two letters of those keys. */
export const KEY_START = new Uint8Array(1 << 14);
const STARTS =
  'sk pk rk wh gh gi gl xo xa AK AS AB AC AI ya GO np py hf r8 gs dc sn fi ru ls li sh do nv pp tv PM SG hv dp da ke sq AT AG AA ey';
for (const two of STARTS.split(' ')) KEY_START[(two.charCodeAt(0) << 7) | two.charCodeAt(1)] = 1;

/** Whether the text before this byte may name a secret that follows it: `Bearer x`, `password=x`, `"token":x`. */
export function mayPrecedeSecret(kind: number, bytes: Buffer, from: number, i: number, word: number): boolean {
  const last = bytes[i - 1]! | 0x20;
  if (kind === EQUALS) return SECRET_END[last] === 1;
  if (kind === COLON) return last !== 0x73 && last !== 0x20 && SECRET_END[last] === 1;
  if (kind === DOT) {
    // `hooks.slack.com`, `discord.com`; `SG.`, `ya29.`, `hvs.`, `dp.`.
    if (last === 0x6b || last === 0x64 || last === 0x70) return true;
    return word >= 2 && word <= 4 && KEY_START[(bytes[i - word]! << 7) | bytes[i - word + 1]!] === 1;
  }
  if (i - from < 5) return false;
  const three = ((bytes[i - 3]! | 0x20) << 16) | ((bytes[i - 2]! | 0x20) << 8) | last;
  return three === 0x726572 || three === 0x736963 || three === 0x617465 || three === 0x6b656e || three === 0x6b6579;
}

// Last letters of password, token, key, signature, sig, credentials, authorization, and quotes and spaces after them.
const SECRET_END = new Uint8Array(256);
for (const char of `detnygs '`) SECRET_END[char.charCodeAt(0)] = 1;
SECRET_END[0x27] = 1;
