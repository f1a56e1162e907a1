// The language: what can be written, what cannot and where it is wrong, and what binds tighter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Field, Query, Series, Stage } from '../../src/compat/tempo/traceql/ast.ts';
import { textOf } from '../../src/compat/tempo/traceql/ast.ts';
import { durationNs } from '../../src/compat/tempo/traceql/lexer.ts';
import { parseTraceQl } from '../../src/compat/tempo/traceql/parse.ts';
import { compiled } from '../../src/compat/tempo/traceql/regexp.ts';
import { durationText } from '../../src/compat/tempo/traceql/spansets.ts';
import { BeaconError } from '../../src/store/errors.ts';

/** A query as brackets around everything that is joined. */
function shape(query: Query): string {
  return query.kind === 'search' ? query.stages.map(stage).join(' | ') : series(query.series);
}

function stage(of: Stage): string {
  switch (of.node) {
    case 'filter':
      return `{${of.field ? field(of.field) : ''}}`;
    case 'operation':
      return `(${stage(of.left)} ${of.operator} ${stage(of.right)})`;
    case 'pipeline':
      return `[${of.stages.map(stage).join(' | ')}]`;
    case 'aggregate':
      return `${of.aggregate.name}(${of.aggregate.field ? field(of.aggregate.field) : ''}) ${of.operator} ${literal(of.literal)}`;
    case 'by':
      return `by ${field(of.field)}`;
    case 'select':
      return `select ${of.attributes.map(textOf).join()}`;
    case 'coalesce':
      return 'coalesce';
  }
}

function field(of: Field): string {
  switch (of.node) {
    case 'literal':
      return literal(of.literal);
    case 'binary':
      return `(${field(of.left)} ${of.operator} ${field(of.right)})`;
    case 'unary':
      return `(${of.operator}${field(of.operand)})`;
    case 'exists':
      return `(${field(of.operand)} ${of.negated ? 'is' : 'is not'} nil)`;
    default:
      return textOf(of);
  }
}

function literal(of: { type: string; value?: unknown }): string {
  return of.type === 'string' ? JSON.stringify(of.value) : `${of.value}${of.type === 'duration' ? 'ns' : ''}`;
}

function series(of: Series): string {
  const stages = of.after.map((each) =>
    each.node === 'threshold' ? ` ${each.operator} ${each.value}` : ` ${each.node} ${each.count}`,
  );
  if (of.node === 'math') return `(${series(of.left)} ${of.operator} ${series(of.right)})${stages.join('')}`;
  if (of.node === 'scaled') {
    const inner = series(of.series);
    return `(${of.first ? `${of.value} ${of.operator} ${inner}` : `${inner} ${of.operator} ${of.value}`})${stages.join('')}`;
  }
  const { measure } = of;
  const name = measure.node === 'compare' ? `compare ${measure.top}` : measure.name;
  const by = measure.node === 'measure' && measure.by.length > 0 ? ` by ${measure.by.map(textOf).join()}` : '';
  return `<${of.stages.map(stage).join(' | ')} | ${name}${by}>${stages.join('')}`;
}

/** Query, and the same with every bracket. */
const SHAPES: Array<[string, string]> = [
  ['{}', '{}'],
  ['{ .a && .b || .c && .d }', '{(((.a && .b) || .c) && .d)}'],
  ['{ .a = 1 && .b > 2 }', '{((.a = 1) && (.b > 2))}'],
  ['{ .a + 1 * 2 ^ 3 ^ 2 = 4 }', '{((.a + (1 * (2 ^ (3 ^ 2)))) = 4)}'],
  ['{ .a - 1 - 2 < 3 }', '{(((.a - 1) - 2) < 3)}'],
  ['{ -.a * 2 = 4 }', '{((-(.a * 2)) = 4)}'],
  ['{ -.a + 2 = 4 }', '{(((-.a) + 2) = 4)}'],
  ['{ !.a && .b }', '{((!.a) && .b)}'],
  ['{ !.a = .b }', '{((!.a) = .b)}'],
  ['{ (.a || .b) && .c }', '{((.a || .b) && .c)}'],
  ['{ .a % 3 = 1 || 2 = .b }', '{(((.a % 3) = 1) || (2 = .b))}'],
  ['{ nil != .a && span.b = nil }', '{((.a is not nil) && (span.b is nil))}'],
  ['{ nil = nil }', '{false}'],
  ['{ .a=1&&.b!=2 }', '{((.a = 1) && (.b != 2))}'],
  ['{ .http-status/code+x >= 500 }', '{(.http-status/code+x >= 500)}'],
  ['{ span."a b".c = "d" }', '{(span."a b.c" = "d")}'],
  ['{ resource."x\\"y\\\\z" = `a\\b` }', '{(resource."x\\"y\\\\z" = "a\\\\b")}'],
  ['{ "tab\\tand \\u00e9 \\x41" = .a }', '{("tab\\tand é A" = .a)}'],
  [
    '{ event.x = 1 && link.y = 2 && instrumentation.z = 3 }',
    '{(((event.x = 1) && (link.y = 2)) && (instrumentation.z = 3))}',
  ],
  ['{ span:name = "a" && trace:rootService = "b" }', '{((name = "a") && (rootServiceName = "b"))}'],
  ['{ childCount > 1 && span:childCount < 3 }', '{((span:childCount > 1) && (span:childCount < 3))}'],
  ['{ status = unset && kind = unspecified }', '{((status = unset) && (kind = unspecified))}'],
  ['{ .a = minInt || .a = maxInt }', '{((.a = -9223372036854775808) || (.a = 9223372036854775807))}'],
  ['{ duration > 1h30m || duration = 1.5ms }', '{((duration > 5400000000000ns) || (duration = 1500000ns))}'],
  ['{ .a = .5 && .b = 1e3 }', '{((.a = 0.5) && (.b = 1000))}'],
  ['{.a} && {.b} || {.c}', '(({.a} && {.b}) || {.c})'],
  ['{.a} > {.b} && {.c} >> {.d}', '(({.a} > {.b}) && ({.c} >> {.d}))'],
  ['{.a} >> {.b} >> {.c}', '(({.a} >> {.b}) >> {.c})'],
  ['{.a} >> ({.b} && {.c})', '({.a} >> ({.b} && {.c}))'],
  ...['>', '>>', '<', '<<', '~', '!>', '!>>', '!<', '!<<', '!~', '&>', '&>>', '&<', '&<<', '&~'].map(
    (relation): [string, string] => [`{.a}${relation}{.b}`, `({.a} ${relation} {.b})`],
  ),
  ['{.a} | count() > 3 | {.b}', '{.a} | count() > 3 | {.b}'],
  ['{.a} | avg(.b + 1) >= 2.5', '{.a} | avg((.b + 1)) >= 2.5'],
  ['{.a} | by(span.x) | coalesce() | select(.y, name)', '{.a} | by span.x | coalesce | select .y,name'],
  ['max(duration) > 3s', 'max(duration) > 3000000000ns'],
  ['(count()) != 1 + 2 * 3', 'count() != 7'],
  ['count() > -1', 'count() > -1'],
  ['({.a} | count() > 1) && ({.b} | count() > 1)', '([{.a} | count() > 1] && [{.b} | count() > 1])'],
  ['{} | rate()', '<{} | rate>'],
  ['{} | rate() by (name, .x) | topk(3) > 2', '<{} | rate by name,.x> topk 3 > 2'],
  ['{.a} | quantile_over_time(duration, .5, 0.99, 1) by (.b)', '<{.a} | quantile_over_time by .b>'],
  ['{} | max_over_time(span.x) > 10s', '<{} | max_over_time> > 10'],
  ['({} | rate()) + ({} | rate()) * 2', '(<{} | rate> + (<{} | rate> * 2))'],
  ['1 / 2 + ({} | rate())', '(0 + <{} | rate>)'],
  ['1.0 / 2 + ({} | rate()) - 1', '((0.5 + <{} | rate>) - 1)'],
  ['(({} | rate() > 6) * 100) > 5 | bottomk(1)', '(<{} | rate> > 6 * 100) > 5 bottomk 1'],
  ['{} | compare({status=error}, 5, 1, 2)', '<{} | compare 5>'],
  ['{} | rate() with(exemplars=3, most_recent=true)', '<{} | rate>'],
  [`{${'('.repeat(40)}.a${')'.repeat(40)}}`, '{.a}'],
];
for (const [query, expected] of SHAPES) {
  test(`${query.slice(0, 70)} is read as ${expected.slice(0, 70)}`, () => {
    assert.equal(shape(parseTraceQl(query)), expected);
  });
}

/** Query, position counted from 1, and what is said. */
const WRONG: Array<[query: string, at: number, why: RegExp]> = [
  ['', 1, /the end stands where/],
  ['status=error', 1, /"status" stands where/],
  ['{ name }', 3, /true or false, this is a string/],
  ['{ 1 + 1 }', 5, /this is a int/],
  ['{ name= }', 9, /"\}" stands where a field or a value/],
  ['{ name="x"', 11, /the end stands where "\}"/],
  ['{ name="x }', 8, /string is not closed/],
  ['{ ."a = 1 }', 4, /quotes of a name/],
  ['{ . = 1 }', 3, /no name/],
  ['{ frob.x = 1 }', 3, /"frob" stands where/],
  ['{ constructor = 1 }', 3, /"constructor" stands where/],
  ['{ .a == 1 }', 7, /"=" stands where/],
  ['{ .a = 1 } }', 12, /"\}" stands where the end/],
  ['{ status=green }', 10, /"green" stands where/],
  ['{ status > ok }', 10, /> does not go with a status/],
  ['{ rootServiceName = 1 }', 19, /a string and a int/],
  ['{ duration =~ "1s" }', 12, /a duration and a string/],
  ['{ 1 = "x" }', 5, /a int and a string/],
  ['{ .a =~ "[" }', 9, /not a regular expression/],
  ['{ .a =~ "(?=x)" }', 9, /not a regular expression/],
  ['{ .a =~ .b }', 9, /in quotes/],
  ['{ -"x" = .a }', 3, /- does not go with a string/],
  ['{ !1 = .a }', 3, /! does not go with a int/],
  ['{ name = nil }', 8, /name is never nil/],
  ['{ nil = resource.service.name }', 7, /never nil/],
  ['{ .a + nil = 1 }', 8, /only be compared/],
  ['{ trace:kind = server }', 3, /no trace:kind/],
  ['{ span: = 1 }', 8, /name is missing after span:/],
  ['{ parent.a = 1 }', 3, /not supported, in Tempo neither/],
  ['{ parent = 1 }', 3, /not supported, in Tempo neither/],
  ['{ .a = 99999999999999999999 }', 8, /beyond 64 bits/],
  ['{ .a = 1x }', 9, /"x" stands where/],
  ['{ .a ? 1 }', 6, /"\?"|stands where/],
  ['{} + {}', 4, /does not join sets of spans/],
  ['{} | count()', 6, /must be compared/],
  ['{} | count() + count() = 1', 24, /one aggregate is compared with one value/],
  ['{} | max(name) > 1', 10, /needs a number, this is a string/],
  ['{} | sum(3) = 2', 6, /needs an attribute/],
  ['{} | by(1)', 6, /needs an attribute/],
  ['{} | frob() = 1', 6, /no function frob/],
  ['coalesce() | {}', 1, /before it/],
  ['{} | select()', 13, /an attribute/],
  ['2 * 3', 1, /a value alone/],
  ['{} | rate() + 5', 13, /stand in brackets/],
  ['{} | rate() | {}', 15, /only topk and bottomk/],
  ['{} | topk(1)', 6, /follow metrics/],
  ['{} | rate() | topk(0)', 15, /at least one/],
  ['({} | rate()) * 10s', 17, /duration is not a factor/],
  ['({} | rate()) > 10s * 2', 21, /not calculated with/],
  ['({} | rate()) % 10', 15, /does not go with metrics/],
  ['{} | quantile_over_time(duration, 2)', 6, /between 0 and 1/],
  ['{} | rate() by (.a,.b,.c,.d,.e,.f)', 6, /at most 5/],
  ['{} | compare({}) > 1', 6, /goes with no other/],
  ['{} | compare({}, 1, 2)', 22, /end of the time/],
  [`{${'('.repeat(200)}.a}`, 101, /nests deeper/],
  [`{ .a = "${'x'.repeat(40_000)}" }`, 32_001, /longer than/],
];
for (const [query, at, why] of WRONG) {
  test(`${query.slice(0, 60)} is refused at character ${at}`, () => {
    assert.throws(
      () => parseTraceQl(query),
      (error: unknown) => {
        assert.ok(error instanceof BeaconError);
        assert.equal(error.code, 'usage');
        const [, position, what = ''] =
          /^The TraceQL query is wrong at character (\d+): (.+)\.$/s.exec(error.message) ?? [];
        assert.match(what, why);
        assert.equal(Number(position), at);
        return true;
      },
    );
  });
}

test('durations are read in every unit and shown as Go shows them', () => {
  const shown = (text: string) => durationText(durationNs(text) ?? -1n);
  assert.equal(shown('1h2m3s'), '1h2m3s');
  assert.equal(shown('1.5s'), '1.5s');
  assert.equal(shown('1d'), '24h0m0s');
  assert.equal(shown('1w2d'), '216h0m0s');
  assert.equal(shown('10us'), '10µs');
  assert.equal(shown('0s'), '0s');
  assert.equal(durationNs('1d1y'), undefined, 'units go from large to small');
  assert.equal(durationNs('5'), undefined);
});

test('regular expressions match the whole text, in linear time', () => {
  assert.equal(compiled('(a*)*b')?.matches('a'.repeat(50_000)), false, 'backtracking would not come back');
  assert.equal(compiled('a.c')?.matches('a\nc'), true, 'a new line is a character');
  assert.equal(compiled('b')?.matches('abc'), false);
  assert.equal(compiled('(?i)ABC|x')?.matches('abc'), true);
  assert.equal(compiled('a(?!b)'), undefined, 'RE2 does not look ahead');
});
