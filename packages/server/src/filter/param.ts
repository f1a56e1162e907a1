// The filter as a parameter of queries, and terms that queries add to it.
import { z } from 'zod';
import { type ColumnKey, FilterError, parseFilter, type Term } from './parse.ts';

const MAX_CHARACTERS = 4_000;

/** Parameter `q`: a filter as text; what the query gets are its terms. */
export const filterParam = z
  .string()
  .max(MAX_CHARACTERS)
  .transform((text, context): Term[] => {
    try {
      return parseFilter(text);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  })
  .optional()
  .describe(
    'Filter: terms that must all hold, as in service=router status=failed duration>500ms http.response.status_code>=500 has:beacon.retry "connection refused".',
  );

/** Terms that say what columns of the span must be; those without a value say nothing. */
export function equals(columns: Partial<Record<ColumnKey, string | undefined>>): Term[] {
  return Object.entries(columns).flatMap(([column, value]) =>
    value === undefined ? [] : [{ kind: 'compare', key: { column: column as ColumnKey }, operator: '=', value }],
  );
}
