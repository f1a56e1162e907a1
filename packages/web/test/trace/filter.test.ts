import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFilter, seek } from '../../src/trace/filter.ts';
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

function found(text: string): string[] {
  const matches = parseFilter(text).test(trace);
  return Array.from({ length: trace.count }, (_, row) => row)
    .filter((row) => matches[row])
    .map((row) => trace.names[trace.name[row]!]!);
}

test('a bare word is contained in service, operation or error, whatever its case', () => {
  assert.deepEqual(found('ROUTER'), ['inference']);
  assert.deepEqual(found('select'), ['SELECT users']);
  assert.deepEqual(found('"no answer"'), ['execution.run', 'POST']);
  assert.deepEqual(found('error'), ['execution.run', 'POST']);
  assert.deepEqual(found('critical'), ['execution.run', 'POST']);
  assert.deepEqual(found(''), ['execution.run', 'POST', 'inference', 'SELECT users', 'report']);
});

test('keys compare text, status, kind and time; all terms must hold', () => {
  assert.deepEqual(found('service=runner'), ['execution.run', 'POST', 'report']);
  assert.deepEqual(found('service!=runner status=completed'), ['inference', 'SELECT users']);
  assert.deepEqual(found('status=timeout'), ['POST']);
  assert.deepEqual(found('status=started'), ['report']);
  assert.deepEqual(found('kind=server duration>=50ms'), ['inference']);
  assert.deepEqual(found('duration<0.02s'), ['SELECT users', 'report']);
  assert.deepEqual(found('operation="SELECT users"'), ['SELECT users']);
  assert.deepEqual(found('operation~e service~r'), ['execution.run', 'inference', 'report']);
  assert.deepEqual(found('has:error'), ['execution.run', 'POST']);
  assert.deepEqual(found('-has:error kind=internal'), ['SELECT users', 'report']);
});

test('what the columns do not know is handed over, what cannot be read is refused in words', () => {
  assert.deepEqual(parseFilter('http.route=/inference POST has:db.system').attributes, [
    'http.route=/inference',
    'has:db.system',
  ]);
  assert.throws(() => parseFilter('duration>soon').test(trace), /soon is no duration/);
  assert.throws(() => parseFilter('service="a b'), /quotation mark in service="a b is not closed/);
  assert.throws(() => parseFilter('service='), /service= needs a value/);
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
  const matches = parseFilter('service=service-3 operation=query').test(large);
  for (let row = 0; row < large.count; row++) {
    const wanted =
      large.services[large.service[row]!]!.name === 'service-3' && large.names[large.name[row]!] === 'query';
    assert.equal(matches[row] === 1, wanted);
  }
});
