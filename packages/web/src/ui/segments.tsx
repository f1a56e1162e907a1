// One of a few, side by side.
import type { ComponentChildren } from 'preact';

interface SegmentsProps<V extends string> {
  label: string;
  options: readonly (readonly [value: V, words: ComponentChildren])[];
  value: V;
  onChange(value: V): void;
}

export function Segments<V extends string>({ label, options, value, onChange }: SegmentsProps<V>) {
  return (
    <fieldset class="segments">
      <legend class="unseen">{label}</legend>
      {options.map(([each, words]) => (
        <button key={each} type="button" class="small" aria-pressed={each === value} onClick={() => onChange(each)}>
          {words}
        </button>
      ))}
    </fieldset>
  );
}
