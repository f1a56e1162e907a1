import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axisOf, clampZoom, mostlyIdle, panBy, ticks, zoomAt } from '../../src/trace/axis.ts';
import { buildTrace } from '../../src/trace/model.ts';
import { largeTrace, traceOf } from './picture.ts';

const WAITING = `
  worker run   |==================================================|
    worker try |==x                                               |
    worker try |                          ==x                     |
      db query |                          =                       |
    worker try |                                               ===|
`;
const WHOLE = { from: 0, to: 1 };

test('waiting between retries is idle, in exact times', () => {
  const trace = traceOf(WAITING);
  assert.deepEqual(trace.gaps, [
    { from: 30_000, to: 260_000 },
    { from: 290_000, to: 470_000 },
  ]);
  assert.ok(!mostlyIdle(trace.total, trace.gaps), 'four fifths may be work that says nothing');
  assert.ok(mostlyIdle(440_000, trace.gaps));
});

test('a call that hangs is no idle time, nor is a moment in which something ends', () => {
  assert.deepEqual(traceOf('a run |=====================|\n  a call | ==================! |').gaps, []);
  // Its parent ends in the middle: that is something to be seen.
  const ended = traceOf(
    'a run |====================|\n  a part |============|\n    a bit |=|\n  a last |                   =|',
  );
  assert.deepEqual(ended.gaps, [
    { from: 10_000, to: 120_000 },
    { from: 120_000, to: 190_000 },
  ]);
});

test('the end of a trace that still runs is not idle: it is not known yet', () => {
  assert.deepEqual(traceOf('a run |====================>|\n  a call |==============|\n    b step |==|').gaps.length, 1);
  assert.deepEqual(
    traceOf('a run |====================>|\n  a call |====================>|\n    b step |==|').gaps,
    [],
  );
});

test('a cut takes little of the axis, and times go there and back', () => {
  const trace = traceOf(WAITING);
  const axis = axisOf(trace.total, trace.gaps);
  assert.ok(axis.unit(260_000) - axis.unit(30_000) < 0.04);
  assert.equal(axis.unit(0), 0);
  assert.equal(axis.unit(trace.total), 1);
  for (const us of [1, 29_999, 30_001, 150_000, 265_432, 480_000]) {
    assert.ok(Math.abs(axis.time(axis.unit(us)) - us) < 1e-3, `${us} returns`);
  }
});

test('idle time of 100,000 spans agrees with looking at every moment', () => {
  const wire = largeTrace(3000);
  // All leaves of the second half move away by a second: one gap of a second.
  const half = 1500;
  for (let row = half; row < 3000; row++) wire.columns.start_us[row]! += 1_000_000;
  wire.columns.duration_us[0] = 1_300_000 + 1_000;
  const trace = buildTrace(wire);
  const busy = (us: number) => {
    for (let row = 0; row < trace.count; row++) {
      if (trace.size[row] === 1 && trace.start[row]! <= us && trace.end[row]! >= us) return true;
    }
    return false;
  };
  assert.ok(trace.gaps.length >= 1);
  for (const gap of trace.gaps)
    for (let n = 1; n < 20; n++) assert.ok(!busy(gap.from + ((gap.to - gap.from) * n) / 20));
});

test('ticks are round, apart, and never inside a cut', () => {
  const trace = traceOf(WAITING);
  const labels = ticks(axisOf(trace.total, []), WHOLE, 600).map(({ label }) => label);
  assert.deepEqual(labels, ['0', '100 ms', '200 ms', '300 ms', '400 ms', '500 ms']);
  const cut = ticks(axisOf(trace.total, trace.gaps), WHOLE, 900);
  assert.ok(cut.length >= 3);
  for (const { at } of cut) assert.ok(!trace.gaps.some(({ from, to }) => at > from && at < to));
  assert.ok(ticks(axisOf(1e12, []), { from: 0.5, to: 0.5 + 1e-9 }, 900).length > 2, 'a millisecond of eleven days');
});

test('zooming keeps what is under the pointer, and stays inside', () => {
  const zoomed = zoomAt(WHOLE, 0.5, 0.8);
  assert.deepEqual([zoomed.from.toFixed(3), zoomed.to.toFixed(3)], ['0.400', '0.900']);
  assert.deepEqual(panBy({ from: 0.7, to: 0.9 }, 1), clampZoom({ from: 0.9, to: 1.1 }));
  assert.deepEqual(zoomAt(WHOLE, 4, 0.5), WHOLE);
});
