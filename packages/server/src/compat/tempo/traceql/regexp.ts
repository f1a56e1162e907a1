// Regular expressions of RE2, which take linear time whatever they are and match the whole of a text.
import { RE2JS } from 're2js';

const MAX_KEPT = 1_000;

export interface Pattern {
  matches(text: string): boolean;
}

/** undefined for what RE2 does not know. `.` is any character, a new line as well. */
export function compiled(pattern: string): Pattern | undefined {
  let program: RE2JS;
  try {
    program = RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch {
    return undefined;
  }
  // The values of an attribute repeat.
  const known = new Map<string, boolean>();
  return {
    matches(text) {
      const found = known.get(text);
      if (found !== undefined) return found;
      const matched = program.matches(text);
      if (known.size < MAX_KEPT) known.set(text, matched);
      return matched;
    },
  };
}
