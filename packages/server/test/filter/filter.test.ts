import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FilterError, parseFilter } from '../../src/filter/parse.ts';
import { Bindings, filterSql } from '../../src/filter/sql.ts';

test('terms are columns, attributes, existence and words', () => {
  assert.deepEqual(
    parseFilter('service=router duration>=1.5s -has:x.y has:resource.z "two words" event.k~"a \\"b\\" \\\\c"'),
    [
      { kind: 'compare', key: { column: 'service' }, operator: '=', value: 'router' },
      { kind: 'compare', key: { column: 'duration' }, operator: '>=', value: '1.5s' },
      { kind: 'has', key: { attribute: 'x.y', place: null }, negated: true },
      { kind: 'has', key: { attribute: 'z', place: 'resource' }, negated: false },
      { kind: 'word', word: 'two words' },
      { kind: 'compare', key: { attribute: 'k', place: 'event' }, operator: '~', value: 'a "b" \\c' },
    ],
  );
  assert.deepEqual(parseFilter(''), []);
  assert.deepEqual(parseFilter('  POST\t/inference:x '), [
    { kind: 'word', word: 'POST' },
    { kind: 'word', word: '/inference:x' },
  ]);
  assert.deepEqual(parseFilter('"odd key"!=""'), [
    { kind: 'compare', key: { attribute: 'odd key', place: null }, operator: '!=', value: '' },
  ]);
});

test('what is wrong is pointed at', () => {
  const wrong: Array<[q: string, at: number, message: RegExp]> = [
    ['service=', 8, /a value is missing.*at character 9, the end/],
    ['a=1 "open', 4, /quotes are not closed.*character 5/],
    ['a="1"b=2', 5, /a blank is missing.*before "b=2"/],
    ['=x', 0, /no key before =/],
    ['status=broken', 7, /status is one of completed, failed/],
    ['status~fail', 6, /~ does not go with status/],
    ['kind=client duration>fast', 21, /a duration is like 500ms/],
    ['execution>12x', 10, /only whole numbers of 64 bits go with >/],
    ['execution~a1', 9, /~ does not go with execution/],
    ['trace=abc', 6, /32 hex digits/],
    ['has:', 4, /a key is missing/],
    ['a="\\n"', 4, /only " or/],
    [Array(51).fill('a').join(' '), 100, /at most 50 terms/],
  ];
  for (const [q, at, message] of wrong) {
    assert.throws(
      () => parseFilter(q),
      (error) => error instanceof FilterError && error.at === at && message.test(error.message),
      q,
    );
  }
});

test('no text of a filter ever gets into the statement: each is a bound value', () => {
  const key = fc.constantFrom('service', 'message', 'a', 'span.a', 'resource.a', 'scope.name', 'event.name', 'link.a');
  const operator = fc.constantFrom('=', '!=', '>', '>=', '<', '<=', '~');
  const text = fc.string({ maxLength: 12, unit: fc.constantFrom(...`'";$-/*\\ ()q\n1.`) }).map((odd) => `${odd}€`);
  const quote = (raw: string) => `"${raw.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  fc.assert(
    fc.property(key, operator, text, text, (name, sign, value, odd) => {
      const q = `${name}${sign}${quote(value)} ${quote(value)} ${quote(odd)}${sign}${quote(value)} -has:${quote(odd)}`;
      const bind = new Bindings();
      const sql = filterSql(parseFilter(q), bind);
      assert.ok(!sql.includes('€'), sql);
      assert.deepEqual(new Set(sql.match(/\$\d+/g)), new Set(bind.values.map((_, i) => `$${i + 1}`)));
    }),
  );
});

test('any text at all is read, or refused with a place in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab=!<>~"\\ -:.h'), maxLength: 20 }), (q) => {
      try {
        parseFilter(q);
      } catch (error) {
        assert.ok(error instanceof FilterError && error.at <= q.length, q);
      }
    }),
  );
});
