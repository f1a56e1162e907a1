// Secrets inside base64, and in the manifests and keys whose every value is one.
import { type Found, match } from './match.ts';

const WORDS = [
  ...['password', 'Password', 'PASSWORD', 'passwd', 'secret', 'Secret', 'SECRET', 'token', 'Token', 'TOKEN', 'api_key'],
  ...[
    'apiKey',
    'api-key',
    'API_KEY',
    'Bearer ',
    'uthorization',
    'PRIVATE KEY',
    'postgres',
    'mysql:',
    'mongodb',
    'redis:',
    'amqp:',
  ],
];

/** What these words are in base64: it depends on how many bytes stand before them. */
export const IN_BASE64: readonly string[] = [...new Set(WORDS.flatMap(alignments))];

function alignments(word: string): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.from(' '.repeat(before) + word).toString('base64');
    // Characters that hold bits of what stands before or after say nothing.
    const begin = before === 0 ? 0 : before + 1;
    const end = Math.floor(((before + word.length) * 8) / 6);
    return encoded.slice(begin, end);
  });
}

const isBase64 = new Uint8Array(128);
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_')
  isBase64[char.charCodeAt(0)] = 1;

function isBase64At(text: string, i: number): boolean {
  const unit = text.charCodeAt(i);
  return unit < 128 && isBase64[unit] === 1;
}

const SHORTEST = 20;

/**
 * The run of base64 around a place when `isSecret` says so of what it decodes to.
 *
 * @param least Where it may begin.
 * @returns the run, and where to look on from.
 */
export function inBase64(
  text: string,
  at: number,
  least: number,
  isSecret: (decoded: string) => boolean,
): { found: Found; end: number } {
  let from = at;
  while (from > least && isBase64At(text, from - 1)) from--;
  let end = at;
  while (end < text.length && isBase64At(text, end)) end++;
  if (end - from < SHORTEST) return { found: undefined, end };
  const decoded = Buffer.from(text.slice(from, end), 'base64').toString('latin1');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is no text has these.
  if (/[\u0000-\u0008\u000e-\u001f]/.test(decoded.slice(0, 1_000)) || !isSecret(decoded))
    return { found: undefined, end };
  while (text[end] === '=') end++;
  return { found: [from, end], end };
}

const KIND = /\bkind["']?\s{0,4}:\s{0,4}["']?(?:Secret|SealedSecret)\b/;

/** Whether a text is the manifest of a Kubernetes secret. */
export function isManifest(text: string): boolean {
  return KIND.test(text);
}

const BLOCK = /[ \t]*\n((?:[ \t]+[^\n]*(?:\n|$)|\n)+)/y;
const OBJECT = /["']?\s{0,4}:\s{0,4}\{/y;

/** All under `data:` in the manifest of a Kubernetes secret. @param at After the key. */
export function manifestData(text: string, at: number): Found {
  const object = match(OBJECT, text, at);
  if (object) {
    const from = at + object[0].length;
    const end = text.indexOf('}', from);
    return [from, end < 0 ? text.length : end];
  }
  const block = text[at] === ':' ? match(BLOCK, text, at + 1) : null;
  if (!block) return undefined;
  const indent = /^[ \t]*/.exec(block[1]!)![0].length;
  let length = 0;
  for (const line of block[1]!.split(/(?<=\n)/)) {
    if (line.trim() !== '' && /^[ \t]*/.exec(line)![0].length < indent) break;
    length += line.length;
  }
  const from = at + 1 + block[0].length - block[1]!.length;
  const value = block[1]!.slice(0, length);
  return [from + indent, from + value.trimEnd().length];
}

const JWK = /\s{0,4}:\s{0,4}["']([\w-]{16,2000})["']/y;

/** The private part of a JSON Web Key. @param at After the member's name. */
export function privatePart(text: string, at: number): Found {
  const found = match(JWK, text, at);
  if (!found) return undefined;
  const to = at + found[0].length - 1;
  return [to - found[1]!.length, to];
}

const PUTTY = /\s{0,4}:\s{0,4}\d{1,4}\s{1,4}((?:[A-Za-z0-9+/=]{1,100}(?:\s{1,4}|$)){1,200})/y;

/** The lines of a private key of PuTTY. @param at After `Private-Lines`. */
export function puttyLines(text: string, at: number): Found {
  const found = match(PUTTY, text, at);
  if (!found) return undefined;
  const to = at + found[0].length;
  return [to - found[1]!.length, to - (found[1]!.length - found[1]!.trimEnd().length)];
}
