// What can be asked: tables, views and functions with their columns and comments.
import { useState } from 'preact/hooks';
import { useAsk } from '../state/resource.ts';
import type { Rows } from '../state/rows.ts';
import { Loaded } from '../ui/states.tsx';

interface Thing {
  name: string;
  kind: string;
  comment: string;
  /** Of a function: how it is called. */
  call: string | undefined;
  columns: { name: string; type: string; comment: string }[];
}

export function SchemaHelp({ onPick }: { onPick(name: string): void }) {
  const schema = useAsk('schema', { limit: 5000 });
  const [wanted, setWanted] = useState('');
  return (
    <section class="panel schema" aria-label="What can be asked">
      <header>
        <h2>Schema</h2>
        <input
          type="search"
          placeholder="Find …"
          aria-label="Find in the schema"
          value={wanted}
          onInput={({ currentTarget }) => setWanted(currentTarget.value)}
        />
      </header>
      <Loaded resource={schema} what="the schema">
        {({ rows }) => (
          <ul class="things">
            {thingsOf(rows)
              .filter(fits(wanted.trim().toLowerCase()))
              .map((thing) => (
                <li key={`${thing.kind} ${thing.name}`}>
                  <details>
                    <summary>
                      <span class="mono">{thing.name.replace(/^beacon\./, '')}</span>{' '}
                      <span class="faint">{thing.kind}</span>
                    </summary>
                    {thing.call && <p class="mono">{thing.call}</p>}
                    <p class="dim">{thing.comment}</p>
                    <button
                      type="button"
                      class="small"
                      onClick={() => onPick(thing.call === undefined ? thing.name : `${thing.name}()`)}
                    >
                      Insert
                    </button>
                    {thing.columns.length > 0 && (
                      <dl>
                        {thing.columns.map((column) => (
                          <div key={column.name} title={column.comment}>
                            <dt class="mono">{column.name}</dt>
                            <dd class="faint">{column.type}</dd>
                          </div>
                        ))}
                      </dl>
                    )}
                  </details>
                </li>
              ))}
          </ul>
        )}
      </Loaded>
    </section>
  );
}

function fits(wanted: string) {
  return ({ name, columns }: Thing) =>
    wanted === '' ||
    name.toLowerCase().includes(wanted) ||
    columns.some((column) => column.name.toLowerCase().includes(wanted));
}

function thingsOf(rows: Rows['schema'][]): Thing[] {
  return rows.map(({ name, kind, signature, comment, columns }) => ({
    name,
    kind,
    call: signature === null ? undefined : `${name}(${signature})`,
    comment: comment ?? '',
    columns: (columns ?? []).map((column) => ({ ...column, comment: column.comment ?? '' })),
  }));
}
