// Texts of other programs: what turns the direction of writing or cannot be seen is shown as a sign, and a long one is cut.
import { useState } from 'preact/hooks';
import { visible } from './visible.ts';

const MAX = 240;
/** A name or a sentence with names in it; a long one has a button that shows all of it. */
export function ForeignText({ text }: { text: string }) {
  const [isOpen, open] = useState(false);
  const clean = visible(text);
  if (clean.length <= MAX) return <bdi>{clean}</bdi>;
  return (
    <bdi>
      {isOpen ? clean : `${clean.slice(0, MAX)}…`}{' '}
      <button type="button" onClick={() => open(!isOpen)}>
        {isOpen ? 'less' : `all ${clean.length} characters`}
      </button>
    </bdi>
  );
}
