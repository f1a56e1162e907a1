// A rectangle of the heatmap: from when to when, how slow to how slow; in the address as one value.
import type { Field } from '../state/url.ts';

export interface Selection {
  /** Milliseconds since 1970; `to` is exclusive. */
  from: number;
  to: number;
  /** Milliseconds. */
  min: number;
  /** Exclusive; null without end. */
  max: number | null;
  /** Only what failed. */
  errors: boolean;
}

/** `sel=1763760000000,1763767200000,500,2000`, followed by `,e` for errors only. */
export const selectionField: Field<Selection | null> = {
  read(text) {
    const [from, to, min, max, errors] = (text ?? '').split(',');
    const numbers = [Number(from), Number(to), Number(min)] as const;
    if (!text || numbers.some((each) => !Number.isFinite(each))) return null;
    return { from: numbers[0], to: numbers[1], min: numbers[2], max: max ? Number(max) : null, errors: errors === 'e' };
  },
  write(value) {
    if (!value) return null;
    const { from, to, min, max, errors } = value;
    const parts = [Math.round(from), Math.round(to), rounded(min), max === null ? '' : rounded(max)];
    return parts.join(',') + (errors ? ',e' : '');
  },
};

/** As parameters of the operation `differences`. */
export function asParams({ from, to, min, max, errors }: Selection) {
  return {
    selected_from: new Date(from).toISOString(),
    selected_to: new Date(to).toISOString(),
    min_ms: min || undefined,
    max_ms: max ?? undefined,
    status: errors ? 'error' : undefined,
  };
}

/** As terms of a filter. */
export function asTerms({ min, max, errors }: Selection): string {
  const terms = [
    min > 0 && `duration>=${rounded(min)}`,
    max !== null && `duration<${rounded(max)}`,
    errors && 'status!=completed',
  ];
  return terms.filter(Boolean).join(' ');
}

function rounded(ms: number): number {
  return Number(ms.toPrecision(6));
}
