// A place that scrolls on its own, which the keyboard can reach.
import type { ComponentChildren } from 'preact';

interface ScrollProps {
  /** What it holds, read out when it is reached. */
  label: string;
  onKeyDown?: (event: KeyboardEvent) => void;
  children: ComponentChildren;
}

export function Scroll({ label, onKeyDown, children }: ScrollProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable.
    <section class="table-scroll" tabIndex={0} aria-label={label} onKeyDown={onKeyDown}>
      {children}
    </section>
  );
}
