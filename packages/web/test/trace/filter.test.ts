import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterOf, seek } from '../../src/trace/filter.ts';
import { buildTrace } from '../../src/trace/model.ts';
import { selfTimes } from '../../src/trace/self-time.ts';
import { largeTrace, traceOf } from './picture.ts';

const trace = traceOf(`
  runner execution.run  |=======x| kind=consumer error="timeout: no answer" critical
    runner POST         | =====! | kind=client error="timeout: no answer" critical
      router inference  |  ===== | kind=server
        db SELECT users |  =     |
    runner report       |       >|
`);

test('what the columns do not know is left to the database, as typed', () => {
  const filter = filterOf('http.route=/inference POST has:db.system model="a b" operation=POST');
  assert.deepEqual(filter.database, ['http.route=/inference', 'has:db.system', 'model="a b"']);
  const matches = filter.test(trace);
  assert.deepEqual(
    Array.from({ length: trace.count }, (_, row) => trace.names[trace.name[row]!]).filter((_, row) => matches[row]),
    ['POST'],
  );
});

test('seeking goes round and finds nothing where there is nothing', () => {
  const failed = (row: number) => trace.status[row] === 2;
  assert.equal(seek(5, 1, 1, failed), 1);
  assert.equal(seek(5, 4, 1, failed), 1);
  assert.equal(seek(5, 0, -1, failed), 1);
  assert.equal(
    seek(5, 0, 1, () => false),
    -1,
  );
});

test('time by operation adds up to the time of the spans', () => {
  const large = buildTrace(largeTrace(20_000));
  const table = selfTimes(large);
  const sum = (values: Iterable<number>) => [...values].reduce((all, each) => all + each, 0);
  assert.equal(sum(table.map(({ self }) => self)), sum(large.self));
  assert.equal(sum(table.map(({ spans }) => spans)), 20_000);
  assert.ok(table.every(({ self }, n) => n === 0 || self <= table[n - 1]!.self));
});

test('a filter over 100,000 spans agrees with asking each', () => {
  const large = buildTrace(largeTrace(100_000));
  const matches = filterOf('service=service-3 operation=query').test(large);
  for (let row = 0; row < large.count; row++) {
    const wanted =
      large.services[large.service[row]!]!.name === 'service-3' && large.names[large.name[row]!] === 'query';
    assert.equal(matches[row] === 1, wanted);
  }
});
