// Where the page is. All state of a page is in its address: anyone who opens a shared one sees the same.
import { computed, signal } from '@preact/signals';

interface Place {
  path: string;
  query: string;
}

const place = signal<Place>(read());
const params = computed(() => new URLSearchParams(place.value.query));

/** Path of the page, `/jobs/12`. */
export const path = computed(() => place.value.path);

function read(): Place {
  return { path: location.pathname, query: location.search };
}

addEventListener('popstate', () => {
  place.value = read();
});

/** Goes to an address of this site. `replace` adds no step to the back button's history. */
export function go(href: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  place.value = read();
}

/** How a value stands in the address; the default is left out of it. */
export interface Field<T> {
  read(text: string | null): T;
  /** `null` for the default. */
  write(value: T): string | null;
}

export const field = {
  text: (otherwise = ''): Field<string> => ({
    read: (text) => text ?? otherwise,
    write: (value) => (value === otherwise ? null : value),
  }),
  oneOf: <const V extends string>(values: readonly V[], otherwise: NoInfer<V>): Field<V> => ({
    read: (text) => values.find((value) => value === text) ?? otherwise,
    write: (value) => (value === otherwise ? null : value),
  }),
  number: (otherwise: number): Field<number> => ({
    read: (text) => (text !== null && text !== '' && Number.isFinite(Number(text)) ? Number(text) : otherwise),
    write: (value) => (value === otherwise ? null : String(value)),
  }),
  flag: (): Field<boolean> => ({ read: (text) => text === '1', write: (value) => (value ? '1' : null) }),
  /** Repeated: `?id=1&id=2` is written as one value, its entries joined by commas. */
  list: (): Field<string[]> => ({
    read: (text) => (text ? text.split(',').map(decodeURIComponent) : []),
    write: (values) => (values.length === 0 ? null : values.map(encodeURIComponent).join(',')),
  }),
};

// biome-ignore lint/suspicious/noExplicitAny: each field has its own type.
type Fields = Record<string, Field<any>>;
type Values<F extends Fields> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** The page's values, read from the address; reading them in a component follows changes. */
export function readUrl<F extends Fields>(fields: F): Values<F> {
  const given = params.value;
  return Object.fromEntries(
    Object.entries(fields).map(([name, each]) => [name, each.read(given.get(name))]),
  ) as Values<F>;
}

/** Address of this page with some values changed, for links. */
export function hrefWith<F extends Fields>(fields: F, patch: Partial<Values<F>>, base = path.peek()): string {
  const next = new URLSearchParams(params.peek());
  for (const [name, value] of Object.entries(patch)) {
    const text = value === undefined ? null : (fields[name]?.write(value) ?? null);
    if (text === null) next.delete(name);
    else next.set(name, text);
  }
  const query = next.toString();
  return query ? `${base}?${query}` : base;
}

/** Changes values in the address. `replace` for what changes continuously, so that the back button stays useful. */
export function setUrl<F extends Fields>(
  fields: F,
  patch: Partial<Values<F>>,
  options: { replace?: boolean } = {},
): void {
  go(hrefWith(fields, patch), options);
}

/** Address of a page with parameters; empty ones are left out. */
export function hrefTo(base: string, given: Record<string, string | number | null | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${base}?${text}` : base;
}

/** Address of an execution, whose key may be any text. */
export function executionHref(key: string): string {
  return `/execution/${encodeURIComponent(key)}`;
}

/** Ordinary links stay in the page; new tabs, downloads and other sites are the browser's. */
export function followLinks(root: HTMLElement): void {
  root.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element).closest('a');
    if (!link?.href || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/api/') || link.pathname === '/docs') return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  });
}
