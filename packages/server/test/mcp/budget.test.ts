import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { testDatabase } from '@project-beacon/testkit';
import fc from 'fast-check';
import { BUDGET, fitAnswer } from '../../src/mcp/answer.ts';
import { tableLines } from '../../src/mcp/table.ts';
import { tokensOf } from '../../src/mcp/tokens.ts';
import { bigTrace, type Shape } from '../traces.ts';
import { served, textOf } from './clients.ts';

const { client, url } = await testDatabase();
const http = await served(url);
const api = await http.connect();
await api.client.listTools();
after(async () => {
  await api.close();
  await http.close();
});

const anyText = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 1_000 })
  .map((signs) => String.fromCodePoint(...signs));
const value = fc.oneof(
  anyText,
  fc.string({ maxLength: 30 }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.uuid(),
  fc.array(fc.string({ maxLength: 300 }), { maxLength: 60 }),
  fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 30 }),
);
const rows = fc.array(
  fc.record(
    { a: value, b: value, c: value, d: value, same: fc.constant('always the same') },
    { requiredKeys: ['same'] },
  ),
  { maxLength: 120 },
);

test('whatever rows there are, an answer is never above its bound, and says what is not in it', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: BUDGET.min, max: 4_000 }), (found, budget) => {
      const { text, structured, shown } = fitAnswer(
        [{ key: 'rows', rows: found, truncated: null, lines: (all) => tableLines(all), omit: [] }],
        {
          call: 'a_tool {}',
          origin: { database: 'postgresql://u:***@h/d', schema: '0001+ab' },
          next: null,
          budget,
          rest: undefined,
        },
      );
      const cost = tokensOf(text) + tokensOf(JSON.stringify(structured));
      assert.ok(cost <= budget, `${cost} above ${budget}`);
      const missing = found.length - (shown[0] ?? 0);
      if (missing > 0)
        assert.match(
          String(structured.truncated),
          new RegExp(`${missing} of the ${found.length}|${found.length} rows were found`),
        );
      if (structured.truncated !== null) assert.ok(text.endsWith(`Left out: ${structured.truncated}`));
      // What was shortened is marked where it stands and counted below.
      if (JSON.stringify(structured.rows).includes('more characters)'))
        assert.match(String(structured.truncated), /shortened/);
    }),
    { numRuns: 150 },
  );
});

const shape: fc.Arbitrary<Shape> = fc.record({
  spans: fc.constantFrom(1, 30, 400, 3_000),
  operations: fc.integer({ min: 1, max: 40 }),
  failing: fc.constantFrom(0, 0.001, 0.3),
  orphans: fc.constantFrom(0, 0.05),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

test('whatever the trace, its outline and its diagnosis stay within the bound, and what they say of all spans is true', async () => {
  let execution = 100;
  await fc.assert(
    fc.asyncProperty(shape, fc.constantFrom(1_000, 2_000, 6_000), async (drawn, max_tokens) => {
      execution += 1;
      const traceId = await bigTrace(client, { ...drawn, execution });
      for (const [name, params] of Object.entries({
        get_trace: { trace_id: traceId },
        diagnose_execution: { execution_id: execution },
      })) {
        const answer = await api.call(name, { ...params, max_tokens });
        const { truncated } = answer.structuredContent as unknown as Answer;
        const cost = tokensOf(textOf(answer)) + tokensOf(JSON.stringify(answer.structuredContent));
        assert.ok(cost <= max_tokens, `${name}: ${cost} above ${max_tokens}`);
        const lines = rowsOf(answer);
        if (lines[0]) assert.equal(lines[0].trace_spans, drawn.spans, name);
        const shown = lines.reduce((sum, row) => sum + Number(row.spans ?? 1), 0);
        if (shown < drawn.spans)
          assert.match(String(truncated), /have no line|not listed|did not fit|not one fits/, name);
      }
      const { rows } = await client.query(
        'select type, confidence from beacon.identify_root_cause($1) where rank = 1',
        [execution],
      );
      const diagnosed = textOf(await api.call('diagnose_execution', { execution_id: execution, max_tokens }));
      if (rows.length > 0) assert.doesNotMatch(diagnosed, /No cause/, 'that a cause did not fit must not read as none');
      const causes = rowsOf(await api.call('identify_root_cause', { execution_id: execution }));
      assert.deepEqual(
        causes.slice(0, 1).map(({ type, confidence }) => ({ type, confidence })),
        rows,
      );
    }),
    { numRuns: 8 },
  );
});

/** Rows as they are, with what all have in common. */
function rowsOf(answer: CallToolResult): Array<Record<string, unknown>> {
  const { rows, common } = answer.structuredContent as unknown as Answer;
  return rows.map((row) => ({ ...common, ...row }));
}

interface Answer {
  rows: Array<Record<string, unknown>>;
  common?: Record<string, unknown>;
  truncated: string | null;
  next: string | null;
}

test('a trace of 50,000 spans is told in 2,000 tokens: its failure, its critical path, and how much is hidden where', async () => {
  const traceId = await bigTrace(client, {
    spans: 50_000,
    operations: 4,
    failing: 0,
    orphans: 0,
    seed: 7,
    execution: 50_000,
  });
  await client.query(
    `update beacon.trace_spans set status = 'failed', error_type = 'needle', error_message = 'found in the haystack'
      where trace_id = $1 and span_id = decode(lpad(to_hex(31234), 16, '0'), 'hex')`,
    [traceId],
  );
  const answer = await api.call('get_trace', { execution_id: 50_000 });
  const text = textOf(answer);
  assert.ok(tokensOf(text) + tokensOf(JSON.stringify(answer.structuredContent)) <= 2_000);
  assert.match(text, /: 50000 spans, 1 failed/);
  assert.match(text, /failed, .*#0000000000007a02, error: needle: found in the haystack/);
  assert.match(text, /^ *\* service/m);
  const counted = rowsOf(answer) as Array<Record<string, number>>;
  assert.equal(
    counted.reduce((sum, row) => sum + (row.spans ?? 0) + (row.below_spans ?? 0), 0),
    50_000,
  );
});

test('a page of search continues after the last row that was shown, until every trace was told once', async () => {
  for (let seed = 1; seed <= 25; seed += 1) {
    await bigTrace(client, { spans: 2, operations: 1, failing: 0, orphans: 0, seed });
  }
  const { rows } = await client.query('select trace_id from beacon.traces');
  for (const size of [{ limit: 9 }, { max_tokens: 1_000 }, {}]) {
    const told: unknown[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const answer = await api.call('search_traces', { ...size, from: '1h', ...(after && { after }) });
      assert.ok(rowsOf(answer).length > 0);
      told.push(...rowsOf(answer).map((row) => row.trace_id));
      after = (answer.structuredContent as unknown as Answer).next;
    }
    assert.deepEqual(told.toSorted(), rows.map((row) => row.trace_id).toSorted());
  }
});
