// What is computed without a page: terms of a filter, columns of sparse answers, a selection in an address, words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepsOf } from '../src/charts/steps.ts';
import { asTerms, selectionField } from '../src/explore/selection.ts';
import { partsOf, quoted, termAt, termsOf, withoutTerm, withTerm } from '../src/explore/terms.ts';
import { size, wrongIn } from '../src/jobs/validate.ts';
import { fitOf } from '../src/state/fit.ts';
import { cliCommand, mcpCall } from '../src/ui/elsewhere.ts';
import { bytes, duration, percent } from '../src/ui/format.ts';
import { visible } from '../src/ui/visible.ts';

test('a filter is split at spaces outside of quotes, and a value put in quotes comes back as it was', () => {
  const filter = String.raw`service=router operation="GET /a b" message~"say \"no\"" -has:x`;
  assert.deepEqual(
    termsOf(filter).map(({ text }) => text),
    ['service=router', 'operation="GET /a b"', String.raw`message~"say \"no\""`, '-has:x'],
  );
  for (const value of ['plain', 'two words', 'quote " in it', 'back \\ slash', '']) {
    assert.equal(partsOf(`key=${quoted(value)}`)?.value, value);
  }
  assert.deepEqual(partsOf('http.status>=500'), { key: 'http.status', operator: '>=', value: '500' });
  assert.equal(partsOf('word'), undefined);
});

test('the term under the cursor is found, added once, and taken away', () => {
  assert.equal(termAt('a=1 b=2', 7).text, 'b=2');
  assert.deepEqual(termAt('a=1  b=2', 4), { text: '', from: 4, to: 4 });
  assert.equal(withTerm('a=1', 'b=2'), 'a=1 b=2');
  assert.equal(withTerm('a=1 b=2', 'b=2'), 'a=1 b=2');
  assert.equal(withoutTerm('a=1 b="x y" c=3', 1), 'a=1 c=3');
});

test('columns are found behind an answer that leaves the empty ones out', () => {
  const hour = 3_600_000;
  const range = { from: Date.UTC(2026, 0, 1, 0, 20), to: Date.UTC(2026, 0, 2, 0, 20) };
  const at = (hours: number) => new Date(Date.UTC(2026, 0, 1, hours)).toISOString();
  assert.deepEqual(stepsOf([at(1), at(3), at(4)], range, 30), { start: Date.UTC(2026, 0, 1), step: hour, count: 25 });
  // Two that lie far apart are no columns of ten hours.
  const far = stepsOf([at(2), at(12)], range, 24);
  assert.equal(far.step, hour);
  assert.equal(stepsOf([], range, 24).count, 24);
});

test('the first look is the shortest range that holds what the last day has', () => {
  const now = Date.UTC(2026, 0, 9, 12);
  const at = (minutesAgo: number) => new Date(now - minutesAgo * 60_000).toISOString();
  const fit = (oldest: number, newest: number) =>
    fitOf({ oldest_at: at(oldest), newest_at: at(newest), clock_at: at(0) });
  // Not so tight that the oldest trace leaves it at once.
  for (const [oldest, from] of [
    [1, '15m'],
    [13, '15m'],
    [14.5, '1h'],
    [240, '6h'],
    [700, '24h'],
    [1440, '24h'],
  ] as const)
    assert.deepEqual(fit(oldest, 0), { from, to: '', isRecent: true });
  // A clock that is ahead.
  assert.equal(fit(-5, -5).from, '15m');
  const last = fit(5 * 1440 + 30, 5 * 1440);
  assert.deepEqual([last.from, last.to], ['2026-01-04T11:01:00.000Z', '2026-01-04T12:01:00.000Z']);
  assert.ok(last.from < at(5 * 1440 + 30) && last.to > at(5 * 1440));
});

test('a selection comes back from the address as it went in, and nonsense is none', () => {
  const selection = { from: 1_763_760_000_000, to: 1_763_767_200_000, min: 512.5, max: null, errors: true };
  assert.deepEqual(selectionField.read(selectionField.write(selection)), selection);
  assert.equal(selectionField.read('a,b,c'), null);
  assert.equal(asTerms(selection), 'duration>=512.5 status!=completed');
});

test('what the runner would refuse is said before it is asked', () => {
  const good = { models: ['m'], regions: ['eu-west'], questions: ['a', 'b'] };
  assert.equal(size(good), 2);
  assert.deepEqual(wrongIn(good), {});
  assert.match(`${wrongIn({ ...good, regions: ['eu west'] }).regions}`, /letters, digits/);
  assert.match(`${wrongIn({ ...good, questions: ['a', 'a'] }).questions}`, /twice/);
  const many = Array.from({ length: 5001 }, (_, i) => `${i}`);
  assert.match(`${wrongIn({ ...good, models: ['m', 'n'], questions: many }).all}`, /at most 10000/);
});

test('the same question for a shell and for an agent', () => {
  const params = { q: 'message~"it\'s"', from: '2h', execution_id: '7', to: '' };
  assert.equal(cliCommand('search', params), `beacon search --q 'message~"it'\\''s"' --from 2h --execution 7`);
  assert.deepEqual(JSON.parse(`${mcpCall('search', { q: 'x' })}`), { name: 'search_traces', arguments: { q: 'x' } });
  assert.equal(mcpCall('heatmap', {}), undefined);
});

test('figures are short, and nothing is a dash', () => {
  assert.deepEqual([0.25, 3.21, 42, 2410, 12_345, 200_000, null].map(duration), [
    '250 µs',
    '3.2 ms',
    '42 ms',
    '2.41 s',
    '12.3 s',
    '3 min 20 s',
    '–',
  ]);
  assert.deepEqual([0, 0.04, 0.4, 12.4].map(percent), ['0 %', '< 0.1 %', '0.4 %', '12 %']);
  assert.deepEqual([0, 999, 1500, 4_600_000].map(bytes), ['0 B', '999 B', '1.5 kB', '4.6 MB']);
});

test('what turns the direction of writing or does not show is a sign', () => {
  assert.equal(visible('pay\u202egnp.exe\u2066 \u0007\n'), 'pay⟨202e⟩gnp.exe⟨2066⟩ ⟨0007⟩ ');
  assert.equal(visible('Zürich 密码 😀'), 'Zürich 密码 😀');
});
