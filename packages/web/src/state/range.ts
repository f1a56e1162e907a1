// Which time is looked at: as the address says it.
import { signal } from '@preact/signals';
import type { Range } from './fit.ts';
import { field, readUrl } from './url.ts';

export type { Range };

export const rangeFields = { from: field.text(''), to: field.text('') };

/** The last range that was chosen automatically, and why it is this one, in words. It is shown as long as the address still says it. */
export const fitted = signal<(Range & { why: string }) | undefined>(undefined);

/** Why the range of the address was chosen; undefined where the user chose it. */
export function whyFitted(): string | undefined {
  const { from, to } = readUrl(rangeFields);
  const fit = fitted.value;
  return fit && fit.from === from && fit.to === to ? fit.why : undefined;
}
