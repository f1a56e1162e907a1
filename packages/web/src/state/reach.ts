// Whether the server answers. While it does not, one question a second or so, and everything loads again once it is back.
import { signal } from '@preact/signals';
import { epoch } from './token.ts';

export const reachable = signal(true);

const PAUSE_MS = 1000;
let asking = false;

/** To be called when a request got no answer at all. */
export function lost(): void {
  reachable.value = false;
  if (asking) return;
  asking = true;
  setTimeout(look, PAUSE_MS);
}

async function look(): Promise<void> {
  try {
    await fetch('/health', { cache: 'no-store' });
    asking = false;
    reachable.value = true;
    epoch.value++;
  } catch {
    setTimeout(look, PAUSE_MS);
  }
}
