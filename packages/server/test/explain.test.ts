import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw, testDatabase } from '@project-beacon/testkit';
import fc from 'fast-check';
import { bigTrace, type Shape } from './traces.ts';

const { client } = await testDatabase();
const rowsOf = async (text: string, ...values: unknown[]) => (await client.query(text, values)).rows;
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

const WORKED = `
  runner execution.run          |==============| kind=consumer model=small region=eu
    runner POST                 | ============ | kind=client
      router POST /inference    |  ==========  | kind=server
        router POST             |  ========    | kind=client
          inference POST /chat  |   ======     | kind=server
            inference generate  |    ====      |
`;
await draw(client, WORKED, { execution: 10, at: minutesAgo(60) });
await draw(client, WORKED.replace('region=eu', 'region=us'), { execution: 11, at: minutesAgo(20) });
await draw(client, WORKED.replaceAll('execution.run', 'execution.recover'), { execution: 12, at: minutesAgo(19) });
const late = await draw(
  client,
  `
  runner execution.run          |==================================x| kind=consumer model=small region=eu error=timeout
    runner POST                 | ===============================x  | kind=client error=504 http.response.status_code=504
      router POST /inference    |  =============================x   | kind=server error=timeout http.response.status_code=504
        router POST             |  ===========================!     | kind=client error=UND_ERR_HEADERS_TIMEOUT
          inference POST /chat  |   =============================== | kind=server
            inference load      |    ==========================     |
            inference generate  |                               === |
  `,
  { execution: 20, at: minutesAgo(10) },
);

test('a time-out says who gave up on whom, what became of the callee and where its time went', async () => {
  const rows = await rowsOf('select * from beacon.find_timeout_root_cause(20)');
  assert.equal(rows.length, 1);
  const [row] = rows;
  assert.deepEqual(
    [row.rank, row.decided_outcome, row.waiting_service, row.waiting_operation, row.gave_up_after_ms, row.waited_for],
    [1, true, 'router', 'POST', 280, 'inference'],
  );
  assert.equal(row.callee_state, 'went on after its caller had given up');
  assert.equal(row.callee_ended_after_ms, 320);
  assert.deepEqual([row.slowest_service, row.slowest_operation, row.slowest_ms], ['inference', 'load', 260]);
  assert.equal(row.type, 'SERVICE_TIMEOUT');
  assert.equal(row.span_ids.at(-1).toString('hex'), late.ids.get('router POST'));
});

test('a time-out whose callee left no span, and one that was coped with, say so; no time-out has no row', async () => {
  await draw(
    client,
    `
    app work      |==================x| kind=consumer error=timeout
      app GET /a  | ====!             | kind=client error=ETIMEDOUT peer.service=far
      app GET /b  |       =========!  | kind=client error=ETIMEDOUT peer.service=far
    `,
    { execution: 21, at: minutesAgo(9) },
  );
  const rows = await rowsOf('select * from beacon.find_timeout_root_cause(21)');
  assert.deepEqual(
    rows.map((row) => [row.waiting_operation, row.decided_outcome]),
    [
      ['GET /b', true],
      ['GET /a', false],
    ],
  );
  assert.match(rows[0].callee_state, /left no span/);
  // Nothing was seen behind the call: its own waiting is all there is to name.
  assert.equal(rows[0].slowest_operation, 'GET /b');
  assert.deepEqual(await rowsOf('select * from beacon.find_timeout_root_cause(10)'), []);
  assert.deepEqual(await rowsOf('select * from beacon.find_timeout_root_cause(4711)'), []);
});

test('the execution to compare with is one of the same kind, model and region, and only differences are told', async () => {
  const rows = await rowsOf('select * from beacon.compare_with_successful(20)');
  assert.ok(rows.every((row) => row.successful_execution_id === '10'));
  assert.match(rows[0].chosen_because, /^same model, same region, \d+ % of the calls alike, 50 min earlier$/);
  assert.deepEqual(
    rows.map((row) => `${row.change} ${row.service} ${row.operation}`),
    [
      'status runner execution.run',
      'status runner POST',
      'status router POST /inference',
      'status router POST',
      'added inference load',
    ],
  );
});

test('where none of its kind has worked there is nothing to compare with', async () => {
  await draw(client, 'lonely job |=x| kind=consumer error=500', { execution: 30 });
  assert.deepEqual(await rowsOf('select * from beacon.compare_with_successful(30)'), []);
  assert.deepEqual(await rowsOf('select * from beacon.compare_with_successful(4711)'), []);
});

test('siblings that repeat each other are one line; a failing one and the critical path keep their own', async () => {
  const drawn = await draw(
    client,
    `
    app work       |====================| kind=consumer
      db SELECT    | ==                 |
      db SELECT    |    ==              |
      db SELECT    |       =x           | error=deadlock
      db SELECT    |          ==        |
      app render   |             ====== |
        app leaf   |              =     |
    `,
    { execution: 40 },
  );
  const rows = await rowsOf('select * from beacon.trace_outline($1, 40)', drawn.traceId);
  assert.deepEqual(
    rows.map((row) => [row.line, row.parent_line, row.operation, row.status, Number(row.spans), row.total_ms]),
    [
      [1, null, 'work', 'completed', 1, 200],
      [2, 1, 'SELECT', 'completed', 3, 60],
      [3, 1, 'SELECT', 'failed', 1, 20],
      [4, 1, 'render', 'completed', 1, 60],
      [5, 4, 'leaf', 'completed', 1, 10],
    ],
  );
  const few = await rowsOf('select * from beacon.trace_outline($1, 2)', drawn.traceId);
  assert.deepEqual(
    few.map((row) => [row.operation, row.status, Number(row.below_spans), Number(row.below_failed)]),
    [
      ['work', 'completed', 5, 0],
      ['SELECT', 'failed', 0, 0],
    ],
  );
});

const shape: fc.Arbitrary<Shape> = fc.record({
  spans: fc.integer({ min: 1, max: 300 }),
  operations: fc.integer({ min: 1, max: 12 }),
  failing: fc.double({ min: 0, max: 0.2, noNaN: true }),
  orphans: fc.double({ min: 0, max: 0.1, noNaN: true }),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

test('however a trace is cut, its lines and what they hide add up to all of it', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.integer({ min: 1, max: 30 }), async (drawn, lines) => {
      const traceId = await bigTrace(client, drawn);
      const rows = await rowsOf('select * from beacon.trace_outline($1, $2)', traceId, lines);
      const [all] = await rowsOf(
        `select count(*) as spans, count(*) filter (where status in ('failed', 'timeout', 'lost')) as failed, sum(self_ms) as self_ms,
          count(*) filter (where parent_position is null) as roots from beacon.trace_tree($1)`,
        traceId,
      );
      const sum = (name: string) => rows.reduce((total, row) => total + Number(row[name]), 0);
      assert.ok(rows.length <= lines);
      assert.equal(Number(rows[0].trace_spans), Number(all.spans));
      assert.equal(Number(rows[0].trace_failed), Number(all.failed));
      const failedShown = rows.filter((row) => row.status !== 'completed').reduce((n, row) => n + Number(row.spans), 0);
      assert.ok(failedShown + sum('below_failed') <= Number(all.failed));
      // A root that no line shows has no line above it that could count what is below.
      if (
        rows.filter((row) => row.parent_line === null).reduce((n, row) => n + Number(row.spans), 0) ===
        Number(all.roots)
      ) {
        assert.equal(sum('spans') + sum('below_spans'), Number(all.spans));
        assert.equal(failedShown + sum('below_failed'), Number(all.failed));
        assert.ok(Math.abs(sum('self_ms') + sum('below_self_ms') - all.self_ms) < 1);
      }
      const seen = new Set<number>();
      for (const row of rows) {
        assert.ok(row.parent_line === null || seen.has(row.parent_line), 'a line stands below one that came before');
        seen.add(row.line);
      }
      if (Number(all.failed) > 0 && lines > 2) assert.ok(failedShown > 0, 'a failure keeps a line');
    }),
    { numRuns: 25 },
  );
});

test('a trace the planner knows nothing of yet is put in order without comparing every span with every other', async () => {
  const traceId = await bigTrace(client, { spans: 3000, operations: 5, failing: 0.01, orphans: 0, seed: 1 });
  // Nested loops would make 27,000,000,000 comparisons.
  await client.query("set statement_timeout = '60s'");
  const [row] = await rowsOf('select count(*) as spans from beacon.trace_tree($1)', traceId);
  assert.equal(Number(row.spans), 3000);
});

test('two traces of thousands of spans that did the same are the same, and one that did not is told', async () => {
  const shape = { spans: 4000, operations: 3, failing: 0, orphans: 0, seed: 5 };
  const [a, b] = [await bigTrace(client, shape), await bigTrace(client, shape)];
  const changes = async () =>
    rowsOf('select change, count(*)::integer as n from beacon.compare_traces($1, $2) group by 1 order by 1', a, b);
  assert.deepEqual(await changes(), [{ change: 'same', n: 4000 }]);
  await client.query(
    `delete from beacon.trace_spans where trace_id = $1 and span_id = decode(lpad(to_hex(4000), 16, '0'), 'hex')`,
    [b],
  );
  const [same, other] = await changes();
  assert.equal(same.n + other.n, 4000);
});
