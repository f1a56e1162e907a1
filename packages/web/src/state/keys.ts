// The keyboard. A binding says what its key does; the help of `?` lists what is bound now.
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';

export interface Key {
  /** As `KeyboardEvent.key` names it, `Shift+E` as `E`; two keys one after the other with a space: `g j`. */
  key: string;
  /** What it does, as the help says it. */
  doc: string;
  run(event: KeyboardEvent): void;
}

interface Binding {
  title: string;
  keys: Key[];
}

/** What is bound, the newest last: it wins. */
export const bindings = signal<Binding[]>([]);

const SEQUENCE_MS = 1200;
let first: { key: string; at: number } | undefined;

/** Binds keys until the returned function is called. */
export function bindKeys(title: string, keys: Key[]): () => void {
  const binding = { title, keys };
  bindings.value = [...bindings.peek(), binding];
  return () => {
    bindings.value = bindings.peek().filter((each) => each !== binding);
  };
}

/** The same for as long as a component is shown; the keys of the latest render count. */
export function useKeys(title: string, keys: Key[]): void {
  const latest = useRef(keys);
  latest.current = keys;
  const names = keys.map(({ key }) => key).join();
  // Before the browser paints: a user who sees the page may press a key of it.
  useLayoutEffect(() => {
    const bound = latest.current.map((each, i) => ({
      ...each,
      run: (event: KeyboardEvent) => latest.current[i]?.run(event),
    }));
    return bindKeys(title, bound);
  }, [title, names]);
}

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector('dialog[open]')) return;
  const sequence = first && event.timeStamp - first.at < SEQUENCE_MS ? `${first.key} ${event.key}` : undefined;
  const found = (sequence && find(sequence)) || find(event.key);
  const starts = bindings.peek().some(({ keys }) => keys.some(({ key }) => key.startsWith(`${event.key} `)));
  first = !found && starts ? { key: event.key, at: event.timeStamp } : undefined;
  if (!found) return;
  event.preventDefault();
  found.run(event);
});

function find(name: string): Key | undefined {
  return bindings
    .peek()
    .toReversed()
    .flatMap(({ keys }) => keys)
    .find(({ key }) => key === name);
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  if (!element?.matches) return false;
  return element.matches('input:not([type=checkbox],[type=radio],[type=button]), textarea, select, [contenteditable]');
}
