// Questions that come with ids, expected answers and judgements, through the runner to scores.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';
import { run } from '../../../packages/server/test/cli/run.ts';
import { runnerDatabase } from './database.ts';
import { ANSWER, TestRouter } from './router.ts';
import { startRunner } from './service.ts';

const { url, client } = await runnerDatabase();
const router = new TestRouter();
const { api } = await startRunner({ DATABASE_URL: url, HYBRID_ROUTER_URL: await router.listen() });
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'beacon-questions-'));
after(() => fs.rmSync(dir, { recursive: true, force: true }));
const ANSWERS: Record<string, string> = {
  'Capital of France?': 'paris.',
  'Name a prime below 12, with a comma': 'I would say 7, of course.',
  'A year of this century?': '2026',
  'As JSON: 2+2': 'Sure: {"result": {"value": "4"}}',
};
router.answer = ({ question, model }) => ({
  ...ANSWER,
  body: {
    ...ANSWER.body,
    answer: model === 'the-judge' ? judged(question) : (ANSWERS[question] ?? 'none'),
    ...(model === 'the-judge' && { responseModel: 'the-judge-2026' }),
  },
});

/** A judge that likes what is short, and once forgets what it was asked for. */
function judged(prompt: string): string {
  const { question, answer } = JSON.parse(prompt.slice(prompt.lastIndexOf('\n') + 1));
  if (question.startsWith('A year')) return 'I like it.';
  return `Here you are: ${JSON.stringify({ score: answer.length < 10 ? 1 : 0.25, why: 'length' })}`;
}

const beacon = (...args: string[]) => run(args, { DATABASE_URL: url, RUNNER_URL: api.url });
function file(name: string, content: string): string {
  const where = path.join(dir, name);
  fs.writeFileSync(where, content);
  return where;
}
const submit = (questions: string, ...more: string[]) =>
  beacon('submit', '--questions', questions, '--models', 'm-1,m-2', '--regions', 'us-east', ...more);
const JSONL = [
  { id: 'france', question: 'Capital of France?', expected: 'Paris' },
  { question: 'Name a prime below 12, with a comma', expected: '7', scorer: 'contains', score: 'prime' },
  { question: 'A year of this century?', expected: '^20\\d\\d$', scorer: 'regex' },
  { question: 'As JSON: 2+2', expected: '4', scorer: 'json', field: 'result.value' },
  { question: 'Nothing is expected of this one' },
];

test('a file of questions is submitted, its progress shown, its answers scored by what was expected, and judged', async () => {
  const jsonl = file('questions.jsonl', `${JSONL.map((row) => JSON.stringify(row)).join('\n')}\n`);
  const { code, out, err } = await submit(jsonl, '--wait');
  assert.equal(code, 0, out + err);
  const job = /^Job (\d+): 10 of 10 completed, 0 failed\.$/m.exec(out)?.[1] as string;
  assert.ok(job, out);
  assert.match(err, /5 questions, 4 with an expected answer; sent 100 %/);
  assert.match(err, /ended 100 %/);
  await client.query('select beacon.score_recent_jobs()');
  const scores = await client.query(
    `select name, source, value, count(*)::integer as n from beacon.scores where job_id = $1 group by 1, 2, 3 order by 1, 2`,
    [job],
  );
  assert.deepEqual(scores.rows, [
    { name: 'correct', source: 'rule:exact', value: 1, n: 2 },
    { name: 'correct', source: 'rule:json', value: 1, n: 2 },
    { name: 'correct', source: 'rule:regex', value: 1, n: 2 },
    { name: 'prime', source: 'rule:contains', value: 1, n: 2 },
  ]);
  const ids = await client.query('select distinct question_id from beacon.answers where job_id = $1', [job]);
  assert.ok(ids.rows.some(({ question_id }) => question_id === 'france'));

  const judging = await beacon('judge', job, '--model', 'the-judge', '--region', 'eu-west', '--score', 'short');
  assert.equal(judging.code, 0, judging.err);
  const judge = /^Job (\d+) judges 10 answers/.exec(judging.out)?.[1];
  await api.ended(Number(judge));
  await client.query('select beacon.score_recent_jobs()');
  const short = await client.query(
    `select value, explanation, count(*)::integer as n from beacon.scores
     where job_id = $1 and source = 'judge:the-judge-2026' and name = 'short' group by 1, 2 order by 1`,
    [job],
  );
  assert.deepEqual(
    short.rows,
    [
      { value: 0.25, explanation: 'length', n: 4 },
      { value: 1, explanation: 'length', n: 4 },
    ],
    'one that gave no score made none',
  );
  assert.equal((await api.get(`/api/v1/jobs/${judge}`)).body.executions.completed, 10, 'each is an execution');
});

test('what is wrong with a file is said with its line, and nothing is submitted', async () => {
  const before = (await client.query('select count(*)::integer as n from runner.jobs')).rows[0].n;
  const cases: [name: string, content: string, said: RegExp][] = [
    ['a.jsonl', '{"question": "1"}\n\n{"question": ""}\n', /a\.jsonl, line 3: question: /],
    ['b.jsonl', '{"question": "1"}\nnot JSON\n', /b\.jsonl, line 2: this is not one JSON object a line/],
    ['c.jsonl', '{"question": "1", "answer": "2"}\n', /c\.jsonl, line 1: answer is not a known column/],
    ['d.csv', '# remark\nid,question\n1,"two\nlines"\n1,again\n', /d\.csv, line 5: the id "1" is in line 3 already/],
    ['e.csv', 'question,scorer\nwhy?,exact\n', /e\.csv, line 2: expected is missing/],
    ['f.csv', 'question,expected,scorer\nwhy?,because,fuzzy\n', /f\.csv, line 2: scorer: /],
    ['g.csv', 'question,expected\n"open', /g\.csv: Line 2: a quotation mark is not closed/],
    ['h.csv', 'question\n', /h\.csv: there is no question in it/],
    // Only PostgreSQL can say that of its regular expressions.
    ['i.csv', 'question,expected,scorer\nok?,x,exact\nwhy?,(,regex\n', /i\.csv, line 3: expected: is no regular/],
  ];
  for (const [name, content, said] of cases) {
    const { code, err } = await submit(file(name, content));
    assert.deepEqual([code, said.test(err)], [2, true], err);
  }
  const missing = await submit(path.join(dir, 'none.jsonl'));
  assert.deepEqual([missing.code, /There is no file/.test(missing.err)], [4, true], missing.err);
  const many = file('many.csv', `question\n${Array.from({ length: 6000 }, (_, n) => `question ${n}`).join('\n')}\n`);
  assert.match((await submit(many)).err, /2 x 1 x 6000 = 12000 executions; a job has at most 10000/);
  assert.equal((await client.query('select count(*)::integer as n from runner.jobs')).rows[0].n, before);
});

test('a job of 2,500 questions is taken whole', async () => {
  const content = Array.from({ length: 2500 }, (_, n) => `q${n},"Which, ${'x'.repeat(400)} ${n}?",${n}`).join('\n');
  const { code, out, err } = await submit(file('large.csv', `id,question,expected\n${content}\n`), '--json');
  assert.equal(code, 0, err);
  assert.match(err, /sent 50 %\n|sent 5\d %\n/);
  const { job_id: job, executions } = JSON.parse(out).rows[0];
  assert.equal(executions, 5000);
  await api.post(`/api/v1/jobs/${job}/cancel`, {});
  const expected = await client.query('select count(*)::integer as n from beacon.expected_answers where job_id = $1', [
    job,
  ]);
  assert.equal(expected.rows[0].n, 2500);
});
