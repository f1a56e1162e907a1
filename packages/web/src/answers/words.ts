// Which words of an answer another one does not have, in order: the longest common subsequence of their words.

export interface Part {
  text: string;
  differs: boolean;
}

/** Longer texts are compared as far as this, so that two novels cost no seconds. */
const MAX_WORDS = 400;

/** `text` in parts, those marked that `other` does not have in that place. Case and punctuation at words' ends do not count. */
export function differingWords(text: string, other: string): Part[] {
  const words = text.match(/\s*\S+/g) ?? [];
  const mine = words.slice(0, MAX_WORDS).map(plain);
  const theirs = (other.match(/\S+/g) ?? []).slice(0, MAX_WORDS).map(plain);
  const common = lengths(mine, theirs);
  const parts: Part[] = [];
  const add = (word: string, differs: boolean) => {
    const last = parts.at(-1);
    if (last && last.differs === differs) last.text += word;
    else parts.push({ text: word, differs });
  };
  let i = 0;
  let j = 0;
  for (; i < mine.length; i++) {
    while (j < theirs.length && mine[i] !== theirs[j] && at(common, i, j + 1) >= at(common, i + 1, j)) j++;
    const same = j < theirs.length && mine[i] === theirs[j];
    if (same) j++;
    add(words[i] as string, !same);
  }
  for (const word of words.slice(MAX_WORDS)) add(word, false);
  return parts;
}

function plain(word: string): string {
  return word
    .trim()
    .toLowerCase()
    .replace(/^[\p{P}\p{S}]+|[\p{P}\p{S}]+$/gu, '');
}

/** Length of the longest common subsequence from each pair of places on. */
function lengths(a: string[], b: string[]): Uint16Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      (table[i] as Uint16Array)[j] =
        a[i] === b[j] ? at(table, i + 1, j + 1) + 1 : Math.max(at(table, i + 1, j), at(table, i, j + 1));
  return table;
}

function at(table: Uint16Array[], i: number, j: number): number {
  return table[i]?.[j] ?? 0;
}
