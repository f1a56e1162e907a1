// Text to be taken along: shown as it is, copied with a button.
import { copy } from './announce.tsx';

interface CopyableProps {
  text: string;
  /** Completes "Copy " and "Copied: ". */
  what: string;
  title?: string;
}

export function Copyable({ text, what, title }: CopyableProps) {
  return (
    <div class="copyable">
      {title && <h3>{title}</h3>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre tabIndex={0}>{text}</pre>
      <button type="button" class="small" onClick={() => copy(text, what)}>
        Copy<span class="unseen"> {what}</span>
      </button>
    </div>
  );
}
