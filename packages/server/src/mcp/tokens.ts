// How many tokens of a language model a text costs, without a tokenizer: every model has its own.

// Pieces a byte-pair tokenizer would not join: words, runs of capitals, digits, blanks, and any other sign by itself.
const PIECES = /[A-Z]?[a-z]+|[A-Z]+|[0-9]+| +|\s+|[\u0000-\u007f]|[\u0080-\uffff]|[^]/gu;

const LETTERS_A_TOKEN = 4;
/** Past this a run of letters is no word, and tokenizers have learned no long pieces of it. */
const LONGEST_WORD = 16;

/**
 * An estimate that is meant to err upwards: on what this server prints it lies above the counts of the tokenizers it was
 * held against, and below twice as many.
 */
export function tokensOf(text: string): number {
  let tokens = 0;
  for (const [piece] of text.matchAll(PIECES)) tokens += costOf(piece);
  return tokens;
}

function costOf(piece: string): number {
  const code = piece.charCodeAt(0);
  if (code > 0xd7ff) return 3;
  if (code > 0x7f) return 2;
  // One blank belongs to the word behind it.
  if (piece === ' ') return 0;
  if (/[a-z]$/i.test(piece)) {
    return Math.ceil(piece.length / (piece.length > LONGEST_WORD ? 2 : LETTERS_A_TOKEN));
  }
  if (code >= 0x30 && code <= 0x39) return Math.ceil(piece.length / 2);
  return 1;
}
