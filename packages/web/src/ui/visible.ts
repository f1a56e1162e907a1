// Characters that turn the direction of writing, or cannot be seen, as signs.
const INVISIBLE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** The text with a sign for each character that does not show: `⟨202e⟩`. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (char) =>
    char === '\n' || char === '\t' ? ' ' : `⟨${char.charCodeAt(0).toString(16).padStart(4, '0')}⟩`,
  );
}
