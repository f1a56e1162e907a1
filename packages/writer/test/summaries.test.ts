import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { type SpanRow, writeBatch } from '@project-beacon/writer';
import { notesAreRight } from './notes.ts';
import { row } from './row.ts';

const { client } = await testDatabase();

/** Numbers that are the same in every run with the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return (state >>> 0) % below;
  };
}

// What a fast look at bytes could get wrong.
const ATTRIBUTES: Record<string, unknown>[] = [
  {},
  { plain: 'text', n: 5, negative: -7, half: 2.5, large: 1e21, small: 1.5e-7, yes: true, no: false, none: null },
  { 'with "quotes"': 'and \\ backslashes', täg: 'wört \u{1f600}', empty: '' },
  { list: ['a', 1, 1.0, true, null], nested: { deep: [1, { x: 2 }] }, after: 'it', minus: -0 },
  { braces: '}{,:[]"', comma: 'a,b', line: 'a\nb\tc', zero: 0, big: 9007199254740991 },
];

const ENDS = ['completed', 'failed', 'timeout'] as const;

async function summaries() {
  const { rows } = await client.query(`
    select trace_id, started_at::text, completed_at::text, execution_id, execution_key, job_id, root_service, root_operation, root_started_at::text, encode(root_span_id, 'hex') as root_span_id,
      (select array_agg(distinct s order by s) from unnest(services) s) as services, span_count, error_count, open_count, active_to::text,
      (select row(l.started_at, l.active_to)::text from long_traces l where l.trace_id = t.trace_id) as long
    from traces t order by trace_id`);
  return rows;
}

async function executions() {
  return (await client.query('select execution_id, execution_key, trace_id from trace_executions order by 1, 2, 3'))
    .rows;
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`summaries, counts and the chunk index agree with the spans after every flush, whatever is written, resent, lost and completed (seed ${seed})`, async () => {
    const below = generator(seed);
    const traceIds = Array.from({ length: 4 }, () => row().traceId);
    const open: SpanRow[] = [];
    let last: SpanRow[] = [];
    const now = Math.trunc(Date.now() / 1_000);
    let clock = 0;

    const none = { executionId: null, executionKey: null };
    const span = (tracerId: string): SpanRow => {
      const trace = below(traceIds.length);
      const traceId = traceIds[trace]!;
      const isRoot = below(3) === 0;
      const start = now - 1_000 + below(500) * below(2);
      const ended = below(3) > 0;
      const made = row({
        traceId,
        tracerId,
        parentSpanId: isRoot ? null : row().spanId,
        service: ['runner', 'router', 'a "quoted\\ name'][below(3)]!,
        operation: `operation ${below(5)}, {braces}`,
        status: ended ? ENDS[below(3)]! : 'started',
        start: [start, (++clock % 20) * 1_000],
        end: ended ? [start + below(60), 0] : null,
        ...[none, { executionId: `${seed * 100 + trace + below(12)}` }, { executionKey: `a "${seed + below(9)}\\` }][
          below(3)
        ],
        modelId: below(3) === 0 ? 'a\\model' : null,
        errorType: below(5) === 0 ? 'E\tTAB' : null,
        attributes: ATTRIBUTES[below(ATTRIBUTES.length)]!,
        events: below(6) === 0 ? [{ name: 'it "said"', time: [start, 5], attributes: { size: below(9) / 4 } }] : null,
        links: below(6) === 0 ? [{ traceId, spanId: row().spanId, attributes: { why: ['a', 2] } }] : null,
        jobId: below(2) === 0 ? ['job 1', 'Job 1', 'job \u{1f600}', 'job \uff5e', 'b'][below(5)]! : null,
      });
      if (!ended) open.push(made);
      return made;
    };

    for (let flush = 0; flush < 25; flush++) {
      const tracerId = randomUUID();
      await client.query(
        `insert into tracers (tracer_id, service, instance, flag, flag_source, stopped_at, started_at)
        select $1, s, 'test', 'true', 'option', now(), now() - interval '1 hour' from (values ($2)) v (s)`,
        [tracerId, ['runner', 'router', 'a "quoted\\ name'][below(3)]],
      );
      const batch = Array.from({ length: below(12) }, () => span(tracerId));
      for (let i = below(4); i > 0 && open.length > 0; i--) {
        const started = open.splice(below(open.length), 1)[0]!;
        if (batch.includes(started)) continue;
        // Its name is known at its end: that of its route.
        batch.push({
          ...started,
          operation: `operation ${below(5)}, at its end`,
          status: ENDS[below(3)]!,
          end: [now, 5],
          update: true,
        });
      }
      // A commit whose answer was lost: the same again, alone or with what came since.
      if (below(3) === 0) batch.push(...last);
      if (batch.length > 0) await writeBatch(client, batch);
      if (below(4) === 0) await client.query('select mark_lost()');
      if (below(5) === 0) await client.query('select fold_deltas(3)');
      if (below(5) === 0) {
        await client.query(`set beacon.clock = '${new Date(Date.now() + 60_000).toISOString()}'`);
        await client.query('select merge_chunks(10, 40, 2)');
        await client.query('reset beacon.clock');
      }
      last = batch;
      if (flush % 6 === 0) await notesAreRight(client);

      const added = await summaries();
      const pairs = await executions();
      await client.query('begin');
      await client.query('select recount_traces(array(select trace_id from traces))');
      assert.deepEqual(added, await summaries());
      assert.deepEqual(pairs, await executions());
      await client.query('rollback');
    }
  });
}

test('a trace that gets spans after it was counted is remembered as late, and as long once it takes a minute', async () => {
  const first = row({ start: [1_700_000_000, 0], end: [1_700_000_001, 0] });
  const { traceId } = first;
  const noted = async () => {
    const { rows } = await client.query(
      'select (select count(*)::int from late_traces where trace_id = $1) as late, (select count(*)::int from long_traces where trace_id = $1) as long',
      [traceId],
    );
    return rows[0];
  };
  await writeBatch(client, [first]);
  assert.deepEqual(await noted(), { late: 0, long: 0 });
  await client.query('update traces set baselined_at = updated_at where trace_id = $1', [traceId]);
  await writeBatch(client, [row({ traceId, start: [1_700_000_050, 0], end: [1_700_000_061, 0] })]);
  assert.deepEqual(await noted(), { late: 1, long: 1 });
});
