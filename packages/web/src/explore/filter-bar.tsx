// The filter, completed from what the database holds, and its terms as tags that can be taken away.
import { COLUMNS, KINDS, STATUSES } from '@project-beacon/server/filter/parse.ts';
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../state/api.ts';
import { useDraft } from '../state/draft.ts';
import type { Range } from '../state/range.ts';
import { Combobox, type Suggestion } from '../ui/combobox.tsx';
import { compact } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { partsOf, quoted, termAt, termsOf, withoutTerm } from './terms.ts';

interface FilterBarProps {
  q: string;
  range: Range;
  onChange(q: string): void;
  /** What the server says is wrong with it. */
  wrong: string | undefined;
}

const PAUSE_MS = 120;

export function FilterBar({ q, range, onChange, wrong }: FilterBarProps) {
  const [text, setText] = useDraft(q);
  const [cursor, setCursor] = useState<number>();
  const [suggestions, forget] = useSuggestions(text, cursor, range);
  const terms = termsOf(q);
  return (
    <search class="filter-bar">
      <Combobox
        label="Filter"
        placeholder="service=router status=failed duration>500ms, or any attribute"
        value={text}
        onInput={(value, at) => {
          setText(value);
          setCursor(at);
        }}
        suggestions={suggestions}
        onPick={({ insert }, input) => {
          const term = termAt(text, input.selectionStart ?? text.length);
          const next = text.slice(0, term.from) + insert + text.slice(term.to).trimStart();
          setText(next);
          setCursor(term.from + insert.length);
          forget();
          input.value = next;
          input.setSelectionRange(term.from + insert.length, term.from + insert.length);
          if (insert.endsWith(' ')) onChange(next.trim());
        }}
        onSubmit={() => onChange(text.trim())}
      />
      {text.trim() !== q && (
        <button type="button" onClick={() => onChange(text.trim())}>
          Apply <kbd>Enter</kbd>
        </button>
      )}
      {terms.length > 0 && (
        <ul class="terms" aria-label="Terms of the filter">
          {terms.map(({ text: term }, i) => (
            <li key={term}>
              <button
                type="button"
                class="small chip"
                onClick={() => onChange(withoutTerm(q, i))}
                aria-label={`Remove ${term}`}
              >
                {term} <Icon name="cross" size={9} />
              </button>
            </li>
          ))}
        </ul>
      )}
      {wrong && (
        <p class="bad" role="alert">
          <Icon name="warning" /> {wrong}
        </p>
      )}
    </search>
  );
}

/** What completes the term at the cursor, and how to forget what completed the one before. */
function useSuggestions(text: string, cursor: number | undefined, range: Range): [Suggestion[], () => void] {
  const [found, setFound] = useState<Suggestion[]>([]);
  const term = cursor === undefined ? undefined : termAt(text, cursor).text;
  useEffect(() => {
    if (term === undefined) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      suggest(term, range, abort.signal).then(
        (next) => abort.signal.aborted || setFound(next),
        // Without suggestions one types on.
        () => abort.signal.aborted || setFound([]),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [term, range.from, range.to]);
  return [found, () => setFound([])];
}

async function suggest(term: string, range: Range, signal: AbortSignal): Promise<Suggestion[]> {
  const parts = partsOf(term);
  if (!parts) return suggestKeys(term, range, signal);
  const { key, operator, value } = parts;
  const fixed = key === 'status' ? STATUSES : key === 'kind' ? KINDS : undefined;
  const begins = value.toLowerCase();
  const values = fixed
    ? fixed.filter((each) => each.startsWith(begins)).map((each) => ({ value: each, note: '' }))
    : (await ask('attribute-values', { key, ...range, prefix: value, limit: 12 }, { signal })).rows.map((row) => ({
        value: row.value,
        note: compact(row.count),
      }));
  return values
    .filter(isFirst('value'))
    .map(({ value: each, note }) => ({ insert: `${key}${operator}${quoted(each)} `, label: each, note }));
}

async function suggestKeys(term: string, range: Range, signal: AbortSignal): Promise<Suggestion[]> {
  const has = /^-?has:/.exec(term)?.[0] ?? '';
  const prefix = term.slice(has.length);
  const { rows } = await ask('attribute-keys', { ...range, prefix, limit: 12 }, { signal });
  const known = COLUMNS.filter((key) => key.startsWith(prefix.toLowerCase()));
  const ending = has ? ' ' : '=';
  return [
    ...(has
      ? []
      : known.map((key) => ({ insert: `${key}${ending}`, label: key, note: key === 'duration' ? '>500ms' : '' }))),
    ...rows
      .filter(({ key }) => !COLUMNS.some((each) => each === key))
      .filter(isFirst('key'))
      .map(({ key, count }) => ({ insert: `${has}${key}${ending}`, label: key, note: `attribute, ${compact(count)}` })),
  ];
}

/** The same name may be found in several places: a span's attributes, its resource's. */
function isFirst<K extends string>(by: K) {
  return (row: Record<K, string>, i: number, rows: Record<K, string>[]) =>
    rows.findIndex((each) => each[by] === row[by]) === i;
}
