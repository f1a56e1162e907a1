// A job with a planted regression against the one before: exit code, table, JUnit, Markdown.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { gate as gateQuery } from '../../src/queries/gate.ts';
import { runQuery } from '../../src/queries/run.ts';
import { createPool } from '../../src/store/connect.ts';
import { run } from './run.ts';

const { client, url } = await testDatabase();
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-gate-'));
after(() => fs.rmSync(dir, { recursive: true, force: true }));
const gate = (...args: string[]) => run(['gate', ...args], { DATABASE_URL: url });

/** Twelve questions in two regions, `slower` times as slow; the cells that `fails` names fail, those that `wrong` names are wrong. */
async function job(
  name: string,
  first: number,
  slower = 1,
  fails: string[] = [],
  wrong: string[] = [],
  status = 'completed',
) {
  await client.query(
    `with cell as (
       select $2::bigint + 12 * r.nth + q as e, r.region, 'q' || q as q, format('What is 7 times %s? | <b>', q) as question,
         r.region || q = any ($4) as fails, r.region || q = any ($5) as wrong, (400 + 20 * q) * $3::double precision as ms
       from unnest(array['east', 'west']) with ordinality r (region, nth), generate_series(0, 11) q),
     answered as (
       insert into beacon.answers (execution_id, job_id, model_id, region, question_id, question, status, error_type, verdict, answer,
         answer_chars, answer_group, latency_ms, started_at, finished_at, source)
       select e, $1, 'm', region, q, question, case when fails then 'failed' else $6 end, case when fails then 'rate_limit_exceeded' end,
         case when fails then 'RATE_LIMITED' end, case when not fails then case when wrong then 'no' else 'yes' end end,
         case when not fails then 3 end, case when not fails then case when wrong then 2 else 1 end end, ms, now(), now(), 'runner'
       from cell)
     insert into beacon.scores (execution_id, job_id, name, value, source)
     select e, $1, 'correct', (not wrong)::integer, 'rule:exact' from cell where not fails`,
    [name, first, slower, fails, wrong, status],
  );
}

await job('old', 1000, 1, ['east11']);
await job('good', 2000, 1.02, ['east11']);
await job('bad', 3000, 1.3, ['east3', 'west4'], ['west5']);

test('a job that is as good as the one before passes; one that is worse does not, and says where and why', async () => {
  const good = await gate(
    'good',
    '--against',
    'old',
    '--max-regressions',
    '0',
    '--max-p95',
    '+10%',
    '--min-score',
    '0.9',
  );
  assert.equal(good.code, 0, good.out + good.err);
  assert.match(good.out, /^PASSED {2}job good against job old, 24 cells/);

  const files = ['junit', 'markdown'].map((kind) => path.join(dir, kind)) as [string, string];
  const bad = await gate(
    'bad',
    '--against',
    'old',
    '--max-p95',
    '+10%',
    '--max-cost',
    '+5%',
    '--junit',
    files[0],
    '--markdown',
    files[1],
  );
  assert.equal(bad.code, 1);
  assert.match(bad.out, /✖ regressions: 3: 2 newly failing, 0 missing, 1 score worse \(at most 0\)/);
  assert.match(bad.out, /✖ p95 latency: \d+ ms to \d+ ms \(\+30 %\) \(at most \+10 %\)/);
  assert.match(bad.out, /✖ cost: unknown: 21 cells have no known price/, 'what is not known passes no limit');
  assert.match(bad.out, /newly failing.*east.*RATE_LIMITED/);
  assert.match(bad.out, /latency of bad is \d+ ms higher than that of old, over 12 questions/);
  const [junit, markdown] = files.map((file) => fs.readFileSync(file, 'utf8')) as [string, string];
  assert.match(junit, /<testsuite name="job bad against job old" tests="7" failures="6">/);
  assert.match(
    junit,
    /<testcase classname="cells\.m\.east" name="What is 7 times 3\? \| &#60;b&#62;"><failure message="newly failing/,
  );
  assert.match(markdown, /^## ❌ Failed: job bad against job old\n\n\| check \| limit \| measured \|/);
  assert.match(
    markdown,
    /\| newly failing \| m \| west \| What is 7 times 4\? \\\| \\<b\\> \| infrastructure, RATE\\_LIMITED \| 3028 \|/,
  );

  const json = JSON.parse((await gate('bad', '--against', 'old', '--max-regressions', '3', '--json')).out);
  assert.deepEqual([json.passed, json.total.recovered, json.total.causes], [true, 1, { RATE_LIMITED: 2 }]);
});

test('a job that has not run, or lost cells, passes no gate; a wrong limit is refused', async () => {
  await job('running', 4000, 1, [], [], 'running');
  assert.match((await gate('running', '--against', 'old')).out, /✖ finished: 24 pending or cancelled/);
  await client.query(`create table kept as select * from beacon.answers where job_id = 'good'`);
  await client.query(`delete from beacon.answers where job_id = 'good' and region = 'west'`);
  const lost = await gate('good', '--against', 'old');
  assert.deepEqual([lost.code, /12 missing/.test(lost.out)], [1, true]);
  assert.equal((await gate('nothing', '--against', 'old')).code, 4);
  assert.equal((await gate('good', '--against', 'nothing')).code, 4);
  const wrong = await gate('good', '--against', 'old', '--max-p95', 'ten');
  assert.deepEqual([wrong.code, /max_p95 must be a change like \+10%/.test(wrong.err)], [2, true]);
  const compared = await run(['compare-jobs', 'old', 'bad'], { DATABASE_URL: url });
  assert.match(compared.out, /score worse.*correct 1 to 0/);
});

test('cost is judged where every cell that both answered has a price', async () => {
  await client.query(
    `update beacon.answers set input_tokens = 1000000, output_tokens = case when job_id = 'bad' then 2000000 else 1000000 end;
     select beacon.import_prices('[{"model": "m", "valid_from": "2026-01-01", "input": 1, "output": 1}]', 'test')`,
  );
  const bad = await gate('bad', '--against', 'old', '--max-regressions', '9', '--max-cost', '+5%');
  assert.match(bad.out, /✖ cost: 42 to 63 \(\+50 %\) \(at most \+5 %\)/);
  assert.equal((await gate('bad', '--against', 'old', '--max-regressions', '9', '--max-cost', '63')).code, 0);
});

test('answers that are not scored yet pass no gate: a wrong one would be one that changed', async () => {
  const pool = createPool(url, { applicationName: 'test', max: 1 });
  after(() => pool.end());
  await job('scored', 40_000);
  await job('unscored', 50_000, 1, [], ['east3']);
  await client.query(`delete from beacon.scores where job_id = 'unscored'`);
  await client.query(`insert into beacon.expected_answers (job_id, question_id, name, scorer, expected)
    select j, 'q' || q, 'correct', 'exact', 'yes' from unnest(array['scored', 'unscored']) j, generate_series(0, 11) q`);
  await client.query(
    `update beacon.answers set answer_group = beacon.answer_group(answer) where job_id in ('scored', 'unscored')`,
  );
  await client.query(`select beacon.score_job('scored')`);
  const checks = async () =>
    Object.fromEntries(
      (await runQuery(pool, gateQuery, { job_id: 'unscored', against: 'scored' })).rows.map((row) => [row.name, row]),
    );
  const before = await checks();
  assert.equal(before.scored?.ok, false);
  assert.equal(before.scored?.measured, '24 not yet');
  await client.query(`select beacon.score_job('unscored')`);
  const then = await checks();
  assert.equal(then.scored, undefined);
  assert.equal(then.regressions?.measured, '1: 0 newly failing, 0 missing, 1 score worse');
});
