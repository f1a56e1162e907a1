// Which time is looked at: back from now, or between two moments.
import { useState } from 'preact/hooks';
import { DAY_MS, PRESETS } from '../state/fit.ts';
import { type Range, rangeFields, whyFitted } from '../state/range.ts';
import { setUrl } from '../state/url.ts';
import { moment } from './format.ts';

export function RangePicker({ range: { from, to } }: { range: Range }) {
  const isPreset = !to && PRESETS.some(([value]) => value === from);
  const [custom, setCustom] = useState(false);
  const why = whyFitted();
  return (
    <div class="range">
      {why && <p class="range-why faint">Chosen to fit: {why}.</p>}
      <select
        aria-label="Range of time"
        value={isPreset && !custom ? from : 'custom'}
        onChange={({ currentTarget: { value } }) => {
          setCustom(value === 'custom');
          if (value !== 'custom') setUrl(rangeFields, { from: value, to: '' });
        }}
      >
        {PRESETS.map(([value, words]) => (
          <option key={value} value={value}>
            last {words}
          </option>
        ))}
        <option value="custom">{isPreset ? 'between …' : rangeWords(from, to)}</option>
      </select>
      {(custom || !isPreset) && (
        <>
          <Moment label="From" value={from} onChange={(value) => setUrl(rangeFields, { from: value })} />
          <Moment label="to" value={to} onChange={(value) => setUrl(rangeFields, { to: value })} />
        </>
      )}
    </div>
  );
}

function Moment({ label, value, onChange }: { label: string; value: string; onChange(value: string): void }) {
  const date = new Date(value);
  const shown = Number.isNaN(date.getTime()) ? '' : local(date);
  return (
    <label>
      {label}{' '}
      <input
        type="datetime-local"
        step="1"
        value={shown}
        onChange={({ currentTarget }) =>
          onChange(currentTarget.value ? new Date(currentTarget.value).toISOString() : '')
        }
      />
    </label>
  );
}

/** What datetime-local takes: local time without a zone. */
function local(date: Date): string {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function rangeWords(from: string, to: string): string {
  const words = (text: string) => (/^\d+[smhd]$/.test(text) ? `${text} ago` : moment(text));
  return `${words(from)} – ${to ? words(to) : 'now'}`;
}

/** The range an answer is about, in milliseconds since 1970; one without an end goes to now. */
export function timesOf(range: { from: string; to: string | null } | null | undefined): { from: number; to: number } {
  const to = range?.to ? Date.parse(range.to) : Date.now();
  return { from: range ? Date.parse(range.from) : to - DAY_MS, to };
}
