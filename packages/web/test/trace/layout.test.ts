import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildFlame, flameAt, flameBoxes } from '../../src/charts/flame.ts';
import { axisOf } from '../../src/trace/axis.ts';
import { barOf, groupBars, labelPlace, offsetFor, ROW_HEIGHT, scrollOf, visible } from '../../src/trace/layout.ts';
import { EMPTY, FAILED, minimapRaster } from '../../src/trace/minimap.ts';
import { buildTrace, type Trace } from '../../src/trace/model.ts';
import { largeTrace, traceOf } from './picture.ts';

const WHOLE = { from: 0, to: 1 };

/** Bars as text, a character for `1 / width` of the axis. */
function bars(trace: Trace, width: number, zoom = WHOLE): string[] {
  const axis = axisOf(trace.total, []);
  return Array.from({ length: trace.count }, (_, row) => {
    const bar = barOf(axis, zoom, width, trace.start[row]!, trace.end[row]!);
    return bar ? ' '.repeat(Math.round(bar.x)) + '='.repeat(Math.round(bar.width)) : '';
  });
}

test('bars stand where the picture has them', () => {
  const trace = traceOf(`
    a run   |====================|
      a one |  ======            |
      a two |          ==========|
  `);
  assert.deepEqual(bars(trace, 20), ['====================', '  ======', '          ==========']);
  assert.deepEqual(bars(trace, 20, { from: 0.25, to: 0.75 }), [
    '====================',
    '======',
    '          ==========',
  ]);
  assert.deepEqual(bars(trace, 20, { from: 0.5, to: 1 })[1], '');
});

test('a span too short to see is still a mark, and one at the very end does not leave the edge', () => {
  const trace = traceOf('a run |==================================================|');
  const axis = axisOf(trace.total, []);
  assert.deepEqual(barOf(axis, WHOLE, 100, 0, 1), { x: 0, width: 2 });
  assert.deepEqual(barOf(axis, WHOLE, 100, trace.total, trace.total), { x: 98, width: 2 });
});

test('members of a group that share pixels become one bar', () => {
  const trace = traceOf(`
    a run     |==============================|
      a query |=|
      a query | =|
      a query |  =|
      a query |                    =|
      a query |                             =|
  `);
  const axis = axisOf(trace.total, []);
  const found = groupBars(trace, 0, axis, WHOLE, 30).map(({ x, width }) => [Math.round(x), Math.round(width)]);
  assert.deepEqual(found, [
    [0, 4],
    [20, 2],
    [28, 2],
  ]);
});

test('a label stands behind its bar, before it where there is no room, else inside', () => {
  assert.equal(labelPlace({ x: 10, width: 20 }, 40, 100).side, 'after');
  assert.equal(labelPlace({ x: 60, width: 40 }, 40, 100).side, 'before');
  assert.equal(labelPlace({ x: 0, width: 100 }, 40, 100).side, 'inside');
});

test('a million rows scroll to the very last, though no element is that tall', () => {
  const scroll = scrollOf(1_000_000, 600);
  assert.ok(scroll.height <= 8_000_000);
  const offset = scroll.offset(scroll.height - 600);
  const { first, count } = visible({ count: 1_000_000 }, offset, 600);
  assert.equal(first + count, 1_000_000);
  assert.ok(Math.abs(scroll.offset(scroll.scrollTop(123_456 * ROW_HEIGHT)) - 123_456 * ROW_HEIGHT) < 1e-3);
  assert.equal(scrollOf(10, 600).height, 240);
});

test('scrolling to a row moves only when it must', () => {
  assert.equal(offsetFor(3, 0, 240, false), 0);
  assert.equal(offsetFor(20, 0, 240, false), 264);
  assert.equal(offsetFor(2, 480, 240, false), 48);
  assert.equal(offsetFor(100, 0, 240, true), 100 * 24 - 108);
});

test('the minimap shows every failure, also among 100,000 spans', () => {
  const trace = buildTrace(largeTrace(100_000));
  const cells = minimapRaster(trace, axisOf(trace.total, []), 1600, 48);
  const failed = cells.reduce((sum, cell) => sum + (cell === FAILED ? 1 : 0), 0);
  assert.ok(failed > 50, `${failed} cells tell of failures`);
  const small = traceOf('a run |==========|\n  b call |    ==x|');
  const lines = minimapRaster(small, axisOf(small.total, []), 10, 48);
  const draw = (y: number) =>
    [...lines.subarray(y * 10, y * 10 + 10)]
      .map((cell) => (cell === EMPTY ? ' ' : cell === FAILED ? 'x' : '='))
      .join('');
  assert.deepEqual([draw(0), draw(5), draw(12)], ['==========', '    xxx   ', '          ']);
});

test('equal stacks are one flame, and widths add up to own time', () => {
  const wire = traceOf(`
    a run     |==============================|
      a query |=====|
      a query |      =====|
      b POST  |            ==========|
        b work|            ==========|
  `);
  wire.self.set([80_000, 50_000, 50_000, 0, 100_000]);
  const flame = buildFlame(wire);
  assert.equal(flame.count, 4);
  assert.deepEqual([...flame.spans], [1, 2, 1, 1]);
  assert.deepEqual([...flame.total], [280_000, 100_000, 100_000, 100_000]);
  assert.equal(flameAt(flame, 0, 0.5), 0);
  assert.equal(flameAt(flame, 1, 0.1), 1);
  assert.equal(flameAt(flame, 1, 0.5), 2);
  assert.equal(flameAt(flame, 1, 0.9), -1);
  assert.equal(flameAt(flame, 2, 0.5), 3);
});

test('boxes of a level never overlap, and slivers share one', () => {
  const flame = buildFlame(buildTrace(largeTrace(100_000)));
  for (const [level] of flame.levels.entries()) {
    const boxes = flameBoxes(flame, level, 0, 1, 1200);
    assert.ok(boxes.length <= 1200, `${boxes.length} boxes on level ${level}`);
    for (let n = 1; n < boxes.length; n++) assert.ok(boxes[n]!.x >= boxes[n - 1]!.x + boxes[n - 1]!.width - 1.001);
  }
});
