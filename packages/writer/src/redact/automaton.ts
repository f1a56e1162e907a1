// Finds where one of many words stands, in one pass over text or bytes, without regard to the case of ASCII letters.
// The algorithm is that of A. V. Aho and M. J. Corasick, "Efficient string matching" (1975), as a table without failures.

/** Classes a row of the table has room for; letters share theirs with their capitals. */
const CLASSES = 128;
const SHIFT = 7;
// What stands in a word for more than one character: any that is none of ASCII, and the full-width colon and equals sign, as one
// unit of UTF-16 and as the last two bytes of UTF-8. Those two bytes end other characters too.
const ANY_FOREIGN = '\u0080';
const WIDE_SIGN = '\u00ff';
const WIDE_BYTES = '\u00bc\u009a';
/** Each stands for some of the characters that are none of ASCII, all of them for all. */
export const FOREIGN: readonly string[] = [ANY_FOREIGN, '\u00bc', '\u009a'];
/** The full-width colon or equals sign. */
export const WIDE_SIGNS: readonly string[] = [WIDE_SIGN, WIDE_BYTES];

export class Automaton {
  /** Class of each byte, or UTF-16 unit; 0 for those that occur in no word. */
  readonly classOf = new Uint8Array(1 << 16);
  /** State after a state and a class: `next[(state << 7) | class]`. */
  readonly next: Uint16Array;
  /** Highest rank of the words that end in a state; 0 where none ends. */
  readonly rank: Uint8Array;
  /** Numbers of the words that end in a state. */
  ends: readonly (readonly number[])[];
  #firstOf: readonly number[] = [];

  /** @param words Each with its rank, 1 or more. */
  constructor(words: readonly (readonly [word: string, rank: number])[]) {
    let classes = 1;
    for (const [word] of words) {
      for (const char of Buffer.from(word.toLowerCase(), 'latin1')) {
        if (this.classOf[char] !== 0) continue;
        this.classOf[char] = classes;
        if (char >= 0x61 && char <= 0x7a) this.classOf[char - 32] = classes;
        classes++;
      }
    }
    const { classOf } = this;
    classOf[0x9d] = classOf[0x9a]!;
    classOf[0xff1a] = classOf[0xff1d] = classOf[0xff]!;
    for (let unit = 0x80; unit < classOf.length; unit++) classOf[unit] ||= classOf[0x80]!;
    if (classes > CLASSES) throw new RangeError(`${classes} kinds of characters are more than ${CLASSES}`);
    const letters = words.map(([word]) => Buffer.from(word.toLowerCase(), 'latin1'));
    const next = new Uint16Array((1 + letters.reduce((sum, { length }) => sum + length, 0)) * CLASSES);
    const own: number[][] = [[]];
    letters.forEach((word, number) => {
      let state = 0;
      for (const char of word) {
        const edge = (state << SHIFT) | this.classOf[char]!;
        if (next[edge] === 0) {
          next[edge] = own.length;
          own.push([]);
        }
        state = next[edge]!;
      }
      own[state]!.push(number);
    });
    const states = own.length;
    this.next = next.slice(0, states * CLASSES);
    this.rank = new Uint8Array(states);
    // Longest proper suffix of each state that is a state, in the order of their lengths.
    const suffix = new Uint16Array(states);
    const queue: number[] = [];
    for (let kind = 0; kind < classes; kind++) if (this.next[kind] !== 0) queue.push(this.next[kind]!);
    for (const state of queue) {
      const shorter = suffix[state]! << SHIFT;
      for (const number of own[state]!) this.rank[state] = Math.max(this.rank[state]!, words[number]![1]);
      this.rank[state] = Math.max(this.rank[state]!, this.rank[shorter >> SHIFT]!);
      own[state]!.push(...own[shorter >> SHIFT]!);
      for (let kind = 0; kind < classes; kind++) {
        const edge = (state << SHIFT) | kind;
        const to = this.next[edge]!;
        if (to === 0) this.next[edge] = this.next[shorter | kind]!;
        else {
          suffix[to] = this.next[shorter | kind]!;
          queue.push(to);
        }
      }
    }
    this.ends = own;
    this.#rankLast();
  }

  /** Numbers the states anew, by rank: whether a word ends in one is then told from its number alone. */
  #rankLast(): void {
    const { rank, next, ends } = this;
    const order = [...rank.keys()].sort((a, b) => rank[a]! - rank[b]! || a - b);
    const numberOf = new Uint16Array(order.length);
    order.forEach((state, number) => {
      numberOf[state] = number;
    });
    const renumbered = new Uint16Array(next.length);
    for (let state = 0; state < order.length; state++) {
      for (let kind = 0; kind < CLASSES; kind++) {
        renumbered[(numberOf[state]! << SHIFT) | kind] = numberOf[next[(state << SHIFT) | kind]!]!;
      }
    }
    next.set(renumbered);
    const ranks = order.map((state) => rank[state]!);
    rank.set(ranks);
    this.ends = order.map((state) => ends[state]!);
    this.#firstOf = [0, 1, 2, 3].map((wanted) => {
      const found = ranks.findIndex((one) => one >= wanted);
      return found < 0 ? ranks.length : found;
    });
  }

  /** Number of the first state in which a word of this rank or a higher one ends. */
  firstOf(rank: number): number {
    return this.#firstOf[rank] ?? this.rank.length;
  }

  /** Whether a word of this rank or a higher one stands in the text. */
  finds(text: string, rank: number): boolean {
    const { classOf, next } = this;
    const limit = this.firstOf(rank);
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      state = next[(state << SHIFT) | classOf[text.charCodeAt(i)]!]!;
      if (state >= limit) return true;
    }
    return false;
  }
}
