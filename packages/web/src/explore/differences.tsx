// What sets the selected rectangle apart from the rest, over every row, with counts.
import type { Params } from '../state/api.ts';
import { useAsk } from '../state/resource.ts';
import type { DifferencesRow } from '../state/rows.ts';
import { count, duration, moment, percent } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Empty, Loaded } from '../ui/states.tsx';
import { asParams, type Selection } from './selection.ts';
import { quoted } from './terms.ts';

const SHOWN = 8;

interface DifferencesProps {
  params: Params;
  selection: Selection;
  onFilter(term: string): void;
  onClear(): void;
}

export function Differences({ params, selection, onFilter, onClear }: DifferencesProps) {
  const asked = { ...params, ...asParams(selection), limit: 40 };
  const found = useAsk('differences', asked);
  return (
    <Panel
      title="What is different?"
      query="differences"
      params={asked}
      truncated={found.value?.truncated}
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
  const more = rows.filter(({ difference }) => difference > 0).slice(0, SHOWN);
  if (!first || first.selected_total === 0) return <Empty title="The selection is empty." />;
  if (more.length === 0) return <Empty title="No attribute is more frequent in the selection than in the rest." />;
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
        {more.map((row) => (
          <Difference key={`${row.key}=${row.value}`} row={row} onFilter={onFilter} />
        ))}
      </ol>
    </>
  );
}

function Difference({ row, onFilter }: { row: DifferencesRow; onFilter(term: string): void }) {
  const { key, value, selected, rest, selected_pct, rest_pct } = row;
  return (
    <li>
      <button type="button" class="quiet" onClick={() => onFilter(`${key}=${quoted(value)}`)} title="Add to the filter">
        <span class="difference-key">
          <span class="dim">{key}</span> = <strong>{value}</strong>
        </span>
        <span class="difference-words">
          <strong>{percent(selected_pct)}</strong> <span class="faint">({count(selected)})</span> against{' '}
          {percent(rest_pct)} <span class="faint">({count(rest)})</span>
        </span>
        <span class="bar-tracks" aria-hidden="true">
          <span class="bar-track">
            <span class="selected" style={{ width: `${selected_pct}%` }} />
          </span>
          <span class="bar-track">
            <span class="rest" style={{ width: `${rest_pct}%` }} />
          </span>
        </span>
      </button>
    </li>
  );
}

function wordsOf({ from, to, min, max, errors }: Selection): string {
  const slow = max === null ? `slower than ${duration(min)}` : `${duration(min)} to ${duration(max)}`;
  const time = `${moment(new Date(from).toISOString())} to ${moment(new Date(to).toISOString())}`;
  const words = `${errors ? 'failed, ' : ''}${min === 0 && max === null ? '' : `${slow}, `}${time}`;
  return `Selected: ${words}; against everything else that is shown.`;
}
