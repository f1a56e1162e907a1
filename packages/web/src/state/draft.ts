// Text being edited that starts from a value held elsewhere.
import { useState } from 'preact/hooks';

/**
 * The text, and its setter. A new value takes its place in the very render that brings it: an effect would come after the
 * page is painted, and take away what was typed meanwhile.
 */
export function useDraft(value: string): [text: string, setText: (text: string) => void] {
  const [draft, setDraft] = useState({ of: value, text: value });
  const text = draft.of === value ? draft.text : value;
  return [text, (next) => setDraft({ of: value, text: next })];
}
