import assert from 'node:assert/strict';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { eventually, runnerDatabase } from './database.ts';
import { ANSWER, refuse, TestRouter } from './router.ts';
import { startRunner } from './service.ts';

const { url } = await runnerDatabase();
const router = new TestRouter();
const routerUrl = await router.listen();
const { api } = await startRunner({ DATABASE_URL: url, HYBRID_ROUTER_URL: routerUrl, EXECUTION_TIMEOUT_MS: '250' });

for (const [status, code] of [
  [429, 'rate_limit_exceeded'],
  [502, 'malformed_response'],
  [503, 'out_of_memory'],
  [504, 'timeout'],
] as const) {
  test(`${status} ${code} is tried again, and the second answer counts`, async () => {
    const question = `once ${status}`;
    router.answer = () => (router.count(question) === 1 ? refuse(status, code) : ANSWER);
    const [execution] = await api.ended(await api.submit({ questions: [question] }));
    assert.deepEqual([execution.status, execution.attempt, execution.error_type], ['completed', 2, null]);
  });
}

for (const [status, code] of [
  [400, 'invalid_request'],
  [401, 'invalid_api_key'],
  [404, 'model_not_found'],
  [500, 'configuration_error'],
] as const) {
  test(`${status} ${code} is final`, async () => {
    const question = `never ${status}`;
    router.answer = () => refuse(status, code);
    const jobId = await api.submit({ questions: [question] });
    const [execution] = await api.ended(jobId);
    assert.deepEqual([execution.status, execution.attempt, execution.error_type], ['failed', 1, code]);
    assert.equal(execution.error_message, `refused with ${code}`);
    assert.equal(execution.output_data, null);
    assert.equal(router.count(question), 1);
    assert.equal((await api.get(`/api/v1/jobs/${jobId}`)).body.status, 'failed');
  });
}

test('attempts are limited, and a router that never answers is a timeout', async () => {
  router.answer = () => new Promise(() => {});
  const [execution] = await api.ended(await api.submit({ questions: ['never answered'] }));
  assert.deepEqual([execution.status, execution.attempt, execution.error_type], ['failed', 2, 'timeout']);
  assert.equal(router.count('never answered'), 2);
});

test('a retry waits at least as long as the router asks for', async () => {
  const times: number[] = [];
  router.answer = () => {
    times.push(performance.now());
    return times.length === 1 ? refuse(429, 'rate_limit_exceeded', { 'retry-after': '1' }) : ANSWER;
  };
  await api.ended(await api.submit({ questions: ['slower, please'] }));
  assert.ok(times[1]! - times[0]! >= 990);
});

test('one failing execution leaves the others of its job alone', async () => {
  router.answer = ({ region }) => (region === 'eu-west' ? refuse(401, 'invalid_api_key') : ANSWER);
  const executions = await api.ended(await api.submit({ regions: ['us-east', 'eu-west'], questions: ['q1', 'q2'] }));
  const failed = executions.filter(({ status }: { status: string }) => status === 'failed');
  assert.deepEqual(new Set(failed.map(({ region }: { region: string }) => region)), new Set(['eu-west']));
  assert.equal(failed.length, 2);
});

test('a region runs as many executions at once as it may, and other regions do not wait for it', async () => {
  const waiting: (() => void)[] = [];
  router.answer = ({ region }) =>
    region === 'us-east' ? new Promise((resolve) => waiting.push(() => resolve(ANSWER))) : ANSWER;
  const own = await runnerDatabase();
  const limited = await startRunner({
    DATABASE_URL: own.url,
    HYBRID_ROUTER_URL: routerUrl,
    REGION_CONCURRENCY: '4,us-east=3',
  });
  const questions = Array.from({ length: 9 }, (_, i) => `together ${i}`);
  const full = await limited.api.submit({ questions });
  await eventually('the region is full', async () => waiting.length === 3);
  await limited.api.ended(await limited.api.submit({ regions: ['eu-west'], questions: ['elsewhere'] }));
  const { body } = await limited.api.get(`/api/v1/jobs/${full}`);
  assert.deepEqual([body.executions.processing, body.executions.pending, waiting.length], [3, 6, 3]);
  router.answer = () => ANSWER;
  for (const answer of waiting) answer();
  await limited.api.ended(full);
  await limited.close();
});

test('a cancelled job keeps what has ended and drops the rest, also what is running', async () => {
  const running: (() => void)[] = [];
  router.answer = ({ question }) =>
    question === 'quick' ? ANSWER : new Promise((resolve) => running.push(() => resolve(ANSWER)));
  // With the time an execution usually has: what runs must still be running when it is cancelled.
  const own = await runnerDatabase();
  const { api, close } = await startRunner({ DATABASE_URL: own.url, HYBRID_ROUTER_URL: routerUrl });
  const jobId = await api.submit({ questions: ['quick', 'slow'] });
  await eventually('one is running, the other has ended', async () => {
    const { body } = await api.get(`/api/v1/jobs/${jobId}`);
    return running.length === 1 && body.executions.completed === 1;
  });
  const cancelled = await api.post(`/api/v1/jobs/${jobId}/cancel`, {});
  assert.equal(cancelled.status, 200);
  assert.equal(cancelled.body.status, 'cancelled');
  assert.equal(cancelled.body.cancelled_executions.length, 1);
  for (const answer of running) answer();
  const executions = await api.ended(jobId);
  assert.deepEqual(
    executions.map(({ question, status }: Record<string, string>) => [question, status]),
    [
      ['quick', 'completed'],
      ['slow', 'cancelled'],
    ],
  );
  const again = await api.post(`/api/v1/jobs/${jobId}/cancel`, {});
  assert.deepEqual(again.body.cancelled_executions, []);
  await close();
});

test('without a router every execution fails at once, says which setting is missing, and is not tried again', async () => {
  const own = await runnerDatabase();
  const lost = await startRunner({ DATABASE_URL: own.url });
  assert.equal((await lost.api.get('/health')).body.router, 'not configured');
  const executions = await lost.api.ended(await lost.api.submit({ questions: ['q1', 'q2'] }));
  for (const execution of executions) {
    assert.deepEqual([execution.status, execution.attempt], ['failed', 1]);
    assert.equal(execution.error_type, 'configuration_error');
    assert.match(execution.error_message, /^HYBRID_ROUTER_URL is not set/);
    assert.equal(execution.output_data, null);
  }
  await lost.close();
});

test('a router that refuses connections is tried again, then given up', async () => {
  const own = await runnerDatabase();
  const closed = http.createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const refused = await startRunner({ DATABASE_URL: own.url, HYBRID_ROUTER_URL: `http://127.0.0.1:${port}` });
  const [execution] = await refused.api.ended(await refused.api.submit({ questions: ['q'] }));
  assert.deepEqual([execution.attempt, execution.error_type], [2, 'connection_refused']);
  await refused.close();
});
