// The stretch of time a question is about.
import { z } from 'zod';
import type { Bindings } from '../filter/sql.ts';

/** ISO 8601, in UTC where they say nothing else; `to` is exclusive, null where the question is open to the future. */
export interface Range {
  from: string;
  to: string | null;
}

const AGO = /^(\d{1,6})(s|m|h|d)$/;
const MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

const moment = z
  .string()
  .refine(
    (text) => AGO.test(text) || (ISO.test(text) && !Number.isNaN(Date.parse(text))),
    'must be like 15m, 2h, 7d, or a time in ISO 8601',
  );

export const toParam = moment
  .optional()
  .describe('End of the time asked about: a time in ISO 8601, or 15m, 2h, 7d back from now (default: now).');

export function fromParam(fallback: string) {
  return moment
    .optional()
    .describe(
      `Start of the time asked about: 15m, 2h, 7d back from now, or a time in ISO 8601 (default: ${fallback}).`,
    );
}

/**
 * The times that `from` and `to` stand for; undefined where none is given and none is needed. A question without an end has no
 * upper bound: clocks of others may be ahead of the database's.
 *
 * @throws ZodError when they are the wrong way round.
 */
export function resolveRange(
  given: { from?: string | undefined; to?: string | undefined },
  now: string,
  rule: { default: string },
  unbounded: () => boolean | undefined,
): Range | undefined {
  if (given.from === undefined && given.to === undefined && unbounded()) return undefined;
  const to = given.to === undefined ? null : moment8601(given.to, now);
  const from = given.from === undefined ? back(to ?? now, rule.default) : moment8601(given.from, now);
  if (to !== null && Date.parse(from) > Date.parse(to)) {
    throw new z.ZodError([{ code: 'custom', path: ['from'], message: 'must be before to', input: given.from }]);
  }
  return { from, to };
}

/** Keeps the microseconds of a time that is given as one. */
function moment8601(text: string, now: string): string {
  if (AGO.test(text)) return back(now, text);
  const whole = text.length === 10 ? `${text}T00:00:00` : text.replace(' ', 'T');
  return /(?:Z|[+-]\d\d:?\d\d)$/.test(whole.slice(10)) ? whole : `${whole}Z`;
}

function back(from: string, ago: string): string {
  const [, count, unit] = AGO.exec(ago) as unknown as [string, string, string];
  return new Date(Date.parse(from) - Number(count) * (MS[unit] as number)).toISOString();
}

/** Condition on a column of times. */
export function within(
  column: string,
  { from, to }: { from: string | null; to: string | null },
  bind: Bindings,
): string {
  const conditions = [
    ...(from === null ? [] : [`${column} >= ${bind.add(from, 'timestamptz')}`]),
    ...(to === null ? [] : [`${column} < ${bind.add(to, 'timestamptz')}`]),
  ];
  return conditions.join(' and ') || 'true';
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];

/** Seconds a column stands for, so that there are at most about `columns` of them: a round number. */
export function stepOf(from: string, to: string, columns: number): number {
  const wanted = (Date.parse(to) - Date.parse(from)) / 1_000 / columns;
  return STEPS_S.find((step) => step >= wanted) ?? Math.ceil(wanted / 86_400) * 86_400;
}
