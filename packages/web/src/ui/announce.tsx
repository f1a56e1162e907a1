// One sentence at the lower edge, read out too: copied, sent, found.
import { signal } from '@preact/signals';

const said = signal('');
let timer: ReturnType<typeof setTimeout> | undefined;

const SHOWN_MS = 4000;

export function announce(text: string): void {
  said.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    said.value = '';
  }, SHOWN_MS);
}

/** Copies text and says so. */
export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    announce(`Copied: ${what}.`);
  } catch {
    announce('The browser did not allow copying.');
  }
}

export function Announcer() {
  return (
    <div class="announcer" role="status" aria-live="polite">
      {said.value && <span>{said.value}</span>}
    </div>
  );
}
