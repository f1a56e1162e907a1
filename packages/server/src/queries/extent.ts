// Where in time there is something to look at.
import { z } from 'zod';
import * as c from './columns.ts';
import { defineQuery } from './query.ts';

export const extent = defineQuery({
  name: 'extent',
  doc: 'From when to when there are traces: of the last 24 hours or, where those are empty, of the last 24 that are not.',
  params: {},
  row: z.object({
    oldest_at: c.time('Start of the oldest trace of those hours.'),
    newest_at: c.time('Start of the newest trace of all.'),
    clock_at: c.time("The database's clock."),
  }),
  limit: { default: 1, max: 100 },
  sql: () => ({ text: 'select * from beacon.trace_extent()', values: [] }),
});
