// Differences of a job through its answers, as the runner writes them: which cells count, who is paired, what is said.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '@project-beacon/testkit';
import { addScore, jobDifferences } from '../../src/queries/differences.ts';
import { runQuery } from '../../src/queries/run.ts';
import { createPool } from '../../src/store/connect.ts';

const { client, url } = await testDatabase();
const pool = createPool(url, { applicationName: 'test', max: 1 });
after(() => pool.end());

let execution = 0;
interface Cell {
  job: string;
  question: string;
  region?: string;
  answer?: string;
  [more: string]: unknown;
}

/** Attempts as record_answer would store them. */
async function answer(cells: Cell[]): Promise<void> {
  const told = cells.map(({ job, ...more }) => ({ execution_id: ++execution, job_id: job, region: 'east', ...more }));
  await client.query(
    `insert into beacon.answers (execution_id, job_id, model_id, region, served_region, question_id, question, status, error_type, answer,
       answer_chars, answer_group, latency_ms, started_at, finished_at, source)
     select a.execution_id, a.job_id, 'm', a.region, a.served_region, coalesce(a.question_id, beacon.question_id(a.question)), a.question,
       case when a.answer is null then 'failed' else 'completed' end, a.error_type, a.answer, length(a.answer), beacon.answer_group(a.answer),
       a.latency_ms, '2026-11-20T10:00:00Z', '2026-11-20T10:00:01Z', 'runner'
     from jsonb_populate_recordset(null::beacon.answers, $1) a`,
    [JSON.stringify(told)],
  );
}

const differences = async (params: Record<string, unknown>) => (await runQuery(pool, jobDifferences, params)).rows;
const questions = (count: number) => Array.from({ length: count }, (_, n) => `question ${n}`);

test('only what was answered is compared, and a slow region is told from equal ones with its effect', async () => {
  const regions = [
    ['east', 0],
    ['north', 2],
    ['west', 300],
  ] as const;
  await answer(
    questions(30).flatMap((question, n) =>
      regions.map(([region, plus]) => ({
        ...{
          job: 'slow',
          question,
          region,
          latency_ms: 500 + 10 * n + plus * (region === 'west' || n % 2 === 0 ? 1 : -1),
        },
        ...(region === 'west' && n < 5 ? { error_type: 'rate_limit_exceeded' } : { answer: 'Paris' }),
        // Asked for in the north, answered in the south: it says nothing about the north.
        ...(region === 'north' && n === 29 && { served_region: 'south' }),
      })),
    ),
  );
  const rows = await differences({ job_id: 'slow' });
  assert.deepEqual(
    rows.map(({ a, b, different, questions: n, left_out }) => [a, b, different, n, left_out]),
    [
      ['east', 'west', true, 25, 10],
      ['north', 'west', true, 24, 12],
      ['east', 'north', false, 29, 2],
    ],
  );
  const [east] = rows;
  assert.ok(Number(east?.low) > 290 && Number(east?.high) < 335, JSON.stringify(east));
  assert.match(String(east?.said), /^latency of west is 3\d\d ms higher than that of east, over 25 questions\.$/);
  assert.match(
    String(rows[2]?.said),
    /^No difference shown between east and north over 29 questions; one of [\d.]+ ms would/,
  );
});

test('scores decide what is correct; expected answers are scored by rules, and a job against a job knows which is new', async () => {
  const capitals = questions(24);
  for (const job of ['new', 'old']) {
    await answer(
      capitals.map((question, n) => ({
        ...{ job, question, question_id: `q${n}`, answer: job === 'new' && n < 12 ? 'Lyon' : `It is **Paris ${n}**.` },
      })),
    );
    await client.query(
      `insert into beacon.expected_answers (job_id, question_id, scorer, expected)
       select $1, 'q' || n, 'contains', 'paris ' || n from generate_series(0, 23) n`,
      [job],
    );
    await client.query('select beacon.score_job($1)', [job]);
  }
  const [row] = await differences({ job_id: 'new', by: 'job', against: 'old' });
  assert.deepEqual([row?.measure, row?.a, row?.b, row?.effect, row?.different], ['correct', 'old', 'new', -0.5, true]);
  assert.equal(row?.said, 'correct of new is 50.0 points lower than that of old, over 24 questions.');
  const { rows: again } = await client.query(`select beacon.score_job('new')`);
  assert.equal(again[0].score_job, 0, 'nothing changed');
  // A person knows better, and says so under the same name; the mean of both judges counts.
  await runQuery(pool, addScore, {
    execution_id: '91',
    name: 'correct',
    value: '1',
    source: 'a person',
    explanation: 'It says password=hunter2x9 as it should.',
  });
  const { rows: judged } = await client.query(
    `select count(*) as n from beacon.scores where explanation like '%hunter2x9%'`,
  );
  assert.equal(judged[0].n, '0');
  await assert.rejects(differences({ job_id: 'new', measure: 'beauty' }), /has no measure "beauty"/);
  await assert.rejects(differences({ job_id: 'none' }), { code: 'not_found' });
});

test('an answer is scored as its scorer says', async () => {
  const said = async (...args: (string | null)[]) =>
    (await client.query('select beacon.score_answer($1, $2, $3, $4) as s', args)).rows[0].s;
  assert.equal(await said('exact', 'Paris', null, ' **paris**. '), 1);
  assert.equal(await said('exact', 'Paris', null, 'It is Paris'), 0);
  assert.equal(await said('regex', '^\\d+ km$', null, '12 km'), 1);
  assert.equal(await said('regex', '(', null, '12 km'), null, 'an expression that is none scores nothing');
  const fenced = '```json\n{"answer": {"city": "Paris"}}\n```';
  assert.equal(await said('json', 'paris', 'answer.city', fenced), 1);
  assert.equal(await said('json', 'paris', 'answer.town', fenced), 0);
  assert.equal(await said('json', 'paris', 'answer', '{"answer": '), 0);
  assert.equal(await said('exact', 'Paris', null, null), null);
});
