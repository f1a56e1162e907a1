import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runnerDatabase } from './database.ts';
import { TestRouter } from './router.ts';
import { startRunner } from './service.ts';

const { url, client } = await runnerDatabase();
const router = new TestRouter();
const { api } = await startRunner({ DATABASE_URL: url, HYBRID_ROUTER_URL: await router.listen() });

const JOB = { models: ['a', 'b'], regions: ['us-east', 'eu-west'], questions: ['What is 2+2?', 'What is 3+3?'] };
const many = (n: number) => Array.from({ length: n }, (_, i) => `q${i}`);

test('a job is accepted with one execution a model x region x question, and all of them complete', async () => {
  const { status, headers, body } = await api.post('/api/v1/jobs/cross-region', JOB);
  assert.equal(status, 202);
  assert.equal(headers.get('location'), `/api/v1/jobs/${body.job_id}`);
  assert.equal(body.executions.length, 8);
  assert.deepEqual(Object.keys(body.executions[0]), ['id', 'model', 'region', 'question']);
  const cells = body.executions.map(({ model, region, question }: Record<string, string>) => [model, region, question]);
  assert.equal(new Set(cells.map(String)).size, 8);

  const executions = await api.ended(body.job_id);
  for (const execution of executions) {
    assert.equal(execution.status, 'completed');
    assert.equal(execution.attempt, 1);
    const { answer, provider, simulated, input_tokens, output_tokens } = execution.output_data;
    assert.deepEqual([answer, provider, simulated, input_tokens, output_tokens], ['4', 'test', true, 6, 1]);
    assert.equal(execution.receipt_data.execution_id, execution.id);
    assert.ok(execution.duration_ms > 0);
  }
  assert.deepEqual(new Set(router.asked.map((asked) => Object.keys(asked).join())), new Set(['model,region,question']));
  const job = await api.get(`/api/v1/jobs/${body.job_id}`);
  assert.equal(job.body.status, 'completed');
  assert.deepEqual(job.body.executions, { total: 8, pending: 0, processing: 0, completed: 8, failed: 0, cancelled: 0 });
  const one = await api.get(`/api/v1/executions/${executions[0].id}`);
  assert.deepEqual(one.body, executions[0]);
});

for (const [what, body, field] of [
  ['an unknown field', { ...JOB, priority: 1 }, 'priority'],
  ['no models', { ...JOB, models: undefined }, 'models'],
  ['an empty list', { ...JOB, regions: [] }, 'regions'],
  ['a wrong type', { ...JOB, questions: 'What is 2+2?' }, 'questions'],
  ['a wrong type in a list', { ...JOB, models: ['a', 7] }, 'models.1'],
  ['an empty question', { ...JOB, questions: [''] }, 'questions.0'],
  ['U+0000 in a question', { ...JOB, questions: ['a\0b'] }, 'questions.0'],
  ['a region no queue could be named after', { ...JOB, regions: ['us east'] }, 'regions.0'],
  ['a model named twice', { ...JOB, models: ['a', 'a'] }, 'models'],
  ['10,001 executions', { models: ['a'], regions: ['r'], questions: many(10_001) }, 'questions'],
  ['a list instead of an object', [JOB], 'body'],
  ['a body that is not valid JSON', '{"models":', 'body'],
] as const) {
  test(`${what} is refused with the name of the field`, async () => {
    const before = await client.query('select count(*)::int as n from runner.jobs');
    const { status, body: answer } = await api.post('/api/v1/jobs/cross-region', body);
    assert.equal(status, 400);
    assert.deepEqual([answer.error.code, answer.error.field], ['invalid_request', field]);
    const after = await client.query('select count(*)::int as n from runner.jobs');
    assert.equal(after.rows[0].n, before.rows[0].n);
  });
}

test('1,000 executions are accepted, run, and listed in pages that say what they leave out', async () => {
  const jobId = await api.submit({ regions: ['r1', 'r2'], questions: many(500) });
  const first = await api.get(`/api/v1/jobs/${jobId}/executions`);
  assert.equal(first.body.executions.length, 50);
  assert.equal(first.body.truncated, 950);
  const rest = await api.get(`/api/v1/jobs/${jobId}/executions?limit=1000&after=${first.body.next_after}`);
  assert.equal(rest.body.executions.length, 950);
  assert.equal(rest.body.truncated, 0);
  const executions = await api.ended(jobId);
  assert.equal(executions.filter(({ status }: { status: string }) => status === 'completed').length, 1000);
});

test('jobs are listed newest first', async () => {
  const older = await api.submit({ questions: ['older'] });
  const newer = await api.submit({ questions: ['newer'] });
  const { body } = await api.get('/api/v1/jobs?limit=1');
  assert.equal(body.jobs[0].id, newer);
  assert.ok(body.truncated >= 1);
  const next = await api.get(`/api/v1/jobs?limit=1&after=${body.next_after}`);
  assert.equal(next.body.jobs[0].id, older);
});

test('the same Idempotency-Key gives the same job, also to requests that come at once', async () => {
  const headers = { 'idempotency-key': 'key-1' };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => api.post('/api/v1/jobs/cross-region', JOB, headers)),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
  assert.equal(new Set(answers.map(({ body }) => JSON.stringify(body))).size, 1);
  assert.equal(answers.filter((answer) => answer.headers.get('idempotent-replayed') === null).length, 1);

  const other = await api.post('/api/v1/jobs/cross-region', { ...JOB, models: ['c'] }, headers);
  assert.equal(other.status, 422);
  assert.equal(other.body.error.code, 'idempotency_key_reused');
  const empty = await api.post('/api/v1/jobs/cross-region', JOB, { 'idempotency-key': '' });
  assert.deepEqual([empty.status, empty.body.error.field], [400, 'Idempotency-Key']);
});

test('what is not there is 404, and an id that is none is 400', async () => {
  assert.equal((await api.get('/api/v1/jobs/999999')).body.error.code, 'job_not_found');
  assert.equal((await api.get('/api/v1/jobs/999999/executions')).status, 404);
  assert.equal((await api.get('/api/v1/executions/999999')).body.error.code, 'execution_not_found');
  assert.equal((await api.post('/api/v1/jobs/999999/cancel', {})).status, 404);
  assert.deepEqual((await api.get('/api/v1/jobs/abc')).body.error.field, 'id');
  assert.equal((await api.get('/api/v1/jobs?limit=0')).body.error.field, 'limit');
  assert.equal((await api.get('/api/v1/jobs?page=2')).body.error.field, 'page');
  assert.equal((await api.get('/nowhere')).status, 404);
});

test('health names the router, health/tracing the flag', async () => {
  const { body } = await api.get('/health');
  assert.equal(body.status, 'ok');
  assert.match(body.router, /^http:\/\/127\.0\.0\.1:/);
  assert.equal((await api.get('/health/tracing')).body.enabled, false);
});
