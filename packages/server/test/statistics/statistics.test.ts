// The statistics in SQL against what scipy and statsmodels said about the same tables (reference.py records it).
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';

const { client } = await testDatabase();
const recorded = fs
  .readFileSync(path.join(import.meta.dirname, 'reference.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as [kind: string, given: number[], expected: number | number[]]);

const SQL: Record<string, string> = {
  mcnemar: `select array[beacon.mcnemar_p(x[1]::bigint, x[2]::bigint)]`,
  wilcoxon: 'select array[beacon.wilcoxon_p(x)]',
  net: 'select array[beacon.net_p(x::integer[])]',
  holm: 'select beacon.holm(x)',
  quantile: `select array[beacon.normal_quantile(x[1]), beacon.student_quantile(x[1], x[2]::integer)]`,
};

for (const [kind, call] of Object.entries(SQL)) {
  const tables = recorded.filter(([of]) => of === kind);
  test(`${tables.length} recorded tables: ${kind} says the same to nine digits`, async () => {
    assert.ok(tables.length >= 100);
    const { rows } = await client.query(
      `select (${call}) as said
       from jsonb_array_elements($1::jsonb) with ordinality j (given, at)
       cross join lateral (select array(select e::double precision from jsonb_array_elements_text(j.given) e)) v (x)
       order by j.at`,
      [JSON.stringify(tables.map(([, given]) => given))],
    );
    tables.forEach(([, given, expected], n) => {
      for (const [at, p] of [expected].flat().entries()) {
        const difference = Math.abs(rows[n].said[at] - p);
        // Quantiles grow without bound: their error is relative.
        assert.ok(difference <= 1e-9 * Math.max(1, Math.abs(p)), `${kind} ${given}: ${rows[n].said[at]}, not ${p}`);
      }
    });
  });
}

const measured = (cells: [string, string, string, number | null][], kind: string) =>
  client.query(
    `select d.*, beacon.smallest_effect(d.questions, d.low, d.high, $2, count(*) over ()) as smallest
     from beacon.paired_differences(array(select row(c.a, c.q, c.p, c.v)::beacon.measured
       from jsonb_to_recordset($1) c (a text, q text, p text, v double precision)), $2) d`,
    [JSON.stringify(cells.map(([a, q, p, v]) => ({ a, q, p, v }))), kind],
  );

/** To nine digits, as everything here. */
const nine = (value: number) => Number(value.toPrecision(9));

const questions = (count: number) => Array.from({ length: count }, (_, n) => n);

test('yes-no outcomes of two regions are paired by question; what has no partner is left out and counted', async () => {
  const cells = questions(40).flatMap((q): [string, string, string, number | null][] => [
    ['east', `q${q}`, 'm', q < 30 ? 1 : 0],
    ['west', `q${q}`, 'm', q === 39 ? null : q < 20 ? 1 : 0],
  ]);
  const { rows } = await measured([...cells, ['west', 'only here', 'm', 1]], 'share');
  assert.equal(rows.length, 1);
  const { a, b, questions: n, pairs, left_out, effect, low, high, test: name, p, smallest } = rows[0];
  assert.deepEqual([a, b, Number(n), Number(pairs), Number(left_out)], ['east', 'west', 39, 39, 3]);
  // Ten questions were lost and none won: 2 * 0.5^10.
  assert.deepEqual([name, nine(p), effect], ['exact McNemar', nine(2 ** -9), -10 / 39]);
  assert.ok(low < effect && effect < high && high < 0, `${low} to ${high}`);
  assert.ok(smallest > 6 / 39 && smallest < 0.3, `${smallest}`);
});

test('a question that three models answered counts once, however much its answers agree', async () => {
  const one = questions(8).flatMap((q): [string, string, string, number][] => [
    ['east', `q${q}`, 'm', q < 5 ? 0 : 1],
    ['west', `q${q}`, 'm', 1],
  ]);
  const three = ['m', 'n', 'o'].flatMap((model) =>
    one.map(([a, q, , v]): [string, string, string, number] => [a, q, model, v]),
  );
  const [alone, cluster] = [await measured(one, 'share'), await measured(three, 'share')];
  assert.deepEqual(
    [alone, cluster].map(({ rows: [row] }) => [
      row.test,
      nine(row.p),
      Number(row.questions),
      Number(row.pairs),
      row.effect,
    ]),
    [
      ['exact McNemar', 1 / 16, 8, 8, 5 / 8],
      ['exact McNemar, clustered by question', 1 / 16, 8, 24, 5 / 8],
    ],
  );
});

test('the same question asked twice makes two pairs, and order does not matter', async () => {
  const cells = questions(6).flatMap((q): [string, string, string, number][] => [
    ['east', `q${q >> 1}`, 'm', 100 + q],
    ['west', `q${q >> 1}`, 'm', 150 + q],
  ]);
  const [there, back] = [await measured(cells, 'median'), await measured(cells.reverse(), 'median')];
  assert.deepEqual(there.rows, back.rows);
  assert.deepEqual([Number(there.rows[0].questions), Number(there.rows[0].pairs), there.rows[0].effect], [3, 6, 50]);
});

test('so few questions that no difference could be shown have no smallest effect', async () => {
  const few = questions(5).flatMap((q): [string, string, string, number][] => [
    ['east', `q${q}`, 'm', 1],
    ['west', `q${q}`, 'm', 0],
  ]);
  const { rows } = await measured(few, 'share');
  assert.deepEqual([nine(rows[0].p), rows[0].smallest], [1 / 16, null]);
  const nothing = await measured(
    [
      ['east', 'q', 'm', 1],
      ['west', 'r', 'm', 1],
    ],
    'share',
  );
  assert.deepEqual([Number(nothing.rows[0].questions), nothing.rows[0].p, nothing.rows[0].test], [0, null, null]);
});

test('intervals are the ones that the literature and scipy give', async () => {
  const { rows } = await client.query(
    `select (beacon.share_interval(100, -9, 9)).*, (beacon.median_interval(array[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).low as median_low,
       (beacon.compare_pairs(array[0, 0, 0, 0], array[1, 2, 3, 5], null, 'mean')).low as mean_low`,
  );
  // Agresti and Min: (c - b) / (n + 2) -/+ t sqrt((b + c + 1 - (c - b)^2 / (n + 2)) / (n + 2)^2), t(101 degrees) = 1.983731.
  const half = (1.983731003 * Math.sqrt(10 - 81 / 102)) / 102;
  assert.ok(Math.abs(rows[0].low - (-9 / 102 - half)) < 1e-9 && Math.abs(rows[0].high - (-9 / 102 + half)) < 1e-9);
  // Of ten values the second and the ninth hold the median with 97.9 %.
  assert.equal(rows[0].median_low, 2);
  // scipy.stats.t.interval(0.95, 3, loc=2.75, scale=scipy.stats.sem([1, 2, 3, 5]))
  assert.ok(Math.abs(rows[0].mean_low - 0.0324691162) < 1e-9, `${rows[0].mean_low}`);
});
