import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { runnerDatabase } from './database.ts';
import { ANSWER, refuse, TestRouter } from './router.ts';
import { startRunner } from './service.ts';

/** `npm run test:long` runs more jobs. */
const JOBS = Number(process.env.PLANTED_JOBS ?? 2);
const QUESTIONS = 40;
const REGIONS = ['us-east', 'eu-west'];

const { url, client } = await runnerDatabase();
const router = new TestRouter();
const { api, lines } = await startRunner({
  DATABASE_URL: url,
  HYBRID_ROUTER_URL: await router.listen(),
  EXECUTION_TIMEOUT_MS: '5000',
  MAX_ATTEMPTS: '1',
});
const md5 = (text: string) => createHash('md5').update(text).digest('hex').slice(0, 12);
const cells = async (job: number) =>
  (await client.query('select * from beacon.execution_cells($1) order by execution_id', [String(job)])).rows;
const served = (answer: string, more: object = {}) => ({ ...ANSWER, body: { ...ANSWER.body, answer, ...more } });

test('an attempt is stored with what served it, its receipt signs that, and content that is off leaves hashes', async () => {
  router.answer = () =>
    served('Paris', {
      responseModel: 'm-2026',
      finishReason: 'stop',
      servedRegion: 'us-west',
      systemFingerprint: 'fp',
      quantisation: 'q4',
      firstChunkMs: 12,
      chunksPerS: 80,
      usage: { inputTokens: 6, outputTokens: 1, cachedTokens: 2, reasoningTokens: 0 },
    });
  const job = await api.submit({ questions: ['Capital of France?'] });
  const [execution] = await api.ended(job);
  const [cell] = await cells(job);
  const { validity, answer, region, served_region, response_model, quantisation, cached_tokens, first_chunk_ms } = cell;
  assert.deepEqual(
    [validity, answer, region, served_region, response_model, quantisation, cached_tokens, first_chunk_ms],
    ['answered', 'Paris', 'us-east', 'us-west', 'm-2026', 'q4', '2', 12],
  );
  const { body } = await api.get(`/api/v1/executions/${execution.id}/receipts`);
  const [{ attempt, valid, receipt }] = body.receipts;
  assert.deepEqual(
    [attempt, valid, receipt.served_region, receipt.system_fingerprint, receipt.cached_tokens, receipt.version],
    [1, true, 'us-west', 'fp', 2, 2],
  );
  await client.query(
    `update runner.receipts set receipt_data = receipt_data || '{"served_region": "us-east"}' where execution_id = $1`,
    [execution.id],
  );
  const changed = (await api.get(`/api/v1/executions/${execution.id}/receipts`)).body.receipts[0];
  assert.match(changed.problems[0], /signature does not match/);

  const secret = ['hunter', '2x9'].join('');
  router.answer = () => served(`password=${secret}`, { systemFingerprint: `token=${secret}` });
  const told = await api.submit({ questions: [`Is api_key=${secret} safe?`, 'Fail'] });
  await api.ended(told);
  router.answer = () => ({
    status: 400,
    body: { error: { code: 'invalid_request', message: `Bad PASSWORD=${secret}` } },
  });
  const refused = await api.submit({ questions: [`Is api_key=${secret} safe?`] });
  await api.ended(refused);
  const stored = await client.query('select a::text as row from beacon.answers a');
  assert.doesNotMatch(JSON.stringify([stored.rows, lines]), new RegExp(secret));
  assert.match(JSON.stringify(stored.rows), /\[redacted\]/);
  assert.deepEqual(
    (
      await client.query('select question_id from beacon.answers where job_id = any ($1)', [[`${told}`, `${refused}`]])
    ).rows.filter(({ question_id }) => question_id === md5(`Is api_key=${secret} safe?`)).length,
    2,
    'the id is that of what was asked',
  );
  router.answer = () => served('Paris');

  const silent = await startRunner({ DATABASE_URL: url, HYBRID_ROUTER_URL: router.url, BEACON_CONTENT: 'off' });
  const quiet = await silent.api.submit({ regions: ['nowhere-else'], questions: ['Capital of Spain?'] });
  await silent.api.ended(quiet);
  await silent.close();
  const { rows } = await client.query('select question, answer, answer_chars from beacon.answers where job_id = $1', [
    String(quiet),
  ]);
  assert.deepEqual(rows, [{ question: null, answer: null, answer_chars: 5 }]);
});

test('of planted 429s, time-outs and empty answers none counts as an answer, and a rerun completes each cell once', async () => {
  const planted = (question: string) => Number(question.split(' ')[1]) % 10 === 3;
  const faultOf = (question: string) =>
    ['rate_limit_exceeded', 'timeout', 'empty_output'][Math.floor(Number(question.split(' ')[1]) / 10) % 3] as string;
  let healthy = false;
  let round = 0;
  router.answer = ({ question, region }) => {
    if (healthy || !planted(question)) return served(`answer of ${region}`);
    const fault = faultOf(question);
    if (fault === 'rate_limit_exceeded') return refuse(429, fault);
    // The first job waits for real; all the others would take minutes.
    if (fault === 'timeout') return round === 0 ? new Promise(() => {}) : refuse(504, fault);
    return refuse(502, fault);
  };
  const questions = Array.from({ length: QUESTIONS }, (_, i) => `question ${i}`);
  for (; round < JOBS; round++) {
    healthy = false;
    const job = await api.submit({ regions: REGIONS, questions });
    await api.ended(job);
    const before = await cells(job);
    for (const { question, validity, answer, error_type } of before) {
      const fault = planted(question) ? faultOf(question) : null;
      const expected = fault === 'empty_output' ? 'empty' : 'infrastructure';
      // On a busy machine a wait for real can end before the runner's limit, and is named by what ended it.
      if (fault !== 'timeout' || round > 0) assert.equal(error_type, fault, question);
      assert.equal(validity, planted(question) ? expected : 'answered', question);
      assert.equal(answer === null, planted(question), question);
    }
    healthy = true;
    router.asked.length = 0;
    // Asked three times at once: each cell is taken by one of them.
    const asked = ['infrastructure', 'failed', 'failed'].map((only) => api.post(`/api/v1/jobs/${job}/rerun`, { only }));
    const taken = (await Promise.all(asked)).flatMap(({ status, body }) => {
      assert.equal(status, 202);
      return body.executions as number[];
    });
    await api.ended(job);
    const failed = before
      .filter(({ validity }) => validity !== 'answered')
      .map(({ execution_id }) => Number(execution_id));
    assert.deepEqual(
      taken.sort((a, b) => a - b),
      failed,
    );
    assert.equal(router.asked.length, failed.length, 'no question was asked twice');
    const after = await cells(job);
    assert.ok(after.every(({ validity }) => validity === 'answered'));
    assert.equal(
      after.filter(({ first_validity }) => first_validity !== 'answered').length,
      failed.length,
      'the first try stays',
    );
    const { rows } = await client.query(
      `select count(*) filter (where n = 1)::integer as once, count(*)::integer as all from (
         select execution_id, count(*) as n from beacon.answers where job_id = $1 and status = 'completed' group by execution_id) k`,
      [String(job)],
    );
    assert.deepEqual(rows[0], { once: before.length, all: before.length });
    const none = await api.post(`/api/v1/jobs/${job}/rerun`, { only: 'failed' });
    assert.deepEqual(none.body.executions, [], 'nothing is left');
  }
});

test('a rerun keeps to its region, takes flaky cells only when asked to, and refuses what it does not know', async () => {
  let answer = 'A';
  router.answer = ({ region }) => (region === 'eu-west' ? served(answer) : refuse(503, 'out_of_memory'));
  const job = await api.submit({ regions: REGIONS, questions: ['one', 'two'] });
  await api.ended(job);
  assert.equal(
    (await api.post(`/api/v1/jobs/${job}/rerun`, { only: 'failed', region: 'eu-west' })).body.executions.length,
    0,
  );
  const [first] = await cells(job);
  answer = 'B';
  await client.query(
    `update runner.executions set status = 'pending', completed_at = null, max_attempts = 2 where job_id = $1 and region = 'eu-west'
     and question = 'one'`,
    [job],
  );
  const waiting = await api.post(`/api/v1/jobs/${job}/rerun`, { only: 'failed', region: 'us-east' });
  assert.equal(waiting.body.executions.length, 2);
  await api.ended(job);
  const flaky = (await cells(job)).filter(({ validity }) => validity === 'flaky');
  assert.deepEqual(
    flaky.map(({ question, first_answer }) => [question, first_answer]),
    [['one', 'A']],
  );
  assert.ok(first);
  assert.equal((await api.post(`/api/v1/jobs/${job}/rerun`, { only: 'flaky' })).body.executions.length, 1);
  await api.ended(job);
  for (const [body, status] of [
    [{ only: 'everything' }, 400],
    [{ only: 'failed', region: 'mars' }, 400],
  ] as const)
    assert.equal((await api.post(`/api/v1/jobs/${job}/rerun`, body)).status, status);
  assert.equal((await api.post('/api/v1/jobs/999/rerun', { only: 'failed' })).status, 404);
});
