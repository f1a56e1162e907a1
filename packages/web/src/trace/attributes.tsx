// A list of attributes that can be filtered and copied.
import { useState } from 'preact/hooks';
import { copy } from '../ui/announce.tsx';

interface Props {
  title?: string;
  of: Record<string, unknown>;
  /** Shown from the start. */
  open?: boolean;
  /** Without a heading. */
  bare?: boolean;
}

/** From so many on, a filter helps more than it takes. */
const MANY = 8;

export function Attributes({ title, of, open = false, bare = false }: Props) {
  const entries = Object.entries(of)
    .map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)] as const)
    .sort(([a], [b]) => a.localeCompare(b));
  if (entries.length === 0) return null;
  if (bare) return <Entries entries={entries} />;
  return (
    <details class="attributes" open={open}>
      <summary>
        {title} <span class="faint">{entries.length}</span>
      </summary>
      <Filtered entries={entries} title={title ?? ''} />
    </details>
  );
}

type Entry = readonly [key: string, value: string];

function Filtered({ entries, title }: { entries: Entry[]; title: string }) {
  const [wanted, setWanted] = useState('');
  const found = entries.filter((entry) => entry.some((text) => text.toLowerCase().includes(wanted.toLowerCase())));
  return (
    <>
      {entries.length >= MANY && (
        <div class="attributes-tools">
          <input
            type="search"
            value={wanted}
            placeholder="Filter"
            aria-label={`Filter ${title}`}
            onInput={({ currentTarget }) => setWanted(currentTarget.value)}
          />
          <button
            type="button"
            class="small"
            onClick={() => copy(JSON.stringify(Object.fromEntries(entries), null, 2), `${title.toLowerCase()} as JSON`)}
          >
            Copy all
          </button>
        </div>
      )}
      {found.length === 0 && (
        <p class="faint">
          None of {entries.length} contains “{wanted}”.
        </p>
      )}
      <Entries entries={found} />
    </>
  );
}

function Entries({ entries }: { entries: Entry[] }) {
  return (
    <dl class="entries">
      {entries.map(([key, value]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd>
            <span class="entry-value">{value}</span>
            <button
              type="button"
              class="quiet small"
              aria-label={`Copy ${key}`}
              title="Copy"
              onClick={() => copy(value, key)}
            >
              copy
            </button>
          </dd>
        </div>
      ))}
    </dl>
  );
}
