import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTrace, idOf, rowOfId, siblings } from '../../src/trace/model.ts';
import { byLevel, EVERYTHING, flip, indexOfSpan, reveal, rowsOf, spanAt } from '../../src/trace/rows.ts';
import { columnsOf, largeTrace, seen, traceOf } from './picture.ts';

const STORM = `
  runner execution.run   |====================x| critical
    runner prepare       |=                    |
    runner POST          | =x                  | kind=client error=503
    runner POST          |    =x               | kind=client error=503
    runner POST          |       =x            | kind=client error=503
    runner POST          |          =x         | kind=client error=503
      router inference   |          =x         | kind=server
        db query         |          =          |
    runner POST          |                   =x| kind=client error=503 critical
    runner report        |                    =|
`;

test('sizes, failures and places come from parents alone', () => {
  const trace = traceOf(STORM);
  assert.equal(trace.count, 10);
  assert.deepEqual([trace.size[0], trace.size[5], trace.size[6], trace.size[9]], [10, 3, 2, 1]);
  assert.deepEqual([trace.failures[0], trace.failures[5], trace.failures[1]], [7, 2, 0]);
  assert.deepEqual([trace.place[1], trace.place[8], siblings(trace, 8)], [1, 6, 7]);
  assert.equal(rowOfId(trace, idOf(trace, 6)), 6);
  assert.equal(rowOfId(trace, 'ffffffffffffffff'), -1);
});

test('five equal siblings in a row become one row that opens', () => {
  const trace = traceOf(STORM);
  assert.deepEqual(seen(trace, EVERYTHING), ['execution.run', '  prepare', '  POST ×5', '  report']);
  assert.deepEqual([trace.groups.count[0], trace.groups.failed[0], trace.groups.failures[0]], [5, 5, 6]);
  const opened = flip(EVERYTHING, `*${idOf(trace, 2)}`);
  assert.deepEqual(seen(trace, opened), [
    'execution.run',
    '  prepare',
    '  POST ×5',
    '    POST',
    '    POST',
    '    POST',
    '    POST',
    '      inference',
    '        query',
    '    POST',
    '  report',
  ]);
  assert.equal(seen(trace, { ...EVERYTHING, fold: false }).length, 10);
});

test('four equal siblings, or five with another between them, are no loop', () => {
  const four = 'a run |====|\n a q |=|\n a q |=|\n a q |=|\n a q |=|';
  assert.equal(traceOf(four).groups.first.length, 0);
  const broken = 'a run |====|\n a q |=|\n a q |=|\n a other |=|\n a q |=|\n a q |=|\n a q |=|';
  assert.equal(traceOf(broken).groups.first.length, 0);
});

test('a closed span hides its subtree, a level closes all below it', () => {
  const trace = traceOf(STORM);
  const flat = { ...EVERYTHING, fold: false };
  assert.deepEqual(seen(trace, flip(flat, idOf(trace, 5))).includes('    inference'), false);
  assert.deepEqual(seen(trace, { ...flat, level: 0 }), ['execution.run']);
  assert.equal(seen(trace, { ...flat, level: 1 }).length, 8);
  assert.equal(byLevel(trace, flat, -1).level, 2);
  assert.equal(byLevel(trace, { ...flat, level: 2 }, 1).level, null);
});

test('only what matters, with what it stands below', () => {
  const trace = traceOf(STORM);
  assert.deepEqual(seen(trace, { ...EVERYTHING, only: 'critical' }), ['execution.run', '  POST']);
  const matches = new Uint8Array(10);
  matches[7] = 1;
  const found = seen(trace, { ...EVERYTHING, only: 'matches' }, matches);
  assert.deepEqual(found, ['execution.run', '  POST', '    inference', '      query']);
  assert.deepEqual(seen(trace, { ...EVERYTHING, focus: idOf(trace, 5) }), ['POST', '  inference', '    query']);
});

test('revealing a span opens the group, the closed spans and the focus that hide it, and nothing else', () => {
  const trace = traceOf(STORM);
  const hidden = { ...flip(flip(EVERYTHING, idOf(trace, 5)), idOf(trace, 6)), focus: idOf(trace, 1) };
  const shown = reveal(trace, hidden, [7]);
  const rows = rowsOf(trace, shown, null);
  assert.equal(spanAt(trace, rows, indexOfSpan(trace, rows, 7)), 7);
  assert.equal(shown.focus, null);
  assert.deepEqual([...shown.flipped], [`*${idOf(trace, 2)}`]);
  assert.deepEqual(reveal(trace, shown, [7]), shown);
});

test('a hidden span is found at the row that hides it', () => {
  const trace = traceOf(STORM);
  const rows = rowsOf(trace, EVERYTHING, null);
  assert.equal(rows.item[indexOfSpan(trace, rows, 7)], ~0);
  assert.equal(spanAt(trace, rows, indexOfSpan(trace, rows, 9)), 9);
});

test('a running span ends where the trace does', () => {
  const trace = traceOf('a run |==========>|\n a step | ==== |');
  assert.deepEqual([trace.open, trace.end[0], trace.end[1]], [1, 110_000, 50_000]);
});

test('a parent behind its child is refused by name', () => {
  const wire = columnsOf('a run |==|\n a step |=|');
  wire.columns.parent[0] = 1;
  assert.throws(() => buildTrace(wire), /Row 0 stands before its parent, row 1/);
});

test('a chain of 50,000 spans needs no stack', () => {
  const wire = columnsOf('a run |==|');
  for (const [name, values] of Object.entries(wire.columns)) {
    const first = values[0];
    const made = Array.from({ length: 50_000 }, (_, row) =>
      name === 'id' ? row.toString(16).padStart(16, '0') : name === 'parent' ? row - 1 : name === 'depth' ? row : first,
    );
    Object.assign(wire.columns, { [name]: made });
  }
  const trace = buildTrace(wire);
  assert.equal(trace.size[0], 50_000);
  assert.equal(rowsOf(trace, EVERYTHING, null).level[49_999], 49_999);
});

test('100,000 spans: every row once, in order, and none lost by folding, closing or narrowing', () => {
  const trace = buildTrace(largeTrace(100_000));
  const flat = rowsOf(trace, { ...EVERYTHING, fold: false }, null);
  assert.equal(flat.count, 100_000);
  assert.ok(flat.item.subarray(0, flat.count).every((item, index) => item === index));
  const folded = rowsOf(trace, EVERYTHING, null);
  const represented = folded.item
    .subarray(0, folded.count)
    .reduce((sum, item) => sum + (item >= 0 ? 1 : trace.groups.end[~item]! - trace.groups.first[~item]!), 0);
  assert.equal(represented, 100_000);
  assert.ok(folded.count < 60_000, `loops fold to ${folded.count} rows`);
  const critical = rowsOf(trace, { ...EVERYTHING, only: 'critical' }, null);
  const shown = new Set(critical.item.subarray(0, critical.count));
  for (let row = 0; row < trace.count; row++) if (trace.critical[row]) assert.ok(shown.has(row));
});
