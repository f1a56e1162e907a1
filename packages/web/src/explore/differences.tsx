// What sets the selected rectangle apart from the rest, over every row, with counts.
import type { Params } from '../state/api.ts';
import { useAsk } from '../state/resource.ts';
import type { DifferencesRow } from '../state/rows.ts';
import { count, duration, moment, percent } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Empty, Loaded } from '../ui/states.tsx';
import { asParams, type Selection } from './selection.ts';
import { quoted } from './terms.ts';

interface DifferencesProps {
  params: Params;
  selection: Selection;
  onFilter(term: string): void;
  onClear(): void;
}

export function Differences({ params, selection, onFilter, onClear }: DifferencesProps) {
  const asked = { ...params, ...asParams(selection), limit: 12 };
  const found = useAsk('differences', asked);
  return (
    <Panel
      title="What is different?"
      operation="differences"
      params={asked}
      leftOut={found.value?.leftOut}
      actions={
        <button type="button" class="quiet small" onClick={onClear}>
          Clear selection
        </button>
      }
    >
      <p class="dim">{wordsOf(selection)}</p>
      <Loaded resource={found} what="differences">
        {({ rows }) => <List rows={rows} onFilter={onFilter} />}
      </Loaded>
    </Panel>
  );
}

function List({ rows, onFilter }: { rows: DifferencesRow[]; onFilter(term: string): void }) {
  const first = rows[0];
  if (!first) {
    return (
      <Empty title="Nothing sets it apart.">
        <p>No attribute is more frequent in the selection than in the rest.</p>
      </Empty>
    );
  }
  return (
    <>
      <p class="difference-heads">
        <span class="key">
          <span class="dot selected" aria-hidden="true" /> selected, of {count(first.selected_total)}
        </span>
        <span class="key">
          <span class="dot rest" aria-hidden="true" /> rest, of {count(first.rest_total)}
        </span>
      </p>
      <ol class="differences">
        {rows.map((row) => (
          <li key={`${row.key}=${row.value}`}>
            <button
              type="button"
              class="quiet"
              onClick={() => onFilter(`${row.key}=${quoted(row.value)}`)}
              title="Add to the filter"
            >
              <span class="difference-key">
                <span class="dim">{row.key}</span> = <strong>{row.value}</strong>
              </span>
              <Bar name="selected" pct={row.selected_pct} n={row.selected} />
              <Bar name="rest" pct={row.rest_pct} n={row.rest} />
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}

function Bar({ name, pct, n }: { name: 'selected' | 'rest'; pct: number; n: number }) {
  return (
    <span class="share">
      <span class="unseen">{name}: </span>
      <span class="share-bar" aria-hidden="true">
        <span class={name} style={{ width: `${pct}%` }} />
      </span>
      <span class="share-words">
        {percent(pct)} <span class="faint">({count(n)})</span>
      </span>
    </span>
  );
}

function wordsOf({ from, to, min, max, errors }: Selection): string {
  const slow = max === null ? `slower than ${duration(min)}` : `${duration(min)} to ${duration(max)}`;
  const time = `${moment(new Date(from).toISOString())} to ${moment(new Date(to).toISOString())}`;
  return `${errors ? 'Failed, ' : ''}${min === 0 && max === null ? '' : `${slow}, `}${time}, against everything else that is shown.`;
}
