// Counts made in advance, put together from steps of several sizes: they must be those of the spans, whatever the question.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import fc from 'fast-check';
import { settle, store, traceId } from './store.ts';

const { client } = await testDatabase();
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
const now = Date.now();

const spans = Array.from({ length: 600 }, (_, n) => ({
  trace: traceId(),
  service: ['web', 'pay'][n % 2] as string,
  operation: `work ${n % 3}`,
  status: n % 7 === 0 ? 'failed' : 'completed',
  at: now - 5 * MINUTE - ((n * 7919) % (3 * DAY)) - n * 7 * MINUTE,
  ms: 1 + ((n * 31) % 900),
}));
await store(client, spans.slice(0, 500));
await settle(client, 60);
// What came since is not counted yet.
await store(client, spans.slice(500));

test('whatever the time and the step, counts are those of the spans', async () => {
  const minutes = fc.record({ from: fc.nat(5_000), length: fc.nat(5_000), step: fc.constantFrom(10, 60, 360, 1_440) });
  await fc.assert(
    fc.asyncProperty(minutes, async ({ from, length, step }) => {
      const start = now - from * MINUTE;
      const asked = [new Date(start), new Date(start + length * MINUTE), `${step} minutes`];
      const sums = (source: string) =>
        client.query(
          `select at, service, operation, sum(counts[i][2])::int as calls, sum(counts[i][3])::int as errors
           from ${source} c, generate_subscripts(c.counts, 1) i group by 1, 2, 3 order by 1, 2, 3`,
          asked,
        );
      const { rows: counted } = await sums('beacon.span_counts($1::timestamptz, $2::timestamptz, $3::interval)');
      // The same, span by span, in a time that begins and ends where the grid does.
      const { rows } = await sums(
        `(select g.step from beacon.count_grid($1::timestamptz) g (step)) g, lateral beacon.count_spans('-infinity', 'infinity',
           date_bin(g.step, $1::timestamptz, '2000-01-01Z'), date_bin(g.step, $2::timestamptz + g.step - interval '1 microsecond', '2000-01-01Z'), $3::interval, null, null)`,
      );
      assert.deepEqual(counted, rows);
    }),
    { numRuns: 80, seed: 3 },
  );
});

test('counts are kept for as long as a span in them is', async () => {
  const { rows: blocks } = await client.query('select max(at) as at from beacon.span_rollups where step_s = 21600');
  const expired = new Date(blocks[0].at.getTime() + 3 * 60 * MINUTE);
  await client.query('select beacon.drop_old_chunks($1)', [expired]);
  const { rows } = await client.query(
    `select min(at) as from, min(at + make_interval(secs => step_s)) as until from beacon.span_rollups where step_s > 60 group by step_s
     order by step_s`,
  );
  for (const { until } of rows) assert.ok(until >= expired);
  assert.deepEqual(rows.at(-1).from, blocks[0].at, 'the six hours that it lies in');
});
