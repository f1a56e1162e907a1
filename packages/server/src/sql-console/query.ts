// SQL of one's own, read-only.
import { z } from 'zod';
import { defineQuery } from '../queries/query.ts';
import { limited } from '../store/turns.ts';
import { askSql } from './console.ts';

const TIMEOUT_S = 15;
const MAX_BYTES = 8_388_608;
// A server has some four connections for all its APIs.
const TURNS = { what: 'statements', atOnce: 2, patienceMs: 5_000 };

export const sql = defineQuery({
  name: 'sql',
  doc: 'One read-only query over the schema beacon and the registered tables.',
  params: {
    statement: z
      .string()
      .min(1)
      .describe('The query: select, with, values or table. Operation schema lists what there is.'),
    timeout_s: z.coerce
      .number()
      .min(0.1)
      .max(60)
      .default(TIMEOUT_S)
      .describe(`Seconds it may take (default ${TIMEOUT_S}, at most 60).`),
  },
  arguments: [{ name: 'statement', params: (text) => ({ statement: text }) }],
  // Whatever the statement selects; the answer's columns say what that is.
  row: z.looseObject({}),
  limit: { default: 1000, max: 10_000 },
  // A read, but one that does not belong into an address: logs keep those, and any page can make a browser ask them.
  mutates: true,
  run: ({ pool, params, limit, signal }) => {
    const limits = { rows: limit, bytes: MAX_BYTES, timeoutMs: params.timeout_s * 1000 };
    return limited(pool, TURNS, signal, () => askSql(pool, params.statement, limits, signal));
  },
});
