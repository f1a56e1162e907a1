// Where a page ended, as a text the caller hands back. Pages go on after a key, never at a number of rows: rows that
// arrive meanwhile move nothing.
import { z } from 'zod';
import type { Range } from './range.ts';

export interface Cursor {
  /** Sort key of the last row given. */
  key: unknown[];
  /** When the first page was read, by the database's clock. */
  at: string;
  /** Times the first page was about. */
  range: Range | undefined;
}

export function encodeCursor({ key, at, range }: Cursor): string {
  return Buffer.from(JSON.stringify([key, at, range?.from ?? null, range?.to ?? null])).toString('base64url');
}

const time = z.iso.datetime({ offset: true });

/** Parameter `after` of a query whose sort key looks like `key`. */
export function afterParam(key: z.ZodType<unknown[]>) {
  const shape = z.tuple([key, time, time.nullable(), time.nullable()]);
  return z
    .string()
    .max(2_000)
    .transform((text, context): Cursor => {
      const read = shape.safeParse(jsonOf(text));
      if (!read.success) {
        context.addIssue({
          code: 'custom',
          message: 'is not a cursor for this query; pass the next value from its last answer',
        });
        return z.NEVER;
      }
      const [found, at, from, to] = read.data;
      return { key: found, at, range: from === null ? undefined : { from, to } };
    })
    .optional()
    .describe('Continues after a page: the value of next from the answer before.');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
}
